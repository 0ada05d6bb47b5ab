"""Named stretches of days (`this_month`), the one before each, and conditions over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` up to and without `end`; None is open."""

    first: dt.date | None
    end: dt.date | None

    def condition(self, key: str) -> str:
        """That a date, or a moment by the tenant's days, lies inside."""
        parts = []
        if self.first is not None:
            parts.append(f"{key} >= '{self.first}'")
        if self.end is not None:
            parts.append(f"{key} < '{self.end}'")
        return " and ".join(parts)


def period(name: str, today: dt.date) -> Period:
    """Raises KeyError for a name that the grammar does not have."""
    match name:
        case "today":
            return Period(today, today + _DAY)
        case "past":
            return Period(None, today)
        case "future":
            return Period(today + _DAY, None)
        case "last_7_days" | "last_30_days":
            return Period(today - _DAY * (int(name.split("_")[1]) - 1), today + _DAY)
        case "next_7_days" | "next_30_days":
            return Period(today, today + _DAY * int(name.split("_")[1]))
        case "last_12_months":
            return Period(_months(today, -11), _months(today, 1))
    which, _, unit = name.partition("_")
    first = _BEGIN[unit](today)
    if which == "last":
        return Period(_step(unit, first, -1), first)
    return Period(first, _step(unit, first, 1))


def previous(name: str, today: dt.date) -> Period:
    """The stretch of the same kind just before; of one that is still running, up to the same day of it."""
    found = period(name, today)
    if found.first is None or found.end is None:
        raise KeyError(name)
    which, _, unit = name.partition("_")
    if unit in _BEGIN and which in ("this", "last"):
        first = _step(unit, found.first, -1)
        if which == "this":
            passed = today - found.first + _DAY
            return Period(first, min(first + passed, found.first))
        return Period(first, found.first)
    if name == "last_12_months":
        return Period(_months(found.first, -12), found.first)
    return Period(found.first - (found.end - found.first), found.first)


def bucket(text: str) -> Period | None:
    """The days of a group that `aggregate` names: 2026, 2026-Q1, 2026-02, 2026-02-03."""
    try:
        if "Q" in text:
            of, _, quarter = text.partition("-Q")
            first = dt.date(int(of), int(quarter) * 3 - 2, 1)
            return Period(first, _months(first, 3))
        parts = [int(each) for each in text.split("-")]
        year, month, day = [*parts, 1, 1][:3]
        first = dt.date(year, month, day)
        end = first + _DAY if len(parts) == 3 else _months(first, 1 if len(parts) == 2 else 12)
        return Period(first, end)
    except (ValueError, OverflowError):
        return None


def buckets(first: str, last: str, size: str) -> list[str]:
    """Every group between two, so that a month without records is a gap and not left out."""
    one, two = bucket(first), bucket(last)
    if one is None or two is None or one.first is None or two.first is None:
        return [first, last]
    found: list[str] = []
    day = one.first
    while day <= two.first and len(found) < 400:
        found.append(named(day, size))
        day = day + _DAY if size == "day" else _months(day, {"month": 1, "quarter": 3}.get(size, 12))
    return found


def named(day: dt.date, size: str) -> str:
    match size:
        case "day":
            return str(day)
        case "month":
            return f"{day.year:04}-{day.month:02}"
        case "quarter":
            return f"{day.year:04}-Q{(day.month + 2) // 3}"
    return f"{day.year:04}"


def _months(day: dt.date, number: int) -> dt.date:
    """The first of the month some months further."""
    at = day.year * 12 + day.month - 1 + number
    return dt.date(at // 12, at % 12 + 1, 1)


_BEGIN: dict[str, Callable[[dt.date], dt.date]] = {
    "week": lambda day: day - _DAY * day.weekday(),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1),
    "year": lambda day: dt.date(day.year, 1, 1),
}


def _step(unit: str, first: dt.date, by: int) -> dt.date:
    return (
        first + _DAY * 7 * by if unit == "week" else _months(first, by * {"month": 1, "quarter": 3, "year": 12}[unit])
    )
