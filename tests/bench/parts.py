"""What every part of a run is given: how much to measure, and where to tell it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.figures import Figures


@dataclass(frozen=True, slots=True)
class Options:
    """How much is done. A small run proves that everything works and judges no figure."""

    only: frozenset[str]
    """Names of operations or parts; empty: everything."""
    seconds: float
    rounds: int
    rows: int
    databases: tuple[str, ...]
    small: bool = False

    def wants(self, *names: str) -> bool:
        return not self.only or any(each in self.only for each in names)


@dataclass(frozen=True, slots=True)
class Run:
    options: Options
    figures: Figures
