"""Decides to whom a rule of an assignment gives a record. Pure: people come with the facts that it looks at.

All strategies are deterministic: the same people, facts and pointer give the same choice. Ties go to whoever was
given nothing for longest, then by id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from metadata.assignments import Rule
from metadata.model import EMPTY

Skip = Literal["inactive", "away", "full", "quota", "refused"]
"""Why somebody is passed over; `refused`: the record could not be saved with him as its owner."""

_STRIDE = 232_792_560
"""The length of a turn of weight 1: every weight up to 20 divides it, so shares come out exactly."""
_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may get the record."""

    user: str
    active: bool = True
    away: bool = False
    open: int = 0
    """How many records that count as load he owns."""
    last_at: dt.datetime | None = None
    """When he was given one by an assignment; None: long ago, or never."""
    given: int = 0
    """How many he was given so in the last 24 hours."""
    weight: int = 1
    per_30_days: int | None = None


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a rule remembers from one record to the next."""

    last: str | None = None
    """Whose turn it was."""
    used: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    """`weighted`: how far each is ahead of whoever had the last turn, before it. Who is not here is not ahead: who is
    new, or was away, begins where the others are and does not catch up."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One of the people a rule looked at; `skipped`: why he was passed over."""

    user: str
    skipped: Skip | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`user`: who gets it; None when nobody can. `pointer`: what the rule remembers from now on."""

    user: str | None
    considered: tuple[Considered, ...]
    pointer: Pointer


def assign(rule: Rule, people: Sequence[Person], pointer: Pointer, refused: frozenset[str] = frozenset()) -> Outcome:
    """Choose among people, each of whom is there once. `refused`: users with whom the record cannot be saved."""
    ordered = sorted(people, key=lambda each: each.user)
    considered = tuple(Considered(each.user, skip(rule, each, refused)) for each in ordered)
    free = [each for each, seen in zip(ordered, considered, strict=True) if seen.skipped is None]
    if not free:
        return Outcome(None, considered, pointer)
    chosen = _CHOOSE[rule.strategy](free, pointer)
    return Outcome(chosen.user, considered, _moved(rule, chosen, pointer))


def skip(rule: Rule, person: Person, refused: frozenset[str] = frozenset()) -> Skip | None:
    """Why a person cannot have the next record by a rule."""
    if not person.active:
        return "inactive"
    if person.away:
        return "away"
    if person.user in refused:
        return "refused"
    if rule.full is not None and person.open >= rule.full:
        return "full"
    if rule.strategy == "capacity" and person.given >= quota(person):
        return "quota"
    return None


def quota(person: Person) -> int:
    """How many a person takes in 24 hours: a thirtieth of his capacity, half rounded up."""
    return (2 * (person.per_30_days or 0) + 30) // 60


def in_turn(people: Sequence[Person], pointer: Pointer) -> Person:
    """The one after whoever had the last turn, although he may be gone by now. `people` are in the order of ids."""
    return next((each for each in people if pointer.last is not None and each.user > pointer.last), people[0])


def _waiting(person: Person) -> tuple[dt.datetime, str]:
    return person.last_at or _LONG_AGO, person.user


def _least_load(people: Sequence[Person], pointer: Pointer) -> Person:
    return min(people, key=lambda each: (each.open, *_waiting(each)))


def _capacity(people: Sequence[Person], pointer: Pointer) -> Person:
    """Whoever has used the smallest part of what he takes today."""
    return min(people, key=lambda each: (Fraction(each.given, quota(each)), *_waiting(each)))


def _weighted(people: Sequence[Person], pointer: Pointer) -> Person:
    return min(people, key=lambda each: (pointer.used.get(each.user, 0), each.user))


_CHOOSE: Mapping[str, Callable[[Sequence[Person], Pointer], Person]] = {
    "round_robin": in_turn,
    "territory": in_turn,
    "sticky": in_turn,
    "least_load": _least_load,
    "capacity": _capacity,
    "weighted": _weighted,
}


def _moved(rule: Rule, chosen: Person, pointer: Pointer) -> Pointer:
    if rule.strategy != "weighted":
        return replace(pointer, last=chosen.user)
    at = pointer.used.get(chosen.user, 0)
    used = {**pointer.used, chosen.user: at + _STRIDE // chosen.weight}
    # Counted from where the turn was, so that the numbers never grow; who is not ahead of it begins there.
    return Pointer(chosen.user, {user: far - at for user, far in used.items() if far > at})
