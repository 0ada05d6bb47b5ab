"""Functions of business time: by a named calendar, else by the tenant's first one; empty when there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from metadata import calendars
from metadata.calendars import Calendar
from metadata.expressions.binding import Binding
from metadata.expressions.closures.numbers import Number, hours_of, seconds_of, whole


def _first(binding: Binding) -> Calendar | None:
    return next(iter(binding.calendars.values()), None)


def _is_business_day(calendar: Calendar, day: dt.date) -> bool:
    return calendars.is_business_day(calendar, day)


def _add_business_days(calendar: Calendar, day: dt.date, count: Number) -> dt.date | None:
    return calendars.add_business_days(calendar, day, whole(count))


def _business_days_between(calendar: Calendar, first: dt.date, last: dt.date) -> int:
    return calendars.business_days_between(calendar, first, last)


def _add_business_hours(calendar: Calendar, moment: dt.datetime, hours: Number) -> dt.datetime | None:
    return calendars.add_business_seconds(calendar, moment, seconds_of(hours))


def _business_hours_between(calendar: Calendar, first: dt.datetime, last: dt.datetime) -> Decimal | None:
    worked = calendars.business_time_between(calendar, first, last)
    return None if worked is None else hours_of(worked)


def _by_calendar(function: Callable[..., Any], values: int) -> Callable[..., Any]:
    """With the binding before and perhaps a calendar after the values."""

    def placed(binding: Binding, *arguments: Any) -> Any:
        calendar = arguments[values] if len(arguments) > values else _first(binding)
        return None if calendar is None else function(calendar, *arguments[:values])

    return placed


PLACED: Mapping[str, Callable[..., Any]] = {
    "is_business_day": _by_calendar(_is_business_day, 1),
    "add_business_days": _by_calendar(_add_business_days, 2),
    "business_days_between": _by_calendar(_business_days_between, 2),
    "add_business_hours": _by_calendar(_add_business_hours, 2),
    "business_hours_between": _by_calendar(_business_hours_between, 2),
}
