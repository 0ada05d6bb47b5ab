"""What an SLA says, as the model has it: what is measured of which records, how long it may take, who is told when.

A target is a clock: it begins, stands still and ends by conditions over the record. How long it may take is said by
the first policy, and in it by the first level, whose condition the record meets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metadata.problems import Label
from metadata.workflows import Step

if TYPE_CHECKING:
    from metadata.model import Model

Reopen = Literal["keep", "resume", "restart", "new_cycle"]
"""What happens when the stop condition no longer holds: it stays stopped; it goes on as if it had stood still; it
begins anew, as if nothing had been; what was is kept, and a new clock begins beside it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to be done when a clock has run so far, once for each cycle. Exactly one of the three says when."""

    id: str
    label: Label
    at: int | None = None
    """Percent of the time that it may take; 100 is the breach."""
    left: str | None = None
    """So long before the breach: an ISO 8601 duration of hours, minutes and seconds that the clock counts."""
    over: str | None = None
    """So long after it."""
    steps: tuple[Step, ...] = ()
    """`send`, `task`, `assign`, `update` and `run`, as workflows have them."""


@dataclass(frozen=True, slots=True)
class Target:
    """One clock of a record."""

    id: str
    label: Label
    stop: str
    """Text of a condition over the record: it has been done."""
    measures: Literal["response", "resolution"] = "resolution"
    """A response is never paused, and may take no longer than a resolution."""
    start: str | None = None
    """When it begins; None: as soon as the record is there."""
    pause: str | None = None
    reopen: Reopen = "resume"
    since: str | None = None
    """Id of a datetime field from whose moment on it counts, when that is before the save."""
    due: str | None = None
    """Id of a datetime field of the record that is kept equal to the moment at which it is due."""
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """How long each target may take: target id -> ISO 8601 duration. What is not there is not measured."""

    id: str
    label: Label
    within: Mapping[str, str]
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """`calendar`: id of the business time in which its clocks count; None: around the clock."""

    id: str
    label: Label
    levels: tuple[Level, ...]
    when: str | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """The last policy, and the last level of each, has no condition, so one always counts."""

    id: str
    key: str
    label: Label
    entity: str
    targets: tuple[Target, ...]
    policies: tuple[Policy, ...]
    when: str | None = None
    """Which records it covers; None: all."""

    def target(self, id: str) -> Target | None:
        return next((each for each in self.targets if each.id == id), None)

    def policy(self, id: str) -> Policy | None:
        return next((each for each in self.policies if each.id == id), None)


def conditions_of(sla: Sla) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every condition of an SLA: where it stands, its text."""
    if sla.when is not None:
        yield ("when",), sla.when
    for target in sla.targets:
        for name, text in (("start", target.start), ("stop", target.stop), ("pause", target.pause)):
            if text is not None:
                yield ("targets", target.id, name), text
    for policy in sla.policies:
        if policy.when is not None:
            yield ("policies", policy.id, "when"), policy.when
        for level in policy.levels:
            if level.when is not None:
                yield ("policies", policy.id, "levels", level.id, "when"), level.when


def slas_of(model: Model, entity: str) -> tuple[Sla, ...]:
    """The SLAs of an entity."""
    return tuple(each for each in model.all("sla") if each.entity == entity)
