"""The clocks of SLAs, pure: told what a record is like now, a clock moves and says which of its alerts it has reached.

A clock is the moments at which it began to run, to stand still and to run again. How much of its time is used, when it
is due and whether that is over follow from these, the time it may take and the calendar, whoever asks and whenever.
All lengths of time are microseconds of business time, or as they pass where there is no calendar.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from metadata.calendars import Calendar, add_business_time, business_time_between
from metadata.durations import length_of, parse_duration
from metadata.sla import Alert, Reopen

State = Literal["running", "paused", "stopped", "away"]
"""`away`: the SLA does not cover the record at the moment, or it lies in the recycle bin."""
Status = Literal["running", "paused", "met", "breached", "away"]

NEVER = 10**18
"""The time that a clock may take where its calendar never has that much."""
_MICRO = dt.timedelta(microseconds=1)


class Segment(NamedTuple):
    """What a clock does from a moment on, until the next one begins."""

    kind: State
    began: dt.datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a clock may take now, by which policy and level. `zone`: whose days count without a calendar."""

    policy: str
    level: str
    within: str
    calendar: Calendar | None
    zone: ZoneInfo
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of a record. `segments` are in order and never empty."""

    segments: tuple[Segment, ...]
    policy: str
    level: str
    within: str
    total: int
    """How much time it may take."""
    cycle: int = 1
    fired: tuple[str, ...] = ()
    """Ids of the alerts that it has reached: each comes once, whatever happens to the clock later."""
    due_at: dt.datetime | None = None
    """None while it stands still: when it is due depends on when it goes on."""
    breached_at: dt.datetime | None = None

    @property
    def state(self) -> State:
        return self.segments[-1].kind

    @property
    def started_at(self) -> dt.datetime:
        return self.segments[0].began

    @property
    def stopped_at(self) -> dt.datetime | None:
        return self.segments[-1].began if self.state == "stopped" else None


@dataclass(frozen=True, slots=True)
class Seen:
    """The record has been saved, and this is what the conditions say of it. `terms`: None when it is not covered."""

    terms: Terms | None
    stopped: bool
    paused: bool = False
    begun: bool = True
    reopen: Reopen = "resume"
    since: dt.datetime | None = None
    """From when on a clock counts that begins now, if that is earlier."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Gone:
    """The record lies in the recycle bin. When it is back it is seen again."""


Event = Seen | Passed | Gone


class Reached(NamedTuple):
    """An effect: the alert is to be done. `at`: when it was reached."""

    alert: str
    at: dt.datetime


def advance(clock: Clock | None, event: Event, now: dt.datetime) -> tuple[Clock | None, tuple[Reached, ...]]:
    """The clock after an event, and the alerts that it has reached, in order. None: it has not begun."""
    match event:
        case Seen():
            return _seen(clock, event, now)
        case Passed(terms) if clock is not None:
            return _told(clock, terms, now, now + _MICRO)
        case Gone() if clock is not None and clock.state != "stopped":
            return _away(clock, now), ()
    return clock, ()


def _seen(clock: Clock | None, seen: Seen, now: dt.datetime) -> tuple[Clock | None, tuple[Reached, ...]]:
    terms = seen.terms
    if clock is None or clock.state == "stopped":
        stays = seen.stopped or not seen.begun or (clock is not None and seen.reopen == "keep")
        if terms is None or stays:
            return clock, ()
        clock = _begun(clock, seen, terms, now)
    elif terms is None:
        return _away(clock, now), ()
    clock = _turned(_under(clock, terms), "stopped" if seen.stopped else "paused" if seen.paused else "running", now)
    return _told(clock, terms, now, now)


def _begun(clock: Clock | None, seen: Seen, terms: Terms, now: dt.datetime) -> Clock:
    """A clock that begins, or goes on."""
    if clock is not None and seen.reopen == "resume":
        return clock
    since = now if seen.since is None or clock is not None else min(seen.since, now)
    cycle = 1 if clock is None else clock.cycle + (seen.reopen == "new_cycle")
    kind: State = "paused" if seen.paused and since == now else "running"
    return Clock((Segment(kind, since),), terms.policy, terms.level, terms.within, 0, cycle)


def _under(clock: Clock, terms: Terms) -> Clock:
    """The clock with the time that it may take now, counted from where it began."""
    total = total_of(terms, clock.started_at)
    return replace(clock, policy=terms.policy, level=terms.level, within=terms.within, total=total)


def _turned(clock: Clock, kind: State, now: dt.datetime) -> Clock:
    segments = list(clock.segments)
    if segments[-1].kind == kind:
        return clock
    now = max(now, segments[-1].began)
    if segments[-1].began == now and len(segments) > 1:
        segments.pop()  # it has lasted no time
    if segments[-1].kind != kind:
        segments.append(Segment(kind, now))
    return replace(clock, segments=tuple(segments))


def _away(clock: Clock, now: dt.datetime) -> Clock:
    """It counts no more until it is seen again; what was too late by then stays so."""
    late = clock.due_at if clock.state == "running" and clock.due_at is not None and clock.due_at < now else None
    return replace(_turned(clock, "away", now), due_at=None, breached_at=clock.breached_at or late)


def _told(clock: Clock, terms: Terms, now: dt.datetime, before: dt.datetime) -> tuple[Clock, tuple[Reached, ...]]:
    """The clock with when it is due, and the alerts that it has reached before a moment and that are new."""
    due = moment_of(clock, terms, clock.total)
    breached = due if due is not None and due < before else None
    if due is None and clock.state == "stopped":
        due = _add(terms, clock.segments[-1].began, clock.total - used(clock, terms, now))
    found = []
    for alert in terms.alerts:
        at = None if alert.id in clock.fired else moment_of(clock, terms, threshold(alert, clock.total))
        if at is not None and at < before:
            found.append(Reached(alert.id, at))
    found.sort(key=lambda each: each.at)
    fired = (*clock.fired, *(each.alert for each in found))
    return replace(clock, due_at=due, breached_at=breached, fired=fired), tuple(found)


# -- what follows from a clock


def total_of(terms: Terms, start: dt.datetime) -> int:
    """How much time a clock that began at a moment may take."""
    try:
        found = length_of(terms.calendar, parse_duration(terms.within), start, terms.zone)
    except OverflowError:
        found = None
    return NEVER if found is None else found


def threshold(alert: Alert, total: int) -> int:
    """After how much of its time an alert comes."""
    if alert.left is not None:
        return max(total - parse_duration(alert.left).seconds * 1_000_000, 0)
    if alert.over is not None:
        return total + parse_duration(alert.over).seconds * 1_000_000
    return total * (alert.at or 0) // 100


def moment_of(clock: Clock, terms: Terms, amount: int) -> dt.datetime | None:
    """When the clock has, or will have, run for so long; None when it stands still before that."""
    left = amount
    for kind, began, until in _spans(clock):
        if kind != "running":
            continue
        reached = _add(terms, began, left)
        if until is None or (reached is not None and reached < until):
            return reached
        left = max(left - _between(terms, began, until), 0)
    return None


def used(clock: Clock, terms: Terms, now: dt.datetime) -> int:
    """How long it has run."""
    return sum(each.amount for each in course(clock, terms, now) if each.kind == "running")


class Stretch(NamedTuple):
    """What a clock did for a while. `until`: None for the last one. `amount`: the time that lies in it."""

    kind: State
    began: dt.datetime
    until: dt.datetime | None
    amount: int


def course(clock: Clock, terms: Terms, now: dt.datetime) -> tuple[Stretch, ...]:
    """Why it stands as it does: what it did when, and how much time of its calendar that was."""
    return tuple(
        Stretch(kind, began, until, _between(terms, began, max(until or now, began)))
        for kind, began, until in _spans(clock)
    )


def status_of(clock: Clock, now: dt.datetime) -> Status:
    """In one word. What was too late stays so, done or not."""
    late = clock.state == "running" and clock.due_at is not None and clock.due_at <= now
    if clock.breached_at is not None or late:
        return "breached"
    state = clock.state
    return "met" if state == "stopped" else state


def next_moment(clock: Clock, terms: Terms) -> dt.datetime | None:
    """When it has to be told that time has passed: at the next alert, if it goes on as it does."""
    if clock.state != "running":
        return None
    waiting = (each for each in terms.alerts if each.id not in clock.fired)
    moments = (moment_of(clock, terms, threshold(each, clock.total)) for each in waiting)
    return min((each for each in moments if each is not None), default=None)


def _spans(clock: Clock) -> Iterator[tuple[State, dt.datetime, dt.datetime | None]]:
    for at, (kind, began) in enumerate(clock.segments):
        yield kind, began, clock.segments[at + 1].began if at + 1 < len(clock.segments) else None


def _add(terms: Terms, moment: dt.datetime, micros: int) -> dt.datetime | None:
    try:
        if terms.calendar is None:
            return moment + dt.timedelta(microseconds=micros)
        return add_business_time(terms.calendar, moment, micros)
    except OverflowError:
        return None


def _between(terms: Terms, first: dt.datetime, last: dt.datetime) -> int:
    if terms.calendar is None:
        return (last - first) // _MICRO
    return business_time_between(terms.calendar, first, last) or 0


# -- as it is kept


def dumped(clock: Clock) -> dict[str, Any]:
    """The clock as JSON data."""
    moments: Mapping[str, dt.datetime | None] = {"due_at": clock.due_at, "breached_at": clock.breached_at}
    return {
        "segments": [[kind, began.isoformat()] for kind, began in clock.segments],
        "policy": clock.policy,
        "level": clock.level,
        "within": clock.within,
        "total": clock.total,
        "cycle": clock.cycle,
        "fired": list(clock.fired),
        **{name: None if each is None else each.isoformat() for name, each in moments.items()},
    }


def loaded(data: Mapping[str, Any]) -> Clock:
    """The clock that `dumped` wrote."""
    segments: Sequence[Sequence[Any]] = data["segments"]
    return Clock(
        segments=tuple(Segment(kind, dt.datetime.fromisoformat(began)) for kind, began in segments),
        policy=data["policy"],
        level=data["level"],
        within=data["within"],
        total=data["total"],
        cycle=data["cycle"],
        fired=tuple(data["fired"]),
        due_at=_moment(data["due_at"]),
        breached_at=_moment(data["breached_at"]),
    )


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
