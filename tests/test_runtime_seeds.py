"""Seeds are written by key, brought up to date and never put over what somebody changed; demos repeat exactly."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from runtime import demo, queries, records
from runtime.demo_names import names
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.seeds import apply_seeds
from tests import kit

SEEDS = (
    kit.MINI
    + """
seeds:
  companies:
    entity: company
    by: {name: {}}
    records:
      acme: {name: Acme, size: 5, industry: it}
      bolt: {name: Bolt, size: 7}
  units:
    entity: unit
    by: {name: {}}
    records:
      team: {name: Team, parent: World}
      world: {name: World}
  deals:
    entity: deal
    by: {name: {}}
    records:
      first: {name: First, company: Acme, amount: "12.50", closes: "2026-05-31"}
demo:
  small:
    seed: 7
    entities:
      user: {count: 5, fields: {name: {name: person}, email: {email: {}}}}
      company:
        count: 600
        fields:
          name: {name: company}
          industry: {pick: {it: 3, health: 1}}
          size: {number: {min: 1, max: 500}}
          owner: {link: {}}
      deal:
        count: 300
        fields:
          name: {text: "Deal {n}"}
          company: {link: {}}
          helpers: {link: {}}
          stage: {pick: [open, won, lost]}
          amount: {number: {min: 100, max: 9000, scale: 2}}
          closes: {date: {from_days: -365, to_days: 0}}
"""
)


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host, SEEDS)


def apply(host: Host, tenant: Tenant) -> int:
    with kit.workspace(host, tenant) as ws:
        return apply_seeds(ws)


def rows(host: Host, tenant: Tenant, entity: str, *fields: str) -> list[tuple[Any, ...]]:
    with kit.workspace(host, tenant, write=False) as ws:
        found = queries.stream(ws, Query(entity, fields=fields or ("name",), sort=("name",)))
        return [row for part in found for row in part]


def change(host: Host, tenant: Tenant, entity: str, called: str, **values: Any) -> None:
    with kit.workspace(host, tenant) as ws:
        (found,) = queries.find(ws, Query(entity, where=f"name == '{called}'", fields=("id",))).rows
        records.update(ws, entity, found[0], values)


def reword(host: Host, tenant: Tenant, old: str, new: str) -> None:
    """Publish the package with another text."""
    from runtime import schema

    plan = schema.plan(host, tenant, kit.layers(SEEDS.replace(old, new)))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)


def test_seeds_are_written_once(host: Host, tenant: Tenant) -> None:
    apply(host, tenant)
    assert apply(host, tenant) == 0
    assert rows(host, tenant, "company", "name", "size") == [("Acme", 5), ("Bolt", 7)]
    assert rows(host, tenant, "unit", "name", "parent.name") == [("Team", "World"), ("World", None)]
    ((name, company),) = rows(host, tenant, "deal", "name", "company.name")
    assert (name, company) == ("First", "Acme")


def test_a_new_version_brings_what_nobody_changed_up_to_date(host: Host, tenant: Tenant) -> None:
    apply(host, tenant)
    change(host, tenant, "company", "Acme", size=99)
    reword(host, tenant, "acme: {name: Acme, size: 5, industry: it}", "acme: {name: Acme, size: 6, industry: health}")
    apply(host, tenant)
    assert rows(host, tenant, "company", "name", "size", "industry") == [("Acme", 99, "health"), ("Bolt", 7, None)]
    assert apply(host, tenant) == 0


def test_a_renamed_or_deleted_seed_stays_as_it_is(host: Host, tenant: Tenant) -> None:
    apply(host, tenant)
    change(host, tenant, "company", "Acme", name="Acme Ltd")
    with kit.workspace(host, tenant) as ws:
        (found,) = queries.find(ws, Query("company", where="name == 'Bolt'", fields=("id",))).rows
        records.delete(ws, "company", found[0])
    assert apply(host, tenant) == 0
    assert rows(host, tenant, "company") == [("Acme Ltd",)]


def test_what_was_there_before_is_only_filled_in(host: Host) -> None:
    bare = SEEDS[: SEEDS.index("seeds:")]
    tenant = kit.tenant(host, bare)
    with kit.workspace(host, tenant) as ws:
        records.create(ws, "company", {"name": "Acme", "size": 1})
    from runtime import schema

    plan = schema.plan(host, tenant, kit.layers(SEEDS))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    apply(host, tenant)
    assert rows(host, tenant, "company", "name", "size", "industry") == [("Acme", 1, "it"), ("Bolt", 7, None)]


TODAY = dt.date(2026, 11, 21)


def test_a_demo_is_the_same_every_time(host: Host, tenant: Tenant) -> None:
    other = kit.tenant(host, SEEDS)
    heard: list[tuple[str, int, int]] = []
    made = demo.make(host, tenant, today=TODAY, tell=lambda *news: heard.append(news))
    assert made == demo.make(host, other, today=TODAY) == 905
    assert heard[-1] == ("deal", 300, 300)
    fields = ("name", "company.name", "stage", "amount", "closes")
    assert rows(host, tenant, "deal", *fields) == rows(host, other, "deal", *fields)


def test_a_demo_has_distinct_names_dates_and_links(host: Host, tenant: Tenant) -> None:
    demo.make(host, tenant, today=TODAY)
    companies = [row[0] for row in rows(host, tenant, "company")]
    assert len(set(companies)) == len(companies) >= 600
    assert sum(name.isascii() for name in companies) in range(100, 500)
    found = [
        row for row in rows(host, tenant, "deal", "closes", "company", "stage", "helpers", "name") if row[4] != "First"
    ]
    days = [row[0] for row in found]
    assert min(days) >= TODAY - dt.timedelta(days=365) and max(days) <= TODAY
    assert len({day.month for day in days}) == 12 and {row[2] for row in found} == {"open", "won", "lost"}
    assert all(row[1] and row[3] for row in found)


def test_names_never_end() -> None:
    import random

    for kind in ("person", "company", "product"):
        found = names(kind, random.Random(1))
        many = [next(found) for _ in range(9_000)]
        assert len(set(many)) == 9_000
