"""Quiet hours: whether a moment is in them, and when they end. Values in, values out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from metadata.calendars import WEEKDAYS, Calendar

_DAY = 24 * 60
_MOST = 400
"""Spans that may follow each other: more than a year of quiet days."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """When a person wants no mail. `start` and `end`: minutes since midnight, every day; over midnight when the end is
    earlier. `days`: weekdays that are quiet as a whole. `calendar`: its holidays are too, its make-up days are not."""

    start: int | None = None
    end: int | None = None
    days: frozenset[str] = frozenset()
    calendar: str | None = None


def ends(quiet: Quiet, calendar: Calendar | None, zone: ZoneInfo, moment: dt.datetime) -> dt.datetime | None:
    """When the quiet in which a moment lies is over (UTC); None for a moment that is not quiet, or quiet for ever."""
    at = moment.astimezone(dt.UTC)
    for turn in range(_MOST):
        found = _end(quiet, calendar, at.astimezone(zone))
        if found is None:
            return at if turn else None
        # Where the clock is put back an end may come twice: time only goes on.
        at = max(found.astimezone(dt.UTC), at + dt.timedelta(minutes=1))
    return None


def _end(quiet: Quiet, calendar: Calendar | None, local: dt.datetime) -> dt.datetime | None:
    """The end of the one span that a local moment is in."""
    day = local.date()
    if _is_whole(quiet, calendar, day):
        return _at(day + dt.timedelta(days=1), 0, local)
    start, end, now = quiet.start, quiet.end, local.hour * 60 + local.minute
    if start is None or end is None or start == end:
        return None
    if start < end:
        return _at(day, end, local) if start <= now < end else None
    if now >= start:
        return _at(day + dt.timedelta(days=1), end, local)
    return _at(day, end, local) if now < end else None


def _at(day: dt.date, minutes: int, local: dt.datetime) -> dt.datetime:
    time = dt.time(minutes // 60, minutes % 60)
    return dt.datetime.combine(day, time, local.tzinfo)


def _is_whole(quiet: Quiet, calendar: Calendar | None, day: dt.date) -> bool:
    if calendar is not None:
        special = next((each for each in calendar.special if each.id == day.isoformat()), None)
        if special is not None:
            return not special.hours
    return WEEKDAYS[day.weekday()] in quiet.days


def minutes_of(text: str) -> int | None:
    """A time of the clock (`22:00`) in minutes; None for what is none."""
    hours, colon, minutes = text.partition(":")
    good = colon and len(minutes) == 2 and 0 < len(hours) < 3 and (hours + minutes).isascii()
    if not good or not (hours + minutes).isdigit() or int(minutes) > 59:
        return None
    total = int(hours) * 60 + int(minutes)
    return total if total < _DAY else None


def clock_of(minutes: int) -> str:
    """Minutes as a time of the clock."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
