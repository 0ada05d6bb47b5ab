"""What an assignment (分配) says, as the model has it: to whom records go, by the first rule that finds somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from metadata.model import EMPTY
from metadata.problems import Label

if TYPE_CHECKING:
    from metadata.model import Model

Strategy = Literal["round_robin", "least_load", "weighted", "capacity", "sticky", "territory"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One source of people: exactly one of `role`, `user` and `unit` is given."""

    id: str
    role: str | None = None
    """Id of a role: whoever has it."""
    user: str | None = None
    """E-mail address of a user."""
    unit: str | None = None
    """Code of a unit: whose main unit it is."""
    weight: int = 1
    """`weighted`: the share of each of them."""
    per_30_days: int | None = None
    """`capacity`: how many records each of them takes in 30 days."""


@dataclass(frozen=True, slots=True)
class Territory:
    """Records that meet a condition, and who looks after them in turn."""

    id: str
    when: str
    candidates: tuple[Candidate, ...]
    label: Label = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to find somebody. `when`: text of a condition over the record; None: always."""

    id: str
    label: Label
    strategy: Strategy
    when: str | None = None
    candidates: tuple[Candidate, ...] = ()
    path: str | None = None
    """`sticky`: a path of the record to the user who shall have it: `account.owner`."""
    territories: tuple[Territory, ...] = ()
    """`territory`: the first whose condition holds."""
    full: int | None = None
    """Who owns this many records that count as load gets no more by this rule."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Who gets what no rule could give to anybody: the holders of a role in turn, or one user by e-mail address."""

    role: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """How records of one entity find their owner. A rule that finds nobody gives way to the next."""

    id: str
    key: str
    label: Label
    entity: str
    fallback: Fallback
    rules: tuple[Rule, ...] = ()
    open: str | None = None
    """Text of a condition: the records that count as load of their owner; None: all."""


def candidates_of(rule: Rule) -> Iterator[Candidate]:
    """All sources of people that a rule names."""
    yield from rule.candidates
    for territory in rule.territories:
        yield from territory.candidates


def assignments_of(model: Model, entity: str) -> tuple[Assignment, ...]:
    """The assignments of an entity."""
    return tuple(each for each in model.all("assignments") if each.entity == entity)
