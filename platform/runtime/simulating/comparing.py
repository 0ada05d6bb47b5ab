"""What one definition does with one save, told of two descriptions and compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.model import EMPTY

NEWLY_REFUSES, NO_LONGER_REFUSES = "newly_refuses", "no_longer_refuses"
NEWLY_WARNS, NO_LONGER_WARNS = "newly_warns", "no_longer_warns"
SETS = "sets_differently"
NEWLY_STARTS, NO_LONGER_STARTS, OTHER_PATH = "newly_starts", "no_longer_starts", "takes_another_path"
NEWLY_ASKED, NO_LONGER_ASKED, OTHER_ROUTE = "newly_asked", "no_longer_asked", "asks_otherwise"

DIFFERENCES = {
    "rule": (NEWLY_REFUSES, NO_LONGER_REFUSES, NEWLY_WARNS, NO_LONGER_WARNS, SETS),
    "workflow": (NEWLY_STARTS, NO_LONGER_STARTS, OTHER_PATH),
    "approval": (NEWLY_ASKED, NO_LONGER_ASKED, OTHER_ROUTE),
}
"""By kind of definition, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule does. Fields by id: those that it demands, keeps closed, and of which it refuses what was chosen."""

    rejects: bool = False
    warns: bool = False
    demands: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Field id -> JSON value."""

    @property
    def refuses(self) -> bool:
        return self.rejects or bool(self.demands or self.closed or self.not_offered)


@dataclass(frozen=True, slots=True)
class Happens:
    """Whether a workflow starts or an approval is the one that is asked for, and on which way it goes.

    `way`: lines as JSON data, None while it has not been looked at."""

    does: bool = False
    by: str = ""
    """Id of the trigger."""
    way: tuple[Any, ...] | None = None


Verdict = Ruled | Happens


def differences(kind: str, old: Verdict, new: Verdict) -> Iterator[str]:
    """In what two verdicts on the same save differ; nothing when they are the same."""
    if isinstance(old, Ruled) and isinstance(new, Ruled):
        yield from _ruled(old, new)
    elif isinstance(old, Happens) and isinstance(new, Happens):
        newly, no_longer, otherwise = DIFFERENCES[kind]
        if old.does != new.does:
            yield newly if new.does else no_longer
        elif old.does and old.way != new.way:
            yield otherwise


def _ruled(old: Ruled, new: Ruled) -> Iterator[str]:
    if old.refuses != new.refuses:
        yield NEWLY_REFUSES if new.refuses else NO_LONGER_REFUSES
    if old.warns != new.warns:
        yield NEWLY_WARNS if new.warns else NO_LONGER_WARNS
    if dict(old.sets) != dict(new.sets):
        yield SETS


@dataclass(slots=True)
class Tally:
    """What came of one definition so far."""

    seen: int = 0
    same: int = 0
    unknown: int = 0
    """Saves of which it cannot be known."""
    early: int = 0
    """Saves from before a field that it reads was there, or whose value of then cannot be read: it counted as empty."""
    cut: int = 0
    """Ways that were followed only to where something outside the record decides."""
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, old: Verdict | None, new: Verdict | None) -> tuple[str, ...]:
        """Count one save; in what the verdicts differ. None: it cannot be known."""
        self.seen += 1
        if old is None or new is None:
            self.unknown += 1
            return ()
        found = tuple(differences(kind, old, new))
        if not found:
            self.same += 1
        for each in found:
            self.counts[each] = self.counts.get(each, 0) + 1
        return found
