"""What a rule of an entity says, as the model has it: when it fires and what it does to a record that is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from metadata.problems import Label

if TYPE_CHECKING:
    from metadata.expressions.names import Scope
    from metadata.model import Model


@dataclass(frozen=True, slots=True)
class Reject:
    """The record is not as it may be. A warning is told, and the save goes on when it is confirmed."""

    message: Label
    """By language; with holes, see `expressions.holes`."""
    field: str | None = None
    """Id of the field beside which it is shown."""
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `when` is the text of a condition (None: always); every field is named by id.

    It is looked at on create, and on a change of a field that it reads; see `DESIGN` 4 for the order of a save.
    """

    id: str
    key: str
    label: Label
    when: str | None = None
    on: Literal["save", "create", "update"] = "save"
    reject: Reject | None = None
    set: Mapping[str, str] = field(default_factory=dict)
    """Field id -> the text of the value that it gets. A field that is hidden and cleared gets `null`."""
    require: tuple[str, ...] = ()
    hide: Mapping[str, bool] = field(default_factory=dict)
    """Field id -> whether its value is emptied, on every path, while it is hidden."""
    read_only: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field id -> ids of the options that may be chosen."""

    @property
    def cleared(self) -> frozenset[str]:
        """Ids of the fields that are emptied while they are hidden."""
        return frozenset(id for id, clear in self.hide.items() if clear)

    @property
    def bound(self) -> frozenset[str]:
        """Ids of the fields that the rule says something about beside giving them values."""
        return frozenset((*self.require, *self.hide, *self.read_only, *self.options))


def scope_of_rules(model: Model) -> Scope:
    """What the expressions of a model's rules may name."""
    from metadata.calendars import calendar_names
    from metadata.expressions.names import Scope

    def role(name: str) -> str | None:
        found = model.role(name)
        return None if found is None else found.id

    return Scope(model.entity, changes=True, role=role, calendars=calendar_names(model), encrypted=True)
