"""Reminders fire exactly once: moved, cancelled, after downtime, with a worker killed, with two at once (SA-12)."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from runtime import queries, records
from runtime.host import Host
from runtime.jobs import table
from runtime.jobs.drain import drain
from runtime.notifications import writing
from runtime.queries import Query
from runtime.reminders import firing
from runtime.reminders.moments import Moment, moments
from tests.telling_later import Later, later

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def here(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    with later(host, monkeypatch, again="reminders") as found:
        yield found


def at(moment: dt.datetime) -> str:
    return moment.isoformat()


def test_a_reminder_fires_once_at_its_minute(here: Later) -> None:
    li = here.person("Li")
    task = here.made("task", li, title="Call", remind_at=at(here.start + HOUR))
    here.until(here.start + HOUR - dt.timedelta(minutes=1))
    assert here.told(li) == []
    here.until(here.start + HOUR)
    assert here.told(li) == [("reminder", task)]
    here.until(here.start + 2 * HOUR)
    here.until(here.start + 30 * HOUR)
    assert here.told(li) == [("reminder", task)]


def test_a_reminder_far_ahead_is_found_by_looking_ahead(here: Later) -> None:
    li = here.person("Li")
    task = here.made("task", li, title="Renew", remind_at=at(here.start + 40 * DAY))
    here.until(here.start + 40 * DAY - 2 * HOUR)
    assert here.told(li) == []
    here.until(here.start + 40 * DAY)
    assert here.told(li) == [("reminder", task)]


def test_a_reminder_moves_with_its_date_and_goes_with_its_task(here: Later) -> None:
    li = here.person("Li")
    moved = here.made("task", li, title="Moved", remind_at=at(here.start + HOUR))
    done = here.made("task", li, title="Done", remind_at=at(here.start + HOUR))
    gone = here.made("task", li, title="Gone", remind_at=at(here.start + HOUR))
    away = here.made("task", li, title="Given away", remind_at=at(here.start + HOUR))
    wang = here.person("Wang")
    here.changed("task", moved, li, remind_at=at(here.start + 2 * HOUR))
    here.changed("task", done, li, status="done")
    here.changed("task", away, li, assignee=wang)
    with here.open(li) as ws:
        records.delete(ws, "task", gone)
    here.until(here.start + HOUR)
    assert here.told(li) == []
    assert here.told(wang) == [("assigned", away), ("reminder", away)]
    here.until(here.start + 2 * HOUR)
    assert here.told(li) == [("reminder", moved)]
    here.changed("task", done, li, status="open")
    here.until(here.start + 3 * HOUR)
    assert here.told(li) == [("reminder", moved)]


def test_there_and_back_again_is_one_reminder(here: Later) -> None:
    li = here.person("Li")
    task = here.made("task", li, title="Call", remind_at=at(here.start + HOUR))
    here.changed("task", task, li, remind_at=at(here.start + 2 * HOUR))
    here.changed("task", task, li, remind_at=at(here.start + HOUR))
    here.until(here.start + HOUR)
    here.until(here.start + 3 * HOUR)
    assert here.told(li) == [("reminder", task)]


def test_after_downtime_each_record_reminds_once_and_late(here: Later) -> None:
    li = here.person("Li")
    near = here.made("task", li, title="Near", remind_at=at(here.start + HOUR))
    far = here.made("task", li, title="Far", remind_at=at(here.start + 30 * HOUR))
    talk = here.made("activity", li, subject="Talk", next_contact_at=at(here.start + 31 * HOUR))
    edited = here.made("task", li, title="Edited", remind_at=at(here.start + 32 * HOUR))
    here.now = here.start + 33 * HOUR  # pages were served, but nobody did the jobs
    here.changed("task", edited, li, title="Edited meanwhile")
    here.until(here.start + 60 * HOUR, hourly=False)
    here.tidy()
    assert sorted(here.told(li)) == sorted(
        [("reminder", near), ("reminder", far), ("reminder.contact", talk), ("reminder", edited)]
    )
    here.until(here.start + 62 * HOUR)
    assert len(here.told(li)) == 4


def test_what_was_over_when_it_was_written_down_does_not_remind(here: Later) -> None:
    li = here.person("Li")
    here.made("task", li, title="Old", remind_at=at(here.start - HOUR))
    here.made("activity", li, subject="Talked", at=at(here.start - DAY), remind="hour")
    here.until(here.start + 2 * HOUR)
    assert here.told(li) == []


def test_a_worker_killed_in_between_reminds_once(here: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    li = here.person("Li")
    task = here.made("task", li, title="Call", remind_at=at(here.start + HOUR))
    here.now = here.start + HOUR
    write = writing.write

    def killed(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(firing, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            here.work()
    assert here.told(li) == []
    here.until(here.start + 2 * HOUR)
    assert here.told(li) == [("reminder", task)]


def test_two_runners_at_once_remind_once(here: Later) -> None:
    li = here.person("Li")
    tasks = [here.made("task", li, title=f"T{each}", remind_at=at(here.start + HOUR)) for each in range(6)]
    here.now = here.start + HOUR
    failed: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(3):
                drain(here.host, here.tenant, 10.0)
        except BaseException as error:
            failed.append(error)

    crew = [threading.Thread(target=run) for _ in range(2)]
    for each in crew:
        each.start()
    for each in crew:
        each.join(60)
    here.work()
    assert failed == []
    assert sorted(here.told(li)) == sorted(("reminder", each) for each in tasks)


def test_a_reminder_on_the_day_is_in_the_morning_of_who_does_it(here: Later) -> None:
    ann, due = here.person("Ann", timezone="America/New_York"), (here.start + 15 * DAY).date()
    task = here.made("task", ann, title="Call", due=due.isoformat(), remind="day_before")
    nine = dt.datetime.combine(due - DAY, dt.time(9), ZoneInfo("America/New_York"))
    here.until(nine - dt.timedelta(minutes=1))
    assert here.told(ann) == []
    here.until(nine)
    assert here.told(ann) == [("reminder", task)]


def test_who_may_not_read_it_is_not_reminded(here: Later) -> None:
    boss, li = here.person("Boss", ("admin",)), here.person("Li", ())
    task = here.made("task", boss, title="Secret", assignee=li, remind_at=at(here.start + HOUR))
    here.until(here.start + HOUR)
    with here.open(write=False) as ws:
        query = Query("notification", f"owner == '{li}'", fields=("id",), limit=5)
        assert queries.as_json(queries.find(ws, query)) == []
        done = [each for each in table.listing(ws, "done") if each.payload.get("record") == task]
    assert [each.result for each in done] == [{"told": 0}]


def test_the_moments_of_a_record() -> None:
    begin = dt.datetime(2027, 3, 1, 1, tzinfo=dt.UTC)
    task = {"status": "open", "due": dt.date(2027, 3, 10), "remind": "three_days_before", "remind_at": None}
    nine = dt.datetime(2027, 3, 7, 1, tzinfo=dt.UTC)
    assert moments("task", task, lambda: SHANGHAI) == [Moment("task", nine)]
    assert moments("task", task | {"remind_at": begin}, lambda: SHANGHAI) == [Moment("task", begin)]
    assert moments("task", task | {"status": "done"}, lambda: SHANGHAI) == []
    assert moments("task", task | {"due": dt.date.min}, lambda: SHANGHAI) == []
    meeting = {"at": begin, "remind": "half_hour", "next_contact_at": begin + DAY}
    half = begin - dt.timedelta(minutes=30)
    assert moments("activity", meeting, lambda: SHANGHAI) == [Moment("start", half), Moment("contact", begin + DAY)]
