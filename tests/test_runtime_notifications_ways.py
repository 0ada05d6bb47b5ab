"""By which way people are told: their choices, quiet hours over weekends, holidays and summer time, one digest."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metadata.calendars import WEEKDAYS, Calendar, SpecialDay
from metadata.problems import Invalid
from runtime import notifications, records
from runtime.host import Host
from runtime.notifications import choices
from runtime.notifications.kinds import GROUPS, group_of
from runtime.notifications.quiet import Quiet, clock_of, ends, minutes_of
from tests.telling_later import START, Later, later

NIGHT: dict[str, Any] = {"from": "22:00", "until": "07:30", "days": [], "calendar": None}
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = Calendar("c", "c", {}, {}, (SpecialDay("2027-03-05", {}), SpecialDay("2027-03-06", {}, ((540, 1080),))))


def local(text: str, zone: ZoneInfo = SHANGHAI) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2027-03-01T21:59", None),
        ("2027-03-01T22:00", "2027-03-02T07:30"),
        ("2027-03-02T07:29", "2027-03-02T07:30"),
        ("2027-03-02T07:30", None),
        ("2027-03-04T23:00", "2027-03-06T07:30"),  # Friday is a holiday, Saturday is worked instead
        ("2027-03-06T12:00", None),
        ("2027-03-06T22:30", "2027-03-08T07:30"),
    ],
)
def test_quiet_hours_end(moment: str, end: str | None) -> None:
    quiet = Quiet(22 * 60, 7 * 60 + 30, frozenset({"saturday", "sunday"}), "c")
    wanted = None if end is None else local(end).astimezone(dt.UTC)
    assert ends(quiet, CHINA, SHANGHAI, local(moment)) == wanted


def test_quiet_hours_over_a_change_of_the_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = ends(Quiet(60, 150), None, berlin, local("2027-03-28T01:30", berlin))  # 2:30 does not exist that night
    assert spring == dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC)
    autumn = ends(Quiet(22 * 60, 7 * 60), None, berlin, local("2027-10-30T23:00", berlin))
    assert autumn == dt.datetime(2027, 10, 31, 6, tzinfo=dt.UTC)
    assert ends(Quiet(days=frozenset(WEEKDAYS)), None, berlin, local("2027-03-28T01:30", berlin)) is None


def test_times_of_the_clock() -> None:
    assert [minutes_of(each) for each in ("7:05", "23:59", "24:00", "12:60", "x", "1:2")] == [425, 1439, *[None] * 4]
    assert clock_of(425) == "07:05"


def test_every_kind_has_its_group() -> None:
    told = {
        ("assigned", "task"): "task",
        ("assigned", "account"): "assigned",
        ("approval.asked", None): "approval",
        ("approval.approved", None): "approval_news",
        ("approval.mentioned", None): "mention",
        ("sla.breached", "ticket"): "sla",
        ("reminder.contact", "activity"): "reminder",
        ("job.import.done", None): "job",
        ("whatever", None): "message",
    }
    assert {each: group_of(*each).id for each in told} == told


def _held_and_told(here: Later) -> None:
    """At night mail waits, becomes one, and what was read meanwhile is left out; what is urgent passes."""
    boss, li = here.person("Boss", ("admin",)), here.person("Li", language="zh")
    with here.open(li) as ws:
        choices.put(ws, {"kinds": {"task": {"app": True, "mail": True}}, "quiet": NIGHT})
    here.now = local("2027-03-01T23:00").astimezone(dt.UTC)
    first = here.made("task", boss, title="Prepare the offer", assignee=li)
    here.made("task", boss, title="Read meanwhile", assignee=li)
    here.made("task", boss, title="Call Nordwind", assignee=li)
    here.changed("task", first, boss, remind_at="2027-03-01T23:30:00+08:00")
    here.work()
    assert len(here.told(li)) == 3  # in the app at once
    assert here.mails() == []
    here.until(local("2027-03-01T23:30"))
    [(to, subject, text)] = here.mails()
    assert (to, subject) == ("1@example.org", "提醒：任务 · Prepare the offer")
    assert f"https://crm.example.com/t/{here.tenant.name}/app/task/{first}" in text
    with here.open(li) as ws:
        seen = notifications.listing(ws)[0][2].id
        notifications.mark_read(ws, [seen])
    here.until(local("2027-03-02T07:29"))
    assert len(here.mails()) == 1
    here.until(local("2027-03-02T07:30"))
    [_, (_, subject, text)] = here.mails()
    assert subject == "2 条通知"
    assert "Prepare the offer" in text
    assert "Call Nordwind" in text
    assert "Read meanwhile" not in text
    here.until(local("2027-03-03T07:30"))
    assert len(here.mails()) == 2


def _by_choice(here: Later) -> None:
    """Mail alone is not in the app; nothing is nothing; what may not be switched off stays."""
    boss, li = here.person("Boss", ("admin",)), here.person("Li")
    before = len(here.mails())
    with here.open(boss) as ws:
        records.create(ws, "activity", {"subject": "A", "owner": li})
    here.work()
    assert [kind for kind, _ in here.told(li)] == ["assigned"]
    with here.open(li) as ws:
        choices.put(ws, {"kinds": {"assigned": {"app": False, "mail": True}}})
    here.made("activity", boss, subject="B", owner=li)
    here.work()
    assert len(here.told(li)) == 1
    assert [each[1] for each in here.mails()[before:]] == ["Activity assigned to you · B"]
    with here.open(li) as ws:
        choices.put(ws, {"kinds": {"assigned": {"app": False, "mail": False}}})
    here.made("activity", boss, subject="C", owner=li)
    here.made("task", boss, title="T", assignee=li)
    here.work()
    assert [kind for kind, _ in here.told(li)] == ["assigned", "assigned"]
    assert len(here.mails()) == before + 1


def _together(here: Later) -> None:
    """What one write tells somebody is one mail, and a second run of its job sends nothing more."""
    boss, li = here.person("Boss", ("admin",)), here.person("Li")
    before = len(here.mails())
    with here.open(li) as ws:
        choices.put(ws, {"kinds": {"task": {"app": True, "mail": True}}})
    with here.open(boss) as ws:
        for title in ("One", "Two"):
            records.create(ws, "task", {"title": title, "assignee": li})
    here.ask("notice_mail", {"person": li, "due": here.now.isoformat()}, "again")
    here.work()
    [(_, subject, text)] = here.mails()[before:]
    assert subject == "2 notifications"
    assert "One" in text
    assert f"/t/{here.tenant.name}/app/-/notifications/settings" in text


def test_people_are_told_by_the_ways_and_at_the_times_that_they_chose(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with later(host, monkeypatch, mail=True) as here:
        for part in (_held_and_told, _by_choice, _together):
            here.now = max(here.now, START)
            part(here)


def test_what_is_chosen_is_checked_and_read_as_far_as_it_makes_sense(
    sqlite_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with later(sqlite_host, monkeypatch) as here:
        li = here.person("Li")
        with here.open(li) as ws:
            usual = choices.as_json(choices.mine(ws), ws.model)
            assert usual["quiet"] is None
            assert usual["kinds"]["mention"] == {"app": True, "mail": True}
            assert usual["kinds"].keys() == GROUPS.keys()
            quiet = {"from": "22:00", "until": "06:00", "days": ["sunday"], "calendar": "china"}
            kept = choices.put(ws, {"kinds": {"job": {"app": False, "mail": False}}, "quiet": quiet})
            assert choices.as_json(kept, ws.model)["quiet"] == quiet
            wrong = {
                "kinds": {"task": {"app": False}, "nonsense": {}, "job": {"app": 1}},
                "quiet": {"from": "25:00", "until": "06:00", "days": ["someday"], "calendar": "mars"},
                "more": 1,
            }
            with pytest.raises(Invalid) as refused:
                choices.put(ws, wrong)
            assert sorted(each.path for each in refused.value.problems) == [
                "kinds.job",
                "kinds.nonsense",
                "kinds.task",
                "more",
                "quiet.calendar",
                "quiet.days",
                "quiet.from",
            ]
            assert choices.as_json(choices.mine(ws), ws.model)["quiet"] == quiet
