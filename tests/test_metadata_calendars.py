"""Business time: working hours, holidays and make-up days, counted over years and over changes of the clock."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.calendars import (
    MOST_YEARS,
    WEEKDAYS,
    Calendar,
    Calendars,
    SpecialDay,
    add_business_days,
    add_business_seconds,
    business_days_between,
    business_time_between,
    calendar_names,
    hours_of,
    is_business_day,
)
from metadata.compiler import compile_layers
from metadata.documents.package import read_code, read_text
from metadata.model import Model
from metadata.problems import MetadataInvalid

ROOT = Path(__file__).resolve().parents[1]
HOUR = 3600
DAY = dt.date(2026, 6, 1)


def calendar(hours: str = "0900-1700", days: int = 5, zone: str = "Asia/Shanghai", **special: str) -> Calendar:
    """The same hours on the first days of a week; special days as `_2026_06_01="0900-1700"`, holidays as `""`."""
    week = {name: _spans(hours) for name in WEEKDAYS[:days]}
    found = [SpecialDay(key[1:].replace("_", "-"), {"en": key}, _spans(each)) for key, each in sorted(special.items())]
    return Calendar("office", "office", {"en": "Office"}, week, tuple(found), zone)


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    def minutes(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[2:])

    found = [(minutes(each[:4]), minutes(each[5:])) for each in text.split()]
    return tuple((first, last if last > first else last + 1440) for first, last in found)


def at(text: str, zone: str = "Asia/Shanghai") -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def due(of: Calendar, start: str, hours: float) -> str:
    found = add_business_seconds(of, at(start, of.timezone), round(hours * HOUR))
    assert found is not None
    return found.astimezone(ZoneInfo(of.timezone)).replace(tzinfo=None).isoformat(" ", "minutes")


def worked(of: Calendar, first: str, last: str) -> float:
    found = business_time_between(of, at(first, of.timezone), at(last, of.timezone))
    assert found is not None
    return found / 1_000_000 / HOUR


# -- B4.2, Monday to Friday 09:00-17:00; 5 June 2026 is a Friday


def test_b4_2_friday_16_00_and_8_hours_is_monday_16_00() -> None:
    assert due(calendar(), "2026-06-05 16:00", 8) == "2026-06-08 16:00"


def test_b4_2_friday_16_00_and_2_hours_is_monday_10_00_or_tuesday_when_monday_is_a_holiday() -> None:
    assert due(calendar(), "2026-06-05 16:00", 2) == "2026-06-08 10:00"
    assert due(calendar(_2026_06_08=""), "2026-06-05 16:00", 2) == "2026-06-09 10:00"


def test_b4_2_what_is_created_on_saturday_counts_from_monday_09_00() -> None:
    assert due(calendar(), "2026-06-06 12:00", 1) == "2026-06-08 10:00"
    assert worked(calendar(), "2026-06-06 12:00", "2026-06-08 10:00") == 1


def test_b4_2_a_hold_inside_hours_moves_the_due_time_by_its_length_and_one_over_the_night_not_at_all() -> None:
    office = calendar()
    hold = worked(office, "2026-06-01 10:00", "2026-06-01 12:00")
    assert due(office, "2026-06-01 09:00", 4 + hold) == "2026-06-01 15:00"
    assert worked(office, "2026-06-01 17:00", "2026-06-02 09:00") == 0


def test_b4_2_a_reply_between_18_00_and_19_00_takes_no_business_time() -> None:
    assert worked(calendar(), "2026-06-01 18:00", "2026-06-01 19:00") == 0


def test_b4_2_a_sunday_declared_working_counts() -> None:
    office = calendar(_2026_06_07="0900-1700")
    assert due(office, "2026-06-05 16:00", 2) == "2026-06-07 10:00"
    assert is_business_day(office, dt.date(2026, 6, 7)) and not is_business_day(office, dt.date(2026, 6, 6))
    assert add_business_days(office, dt.date(2026, 6, 5), 1) == dt.date(2026, 6, 7)


def test_b4_2_a_day_of_23_hours_has_23_hours() -> None:
    always = calendar("0000-2400", 7, "America/New_York")
    assert worked(always, "2026-03-08 00:00", "2026-03-09 00:00") == 23
    assert worked(always, "2026-11-01 00:00", "2026-11-02 00:00") == 25
    assert due(always, "2026-03-08 00:00", 23) == "2026-03-09 00:00"
    office = calendar(zone="America/New_York")
    assert due(office, "2026-03-06 16:00", 2) == "2026-03-09 10:00"  # 09:00 there is another hour in UTC by then


def test_b4_2_created_outside_hours_and_a_week_with_some_days_only() -> None:
    assert due(calendar(), "2026-06-01 03:00", 0.5) == "2026-06-01 09:30"
    assert due(calendar(), "2026-06-01 20:00", 0.5) == "2026-06-02 09:30"
    monday = calendar(days=1)
    assert due(monday, "2026-06-02 10:00", 9) == "2026-06-15 10:00"
    assert business_days_between(monday, DAY, dt.date(2026, 6, 30)) == 4


# -- spans, nights, backwards


def test_several_spans_of_a_day_and_its_ends() -> None:
    office = calendar("0900-1200 1300-1800")
    assert due(office, "2026-06-01 11:30", 1) == "2026-06-01 13:30"
    assert due(office, "2026-06-01 09:00", 3) == "2026-06-01 12:00"
    assert due(office, "2026-06-01 09:00", 8) == "2026-06-01 18:00"
    assert worked(office, "2026-06-01 00:00", "2026-06-02 00:00") == 8


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    nights = calendar("2200-0600", _2026_06_02="", _2026_12_31="2200-0600")
    assert due(nights, "2026-06-01 23:00", 8) == "2026-06-03 23:00"
    assert worked(nights, "2026-06-02 00:00", "2026-06-02 23:59") == 6
    assert due(nights, "2027-01-01 01:00", 5) == "2027-01-01 06:00"
    assert worked(nights, "2027-01-01 01:00", "2027-01-01 03:00") == 2


def test_backwards_and_nothing() -> None:
    office = calendar()
    assert due(office, "2026-06-08 10:00", -2) == "2026-06-05 16:00"
    assert due(office, "2026-06-08 10:00", -1) == "2026-06-08 09:00"
    assert worked(office, "2026-06-08 10:00", "2026-06-05 16:00") == -2
    assert add_business_seconds(office, at("2026-06-06 12:00"), 0) == at("2026-06-06 12:00")
    assert add_business_days(office, dt.date(2026, 6, 6), 0) == dt.date(2026, 6, 6)
    assert add_business_days(office, dt.date(2026, 6, 8), -1) == dt.date(2026, 6, 5)
    assert business_days_between(office, dt.date(2026, 6, 8), dt.date(2026, 6, 5)) == -1


def test_what_is_too_far_is_empty_and_nothing_breaks_at_the_ends_of_time() -> None:
    office, closed = calendar(), calendar(days=0)
    assert add_business_days(office, DAY, 10**30) is None and add_business_days(office, DAY, -(10**30)) is None
    assert add_business_days(closed, DAY, 1) is None and add_business_seconds(closed, at("2026-06-01 10:00"), 1) is None
    assert add_business_seconds(office, at("2026-06-01 10:00"), 10**30) is None
    assert business_time_between(office, at("1900-01-01 10:00"), at("2026-01-01 10:00")) is None
    for edge in (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)):
        add_business_seconds(office, edge, HOUR)
        add_business_seconds(office, edge, -HOUR)
        assert business_time_between(office, edge, edge) == 0
    assert add_business_days(office, dt.date.max, 1) is None and add_business_days(office, dt.date.min, -1) is None


def test_years_are_counted_fast() -> None:
    office = calendar(zone="Europe/Berlin", _2026_06_08="")
    begin = time.process_time()
    assert add_business_seconds(office, at("2026-06-01 10:00"), (MOST_YEARS - 2) * 250 * 8 * HOUR) is not None
    assert time.process_time() - begin < 2
    begin = time.process_time()
    for count in range(1_000):
        business_time_between(office, at("2026-06-01 10:00"), at("2036-06-01 10:00"))
        add_business_days(office, DAY, count * 100)
    assert time.process_time() - begin < 1


# -- against a count day by day


ODD = calendar(_2026_01_01="", _2026_02_14="0900-1700", _2026_05_01="")


@cache
def _worked_days() -> Mapping[dt.date, bool]:
    days = ((dt.date(2025, 1, 1) + dt.timedelta(days=number)) for number in range(1_200))
    return {each: bool(hours_of(ODD, each)) for each in days}


@settings(max_examples=200, deadline=None)
@given(st.dates(dt.date(2025, 6, 1), dt.date(2027, 6, 1)), st.dates(dt.date(2025, 6, 1), dt.date(2027, 6, 1)))
def test_business_days_are_those_of_a_count_day_by_day(first: dt.date, last: dt.date) -> None:
    office, days = ODD, _worked_days()
    if first <= last:
        expected = sum(worked for day, worked in days.items() if first < day <= last)
    else:
        expected = -sum(worked for day, worked in days.items() if last <= day < first)
    assert business_days_between(office, first, last) == expected
    reached = add_business_days(office, first, expected)
    assert reached is not None and business_days_between(office, first, reached) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(dt.datetime(2025, 6, 1), dt.datetime(2027, 6, 1)),
    st.integers(-3_000 * 60, 3_000 * 60),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
    st.sampled_from(["0900-1200 1300-1800", "2200-0600", "0000-2400", "0100-0300"]),
)
def test_hours_that_are_added_are_the_hours_between(moment: dt.datetime, minutes: int, zone: str, hours: str) -> None:
    office, start = calendar(hours, zone=zone), moment.replace(microsecond=0, tzinfo=dt.UTC)
    reached = add_business_seconds(office, start, minutes * 60)
    assert reached is not None
    assert business_time_between(office, start, reached) == minutes * 60 * 1_000_000


# -- the section


def test_the_calendar_of_china_is_the_published_one_of_2026() -> None:
    model = compile_layers([read_code("core", [ROOT / "configs"])]).model
    china = Calendars(model)["china"]
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(365)]
    worked_weekends = [f"{each:%m-%d}" for each in days if each.weekday() > 4 and is_business_day(china, each)]
    free_weekdays = [f"{each:%m-%d}" for each in days if each.weekday() < 5 and not is_business_day(china, each)]
    assert worked_weekends == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert (
        free_weekdays
        == (
            "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25"
            " 10-01 10-02 10-05 10-06 10-07"
        ).split()
    )
    assert china.timezone == "Asia/Shanghai" and list(Calendars(model)) == ["china", "weekdays"]
    assert not Calendars(model)["weekdays"].special


def described(text: str) -> Model:
    return compile_layers([read_text(f"package: {{code: shop}}\ncalendars:\n  office: {text}\n")]).model


def test_a_calendar_is_handed_to_expressions_by_id_and_by_key() -> None:
    model = described("{id: born, hours: {monday: ['09:00-17:00']}}")
    assert calendar_names(model) == {"office": "born", "born": "born"}
    assert Calendars(model)["born"].timezone == "UTC" and Calendars(model).get("office") is None
    assert len(Calendars(model)) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{hours: {}}", "grammar_empty"),
        ("{hours: {monday: ['9-17']}}", "grammar_pattern"),
        ("{hours: {monday: ['09:00-13:00', '12:00-17:00']}}", "calendar_hours_overlap"),
        ("{hours: {monday: ['22:00-10:00'], tuesday: ['09:00-17:00']}}", "calendar_hours_overlap"),
        ("{timezone: Asia/Shangai, hours: {monday: ['09:00-17:00']}}", "package_timezone"),
        ("{hours: {monday: ['09:00-17:00']}, holidays: {a: {from: 2026-02-30}}}", "calendar_date"),
        ("{hours: {monday: ['09:00-17:00']}, holidays: {a: {from: 2026-02-03, until: 2026-02-01}}}",
         "calendar_backwards"),
        ("{hours: {monday: ['09:00-17:00']}, holidays: {a: {from: 2026-02-03}}, make_up_days: {a: {day: 2026-02-03}}}",
         "calendar_day_twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_calendar_is_said(text: str, code: str) -> None:
    with pytest.raises(MetadataInvalid) as found:
        described(text)
    assert [each.code for each in found.value.problems] == [code]
    assert found.value.problems[0].position is not None
