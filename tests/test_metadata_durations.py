"""Lengths of time in ISO 8601: what is read, what is refused, and when they are over."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from metadata.calendars import Calendar
from metadata.durations import Duration, after, after_in, parse_duration
from metadata.problems import PlatformError

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = {each: ((540, 1080),) for each in ("monday", "tuesday", "wednesday", "thursday", "friday")}
OFFICE = Calendar(id="office", key="office", label={}, week=WEEK, timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P3D", Duration(days=3)),
        ("PT4H", Duration(seconds=14_400)),
        ("P1DT12H30M5S", Duration(days=1, seconds=45_005)),
        ("P2W", Duration(days=14)),
        ("P1Y2M", Duration(months=14)),
        ("-P3D", Duration(days=-3)),
        ("-P1MT1S", Duration(months=-1, seconds=-1)),
        ("PT0S", Duration()),
    ],
)
def test_what_a_text_says(text: str, expected: Duration) -> None:
    found = parse_duration(text)
    assert found == expected
    assert found.negative is text.startswith("-") and found.empty is (text == "PT0S")


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "3D", "P3", "P1.5D", "PD", "p3d", "P-3D", "P1H", "P٣D", "P1D "]
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(PlatformError) as error:
        parse_duration(text)
    assert error.value.problems[0].code == "duration_unreadable"


@pytest.mark.parametrize("text", ["P11Y", "P5000D", "-P999999M", "P999999W", "PT999999H"])
def test_more_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(PlatformError) as error:
        parse_duration(text)
    assert error.value.problems[0].code == "duration_too_long"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("P1D", "2026-03-28 12:00", "2026-03-29 12:00"),
        ("PT24H", "2026-03-28 12:00", "2026-03-29 13:00"),
        ("P1M", "2026-01-31 09:00", "2026-02-28 09:00"),
        ("-P1M", "2026-03-31 09:00", "2026-02-28 09:00"),
        ("P1Y", "2024-02-29 09:00", "2025-02-28 09:00"),
        ("-P3D", "2026-01-02 09:00", "2025-12-30 09:00"),
        ("P1MT1H", "2026-11-22 23:30", "2026-12-23 00:30"),
    ],
)
def test_when_it_is_over_by_the_clock(text: str, start: str, expected: str) -> None:
    assert after(parse_duration(text), at(start), BERLIN) == at(expected)


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("P2D", "2026-11-20 10:00", "2026-11-24 10:00"),
        ("PT4H", "2026-11-20 16:00", "2026-11-23 11:00"),
        ("P1DT2H", "2026-11-20 17:00", "2026-11-24 10:00"),
        ("PT1H", "2026-11-21 12:00", "2026-11-23 10:00"),
    ],
)
def test_when_it_is_over_in_business_time(text: str, start: str, expected: str) -> None:
    assert after_in(OFFICE, parse_duration(text), at(start)) == at(expected)


def test_a_calendar_without_hours_never_comes_to_an_end() -> None:
    never = Calendar(id="none", key="none", label={}, week={}, timezone="UTC")
    assert after_in(never, parse_duration("P1D"), at("2026-11-20 10:00")) is None
    assert after_in(never, parse_duration("PT1H"), at("2026-11-20 10:00")) is None
