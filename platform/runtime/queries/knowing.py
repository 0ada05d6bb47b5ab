"""Whether a reader may be told that a condition holds: he must be able to read all that it looks at."""

from __future__ import annotations

from collections.abc import Collection

from metadata.access import rights
from metadata.model import Entity
from runtime.queries.build import Build, Source
from runtime.queries.fields import narrowed
from runtime.queries.rules import row_rule
from runtime.workspace import Workspace


def may_know(ws: Workspace, entity: Entity, reads: Collection[tuple[str, str]]) -> bool:
    """Whether the actor may read these fields, (entity id, field id), in every record: of the record that it is about,
    which he sees, its own; of other entities all records."""
    return all(_may_read(ws, entity, each, [field for of, field in reads if of == each]) for each, _ in reads)


def _may_read(ws: Workspace, entity: Entity, id: str, fields: Collection[str]) -> bool:
    of = ws.model.entity(id)
    if of is None:
        return False
    may, narrow = rights(ws.model, ws.actor, of), narrowed(ws, of, "read")
    if not all(may.may_read(each) and each not in narrow for each in fields):
        return False
    return of.id == entity.id or _reads_all(ws, of)


def _reads_all(ws: Workspace, entity: Entity) -> bool:
    build = Build(ws.model, ws.actor, ws.db.dialect)
    held = build.table(entity)
    return row_rule(build, Source(entity, held, held.table), "read") is None
