"""What conditions look at over links, read for many records at once: one statement per entity and step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.expressions.evaluate import BASE, Linked, Values
from metadata.expressions.tree import Expression, FieldRef, walk
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity
from runtime.queries.build import Build, Source, Statement, inputs_of
from runtime.queries.cache import kept

if TYPE_CHECKING:
    from runtime.workspace import Workspace

Needs = dict[tuple[str, ...], tuple[str, dict[str, None]]]
"""Links walked -> id of the entity reached and the ids of its fields that are wanted."""


def reached_from(ws: Workspace, expressions: Iterable[Expression], rows: Sequence[Values]) -> Linked:
    """The linked records of some records, whoever may see them; those in the bin are not there."""
    needs = _needs(expressions)
    held: dict[tuple[str, ...], list[Values]] = {(): list(rows)}
    found: dict[tuple[str, str], Values] = {}
    for path in sorted(needs, key=len):
        target, fields = needs[path]
        ids = {each[path[-1]] for each in held[path[:-1]] if each.get(path[-1]) is not None}
        read = _read(ws, target, tuple(fields), ids)
        for id, values in read.items():
            found[target, id] = {**found.get((target, id), {}), **values}
        held[path] = list(read.values())
    return lambda entity, id: found.get((entity, id))


def _needs(expressions: Iterable[Expression]) -> Needs:
    needs: Needs = {}
    for expression in expressions:
        for node in walk(expression.root):
            if not isinstance(node, FieldRef):
                continue
            for at, (_, _, target) in enumerate(node.links):
                path = tuple(link for _, link, _ in node.links[: at + 1])
                wanted = node.links[at + 1][1] if at + 1 < len(node.links) else node.field
                needs.setdefault(path, (target, {}))[1][wanted] = None
    return needs


def _read(ws: Workspace, target: str, fields: tuple[str, ...], ids: set[str]) -> dict[str, Values]:
    entity = ws.model.entity(target)
    if not ids or entity is None:
        return {}
    statement = kept(ws.model).get(("reached", target, fields, ws.db.dialect), lambda: _statement(ws, entity, fields))
    inputs = inputs_of(ws)
    inputs.ids = sorted(ids)
    table = Build(ws.model, platform_actor(), ws.db.dialect).table(entity)
    found: dict[str, Values] = {}
    for row in statement.fetch(ws, inputs):
        values: dict[str, Any] = {}
        at = 1
        for id in fields:
            columns = table.fields[id]
            parts = [
                value if value is None or decode is None else decode(value)
                for value, decode in zip(row[at:], columns.decode, strict=False)
            ]
            at += len(columns.columns)
            values[id] = parts[0]
            if entity.fields[id].type == "money":
                values[id + BASE] = parts[1]
            elif entity.fields[id].type == "any_link" and parts[0] is not None:
                values[id] = AnyLink(parts[1], parts[0])
        found[row[0]] = values
    return found


def _statement(ws: Workspace, entity: Entity, fields: tuple[str, ...]) -> Statement:
    from runtime.queries.rules import among_ids

    build = Build(ws.model, platform_actor(), ws.db.dialect)
    source: Source = build.aliased(entity)
    columns = [source.column(id, part) for id in fields for part in range(len(build.table(entity).fields[id].columns))]
    chosen = sa.select(source.column("id"), *columns).select_from(source.origin)
    return build.finish(chosen.where(among_ids(build, source.column("id")), source.kept()))
