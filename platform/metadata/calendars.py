"""Business time: the days and hours that people work, with holidays and make-up days, across changes of the clock."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from metadata.problems import Label

if TYPE_CHECKING:
    from metadata.model import Model

MOST_YEARS = 50
"""How far business hours are counted; what lies further apart is empty."""
_DAY = 24 * 60
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND = 1_000_000
_LAST = dt.date.max.toordinal()

Span = tuple[int, int]
"""From and until, in minutes of the clock since the day began; until is more than 1440 when it is past midnight."""


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is not as its weekday: a holiday (no hours), or a day that is worked instead of another."""

    id: str
    """The date in ISO 8601."""
    label: Label
    hours: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When people work, by weekday. `special` is in the order of dates, each date once.

    A span belongs to the day on which it begins: the hours after midnight of a night shift count although the next
    day is a holiday.
    """

    id: str
    key: str
    label: Label
    week: Mapping[str, tuple[Span, ...]]
    special: tuple[SpecialDay, ...] = ()
    timezone: str = "UTC"


class Calendars(Mapping[str, Calendar]):
    """The calendars of a model by id, for `Binding`: the first one counts where an expression names none."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, id: str) -> Calendar:
        found = self._model.get("calendars", id) if id in self._model.index.get("calendars", ()) else None
        if not isinstance(found, Calendar):
            raise KeyError(id)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.index.get("calendars", ()))

    def __len__(self) -> int:
        return len(self._model.index.get("calendars", ()))


def calendar_names(model: Model) -> Mapping[str, str]:
    """Id or today's key -> id, for `Scope`."""
    return {**model.names("calendars"), **{id: id for id in model.index.get("calendars", ())}}


def is_business_day(calendar: Calendar, day: dt.date) -> bool:
    return bool(hours_of(calendar, day))


def hours_of(calendar: Calendar, day: dt.date) -> tuple[Span, ...]:
    """The hours that begin on a day."""
    days = _days(calendar)
    return days.special.get(day.toordinal(), days.week[day.weekday()])


def add_business_days(calendar: Calendar, day: dt.date, count: int) -> dt.date | None:
    """The count-th business day after a day, or before it when negative; the day itself for 0. None out of range."""
    if count == 0:
        return day
    days = _days(calendar)
    ordinal = day.toordinal()
    if count > 0:
        wanted = days.before(ordinal + 1) + count
        if days.before(_LAST + 1) < wanted:
            return None
        # The first day up to and with which that many are worked.
        return dt.date.fromordinal(bisect_left(range(_LAST + 2), wanted, ordinal, key=days.before) - 1)
    wanted = days.before(ordinal) + count
    if wanted < 0:
        return None
    return dt.date.fromordinal(bisect_right(range(_LAST + 2), wanted, 1, ordinal, key=days.before) - 1)


def business_days_between(calendar: Calendar, first: dt.date, last: dt.date) -> int:
    """Business days after `first` up to `last`; negative, before it down to `last`, when that is earlier."""
    days = _days(calendar)
    a, b = first.toordinal(), last.toordinal()
    return days.before(b + 1) - days.before(a + 1) if b >= a else days.before(b) - days.before(a)


def add_business_seconds(calendar: Calendar, moment: dt.datetime, seconds: int) -> dt.datetime | None:
    """When so many seconds of business time have passed; before the moment when negative. None: too far."""
    return add_business_time(calendar, moment, seconds * _SECOND)


def add_business_time(calendar: Calendar, moment: dt.datetime, micros: int) -> dt.datetime | None:
    """The same of microseconds, as `business_time_between` counts them."""
    if micros == 0:
        return moment
    left, at = abs(micros), _micros(moment)
    # A shift of the last night of a year ends in the next one.
    year = _year_of(calendar, moment) - (micros > 0)
    for step in range(MOST_YEARS + 2):
        found = _year(calendar, year + (step if micros > 0 else -step))
        if found is None:
            return None
        reached = found.forward(at, left) if micros > 0 else found.backward(at, left)
        if reached is not None:
            return _moment(reached)
        left -= found.after(at) if micros > 0 else found.until(at)
    return None


def business_time_between(calendar: Calendar, first: dt.datetime, last: dt.datetime) -> int | None:
    """Microseconds of business time from one moment to another, negative when that is earlier. None: too far."""
    if last < first:
        found = business_time_between(calendar, last, first)
        return None if found is None else -found
    begin, end = _year_of(calendar, first), _year_of(calendar, last)
    if end - begin > MOST_YEARS:
        return None
    a, b, total = _micros(first), _micros(last), 0
    for number in range(begin - 1, end + 1):  # a shift of the last night of a year ends in the next one
        year = _year(calendar, number)
        if year is not None:
            total += year.until(b) - year.until(a)
    return total


class _Days:
    """Counts business days before any day without walking over them."""

    def __init__(self, calendar: Calendar) -> None:
        self.week = [calendar.week.get(each, ()) for each in WEEKDAYS]
        days = {dt.date.fromisoformat(each.id).toordinal(): each.hours for each in calendar.special}
        self.special = dict(sorted(days.items()))
        self.of_week = [sum(bool(each) for each in self.week[:count]) for count in range(8)]
        self.ordinals = list(self.special)
        self.added = [0]
        for ordinal, hours in self.special.items():
            self.added.append(self.added[-1] + bool(hours) - bool(self.week[(ordinal - 1) % 7]))

    def before(self, ordinal: int) -> int:
        weeks, rest = divmod(ordinal - 1, 7)  # the first day of all, 0001-01-01, is a Monday
        return weeks * self.of_week[7] + self.of_week[rest] + self.added[bisect_left(self.ordinals, ordinal)]


class _Year:
    """The hours of one year as moments in UTC (microseconds), in order, with what has been worked before each."""

    def __init__(self, spans: Iterator[tuple[int, int]]) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.worked = [0]
        for begin, end in spans:
            self.begins.append(begin)
            self.ends.append(end)
            self.worked.append(self.worked[-1] + end - begin)

    def until(self, at: int) -> int:
        """What is worked of this year before a moment."""
        index = bisect_right(self.begins, at)
        return self.worked[index] - (max(self.ends[index - 1] - at, 0) if index else 0)

    def after(self, at: int) -> int:
        return self.worked[-1] - self.until(at)

    def forward(self, at: int, work: int) -> int | None:
        """When so much has been worked since a moment; None when the year does not have it."""
        wanted = self.until(at) + work
        if wanted > self.worked[-1]:
            return None
        index = bisect_left(self.worked, wanted)
        return self.ends[index - 1] - (self.worked[index] - wanted)

    def backward(self, at: int, work: int) -> int | None:
        wanted = self.until(at) - work
        if wanted < 0:
            return None
        index = bisect_right(self.worked, wanted) - 1
        return self.begins[index] + wanted - self.worked[index]


@lru_cache(maxsize=500)
def _days(calendar: Calendar) -> _Days:
    return _Days(calendar)


@lru_cache(maxsize=1_000)
def _year(calendar: Calendar, number: int) -> _Year | None:
    return _Year(_spans(calendar, number)) if dt.MINYEAR < number < dt.MAXYEAR else None


def _spans(calendar: Calendar, year: int) -> Iterator[tuple[int, int]]:
    """The spans that begin in a year. None overlaps the one before it, which may be of the year before."""
    begin = dt.datetime(year, 1, 1)
    zone, reached = _zone(calendar), -(10**20)
    for number in range(-1, (dt.date(year + 1, 1, 1) - begin.date()).days):
        midnight = begin + dt.timedelta(days=number)
        for first, last in hours_of(calendar, midnight.date()):
            start, end = max(_at(midnight, first, zone), reached), _at(midnight, last, zone)
            if start < end and number >= 0:
                yield start, end
            reached = max(reached, end)


def _at(midnight: dt.datetime, minutes: int, zone: ZoneInfo) -> int:
    """A time of the clock as a moment: hours that the clock skips or repeats are as long as they really are."""
    return _micros((midnight + dt.timedelta(minutes=minutes)).replace(tzinfo=zone))


def _micros(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _moment(micros: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=micros)


def _year_of(calendar: Calendar, moment: dt.datetime) -> int:
    try:
        return moment.astimezone(_zone(calendar)).year
    except OverflowError:  # the first and the last day of all
        return moment.year


def _zone(calendar: Calendar) -> ZoneInfo:
    return _zone_named(calendar.timezone)


@lru_cache(maxsize=600)
def _zone_named(name: str) -> ZoneInfo:
    return ZoneInfo(name)
