"""Two sites under the same load in turn: the median of the ratios of the rounds is what counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.load import Address, Load, Request, replay
from tests.bench.sites import Site

WARM_UP = 1.0
"""At most so long before the rounds; a third of a round when that is shorter."""
ANSWERS, LONGEST = 6, 15.0
"""A round takes as long as every client needs for so many answers, but no longer than so many seconds: what is cut off
at the end of a round would decide its rate else."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    site: Site
    address: Address
    requests: Sequence[Request]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians over the rounds. Rates are per second, processor times in milliseconds per request."""

    ratio: float
    first: float
    second: float
    first_p50: float
    second_p50: float
    first_cpu: float
    second_cpu: float
    errors: int


@dataclass(frozen=True, slots=True)
class _Round:
    load: Load
    cpu: float


def compare(first: Side, second: Side, clients: int, seconds: float, rounds: int) -> Comparison:
    """Load the two in turn, each round beginning with the other one."""
    sides = (first, second)
    slowest = min(_warm_up(each, clients, min(WARM_UP, seconds / 3)) for each in sides)
    if seconds >= WARM_UP:
        seconds = max(seconds, min(ANSWERS * clients / max(slowest, 0.1), LONGEST))
    seen: tuple[list[_Round], list[_Round]] = ([], [])
    for number in range(rounds):
        for at in (0, 1) if number % 2 == 0 else (1, 0):
            seen[at].append(_load(sides[at], clients, seconds, number))
    return Comparison(
        ratio=median(a.load.rate / b.load.rate for a, b in zip(*seen, strict=True)),
        first=median(each.load.rate for each in seen[0]),
        second=median(each.load.rate for each in seen[1]),
        first_p50=median(each.load.p50 for each in seen[0]),
        second_p50=median(each.load.p50 for each in seen[1]),
        first_cpu=median(each.cpu for each in seen[0]),
        second_cpu=median(each.cpu for each in seen[1]),
        errors=sum(each.load.errors for part in seen for each in part),
    )


def _warm_up(side: Side, clients: int, seconds: float) -> float:
    """Answers per second."""
    load = replay(side.address, side.requests, clients, seconds)
    side.site.settle()
    return load.rate


def _load(side: Side, clients: int, seconds: float, number: int) -> _Round:
    # Each round begins elsewhere in the requests, so that no round finds exactly the last one's rows warm.
    begin = number * len(side.requests) // 7 % len(side.requests)
    before = side.site.cpu_seconds()
    load = replay(side.address, [*side.requests[begin:], *side.requests[:begin]], clients, seconds)
    used = side.site.cpu_seconds() - before
    side.site.settle()
    return _Round(load, used * 1000 / max(load.requests, 1))
