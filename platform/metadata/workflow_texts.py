"""The texts of a workflow's expressions, read: the compiler checks them with these, and whoever runs them reads them.

All raise ExpressionInvalid with every problem of the text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metadata.expressions.names import Names, Scope, Wanted, Wrong
from metadata.expressions.parser import parse_in, read
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.syntax import Boolean, Name, Number, Syntax, Text
from metadata.expressions.tree import Expression, Kind
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.rules import scope_of_rules

if TYPE_CHECKING:
    from metadata.model import Model

_ANY: tuple[Kind, ...] = ("number", "boolean", "datetime", "date", "id", "set", "text")


def scope_of_workflows(model: Model, changes: bool = False) -> Scope:
    """What the expressions of a model's workflows may name. `changes`: of a trigger or wait for `updated`.

    Encrypted fields are closed to them, since a run keeps what it has looked at.
    """
    return replace(scope_of_rules(model), changes=changes, encrypted=False)


def value_for(text: str, entity: Entity, field: Field, scope: Scope) -> Expression:
    """The value that a field gets."""
    return parse_in(text, entity, scope, Wanted(registry.of(field).kind, field))


def moment(text: str, entity: Entity, scope: Scope) -> Expression:
    """A moment or a date: `kind` of what is given says which."""
    try:
        return parse_in(text, entity, scope, Wanted("datetime"))
    except ExpressionInvalid as as_moment:
        try:
            return parse_in(text, entity, scope, Wanted("date"))
        except ExpressionInvalid:
            raise as_moment from None


def any_value(text: str, entity: Entity, scope: Scope) -> Expression:
    """A value of whatever kind it is."""
    syntax = read(text)
    wanted = _kind_of(syntax, entity, scope)
    if wanted is not None:
        return parse_in(text, entity, scope, wanted)
    for kind in _ANY[:-1]:
        try:
            return parse_in(text, entity, scope, Wanted(kind))
        except ExpressionInvalid:
            continue
    return parse_in(text, entity, scope, Wanted(_ANY[-1]))


def _kind_of(syntax: Syntax, entity: Entity, scope: Scope) -> Wanted | None:
    match syntax:
        case Text():
            return Wanted("text")
        case Number():
            return Wanted("number")
        case Boolean():
            return Wanted("boolean")
        case Name() if not syntax.path[0].startswith("$"):
            met: dict[object, Field] = {}
            try:
                ref = Names(entity, scope, met).field(syntax)  # type: ignore[arg-type]
            except Wrong as wrong:
                raise ExpressionInvalid(wrong.problems) from None
            return Wanted(ref.kind, met[ref])
    return None
