"""Standing proxies on demand: what was asked before a proxy came into force goes to him, and comes back after it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from metadata.problems import Forbidden, NotFound
from runtime import approvals, records
from runtime.host import Host
from tests.signing import NOW, Firm, firm


def _proxy(f: Firm, by: str, proxy: str, start: float = -1, end: float = 1, **more: Any) -> str:
    values = {
        "reason": "Holidays",
        "proxy": f.people[proxy],
        "from": (NOW + dt.timedelta(days=start)).isoformat(),
        "until": (NOW + dt.timedelta(days=end)).isoformat(),
        **more,
    }
    with f.as_(by) as ws:
        return records.create(ws, "proxy", values).id


def _represent(f: Firm, by: str, principal: str) -> int:
    with f.as_(by) as ws:
        return approvals.represent(ws, f.people[principal])


def _out_of_line(f: Firm, name: str) -> int:
    with f.as_(name, write=False) as ws:
        return approvals.out_of_line(ws)


def _waiting(f: Firm, *names: str) -> list[int]:
    return [len(f.box(name)) for name in names]


def test_a_proxy_gets_what_waits_already_when_he_is_told_to(host: Host) -> None:
    f = firm(host)
    for _ in range(3):
        f.submit(f.quote())
    assert _out_of_line(f, "bob") == 0
    _proxy(f, "bob", "dora", start=2, end=4)
    assert (_out_of_line(f, "bob"), _represent(f, "bob", "bob")) == (0, 0)  # not in force yet
    f.later(days=3)
    assert _out_of_line(f, "bob") == 3
    assert _waiting(f, "bob", "dora") == [3, 0]
    assert _represent(f, "bob", "bob") == 3
    assert _waiting(f, "bob", "dora") == [0, 3]
    assert (_out_of_line(f, "bob"), _represent(f, "bob", "bob")) == (0, 0)
    f.act("dora", "approve")
    lines = [each for each in f.show("ida")["history"] if each["verb"] in ("represent", "approve")]
    assert [(each["verb"], (each["on_behalf_of"] or {}).get("name")) for each in lines] == [
        ("represent", None),
        ("approve", "Bob"),
    ]


def test_what_a_proxy_has_not_decided_comes_back_after_him(host: Host) -> None:
    f = firm(host)
    proxy = _proxy(f, "bob", "dora")
    f.submit(f.quote())
    f.submit(f.quote())
    f.act("dora", "approve")
    assert _waiting(f, "bob", "dora") == [0, 1]
    with f.as_("bob") as ws:  # the dates change while the task is open
        records.update(ws, "proxy", proxy, {"until": (NOW - dt.timedelta(hours=1)).isoformat()})
    assert _out_of_line(f, "bob") == 1
    assert _represent(f, "bob", "bob") == 1
    assert _waiting(f, "bob", "dora") == [1, 0]
    assert len(f.box("dora", "done")) == 1


def test_a_proxy_beside_his_principal_is_added_and_taken_away(host: Host) -> None:
    f = firm(host)
    request = f.submit(f.quote())
    proxy = _proxy(f, "bob", "dora", both=True)
    assert _represent(f, "bob", "bob") == 1
    assert _waiting(f, "bob", "dora") == [1, 1]
    with f.as_("bob") as ws:
        records.delete(ws, "proxy", proxy)
    assert _represent(f, "bob", "bob") == 1
    assert _waiting(f, "bob", "dora") == [1, 0]
    assert f.asked(f.act("bob", "approve", request.id)) == ["cleo"]


def test_only_those_whom_it_concerns_demand_it(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    _proxy(f, "bob", "dora")
    for stranger in ("zoe", "ida", "cleo", "dan"):
        with pytest.raises(Forbidden):
            _represent(f, stranger, "bob")
    for nobody in ("00000000-0000-7000-8000-000000000000", "nobody"):
        with f.as_("bob") as ws, pytest.raises(NotFound):
            approvals.represent(ws, nobody)
    assert _waiting(f, "bob", "dora") == [1, 0]
    assert _represent(f, "dora", "bob") == 1  # the proxy himself, while his principal is away
    f.submit(f.quote())
    assert _represent(f, "kay", "bob") == 0
    assert _waiting(f, "bob", "dora") == [0, 2]


def test_a_circle_falls_to_who_looks_after_the_approval(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    _proxy(f, "bob", "dora")
    _proxy(f, "dora", "bob")
    assert _represent(f, "bob", "bob") == 1
    assert _waiting(f, "bob", "dora", "kay") == [0, 0, 1]


def test_a_task_that_was_transferred_stays_where_it_is(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    f.act("bob", "transfer", to=f.people["dan"], comment="yours")
    _proxy(f, "bob", "dora")
    assert _represent(f, "bob", "bob") == 0
    assert _waiting(f, "bob", "dan", "dora") == [0, 1, 0]
