"""Functions of dates and moments. What lies outside the years 1 to 9999 is empty."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from metadata.expressions.binding import Binding, zone
from metadata.expressions.closures.numbers import Number, hours_of, seconds_of, whole

_MICROSECOND = dt.timedelta(microseconds=1)


def _local(binding: Binding, moment: dt.datetime) -> dt.datetime | None:
    try:
        return moment.astimezone(zone(binding.timezone))
    except OverflowError:
        return None


def day_of(binding: Binding, moment: dt.datetime) -> dt.date | None:
    """The day of a moment in the tenant's zone."""
    local = _local(binding, moment)
    return None if local is None else local.date()


def _hour(binding: Binding, moment: dt.datetime) -> int | None:
    local = _local(binding, moment)
    return None if local is None else local.hour


def _add_days(day: dt.date, count: Number) -> dt.date | None:
    try:
        return day + dt.timedelta(days=whole(count))
    except OverflowError:
        return None


def _add_months(day: dt.date, count: Number) -> dt.date | None:
    year, month = divmod(day.year * 12 + day.month - 1 + whole(count), 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        return None
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _days_between(first: dt.date, last: dt.date) -> int:
    return (last - first).days


def _months_between(first: dt.date, last: dt.date) -> int:
    if last < first:
        return -_months_between(last, first)
    months = (last.year - first.year) * 12 + last.month - first.month
    # The last day of a shorter month is as good as the same day.
    reached = _add_months(first, months)
    return months if reached is not None and reached <= last else months - 1


def _add_hours(moment: dt.datetime, hours: Number) -> dt.datetime | None:
    try:
        return moment + dt.timedelta(seconds=seconds_of(hours))
    except OverflowError:
        return None


def _hours_between(first: dt.datetime, last: dt.datetime) -> Decimal | None:
    return hours_of((last - first) // _MICROSECOND)


def _end_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _quarter(day: dt.date) -> int:
    return (day.month + 2) // 3


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "year": lambda day: day.year,
    "quarter": _quarter,
    "month": lambda day: day.month,
    "day": lambda day: day.day,
    "weekday": lambda day: day.isoweekday(),
    "start_of_week": lambda day: day - dt.timedelta(days=day.weekday()),  # the first day of all is a Monday
    "start_of_month": lambda day: day.replace(day=1),
    "end_of_month": _end_of_month,
    "start_of_quarter": lambda day: dt.date(day.year, 3 * _quarter(day) - 2, 1),
    "start_of_year": lambda day: dt.date(day.year, 1, 1),
    "add_days": _add_days,
    "add_months": _add_months,
    "days_between": _days_between,
    "months_between": _months_between,
    "add_hours": _add_hours,
    "hours_between": _hours_between,
}
PLACED: Mapping[str, Callable[..., Any]] = {"date": day_of, "hour": _hour}
"""Those that need the binding, as their first argument."""
