"""How long decisions take: counted by node and person, in business time, for those who look after an approval."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.problems import BadRequest, Forbidden, NotFound
from runtime import approvals
from runtime.host import Host
from tests.signing import WORLD, Firm, firm

TIMED = WORLD.replace(
    "        bulk: true",
    "        bulk: true\n        timeout: {after: PT8H, calendar: office, then: remind}",
).replace(
    "roles:\n",
    """calendars:
  office:
    timezone: Asia/Shanghai
    hours: {monday: [09:00-12:00, 13:00-18:00], friday: [09:00-12:00, 13:00-18:00]}
roles:
""",
    1,
)


def _times(f: Firm, by: str = "kay", **more: Any) -> dict[str, Any]:
    with f.as_(by, write=False) as ws:
        return approvals.times(ws, approvals.period(more.get("first"), more.get("last"), more.get("approval")))


def test_times_are_told_by_node_and_person_in_business_time(host: Host) -> None:
    f = firm(host, TIMED)
    f.now = f.now.replace(hour=1)  # a Monday, nine in Shanghai
    for hours in (1, 2, 3):
        f.submit(f.quote())
        f.later(hours=hours)
        f.act("bob", "approve" if hours < 3 else "reject")
        f.now = f.now.replace(hour=1)
    f.now = f.now.replace(day=5, hour=9)  # Friday, five in Shanghai
    f.submit(f.quote())
    f.now = f.now.replace(day=8, hour=2)  # Monday, ten: an hour on each day
    f.act("bob", "approve")
    [told] = _times(f, first="2027-03-01", last="2027-03-31")["approvals"]
    boss = next(each for each in told["nodes"] if each["node"] == "boss")
    assert (boss["count"], boss["rejected"], boss["business"]) == (4, 1, True)
    assert (boss["median"], boss["p90"]) == (2 * 3600, 3 * 3600)
    money = next(each for each in told["nodes"] if each["node"] == "money")
    assert (money["count"], money["waiting"], money["median"]) == (0, 3, None)
    assert told["bottleneck"] == "boss"
    assert told["requests"] == {"running": 3, "rejected": 1}
    people = {each["person"]["name"]: (each["count"], each["median"], each["waiting"]) for each in told["people"]}
    assert people == {"Bob": (4, 7200, 0), "Cleo": (0, None, 3)}
    assert _times(f, first="2027-02-01", last="2027-02-28")["approvals"][0]["nodes"][0]["count"] == 0


def test_what_was_late_or_handed_on_is_counted(host: Host) -> None:
    f = firm(host, TIMED)
    f.submit(f.quote())
    f.later(days=5)
    f.act("bob", "return", comment="late")
    [told] = _times(f, first="2027-03-01", last="2027-03-31")["approvals"]
    boss = next(each for each in told["nodes"] if each["node"] == "boss")
    assert (boss["returned"], boss["overdue"], boss["timed_out"]) == (1, 1, 0)


def test_times_are_for_those_who_look_after_an_approval(sqlite_host: Host) -> None:
    f = firm(sqlite_host, TIMED)
    for stranger in ("bob", "ida", "zoe"):
        with pytest.raises(Forbidden):
            _times(f, stranger)
    with pytest.raises(NotFound):
        _times(f, approval="nothing")
    for first, last in (("x", None), ("2027-03-02", "2027-03-01"), ("2020-01-01", "2027-03-01")):
        with pytest.raises(BadRequest):
            _times(f, first=first, last=last)


def test_times_take_few_statements_however_much_there_was(sqlite_host: Host) -> None:
    f = firm(sqlite_host, TIMED)

    def cost() -> int:
        with f.as_("kay", write=False) as ws:
            before = ws.db.count
            approvals.times(ws, approvals.period(None, None, None))
            return ws.db.count - before

    f.submit(f.quote())
    cost()
    few = cost()
    for _ in range(6):
        f.submit(f.quote())
    assert cost() == few <= 8
