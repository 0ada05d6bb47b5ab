"""The lines that a run prints, one per figure, and whether all of them hold their bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure is called and how it is written."""

    name: str = "ratio"
    unit: str = ""
    digits: int = 2

    def text(self, value: float) -> str:
        return f"{value:.{self.digits}f}{self.unit}"


RATIO = Measure()
SECONDS = Measure("seconds")
ROWS = Measure("rows", "/s", 0)
MEMORY = Measure("memory", "MiB", 0)


@dataclass(slots=True)
class Figures:
    """Prints each figure when it is known. With `judge=False` a figure is only told, never missed."""

    judge: bool = True
    word: str = "bench"
    """What every line begins with."""
    missed: list[str] = field(default_factory=list)

    def at_least(self, name: str, value: float, bar: float, of: Measure, given: Facts, **facts: object) -> None:
        """A ratio or a rate that must reach its bar. `given` says under which circumstances."""
        self._judge(name, value >= bar, {**given, of.name: of.text(value), "bar": of.text(bar), **facts})

    def at_most(self, name: str, value: float, bar: float, of: Measure, given: Facts, **facts: object) -> None:
        """A time or a size that must not exceed its bar."""
        self._judge(name, value <= bar, {**given, of.name: of.text(value), "bar": of.text(bar), **facts})

    def must(self, name: str, holds: bool, **facts: object) -> None:
        """A fact that has no degrees: it is judged in every run."""
        self._print(name, facts, "ok" if holds else "MISSED")

    def tell(self, name: str, **facts: object) -> None:
        """Information without a bar."""
        self._print(name, facts, "")

    def _judge(self, name: str, holds: bool, facts: Facts) -> None:
        self._print(name, facts, "ok" if holds else "MISSED" if self.judge else "not judged")

    def _print(self, name: str, facts: Facts, verdict: str) -> None:
        words = [f"{key}={value}" for key, value in facts.items() if value is not None]
        print(" ".join([self.word, name, *words, verdict]).rstrip(), flush=True)
        if verdict == "MISSED":
            self.missed.append(name)
