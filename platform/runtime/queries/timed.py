"""Formulas that depend on the time: no column holds them, so they are said in SQL wherever a column is asked for.

They are computed over everything, whoever asks, as stored ones are; who may read them is another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression, FieldRef, Over, walk
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Model
from runtime.queries.cache import kept

if TYPE_CHECKING:
    from runtime.queries.build import Build, Getter, Inputs, Source


def expression_of(model: Model, entity: Entity, field: Field) -> Expression:
    """The checked expression of a computed field."""
    return kept(model).get(("computed", entity.id, field.id), partial(_expression, model, entity, field))


def _expression(model: Model, entity: Entity, field: Field) -> Expression:
    assert field.computed is not None
    wanted = Wanted(registry.of(field).kind, field if field.type == "choice" else None)
    return parse_in(field.computed.value, entity, scope_of(model), wanted)


def scope_of(model: Model, *, changes: bool = False) -> Scope:
    """What may be named in expressions that a description holds, once it is compiled."""
    names = model.names("calendars") if "calendars" in model.index else {}
    calendars = {**{id: id for id in names.values()}, **names}
    role = partial(_role, model)
    return Scope(model.entity, changes=changes, role=role, calendars=calendars, encrypted=changes)


def _role(model: Model, name: str) -> str | None:
    found = model.role(name)
    return None if found is None else found.id


def column(build: Build, source: Source, field: Field, part: int) -> sa.ColumnElement[Any]:
    """The value of such a formula in the row of a source; `part` 1 is an amount in the tenant's currency."""
    from runtime.queries.build import Build, Joins
    from runtime.queries.values import fitted, value

    expression = expression_of(build.model, source.entity, field)
    inner = Build(build.model, platform_actor(), build.dialect)
    inner.getters, inner._aliases = build.getters, build._aliases
    there = set(build.getters)
    reaches = any(each.links for each in walk(expression.root) if isinstance(each, FieldRef)) or any(
        each.listed.links for each in walk(expression.root) if isinstance(each, Over)
    )
    row = inner.aliased(source.entity) if reaches else source
    joins = Joins(inner, row)
    spec = source.table.held(field.id).specs[part]
    made = fitted(inner, value(inner, joins, expression.root, base=part == 1), spec)
    if reaches:
        own = sa.select(made).select_from(joins.origin).where(row.column("id") == source.column("id"))
        made = own.scalar_subquery()
    build._aliases = inner._aliases
    with_values(build, there, expression.values)
    return made


def with_values(build: Build, before: set[str], values: Sequence[object]) -> None:
    """Have the parameters that were added take their constants from an expression of their own."""
    for name in build.getters.keys() - before:
        build.getters[name] = partial(_of_values, build.getters[name], values)


def _of_values(getter: Getter, values: Sequence[object], inputs: Inputs) -> Any:
    return getter(inputs.of(values))
