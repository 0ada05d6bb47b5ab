"""Computed fields of records that are there: a changed description, large fan-outs, writers at the same time."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from runtime import queries, records, schema
from runtime.host import Host
from runtime.jobs.table import JOB
from runtime.queries import Query
from runtime.records import create, update
from runtime.records.computing import following, later, rebuilding
from runtime.records.operations import Operation
from tests import kit
from tests.computing import WORLD
from tests.recomputing import Writers, contended

PLAIN = re.sub(r"      (?:[a-z_]+): \{type: (?:formula|rollup|lookup).*\n", "", WORLD)
assert "rollup" not in PLAIN and "open_amount" not in PLAIN


def fill(host: Host, tenant: Any, deals: int = 30) -> None:
    with kit.workspace(host, tenant) as ws:
        create(ws, "exchange_rate", {"currency_code": "USD", "date": "2020-01-01", "rate": "7"})
        accounts = [create(ws, "account", {"name": f"A{at}", "industry": "it"}).id for at in range(3)]
        rows = [
            {
                "name": f"D{at}",
                "account": accounts[at % 3],
                "amount": str(at),
                "currency": "USD" if at % 5 == 0 else "CNY",
                "closes": f"2027-01-{1 + at % 28:02}",
                "lines": [{"what": "x", "quantity": "1.5", "price": str(at * 10)}],
            }
            for at in range(deals)
        ]
        records.bulk(ws, "deal", [Operation("create", each) for each in rows], all_or_nothing=True)
        create(ws, "visit", {"related": {"entity": "account", "id": accounts[0]}, "at": "2027-06-01T10:00:00Z"})


def test_fields_that_are_added_get_their_values_and_the_plan_says_how_many(host: Host) -> None:
    tenant = kit.tenant(host, PLAIN)
    fill(host, tenant)
    plan = schema.plan(host, tenant, kit.layers(WORLD))
    rows = {each.path: each.rows for each in plan.changes}
    assert rows["entities.deal.fields.weighted"] == 30 and rows["entities.account.fields.open_amount"] == 3
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    found = list(rebuilding.check(host, tenant))
    assert {each.entity: (each.records, each.wrong) for each in found} == {
        "deal": (30, 0), "line": (30, 0), "account": (3, 0),
    }  # fmt: skip
    with kit.workspace(host, tenant, write=False) as ws:
        [one] = queries.as_json(queries.find(ws, Query("account", where="name == 'A0'")))
    assert (one["deals_count"], one["last_visit"], one["rank"]) == (10, "2027-06-01T10:00:00Z", "b")
    usd, cny = [at for at in range(0, 30, 3) if at % 5 == 0], [at for at in range(0, 30, 3) if at % 5]
    assert Decimal(one["open_amount"]["amount"]) == 7 * sum(usd) + sum(cny)


def test_a_changed_formula_is_computed_anew_with_all_that_reads_it(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    fill(host, tenant, 6)
    after = WORLD.replace('value: "quantity * price"', 'value: "quantity * price * 2"')
    plan = schema.plan(host, tenant, kit.layers(after))
    assert plan.risk == "rewrites" and plan.id is not None
    schema.apply(host, tenant, plan.id)
    assert not [each.shown for each in rebuilding.check(host, tenant) if each.wrong]
    with kit.workspace(host, tenant, write=False) as ws:
        [one] = queries.as_json(queries.find(ws, Query("deal", where="name == 'D4'", fields=("total",))))
        [owner] = queries.as_json(queries.find(ws, Query("account", where="name == 'A1'", fields=("largest",))))
    assert (one["total"]["amount"], owner["largest"]["amount"]) == ("120.00", "120.00")


def test_many_records_that_follow_are_left_to_a_job(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host, WORLD)
    fill(host, tenant)
    monkeypatch.setattr(following, "AT_ONCE", 4)
    monkeypatch.setattr(later, "CHUNK", 3)
    with kit.workspace(host, tenant) as ws:
        [account] = queries.find(ws, Query("account", where="name == 'A0'")).rows
        update(ws, "account", account[0], {"industry": "health"})
    assert sum(each.wrong for each in rebuilding.check(host, tenant)) == 10
    done = _drain(host, tenant)
    assert done == 10
    assert not [each.shown for each in rebuilding.check(host, tenant) if each.wrong]


def _drain(host: Host, tenant: Any) -> int:
    """Do the jobs as the runner would, step by step; how many records they computed."""
    from runtime.jobs.drain import drain

    drain(host, tenant)
    with kit.workspace(host, tenant, write=False) as ws:
        rows = ws.db.execute(sa.select(JOB.c.result).where(JOB.c.kind == "recompute", JOB.c.state == "done"))
        return sum(each["records"] for each in rows.scalars())


def test_writers_at_the_same_time_leave_every_sum_exact(host: Host) -> None:
    found = contended(host, Writers(writers=4, writes=10, parents=3, seed=7))
    assert found.writes == 40 and found.wrong == 0, found


def _noting(statements: list[str], method: Any) -> Any:
    def noted(db: Any, text: str, *rest: Any, **more: Any) -> Any:
        statements.append(text)
        return method(db, text, *rest, **more)

    return noted


def test_a_row_among_thousands_is_quick(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a few statements, none of which reads the rows one by one."""
    tenant = kit.tenant(host, WORLD)
    with kit.workspace(host, tenant) as ws:
        deal = create(ws, "deal", {"name": "D"}).id
        rows = [Operation("create", {"deal": deal, "quantity": "2", "price": "10"}) for _ in range(3_000)]
        made = records.bulk(ws, "line", rows, all_or_nothing=True)
    statements: list[str] = []
    with kit.workspace(host, tenant) as ws:
        for name in ("fetch", "run"):
            monkeypatch.setattr(type(ws.db), name, _noting(statements, getattr(type(ws.db), name)))
        update(ws, "line", made[5].id or "", {"price": "110"})
    aggregates = [each for each in statements if "GROUP BY" in each]
    assert len(aggregates) == 1 and "FILTER" in aggregates[0]
    assert len(statements) <= 9, statements
    with kit.workspace(host, tenant, write=False) as ws:
        assert queries.get(ws, "deal", deal)["total"]["amount"] == "60200.00"
