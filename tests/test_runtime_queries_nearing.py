"""Lists under a rule over links: the same answers whichever end the database begins at, and few rows read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from metadata.access import Actor
from metadata.ids import uuid7
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query, aggregate, as_json, find, nearing
from runtime.queries.build import Build
from runtime.queries.prepare import ask, page_statement
from runtime.queries.query import Count
from runtime.workspace import Workspace
from tests import kit

ROLES = """
package: {code: nearing%s, kind: module}
entities:
  visit:
    label: {en: Visit, zh: 拜访}
    title: name
    access: {via: deal}
    fields:
      name: {type: text}
      deal: {type: link, to: deal, inverse: {key: visits}}
roles:
  path: {entities: {deal: {read: {where: "company.owner.name == 'Ann'"}}, company: {read: all}}}
  mixed:
    entities:
      deal: {read: {where: "company.owner == $user and amount == null or owner == $user"}}
      company: {read: all}
  near: {entities: {deal: {read: {where: "company.industry == 'it' and stage != 'lost'"}}, company: {read: all}}}
  alike: {entities: {deal: {read: {where: "company.name == $user.name"}}, company: {read: all}}}
  theirs: {entities: {deal: {read: {where: "company.owner in [$user, null]"}}, company: {read: all}}}
  own: {entities: {deal: {read: own}, company: {read: all}}}
  here: {entities: {deal: {read: {where: "stage == 'open' and owner == $user"}}, company: {read: all}}}
  unlike: {entities: {deal: {read: {where: "company.industry != 'it'"}}, company: {read: all}}}
"""
NAMES = {"alike": "Acme"}
"""Whose name matters."""
COUNTS: tuple[Count, ...] = ("capped", "exact")


@pytest.fixture(params=[10_000, 2], ids=["few", "many"])
def most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """With two, nearly every answer is one of many; statements are kept by the model, so each has its own."""
    monkeypatch.setattr(nearing, "MOST", request.param)
    yield request.param


def _world(host: Host, most: int, role: str) -> tuple[Tenant, str]:
    """Deals of five kinds: of four companies and of none. And the person who has the role."""
    tenant = kit.tenant(host, kit.MINI, ROLES % most)
    who = kit.person(host, tenant, NAMES.get(role, "Ann"), roles=(role,))
    other = kit.person(host, tenant, "Ben")
    with kit.workspace(host, tenant) as ws:
        described = (("Acme", who, "it"), ("Bolt", other, "health"), ("Core", who, "health"), ("Dash", None, "it"))
        companies = [
            kit.insert(ws, "company", name=name, owner=owner, industry=industry) for name, owner, industry in described
        ]
        for at in range(30):
            company = None if at % 5 == 4 else companies[at % 5]
            values = {"owner": who if at % 7 == 0 else None, "stage": ("open", "won", "lost")[at % 3]}
            deal = kit.insert(ws, "deal", name=f"D{at:02}", company=company, **values)
            kit.insert(ws, "visit", name=f"V{at:02}", deal=deal)
    return tenant, who


def _expected(role: str) -> list[str]:
    def meets(at: int) -> bool:
        company = at % 5
        match role:
            case "path":
                return company in (0, 2)
            case "mixed":
                return company in (0, 2) or at % 7 == 0
            case "near":
                return company in (0, 3) and at % 3 != 2
            case "alike":
                return company == 0
        return company in (0, 2, 3, 4)

    return [f"D{at:02}" for at in range(30) if meets(at)]


@pytest.mark.parametrize("role", ["path", "mixed", "near", "alike", "theirs"])
def test_both_ends_give_the_same_answers(host: Host, most: int, role: str) -> None:
    tenant, who = _world(host, most, role)
    expected = _expected(role)
    with kit.workspace(host, tenant, user=who, write=False) as ws:
        assert _walked(ws, "name") == expected
        assert _walked(ws, "-name") == expected[::-1]
        assert sorted(_walked(ws, "company.name")) == expected
        for count in COUNTS:
            assert find(ws, Query("deal", limit=1, count=count)).count == len(expected)
            later = find(ws, Query("deal", where="name >= 'D10'", limit=1, count=count))
            assert later.count == len([each for each in expected if each >= "D10"])
        assert aggregate(ws, "deal")[0]["count"] == len(expected)
        visits = as_json(find(ws, Query("visit", sort=("name",), fields=("name",), limit=50, count="exact")))
        assert [each["name"].replace("V", "D") for each in visits] == expected


def _walked(ws: Workspace, sort: str) -> list[str]:
    """Names of all deals, page by page."""
    query, found = Query("deal", sort=(sort,), fields=("name", "company.name"), limit=4), []
    while True:
        page = find(ws, query)
        found += [each["name"] for each in as_json(page)]
        if page.next is None:
            return found
        query = replace(query, after=page.next)


def test_a_page_begins_at_the_far_end(host: Host) -> None:
    tenant, who = _world(host, 1, "path")
    with kit.workspace(host, tenant, user=who, write=False) as ws:
        text = page_statement(ask(ws, Query("deal")), "first").prepared.sql
        assert ("near1 AS MATERIALIZED" in text) == (ws.db.dialect == "postgresql")


def test_only_what_has_a_narrow_end_is_looked_for_there(host: Host) -> None:
    cases = {
        ("path", "deal"): True,
        ("mixed", "deal"): True,
        ("path", "visit"): True,
        ("own", "visit"): True,
        ("own", "deal"): False,  # its own index serves it
        ("here", "deal"): False,
        ("unlike", "deal"): False,  # met by what has no company as well
        ("theirs", "deal"): False,
        ("admin", "deal"): False,
    }
    tenant = kit.tenant(host, kit.MINI, ROLES % 1)
    with kit.workspace(host, tenant, write=False) as ws:
        for (role, key), narrow in cases.items():
            entity = ws.model.entity(key)
            assert entity is not None
            build = Build(ws.model, Actor(user=str(uuid7()), name="Ann", roles=(role,)), ws.db.dialect)
            found = nearing.nearby(build, entity, "read")
            assert (found is not None) == (narrow and ws.db.dialect == "postgresql"), (role, key)
