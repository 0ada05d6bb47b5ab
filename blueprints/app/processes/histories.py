"""The lines of a run's trace put together by visit: when a step began and ended, and how it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.processes.trace import Written

_BECOMES: Mapping[str, str] = {
    "entered": "running",
    "waiting": "waiting",
    "resumed": "running",
    "performed": "running",
    "failed": "failed",
    "left": "done",
    "cancelled": "cancelled",
}
_ENDS = frozenset({"left", "cancelled"})
_WEIGHT = ("cancelled", "done", "running", "waiting", "failed")
"""Of several visits of one step the heaviest is told."""


@dataclass(slots=True)
class Visit:
    """One arrival at a step. `lines` are those that say more than that it began or ended."""

    visit: int
    step: str
    began: dt.datetime
    record: str | None
    state: str = "running"
    ended: dt.datetime | None = None
    until: str | None = None
    """ISO moment up to which it waits."""
    lines: list[Written] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds() if self.ended is not None else 0.0


def visits(lines: Sequence[Written]) -> list[Visit]:
    """In the order in which they began."""
    found: dict[int, Visit] = {}
    for line in lines:
        if not line.visit:
            continue
        if line.visit not in found:
            found[line.visit] = Visit(line.visit, line.step, line.at, line.detail.get("record"))
        _take(found[line.visit], line)
    return list(found.values())


def _take(visit: Visit, line: Written) -> None:
    visit.state = _BECOMES.get(line.kind, visit.state)
    if line.kind == "moved":
        visit.step = line.step
    if line.kind == "waiting":
        visit.until = line.detail.get("over") or line.detail.get("late")
    elif visit.state != "waiting":
        visit.until = None
    if line.kind in _ENDS or (line.kind == "failed" and line.detail.get("final")):
        visit.ended = line.at
    if line.kind not in ("entered", *_ENDS):
        visit.lines.append(line)


def by_step(found: Sequence[Visit]) -> dict[str, list[Visit]]:
    steps: dict[str, list[Visit]] = {}
    for each in found:
        steps.setdefault(each.step, []).append(each)
    return steps


def standing(found: Sequence[Visit]) -> Visit:
    """The visit that says how a step stands."""
    return max(found, key=lambda each: (_WEIGHT.index(each.state), each.visit))


def own(lines: Sequence[Written]) -> list[Written]:
    """What is about the whole run and no step of it, but for its beginning."""
    return [each for each in lines if not each.visit and each.kind != "begun"]


def conditions(lines: Sequence[Written]) -> list[Mapping[str, Any]]:
    """Every condition that was asked, in order."""
    return [asked for each in lines for asked in each.detail.get("asked", ())]
