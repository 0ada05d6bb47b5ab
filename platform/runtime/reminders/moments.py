"""When a record reminds of itself, and whom. Values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

Which = Literal["task", "start", "contact"]
MORNING = dt.time(9)
_DAYS_BEFORE = {"on_day": 0, "day_before": 1, "three_days_before": 3, "week_before": 7}
_MINUTES_BEFORE = {"at_start": 0, "ten_minutes": 10, "half_hour": 30, "hour": 60, "day": 1440}
LONGEST = dt.timedelta(days=9)
"""No reminder comes earlier before what it reminds of, whatever the zone."""

PERSON = {"task": "assignee", "activity": "owner"}
"""Entity -> the field that names whom it reminds."""
WATCHED = frozenset(PERSON)
KINDS: Mapping[Which, str] = {"task": "reminder", "start": "reminder", "contact": "reminder.contact"}
"""Which -> kind of the notification."""


@dataclass(frozen=True, slots=True)
class Moment:
    which: Which
    at: dt.datetime


def moments(entity: str, values: Mapping[str, Any], zone: Callable[[], ZoneInfo]) -> list[Moment]:
    """The moments at which a record (values by field id) reminds; none of what is over. `zone`: of whom it reminds."""
    found = _task(values, zone) if entity == "task" else _activity(values)
    return [Moment(which, at.astimezone(dt.UTC)) for which, at in found if at is not None]


def _task(values: Mapping[str, Any], zone: Callable[[], ZoneInfo]) -> Iterator[tuple[Which, dt.datetime | None]]:
    if values.get("status") != "open":
        return
    due, days = values.get("due"), _DAYS_BEFORE.get(str(values.get("remind")))
    if values.get("remind_at") is not None:
        yield "task", values["remind_at"]
    elif due is not None and days is not None:
        yield "task", _morning(due, days, zone())


def _morning(due: dt.date, days: int, zone: ZoneInfo) -> dt.datetime | None:
    try:
        return dt.datetime.combine(due - dt.timedelta(days=days), MORNING, zone)
    except OverflowError:
        return None


def _activity(values: Mapping[str, Any]) -> Iterator[tuple[Which, dt.datetime | None]]:
    at, minutes = values.get("at"), _MINUTES_BEFORE.get(str(values.get("remind")))
    if at is not None and minutes is not None:
        yield "start", _before(at, minutes)
    yield "contact", values.get("next_contact_at")


def _before(at: dt.datetime, minutes: int) -> dt.datetime | None:
    try:
        return at - dt.timedelta(minutes=minutes)
    except OverflowError:
        return None
