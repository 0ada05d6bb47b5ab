"""What is only known when an expression is evaluated: who asks, when, and in which time zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from metadata.calendars import Calendar
from metadata.expressions.tree import Constant

NOBODY = "00000000-0000-0000-0000-000000000000"
"""`$user` when the platform itself asks: no record has this id, so an ownerless record never matches."""


@dataclass(frozen=True, slots=True)
class Binding:
    """`now` is aware; `timezone` (IANA) is the tenant's: days begin there."""

    now: dt.datetime
    timezone: str
    user: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Values of the record of the one who asks, by field id, for `$user.<field>`."""
    roles: frozenset[str] = frozenset()
    """Ids of his roles."""
    units: frozenset[str] = frozenset()
    """Ids of his units and of all below them."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    """The calendars of business time by id; the first one counts where none is named. See `calendars.Calendars`."""


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def today(binding: Binding) -> dt.date:
    return binding.now.astimezone(zone(binding.timezone)).date()


def bound(constant: Constant, values: Sequence[object], binding: Binding) -> object:
    """The value that a constant stands for: moments are aware and in UTC."""
    value = values[constant.slot] if constant.name is None else _named(constant.name, binding)
    if constant.kind == "datetime":
        return _instant(value, binding)
    if constant.kind == "date" and isinstance(value, dt.datetime):
        return value.astimezone(zone(binding.timezone)).date()
    return value


def _named(name: str, binding: Binding) -> object:
    match name:
        case "$user":
            return binding.user or NOBODY
        case "$now":
            return binding.now
        case "$today":
            return today(binding)
    what, _, of = name.partition(":")
    match what:
        case "has_role":
            return of in binding.roles
        case "calendar":
            return binding.calendars.get(of)
    return binding.attributes.get(name.removeprefix("$user."))


def _instant(value: object, binding: Binding) -> object:
    if isinstance(value, dt.datetime):
        local = value if value.tzinfo else value.replace(tzinfo=zone(binding.timezone))
    elif isinstance(value, dt.date):
        local = dt.datetime(value.year, value.month, value.day, tzinfo=zone(binding.timezone))
    else:
        return value
    try:
        return local.astimezone(dt.UTC)
    except OverflowError:  # the first and last day of the calendar, in a zone that leads beyond it
        return local.replace(tzinfo=dt.UTC)
