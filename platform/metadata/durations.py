"""Lengths of time as a description writes them: ISO 8601 durations, `P3D`, `PT4H`, `-P1M`, by clock or calendar.

Months and days are counted on the clock of a zone, so a day over a change of the clock ends at the same time of day;
hours, minutes and seconds are counted as they pass. In a calendar of business time days are business days and the
rest is business time; months have no meaning there.
"""

from __future__ import annotations

import calendar as months_of
import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from metadata.calendars import (
    Calendar,
    add_business_days,
    add_business_seconds,
    add_business_time,
    business_time_between,
)
from metadata.problems import PlatformError, kind

BAD_DURATION = kind(
    "duration_unreadable",
    en="“{text}” is not a length of time. Write it as ISO 8601 does: P3D for three days, PT4H for four hours, P1M for "
    "a month, -P3D for three days before.",
    zh="“{text}”不是时长。请按 ISO 8601 书写：P3D 表示三天，PT4H 表示四小时，P1M 表示一个月，-P3D 表示提前三天。",
)
TOO_LONG = kind(
    "duration_too_long",
    en="“{text}” is longer than ten years. Choose a shorter time.",
    zh="“{text}”超过十年，请缩短。",
)

_ISO = re.compile(
    r"(-)?P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?",
    re.ASCII,
)
_LONGEST = dt.timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time. Either nothing in it is negative, or nothing is positive."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def empty(self) -> bool:
        return not (self.months or self.days or self.seconds)

    @property
    def negative(self) -> bool:
        return min(self.months, self.days, self.seconds) < 0


def parse_duration(text: str) -> Duration:
    """The length that a text says. Raises PlatformError."""
    written = _ISO.fullmatch(text)
    if written is None or not any(written.groups()[1:]):
        raise PlatformError(BAD_DURATION(text=text[:40]))
    years, months, weeks, days, hours, minutes, seconds = (int(each or 0) for each in written.groups()[1:])
    sign = -1 if written[1] else 1
    found = Duration(
        sign * (12 * years + months), sign * (7 * weeks + days), sign * (3600 * hours + 60 * minutes + seconds)
    )
    if abs(31 * found.months + found.days) + abs(found.seconds) / 86_400 > _LONGEST.days:
        raise PlatformError(TOO_LONG(text=text))
    return found


def after(duration: Duration, start: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The moment so long after another one by the clock of a zone, in UTC. `start` has a zone."""
    local = start.astimezone(zone)
    if duration.months or duration.days:
        day = _months_later(local.date(), duration.months) + dt.timedelta(days=duration.days)
        local = dt.datetime.combine(day, local.timetz())
    return local.astimezone(dt.UTC) + dt.timedelta(seconds=duration.seconds)


def after_in(calendar: Calendar, duration: Duration, start: dt.datetime) -> dt.datetime | None:
    """The moment so much business time after another one, in UTC; None when the calendar never has that much.

    Months are counted by the clock. `start` has a zone.
    """
    zone = ZoneInfo(calendar.timezone)
    local = after(Duration(duration.months), start, zone).astimezone(zone)
    if duration.days:
        day = add_business_days(calendar, local.date(), duration.days)
        if day is None:
            return None
        local = dt.datetime.combine(day, local.timetz())
    reached = add_business_seconds(calendar, local.astimezone(dt.UTC), duration.seconds)
    return None if reached is None else reached.astimezone(dt.UTC)


def length_of(calendar: Calendar | None, duration: Duration, start: dt.datetime, zone: ZoneInfo) -> int | None:
    """Microseconds that a length of time comes to from a moment on: of business time in a calendar, else as they pass.

    Business days are counted from the first moment that is worked: a day that begins on a Saturday is as long as
    Monday. None: the calendar never has that much.
    """
    if calendar is None:
        return (after(duration, start, zone) - start) // dt.timedelta(microseconds=1)
    if not (duration.days or duration.months):
        return duration.seconds * 1_000_000
    first = add_business_time(calendar, start, 1)
    if first is None:
        return None
    first -= dt.timedelta(microseconds=1)
    end = after_in(calendar, duration, first)
    return None if end is None else business_time_between(calendar, first, end)


def _months_later(day: dt.date, months: int) -> dt.date:
    """The same day of another month, or the last one that it has."""
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, months_of.monthrange(year, month + 1)[1]))
