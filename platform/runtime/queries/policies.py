"""A role's condition on records: as SQL inside any statement, and asked of one record in memory. Seen with the
platform's eyes: a condition looks at linked records whether or not the actor may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.expressions.evaluate import Condition, Linked, Row, bound_values, condition
from metadata.expressions.tree import Expression, Node
from metadata.model import Entity
from metadata.policies import condition_of
from runtime.queries.build import Build, Inputs, Joins, Source, binding_of
from runtime.queries.cache import kept
from runtime.queries.reaching import reached_from

if TYPE_CHECKING:
    from runtime.workspace import Workspace


def policy(build: Build, source: Source, text: str) -> sa.ColumnElement[bool]:
    """The condition on the rows of a source, whatever else the statement does with them."""
    expression = condition_of(build.model, source.entity, text)
    return seen_by_platform(build, source, expression.root, expression.values)


def seen_by_platform(build: Build, source: Source, node: Node, values: Sequence[object]) -> sa.ColumnElement[bool]:
    """A checked tree on the rows of a source, with the constants of its expression."""
    from runtime.queries.conditions import where

    eyes = _Eyes(build, values)
    bare = Source(source.entity, source.table, source.origin)
    return where(eyes, _Within(eyes, bare), node)


def holds(ws: Workspace, entity: Entity, text: str, values: Mapping[str, Any], linked: Linked | None = None) -> bool:
    """Whether a record in memory meets a condition. Without `linked`, what it links to is read now."""
    made = _closure(ws, entity, text)
    if linked is None:
        linked = reached_from(ws, [made.expression], [values])
    constants = bound_values(made.expression, binding_of(ws.model, ws.actor, ws.now))
    return made.ask(Row(values, linked), constants)


def links_of(ws: Workspace, entity: Entity, texts: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Linked:
    """What some conditions look at beyond the records themselves, read at once for all of them."""
    return reached_from(ws, [_closure(ws, entity, text).expression for text in texts], rows)


@dataclass(frozen=True, slots=True)
class _Closure:
    expression: Expression
    ask: Condition


def _closure(ws: Workspace, entity: Entity, text: str) -> _Closure:
    def make() -> _Closure:
        expression = condition_of(ws.model, entity, text)
        return _Closure(expression, condition(expression.root))

    return kept(ws.model).get(("condition", entity.id, text), make)


class _Eyes(Build):
    """The platform's rights inside the statement of somebody else, whose parameters and aliases it goes on with."""

    def __init__(self, outer: Build, values: Sequence[object]) -> None:
        super().__init__(outer.model, platform_actor(), outer.dialect)
        self._outer, self._values = outer, values
        self.getters = outer.getters

    def parameter(self, type_: sa.types.TypeEngine[Any], getter: Callable[[Inputs], Any]) -> sa.BindParameter[Any]:
        values = self._values
        return self._outer.parameter(type_, lambda inputs: getter(inputs.of(values)))

    def aliased(self, entity: Entity) -> Source:
        return self._outer.aliased(entity)


class _Within(Joins):
    """Paths as subqueries, so that the condition adds no table to the statement that it stands in."""

    def at(self, path: Sequence[str]) -> Source:
        key = tuple(path)
        if key not in self._joined:
            before = self.at(key[:-1])
            link = before.entity.fields[key[-1]]
            target = self.build.aliased(self.build.entity(link.to[0]))
            self._joined[key] = _Reached(target.entity, target.table, target.origin, before.column(link.id))
        return self._joined[key]


@dataclass(frozen=True, slots=True)
class _Reached(Source):
    """A linked record: each of its columns is looked up where it is needed. One in the bin is not there."""

    key: sa.ColumnElement[Any]

    def column(self, field_id: str, part: int = 0) -> sa.ColumnElement[Any]:
        found = self._column(self.table.fields[field_id].columns[part])
        looked: sa.Select[Any] = sa.select(found).select_from(self.origin)
        looked = looked.where(self._column(self.table.fields["id"].columns[0]) == self.key, self.kept())
        return looked.correlate_except(self.origin).scalar_subquery()
