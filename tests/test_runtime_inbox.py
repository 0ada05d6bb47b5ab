"""One inbox for tasks of people, rules, workflows, promised times and for approvals (TS-01)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metadata.problems import BadRequest
from runtime import approvals, inbox, records
from runtime.host import Host
from tests.telling_later import Later, later

SHANGHAI = ZoneInfo("Asia/Shanghai")
PACKAGE = """
package: {code: held, version: 1.0.0, requires: {core: '>=1.0'}}
entities:
  deal:
    label: {en: Deal, zh: 商机}
    title: name
    owned: true
    fields: {name: {type: text, max: 80}}
  task:
    fields: {related: {to: {deal: {}}}}
roles:
  dealer: {entities: {deal: {read: own, create: own, update: own}}}
approvals:
  big:
    label: {en: Big deals, zh: 大额商机}
    entity: deal
    nodes:
      boss: {type: approve, who: {r: {by: role, role: dealer}}, empty: admin, timeout: {after: PT3H, then: reject}}
"""


@pytest.fixture
def here(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    with later(host, monkeypatch, PACKAGE) as found:
        yield found


def asked(here: Later, user: str, **more: Any) -> dict[str, Any]:
    with here.open(user, write=False) as ws:
        return inbox.inbox(ws, **more)


def test_all_that_waits_by_when_it_is_due(here: Later) -> None:
    boss, li = here.person("Boss", ("admin",)), here.person("Li", ("member", "dealer"))
    seen = here.made("deal", li, name="Nordwind")
    unseen = here.made("deal", boss, name="Hidden")
    about = {"entity": "deal", "id": seen}
    given: dict[str, dict[str, Any]] = {
        "none": {},
        "later": {"due": "2027-03-08", "source": "workflow"},
        "week": {"due": "2027-03-07", "related": {"entity": "deal", "id": unseen}},
        "today": {"due": "2027-03-01", "related": about, "priority": "high"},
        "overdue": {"due": "2027-02-28", "source": "rule"},
        "dropped": {"due": "2027-02-01", "status": "dropped"},
    }
    for title, values in given.items():
        here.made("task", boss, title=title, assignee=li, **values)
    here.made("task", boss, title="of another", due="2027-02-01")
    with here.open(boss) as ws:
        approvals.submit(ws, "deal", unseen)
    found = asked(here, li)
    assert found["next"] is None
    assert [(each["title"], each["group"], each["kind"]) for each in found["data"]] == [
        ("overdue", "overdue", "rule"),
        ("Big deals: Hidden", "today", "approval"),
        ("today", "today", "person"),
        ("week", "week", "person"),
        ("later", "later", "workflow"),
        ("none", "none", "person"),
    ]
    _, decide, today, week, *_ = found["data"]
    assert decide["approval"] == "Big deals"
    assert decide["from"] == {"id": boss, "name": "Boss"}
    assert today["about"] == {**about, "title": "Nordwind"}
    assert (today["from"], today["priority"]) == ({"id": boss, "name": "Boss"}, "high")
    assert week["about"] is None  # what he may not see is not named
    with here.open(li, write=False) as ws:
        assert inbox.count(ws) == 6
        assert inbox.counts(ws) == {"person": 3, "workflow": 1, "rule": 1, "sla": 0, "approval": 1}
    assert [each["title"] for each in asked(here, li, kind="workflow")["data"]] == ["later"]
    assert [each["title"] for each in asked(here, li, kind="approval")["data"]] == ["Big deals: Hidden"]
    pages, after = [], None
    while True:
        page = asked(here, li, limit=1, after=after)
        pages += [each["title"] for each in page["data"]]
        after = page["next"]
        if after is None:
            break
    assert pages == [each["title"] for each in found["data"]]
    for wrong in ("x", "bm8", "😀"):
        with pytest.raises(BadRequest):
            asked(here, li, after=wrong)
    done = found["data"][2]
    with here.open(li) as ws:
        records.update(ws, "task", done["id"], {"status": "done"}, done["version"])
    assert "today" not in [each["title"] for each in asked(here, li)["data"]]
    nobody = here.person("Nobody", ())
    with here.open(nobody, write=False) as ws:
        assert not inbox.has(ws)
        assert inbox.count(ws) == 0


def test_the_groups_of_a_week() -> None:
    monday = dt.datetime(2027, 3, 1, 10, tzinfo=SHANGHAI)
    due = [
        None,
        monday - dt.timedelta(seconds=1),
        monday.replace(hour=23),
        monday.replace(day=7),
        monday.replace(day=8),
    ]
    assert [inbox.group_of(each, monday, SHANGHAI) for each in due] == ["none", "overdue", "today", "week", "later"]
