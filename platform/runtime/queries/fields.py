"""Rights to fields that depend on the record: for records in memory, and for many by their ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import rights
from metadata.expressions.evaluate import Linked
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Right
from runtime.queries.build import Build, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.policies import holds, links_of, policy

if TYPE_CHECKING:
    from runtime.workspace import Workspace

Holds = Callable[[str, Mapping[str, Any]], bool]
"""(field id, values of a record) -> whether the actor has the right in that record."""


def narrowed(ws: Workspace, entity: Entity, right: Right) -> Mapping[str, tuple[str, ...]]:
    """Field id -> the conditions of which a record must meet one for this right; fields without any are not there."""
    may = rights(ws.model, ws.actor, entity)
    if ws.actor.platform:
        return {}
    return {id: texts for id in may.narrowed if (texts := may.when(id, right)) is not None}


def right_in(ws: Workspace, entity: Entity, right: Right, rows: Sequence[Mapping[str, Any]] = ()) -> Holds:
    """Whether the actor has a right that he has at best, field by field, in records in memory.

    `rows`: the records that will be asked about, so that what they link to is read at once.
    """
    conditions = narrowed(ws, entity, right)
    linked: Linked | None = None

    def asked(field: str, values: Mapping[str, Any]) -> bool:
        nonlocal linked
        texts = conditions.get(field)
        if texts is None:
            return True
        if linked is None and rows:
            every = {text for found in conditions.values() for text in found}
            linked = links_of(ws, entity, sorted(every), rows)
        return any(holds(ws, entity, text, values, linked) for text in texts)

    return asked


def rows_with(ws: Workspace, entity: Entity, field: str, ids: Collection[str]) -> frozenset[str]:
    """Those of some records, as they are now, in which the actor may read a field."""
    key = ("readable in", entity.id, field, ws.db.dialect, actor_shape(ws.actor))

    def make() -> Statement | None:
        from runtime.queries.rules import among_ids

        build = Build(ws.model, ws.actor, ws.db.dialect)
        texts = build.rights(entity).when(field, "read")
        if texts is None:
            return None
        source = build.aliased(entity)
        id = source.column("id")
        met = sa.or_(*(policy(build, source, text) for text in texts))
        return build.finish(sa.select(id).select_from(source.origin).where(among_ids(build, id), met))

    wanted = frozenset(ids)
    statement = kept(ws.model).get(key, make)
    if statement is None or not wanted:
        return wanted
    inputs = inputs_of(ws)
    inputs.ids = sorted(wanted)
    return frozenset(str(row[0]) for row in statement.fetch(ws, inputs))


def masked(field: Field, value: Any) -> str | None:
    """What is shown of a value that may not be read."""
    return None if value is None else registry.of(field).mask(value)
