"""Times of a schedule as five fields of cron: minute, hour, day of the month, month, day of the week.

Strict: numbers, `*`, ranges, lists, steps and English names of months and days, nothing else. When both days are
restricted either of them is enough, as in every cron. A time that a change of the clock leaves out counts at the first
moment after it, and one that comes twice counts the first time only. That last point is why no library is used: the one
at hand fires twice.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from metadata.problems import Label, PlatformError, kind

NOT_FIVE = kind(
    "cron_not_five",
    en="“{text}” has {count} parts. A schedule has five: minute, hour, day of the month, month and day of the week, "
    "like `0 9 * * 1` for Mondays at nine.",
    zh="“{text}”有 {count} 段。计划须有五段：分、时、日、月、星期，例如 `0 9 * * 1` 表示每周一九点。",
)
BAD_PART = kind(
    "cron_part",
    en="“{part}” cannot stand for the {field}. Write a number from {low} to {high}, a range like {low}-{high}, a list "
    "with commas, `*`, or steps like `*/2`.",
    zh="“{part}”不能作为{field}。请填写 {low} 到 {high} 的数字、范围（如 {low}-{high}）、逗号列表、"
    "`*` 或步长（如 `*/2`）。",
)
NEVER = kind(
    "cron_never",
    en="“{text}” never comes: no month named there has that day. Correct the day or the month.",
    zh="“{text}”永远不会到来：所列月份没有这一天。请更正日或月。",
)

_FIELDS: tuple[tuple[Label, int, int], ...] = (
    ({"en": "minute", "zh": "分"}, 0, 59),
    ({"en": "hour", "zh": "时"}, 0, 23),
    ({"en": "day of the month", "zh": "日"}, 1, 31),
    ({"en": "month", "zh": "月"}, 1, 12),
    ({"en": "day of the week", "zh": "星期"}, 0, 7),
)
_MONTHS = {name: at for at, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: at for at, name in enumerate("sun mon tue wed thu fri sat".split())}
_NAMES: tuple[dict[str, int], ...] = ({}, {}, {}, _MONTHS, _DAYS)
_PART = re.compile(r"(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,2}))?", re.ASCII)
_FARTHEST = 9 * 366
"""Days to look ahead: the longest way from one 29 February to the next takes eight years."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule. Days of the week count from 0, Sunday; `None`: any day."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None

    def next(self, after: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
        """The first time later than a moment, in UTC. `after` has a zone; the fields count in `zone`."""
        # The day before, since a clock that is set back over midnight repeats its end.
        day = after.astimezone(zone).date() - dt.timedelta(days=1)
        for _ in range(_FARTHEST):
            if self._on(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        found = _moment(dt.datetime.combine(day, dt.time(hour, minute)), zone)
                        if found > after:
                            return found
            day += dt.timedelta(days=1)
        raise ValueError(f"no time of {self.text!r} after {after}")

    def _on(self, day: dt.date) -> bool:
        if day.month not in self.months:
            return False
        of_month = None if self.days is None else day.day in self.days
        of_week = None if self.weekdays is None else day.isoweekday() % 7 in self.weekdays
        if of_month is None or of_week is None:
            return of_month is not False and of_week is not False
        return of_month or of_week


def parse(text: str) -> Cron:
    """The schedule that a text says. Raises PlatformError with everything wrong in it."""
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        raise PlatformError(NOT_FIVE(text=text[:60], count=len(parts)))
    problems = []
    found: list[frozenset[int]] = []
    for part, (label, low, high), names in zip(parts, _FIELDS, _NAMES, strict=True):
        values = _values(part, low, high, names)
        if not values:
            problems.append(BAD_PART(part=part[:40], field=label, low=low, high=high))
        found.append(values)
    if problems:
        raise PlatformError(problems)
    minutes, hours, days, months, weekdays = found
    cron = Cron(
        text,
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        None if parts[2].startswith("*") and len(days) == 31 else days,
        months,
        None if len(weekdays) == 7 else weekdays,
    )
    if cron.weekdays is None and cron.days is not None and not any(_has(month, cron.days) for month in months):
        raise PlatformError(NEVER(text=text[:60]))
    return cron


def _values(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    """The numbers that a part stands for; none when it is not written as it must be."""
    found: set[int] = set()
    for each in text.split(","):
        written = _PART.fullmatch(each)
        if written is None:
            return frozenset()
        every, first, last, step = written.groups()
        begin = low if every else _number(first, names)
        end = high if every or step is not None else begin
        end = end if last is None else _number(last, names)
        width = 1 if step is None else int(step)
        if begin is None or end is None or not (low <= begin <= end <= high) or not 1 <= width <= high:
            return frozenset()
        found.update(range(begin, end + 1, width))
    # Sunday is 0 and 7.
    return frozenset(each % 7 for each in found) if high == 7 else frozenset(found)


def _number(text: str, names: dict[str, int]) -> int | None:
    return int(text) if text.isdigit() else names.get(text)


def _has(month: int, days: frozenset[int]) -> bool:
    return min(days) <= calendar.monthrange(2024, month)[1]


def _moment(wall: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """When a clock of a zone shows a time: the first time it does, or the first moment after it was left out."""
    late = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    offset = late.astimezone(zone).utcoffset()
    # The clock was set forward between the two; found to the second.
    low, high = 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        changed = (early + dt.timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset
        low, high = (low, middle) if changed else (middle, high)
    return early + dt.timedelta(seconds=high)
