"""One change of a description and its risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from metadata.model import EMPTY
from metadata.problems import Label, Problem

Risk = Literal["safe", "rewrites", "tightens", "destroys", "access"]
"""safe: nothing stored is touched · rewrites: values are converted · tightens: stored values may break the new rule ·
destroys: values go to the trash · access: people see or may do more or less."""

RISKS: tuple[Risk, ...] = ("safe", "access", "tightens", "rewrites", "destroys")
"""In order of gravity."""

Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs between two models. `path` is made of ids (`entities.deal.fields.amount.max`)."""

    kind: Kind
    path: str
    risk: Risk = "safe"
    label: Label = EMPTY
    """What people call the element that changes."""
    before: Any = None
    after: Any = None
    refused: Problem | None = None
    """Why it cannot be applied, when it cannot."""
    rows: int | None = None
    """How many records get a value of a computed field anew."""

    @property
    def section(self) -> str:
        return self.path.partition(".")[0]

    @property
    def id(self) -> str:
        """Id of the element of the section."""
        return self.path.split(".")[1]
