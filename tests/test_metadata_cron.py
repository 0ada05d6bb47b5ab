"""Schedules: what they mean, what is refused, and that a change of the clock neither loses nor doubles a time."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from metadata.cron import parse
from metadata.problems import LANGUAGES, PlatformError

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def times(text: str, start: str, count: int = 3, zone: dt.tzinfo = dt.UTC) -> list[str]:
    """The next times after a local one, in local time with its distance from UTC."""
    at = dt.datetime.fromisoformat(start).replace(tzinfo=zone)
    found = []
    for _ in range(count):
        at = parse(text).next(at, zone)
        assert at.utcoffset() == dt.timedelta(0)
        found.append(at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S%z"))
    return found


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("0 9 * * 1", "2026-11-22 12:00", ["2026-11-23 09:00", "2026-11-30 09:00", "2026-12-07 09:00"]),
        ("0 9 * * MON", "2026-11-23 09:00", ["2026-11-30 09:00", "2026-12-07 09:00", "2026-12-14 09:00"]),
        ("*/20 8-9 * * *", "2026-01-01 08:30", ["2026-01-01 08:40", "2026-01-01 09:00", "2026-01-01 09:20"]),
        ("0 0 29 2 *", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("0 0 31 * *", "2026-01-31 00:00", ["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"]),
        ("5,35 12 1 jan-mar *", "2026-01-01 12:05", ["2026-01-01 12:35", "2026-02-01 12:05", "2026-02-01 12:35"]),
        ("0 0 13 * 5", "2026-02-07 00:00", ["2026-02-13 00:00", "2026-02-20 00:00", "2026-02-27 00:00"]),
        ("0 0 1 * 0", "2026-11-01 00:00", ["2026-11-08 00:00", "2026-11-15 00:00", "2026-11-22 00:00"]),
        ("0 0 * * 5-7", "2026-11-20 12:00", ["2026-11-21 00:00", "2026-11-22 00:00", "2026-11-27 00:00"]),
        ("7/25 3 * * *", "2026-05-05 03:00", ["2026-05-05 03:07", "2026-05-05 03:32", "2026-05-05 03:57"]),
    ],
)
def test_the_next_times(text: str, start: str, expected: list[str]) -> None:
    assert times(text, start) == [f"{each}:00+0000" for each in expected]


def test_the_fields_count_in_the_zone() -> None:
    assert parse("0 9 * * *").next(dt.datetime(2026, 5, 5, tzinfo=dt.UTC), SHANGHAI) == dt.datetime(
        2026, 5, 5, 1, tzinfo=dt.UTC
    )


def test_a_time_that_is_left_out_counts_at_the_first_moment_after_it() -> None:
    assert times("30 2 * * *", "2026-03-28 12:00", 3, BERLIN) == [
        "2026-03-29 03:00:00+0200",
        "2026-03-30 02:30:00+0200",
        "2026-03-31 02:30:00+0200",
    ]


def test_several_times_that_are_left_out_count_once() -> None:
    assert times("0,20,40 2,3 * * *", "2026-03-29 01:59", 3, BERLIN) == [
        "2026-03-29 03:00:00+0200",
        "2026-03-29 03:20:00+0200",
        "2026-03-29 03:40:00+0200",
    ]


def test_a_time_that_comes_twice_counts_once() -> None:
    assert times("30 2 * * *", "2026-10-24 12:00", 3, BERLIN) == [
        "2026-10-25 02:30:00+0200",
        "2026-10-26 02:30:00+0100",
        "2026-10-27 02:30:00+0100",
    ]
    second = dt.datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    assert parse("30 2 * * *").next(second, BERLIN).astimezone(BERLIN).day == 26


def test_a_day_that_a_zone_left_out_counts_at_the_next_one() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    found = parse("0 10 30 12 *").next(dt.datetime(2011, 12, 1, tzinfo=dt.UTC), apia)
    assert found.astimezone(apia).replace(tzinfo=None) == dt.datetime(2011, 12, 31)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
def test_every_time_is_later_than_the_one_before_and_shows_what_was_asked_for(zone: str) -> None:
    chance, place = random.Random(7), ZoneInfo(zone)
    for _ in range(60):
        hour, minute = chance.randrange(24), chance.randrange(60)
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=chance.randrange(525_000))
        days = []
        for _ in range(4):
            found = parse(f"{minute} {hour} * * *").next(at, place)
            assert found > at
            at, local = found, found.astimezone(place)
            days.append(local.date())
            shown = local.replace(tzinfo=None)
            moved = dt.datetime.combine(shown.date(), dt.time(hour, minute))
            there = moved.replace(tzinfo=place).astimezone(dt.UTC).astimezone(place).replace(tzinfo=None) == moved
            assert shown == moved if there else shown > moved
        assert days == sorted(set(days)), "one on each day"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "cron_not_five"),
        ("0 9 * *", "cron_not_five"),
        ("0 9 * * * *", "cron_not_five"),
        ("@daily", "cron_not_five"),
        ("60 9 * * *", "cron_part"),
        ("0 24 * * *", "cron_part"),
        ("0 9 0 * *", "cron_part"),
        ("0 9 * 13 *", "cron_part"),
        ("0 9 * * 8", "cron_part"),
        ("0 9 * * mo", "cron_part"),
        ("0 9 * mon *", "cron_part"),
        ("5-2 9 * * *", "cron_part"),
        ("*/0 9 * * *", "cron_part"),
        ("1, 9 * * *", "cron_part"),
        ("1,,2 9 * * *", "cron_part"),
        ("0 9 L * *", "cron_part"),
        ("0 9 ? * *", "cron_part"),
        ("٣ 9 * * *", "cron_part"),
        ("0 0 31 2,4 *", "cron_never"),
        ("0 0 30 feb *", "cron_never"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, code: str) -> None:
    with pytest.raises(PlatformError) as error:
        parse(text)
    assert [each.code for each in error.value.problems] == [code]
    assert all(error.value.problems[0].message(lang) for lang in LANGUAGES)


def test_every_wrong_part_is_told() -> None:
    with pytest.raises(PlatformError) as error:
        parse("99 99 * * x")
    assert [each.params["part"] for each in error.value.problems] == ["99", "99", "x"]
