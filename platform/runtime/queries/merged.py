"""Where a record is that was merged into another: for those who may see both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Gone, NotFound, PlatformError, kind
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule, sees
from runtime.tables import DELETED_AT, MERGED_INTO

if TYPE_CHECKING:
    from runtime.workspace import Workspace

_STEPS = 20
"""A record may be merged into one that is merged into another, and so on."""

MERGED = kind(
    "records.merged",
    en="This {entity} was merged into another one. It is {survivor} since.",
    zh="该{entity}已合并到另一条记录：{survivor}。",
)


def absent(ws: Workspace, entity: Entity, id: str, otherwise: NotFound) -> PlatformError:
    """What to raise for a record that is not there: Gone with the id of the one it was merged into, else NotFound."""
    survivor = survivor_of(ws, entity, id)
    return otherwise if survivor is None else Gone(MERGED(entity=entity.label, survivor=survivor))


def survivor_of(ws: Workspace, entity: Entity, id: str) -> str | None:
    """The living record that a merged one is part of, when the actor may see both."""
    if not is_uuid(id):
        return None
    key = ("merged into", entity.id, ws.db.dialect, actor_shape(ws.actor))
    statement = kept(ws.model).get(key, lambda: _statement(Build(ws.model, ws.actor, ws.db.dialect), entity))
    at = id.lower()
    for _ in range(_STEPS):
        inputs = inputs_of(ws)
        inputs.ids = (at,)
        rows = statement.fetch(ws, inputs)
        if not rows:
            break
        at = str(rows[0][0])
    return at if at != id.lower() and sees(ws, entity, "read", at, deleted=False) else None


def _statement(build: Build, entity: Entity) -> Statement:
    table = build.table(entity)
    merged_into, id = table.table.c[MERGED_INTO], table.column("id")
    this = id == build.parameter(id.type, lambda inputs: inputs.ids[0])
    chosen = sa.select(merged_into).where(this, table.table.c[DELETED_AT].is_not(None), merged_into.is_not(None))
    rule = row_rule(build, Source(entity, table, table.table), "read")
    return build.finish(chosen if rule is None else chosen.where(rule))
