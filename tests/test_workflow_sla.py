"""Clocks of SLAs: the vectors of domain row B4.2, and what holds of every clock whatever happens to it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metadata.calendars import WEEKDAYS, Calendar, SpecialDay, add_business_seconds, business_time_between
from metadata.sla import Alert
from workflow import sla
from workflow.sla import Clock, Gone, Passed, Reached, Seen, Terms, advance

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
DAY = (9 * 60, 17 * 60)
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
MICRO = dt.timedelta(microseconds=1)


def office(zone: str = "Asia/Shanghai", *special: SpecialDay, week: Mapping[str, Any] | None = None) -> Calendar:
    hours = dict.fromkeys(WEEKDAYS[:5], (DAY,)) if week is None else week
    return Calendar("office", "office", {}, MappingProxyType(hours), special, zone)


def terms(within: str, calendar: Calendar | None = None, *alerts: Alert, level: str = "all") -> Terms:
    return Terms("usual", level, within, calendar, ZoneInfo("UTC"), alerts)


def alert(id: str, **when: object) -> Alert:
    return Alert(id, {}, **when)  # type: ignore[arg-type]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> dt.datetime:
    """A moment by the clock of a zone: `2026-03-06 16:00`, which is a Friday."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def begun(said: Terms, now: dt.datetime, **more: object) -> Clock:
    clock, _ = advance(None, Seen(said, stopped=False, **more), now)  # type: ignore[arg-type]
    assert clock is not None
    return clock


def saved(clock: Clock, said: Terms | None, now: dt.datetime, **more: object) -> Clock:
    found, _ = advance(clock, Seen(said, **{"stopped": False, **more}), now)  # type: ignore[arg-type]
    assert found is not None
    return found


def due(within: str, start: str, calendar: Calendar | None = None) -> dt.datetime | None:
    return begun(terms(within, calendar or office()), at(start)).due_at


# -- the vectors


def test_b4_2_friday_16_and_8_hours_is_monday_16() -> None:
    assert due("PT8H", "2026-03-06 16:00") == at("2026-03-09 16:00")


def test_b4_2_friday_16_and_2_hours_is_monday_10() -> None:
    assert due("PT2H", "2026-03-06 16:00") == at("2026-03-09 10:00")


def test_b4_2_friday_16_and_2_hours_is_tuesday_10_when_monday_is_a_holiday() -> None:
    calendar = office("Asia/Shanghai", SpecialDay("2026-03-09", {}))
    assert due("PT2H", "2026-03-06 16:00", calendar) == at("2026-03-10 10:00")


def test_b4_2_what_is_made_on_saturday_counts_from_monday_9() -> None:
    assert due("PT2H", "2026-03-07 12:00") == at("2026-03-09 11:00")
    assert due("P1D", "2026-03-07 12:00") == at("2026-03-09 17:00")  # the whole of Monday


def test_b4_2_a_hold_of_two_hours_inside_hours_moves_it_by_two_hours() -> None:
    said = terms("PT4H", office())
    clock = begun(said, at("2026-03-04 09:00"))
    clock = saved(clock, said, at("2026-03-04 10:00"), paused=True)
    assert (clock.state, clock.due_at) == ("paused", None)
    clock = saved(clock, said, at("2026-03-04 12:00"))
    assert clock.due_at == at("2026-03-04 15:00")


def test_b4_2_a_hold_over_the_night_moves_it_by_nothing() -> None:
    said = terms("PT8H", office())
    clock = begun(said, at("2026-03-04 13:00"))
    clock = saved(clock, said, at("2026-03-04 18:00"), paused=True)
    assert saved(clock, said, at("2026-03-05 08:00")).due_at == clock_without_pause(said, at("2026-03-04 13:00"))


def clock_without_pause(said: Terms, start: dt.datetime) -> dt.datetime | None:
    return begun(said, start).due_at


def test_b4_2_a_reply_between_18_and_19_uses_no_business_time() -> None:
    said = terms("PT8H", office())
    clock = saved(begun(said, at("2026-03-04 18:00")), said, at("2026-03-04 19:00"), stopped=True)
    assert sla.used(clock, said, at("2026-03-05 12:00")) == 0
    assert sla.status_of(clock, at("2026-03-20 12:00")) == "met"


def test_b4_2_a_sunday_that_is_declared_working_counts() -> None:
    calendar = office("Asia/Shanghai", SpecialDay("2026-03-08", {}, (DAY,)))
    assert due("PT2H", "2026-03-06 16:00", calendar) == at("2026-03-08 10:00")


def test_b4_2_national_day_with_its_make_up_days() -> None:
    days = [SpecialDay(f"2026-10-0{day}", {}) for day in range(1, 8)]
    calendar = office("Asia/Shanghai", *days, SpecialDay("2026-10-10", {}, (DAY,)))
    assert due("PT8H", "2026-09-30 16:00", calendar) == at("2026-10-08 16:00")
    assert due("PT20H", "2026-09-30 16:00", calendar) == at("2026-10-10 12:00")
    assert due("P3D", "2026-09-30 16:00", calendar) == at("2026-10-10 16:00")


def test_b4_2_a_day_of_23_hours_in_new_york() -> None:
    nights = office("America/New_York", week=dict.fromkeys(WEEKDAYS, ((0, 24 * 60),)))
    start = at("2026-03-08 00:00", NEW_YORK)  # the clocks skip an hour at two
    assert begun(terms("PT23H", nights), start).due_at == at("2026-03-09 00:00", NEW_YORK)
    assert begun(terms("P1D", nights), start).due_at == at("2026-03-09 00:00", NEW_YORK)
    autumn = at("2026-11-01 00:00", NEW_YORK)  # they repeat one
    assert begun(terms("PT25H", nights), autumn).due_at == at("2026-11-02 00:00", NEW_YORK)
    # Office hours are as long as ever on the days around.
    said = terms("PT10H", office("America/New_York"))
    assert begun(said, at("2026-03-06 16:00", NEW_YORK)).due_at == at("2026-03-10 10:00", NEW_YORK)


def test_b4_2_what_is_made_outside_hours_has_used_nothing() -> None:
    said = terms("PT4H", office())
    clock = begun(said, at("2026-03-06 20:00"))
    assert sla.used(clock, said, at("2026-03-09 08:59")) == 0
    assert sla.used(clock, said, at("2026-03-09 09:30")) == 30 * MINUTE // MICRO


def test_b4_2_only_some_weekdays_are_described() -> None:
    tuesdays = office(week={"tuesday": (DAY,)})
    assert due("PT9H", "2026-03-04 12:00", tuesdays) == at("2026-03-17 10:00")


def test_b4_2_a_response_before_anything_happens_is_not_due_later_for_a_pause() -> None:
    """A first response has no pause condition, so what pauses the resolution does nothing to it."""
    said = terms("PT2H", office())
    clock = begun(said, at("2026-03-04 09:00"))
    assert saved(clock, said, at("2026-03-04 10:00")) == clock


def test_b4_2_reopening_resumes_and_closing_changes_nothing() -> None:
    said = terms("PT4H", office())
    clock = saved(begun(said, at("2026-03-04 09:00")), said, at("2026-03-04 10:00"), stopped=True)
    assert (sla.status_of(clock, at("2026-03-05 10:00")), clock.stopped_at) == ("met", at("2026-03-04 10:00"))
    assert saved(clock, said, at("2026-03-05 09:00"), stopped=True) == clock
    again = saved(clock, said, at("2026-03-06 09:00"))
    assert (again.state, again.due_at) == ("running", at("2026-03-06 12:00"))


def test_b4_2_another_priority_counts_from_the_original_start() -> None:
    calendar = office()
    urgent, usual = terms("PT2H", calendar, level="urgent"), terms("PT8H", calendar)
    clock = begun(usual, at("2026-03-04 09:00"))
    clock = saved(clock, usual, at("2026-03-04 10:00"), paused=True)
    clock = saved(clock, usual, at("2026-03-04 11:00"))
    clock = saved(clock, urgent, at("2026-03-04 11:30"))
    assert (clock.level, clock.due_at) == ("urgent", at("2026-03-04 12:00"))
    late = saved(begun(usual, at("2026-03-04 09:00")), urgent, at("2026-03-04 14:00"))
    assert late.breached_at == at("2026-03-04 11:00")
    assert saved(late, usual, at("2026-03-04 14:10")).breached_at is None


def test_b4_2_another_calendar_recounts_what_is_open() -> None:
    clock = begun(terms("PT2H", office()), at("2026-03-06 16:00"))
    changed = office("Asia/Shanghai", SpecialDay("2026-03-09", {}))
    assert saved(clock, terms("PT2H", changed), at("2026-03-06 16:10")).due_at == at("2026-03-10 10:00")


def test_b4_2_alerts_come_at_50_75_and_100_percent_once_each() -> None:
    said = terms("PT4H", office(), alert("half", at=50), alert("most", at=75), alert("late", at=100))
    clock: Clock | None = begun(said, at("2026-03-04 13:00"))
    assert clock is not None and sla.next_moment(clock, said) == at("2026-03-04 15:00")
    clock, reached = advance(clock, Passed(said), at("2026-03-04 15:00"))
    assert clock is not None and reached == (Reached("half", at("2026-03-04 15:00")),)
    assert advance(clock, Passed(said), at("2026-03-04 15:00"))[1] == ()
    clock, reached = advance(clock, Passed(said), at("2026-03-05 09:00"))
    assert [each.alert for each in reached] == ["most", "late"]
    assert clock is not None and clock.breached_at == at("2026-03-04 17:00")
    assert sla.next_moment(clock, said) is None


def test_alerts_before_and_after_the_breach_count_in_business_time() -> None:
    said = terms("PT4H", office(), alert("soon", left="PT1H"), alert("worse", over="PT2H"), alert("x", left="PT9H"))
    clock = begun(said, at("2026-03-04 14:00"))
    assert clock.fired == () and clock.due_at == at("2026-03-05 10:00")
    _, reached = advance(clock, Passed(said), at("2026-03-05 18:00"))
    assert reached == (
        Reached("x", at("2026-03-04 14:00")),
        Reached("soon", at("2026-03-04 17:00")),
        Reached("worse", at("2026-03-05 12:00")),
    )


# -- what is not in the vectors


def test_what_is_done_at_the_last_moment_is_in_time_and_a_microsecond_later_it_is_not() -> None:
    said = terms("PT4H", office())
    clock = begun(said, at("2026-03-04 09:00"))
    for late, status in ((0 * MICRO, "met"), (MICRO, "breached")):
        done = saved(clock, said, at("2026-03-04 13:00") + late, stopped=True)
        assert sla.status_of(done, at("2026-04-01 09:00")) == status


def test_what_is_due_in_the_evening_is_late_in_the_morning() -> None:
    said = terms("PT8H", office())
    done = saved(begun(said, at("2026-03-04 09:00")), said, at("2026-03-05 08:00"), stopped=True)
    assert (done.due_at, done.breached_at) == (at("2026-03-04 17:00"), at("2026-03-04 17:00"))


def test_a_record_that_is_done_when_it_is_first_seen_has_no_clock() -> None:
    said, now = terms("PT8H", office()), at("2026-03-04 09:00")
    assert advance(None, Seen(said, stopped=True), now) == (None, ())
    assert advance(None, Seen(said, stopped=False, begun=False), now) == (None, ())
    assert advance(None, Seen(None, stopped=False), now) == (None, ())


def test_a_clock_counts_from_an_earlier_moment_of_the_record_but_from_no_later_one() -> None:
    said, now = terms("PT4H", office()), at("2026-03-04 12:00")
    assert begun(said, now, since=at("2026-03-04 09:00")).due_at == at("2026-03-04 13:00")
    assert begun(said, now, since=at("2026-03-04 15:00")).due_at == at("2026-03-04 16:00")
    held = begun(said, now, since=at("2026-03-04 09:00"), paused=True)
    assert [each.kind for each in held.segments] == ["running", "paused"]


@pytest.mark.parametrize(
    ("reopen", "cycle", "due_at"),
    [
        ("keep", 1, "2026-03-04 13:00"),
        ("resume", 1, "2026-03-05 12:00"),
        ("restart", 1, "2026-03-05 13:00"),
        ("new_cycle", 2, "2026-03-05 13:00"),
    ],
)
def test_what_reopening_does(reopen: str, cycle: int, due_at: str) -> None:
    said = terms("PT4H", office(), alert("half", at=50))
    clock = saved(begun(said, at("2026-03-04 09:00")), said, at("2026-03-04 10:00"), stopped=True)
    again = saved(clock, said, at("2026-03-05 09:00"), reopen=reopen)
    assert (again.cycle, again.due_at) == (cycle, at(due_at))
    assert again.fired == ()


def test_in_the_recycle_bin_and_outside_the_sla_it_stands_still() -> None:
    said = terms("PT4H", office())
    clock = begun(said, at("2026-03-04 09:00"))
    gone, _ = advance(clock, Gone(), at("2026-03-04 10:00"))
    assert gone is not None and (gone.state, gone.due_at) == ("away", None)
    assert saved(gone, said, at("2026-03-04 12:00")).due_at == at("2026-03-04 15:00")
    assert saved(clock, None, at("2026-03-04 10:00")) == gone
    late, _ = advance(clock, Gone(), at("2026-03-05 10:00"))
    assert late is not None and late.breached_at == at("2026-03-04 13:00")


def test_a_calendar_that_never_has_so_much_time_gives_no_due_moment() -> None:
    hour = office(week={"monday": ((0, 1),)})
    clock = begun(terms("P3660D", hour), at("2026-03-04 09:00"))
    assert sla.status_of(clock, at("2026-12-04 09:00")) == "running"


# -- properties


def some_calendar(random_: random.Random) -> Calendar | None:
    if random_.random() < 0.2:
        return None
    week: dict[str, Any] = {day: ((540, 720), (780, 1080)) for day in WEEKDAYS if random_.random() < 0.7} or {
        "monday": ((1320, 1800),)
    }
    first = dt.date(2026, 1, 1)
    special = tuple(
        SpecialDay((first + dt.timedelta(days=day)).isoformat(), {}, (DAY,) if random_.random() < 0.4 else ())
        for day in sorted(random_.sample(range(365), 20))
    )
    return office(random_.choice(["Asia/Shanghai", "America/New_York", "Europe/Berlin"]), *special, week=week)


def some_terms(random_: random.Random, calendar: Calendar | None) -> Terms:
    within = random_.choice(["PT30M", "PT4H", "PT8H", "PT40H", "P1D", "P3D"])
    return terms(within, calendar, alert("half", at=50), alert("late", at=100), alert("soon", left="PT1H"))


def some_event(random_: random.Random, said: Terms) -> sla.Event:
    if random_.random() < 0.3:
        return Passed(said)
    if random_.random() < 0.1:
        return Gone()
    covered = said if random_.random() < 0.95 else None
    reopen = random_.choice(["keep", "resume", "restart", "new_cycle"])
    return Seen(covered, random_.random() < 0.2, random_.random() < 0.3, reopen=reopen)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
def test_no_course_uses_negative_time_tells_twice_or_depends_on_being_kept(seed: int) -> None:
    random_ = random.Random(seed)
    calendar = some_calendar(random_)
    clock: Clock | None = None
    now, told = at("2026-01-02 10:00"), list[tuple[int, str]]()
    for _ in range(25):
        now += dt.timedelta(minutes=random_.randrange(0, 2_000), microseconds=random_.randrange(0, 3))
        said = some_terms(random_, calendar)
        event = some_event(random_, said)
        kept = None if clock is None else sla.loaded(sla.dumped(clock))
        assert kept == clock
        before, (clock, reached) = clock, advance(kept, event, now)
        if clock is None:
            continue
        if before is not None and before.state == "stopped" and clock.state != "stopped":
            told = [] if clock.fired == () else told
        told += [(clock.cycle, each.alert) for each in reached]
        fresh = before is not None and len(clock.segments) == 1 and len(before.segments) > 1
        assert len(set(told)) == len(told) or fresh
        assert all(each.at <= now for each in reached)
        moments = [each.began for each in clock.segments]
        assert moments == sorted(moments) and all(each.amount >= 0 for each in sla.course(clock, said, now))
        assert sla.used(clock, said, now) >= 0
        assert clock.breached_at is None or clock.breached_at <= now


@pytest.mark.parametrize("seed", range(20))
def test_a_pause_anywhere_moves_the_due_moment_by_its_business_time_and_no_other(seed: int) -> None:
    """`due = calendar.add(start, target + paused business time)`, the equation of B4.2."""
    random_ = random.Random(seed)
    calendar = some_calendar(random_)
    said = replace(some_terms(random_, calendar), alerts=())
    start = now = at("2026-02-25 10:00") + dt.timedelta(minutes=random_.randrange(0, 50_000))
    clock, paused = begun(said, start), 0
    for _ in range(random_.randrange(1, 5)):
        now += dt.timedelta(minutes=random_.randrange(0, 300), microseconds=random_.randrange(0, 999))
        clock = saved(clock, said, now, paused=True)
        began = now
        now += dt.timedelta(minutes=random_.randrange(0, 3_000), microseconds=random_.randrange(0, 999))
        late = clock.breached_at is not None
        clock = saved(clock, said, now)
        if late:
            break  # what was too late before the pause is not moved by it
        paused += (now - began) // MICRO if calendar is None else business_time_between(calendar, began, now) or 0
    else:
        whole = clock.total + paused
        plain = start + whole * MICRO if calendar is None else sla._add(said, start, whole)
        assert clock.due_at == plain or sla.used(clock, said, now) >= clock.total


@pytest.mark.parametrize("seed", range(10))
def test_looking_at_a_clock_in_between_changes_nothing(seed: int) -> None:
    random_ = random.Random(seed)
    said = some_terms(random_, some_calendar(random_))
    start = at("2026-03-04 09:00")
    once = watched = begun(said, start)
    for hours in sorted(random_.uniform(0, 200) for _ in range(6)):
        found, _ = advance(watched, Passed(said), start + hours * HOUR)
        assert found is not None
        watched = found
    end = start + 300 * HOUR
    assert replace(saved(once, said, end, paused=True), fired=()) == replace(
        saved(watched, said, end, paused=True), fired=()
    )


def test_seconds_of_a_calendar_are_what_the_calendar_adds() -> None:
    calendar = office()
    assert due("PT7H13S", "2026-03-06 16:00", calendar) == add_business_seconds(
        calendar, at("2026-03-06 16:00"), 7 * 3600 + 13
    )
