"""The recycle bin: what was deleted, by whom, what went along with it; as far as the actor may bring it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec, TextContext
from metadata.folding import fold
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import BadRequest
from runtime.codecs import column_type, decoder
from runtime.prepared import Prepared, prepare
from runtime.queries import query as q
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import among_ids, may_ever, row_rule
from runtime.tables import DELETED_AT, MERGED_INTO

if TYPE_CHECKING:
    from runtime.workspace import Workspace

_CHUNK = 200
_LOOKED_AT = 2_000
"""Events looked through for one page at most; the next page goes on from there."""


@dataclass(frozen=True, slots=True)
class Binned:
    """A deleted record. `event` is its place in the bin."""

    event: str
    entity: Entity
    id: str
    title: str
    at: dt.datetime
    by: str
    merged_into: str | None
    along: Mapping[str, int]
    """Entity id -> how many records of it went along, of those whose kind the actor may read."""


def binned(
    ws: Workspace, entity: Entity | None = None, text: str = "", after: str | None = None, limit: int = 50
) -> tuple[list[Binned], str | None]:
    """Deleted records that the actor may restore, newest first, and where the next page begins.

    `text` is looked for in their titles. Raises BadRequest.
    """
    if not 1 <= limit <= q.MAX_LIMIT:
        raise BadRequest(q.bad_limit("limit", limit=q.MAX_LIMIT))
    if after is not None and not is_uuid(after):
        raise BadRequest(q.bad_cursor("after"))
    found: list[Binned] = []
    sought, looked, at = fold(text.strip()), 0, after
    while looked < _LOOKED_AT:
        rows = _events(ws, entity, at)
        looked += len(rows)
        for each in _still_there(ws, rows):
            if sought in fold(each.title):
                found.append(each)
        if len(found) > limit:
            found = found[:limit]
            return _with_company(ws, found), found[-1].event
        if len(rows) < _CHUNK:
            return _with_company(ws, found), None
        at = str(rows[-1][0])
    return _with_company(ws, found), at


def _events(ws: Workspace, entity: Entity | None, after: str | None) -> Sequence[tuple[Any, ...]]:
    """(id, at, who, kind, entity id, record id) of deletions that nothing else led to, newest first."""
    key = ("bin events", entity is None, after is None, ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_statement, ws.db.dialect, entity is None, after is None))
    params: dict[str, Any] = {"limit": _CHUNK}
    if entity is not None:
        params["entity"] = entity.id
    if after is not None:
        params["after"] = after
    return statement.fetch(ws.db, params)


_COLUMNS = {"id": "uuid", "at": "datetime", "actor_name": "text", "kind": "text", "entity": "text", "record": "uuid"}


def _statement(dialect: str, every: bool, first: bool) -> Prepared:
    kinds: Any = {**_COLUMNS, "cause": "uuid"}
    columns = {name: sa.column(name, column_type(ColumnSpec(kind), dialect)) for name, kind in kinds.items()}
    events = sa.table("_event", *columns.values())
    kind = columns["kind"]
    conditions: list[Any] = [
        # Word for word what the index says, so that the database sees that it may use it.
        sa.text("kind IN ('deleted', 'merged')"),
        sa.or_(
            sa.and_(kind == sa.literal_column("'deleted'"), columns["cause"].is_(None)),
            # What was merged away has the survivor's event as its cause; the survivor is not gone.
            sa.and_(kind == sa.literal_column("'merged'"), columns["cause"].is_not(None)),
        ),
    ]
    if not every:
        conditions.append(columns["entity"] == sa.bindparam("entity", type_=sa.Text()))
    if not first:
        conditions.append(columns["id"] < sa.bindparam("after", type_=columns["id"].type))
    chosen = sa.select(*(columns[name] for name in _COLUMNS)).select_from(events).where(*conditions)
    ordered = chosen.order_by(columns["id"].desc())
    return prepare(ordered.limit(sa.bindparam("limit", type_=sa.Integer())), dialect)


def _still_there(ws: Workspace, rows: Sequence[tuple[Any, ...]]) -> list[Binned]:
    """Those that lie in the bin since that event, one question for each kind of record."""
    moment = decoder(ColumnSpec("datetime"), ws.db.dialect)
    held: dict[tuple[str, str], tuple[Any, ...]] = {}
    for entity_id in dict.fromkeys(row[4] for row in rows):
        entity = ws.model.entity(entity_id)
        if entity is not None and entity.id == entity_id:
            ids = tuple({str(row[5]) for row in rows if row[4] == entity_id})
            held.update({(entity_id, row[0]): row for row in _deleted(ws, entity, ids)})
    found = []
    for event, at, who, _, entity_id, record in rows:
        row = held.get((entity_id, str(record)))
        at = moment(at) if moment is not None and at is not None else at
        if row is None or row[1] != at:
            continue  # restored, out of reach, or deleted again later
        entity = ws.model.entity(entity_id)
        assert entity is not None
        merged_into = str(row[2]) if row[2] is not None else None
        found.append(Binned(str(event), entity, str(record), row[3], at, who, merged_into, {}))
    return found


def _deleted(ws: Workspace, entity: Entity, ids: Sequence[str]) -> list[tuple[str, dt.datetime, str | None, str]]:
    """(id, when, merged into, title) of those in the bin that the actor may see and delete."""
    build = Build(ws.model, ws.actor, ws.db.dialect)
    title = entity.fields[entity.title]
    shown = build.may_read(entity, title) and registry.of(title).stored
    key = ("bin rows", entity.id, ws.db.dialect, actor_shape(ws.actor))
    statement = kept(ws.model).get(key, lambda: _rows(build, entity, shown))
    if statement is None:
        return []
    inputs = inputs_of(ws)
    inputs.ids = ids
    moment = decoder(ColumnSpec("datetime"), ws.db.dialect)
    codecs = build.table(entity).fields[title.id].decode if shown else ()
    context, kind = TextContext(ws.actor.language, ws.actor.timezone), registry.of(title)
    found = []
    for id, at, merged_into, *rest in statement.fetch(ws, inputs):
        value = rest[0] if shown else None
        if value is not None and codecs[0] is not None:
            value = codecs[0](value)
        text = kind.show(title, value, context) if value is not None else ""
        found.append((str(id), moment(at) if moment is not None else at, merged_into, text or str(id)[:8]))
    return found


def _rows(build: Build, entity: Entity, shown: bool) -> Statement | None:
    if entity.written_by == "platform" and not build.actor.platform:
        return None
    if not may_ever(build, entity, "delete") or not may_ever(build, entity, "read"):
        return None
    table = build.table(entity)
    source = Source(entity, table, table.table)
    columns = [table.column("id"), table.table.c[DELETED_AT], table.table.c[MERGED_INTO]]
    if shown:
        columns.append(table.column(entity.title))
    chosen = sa.select(*columns).where(among_ids(build, source.column("id")), table.table.c[DELETED_AT].is_not(None))
    for action in ("read", "delete"):
        rule = row_rule(build, source, action)
        if rule is not None:
            chosen = chosen.where(rule)
    return build.finish(chosen)


def _with_company(ws: Workspace, found: Sequence[Binned]) -> list[Binned]:
    """The same with how many records went along with each."""
    if not found:
        return []
    statement = kept(ws.model).get(("bin company", ws.db.dialect), partial(_company, ws))
    build, inputs = Build(ws.model, ws.actor, ws.db.dialect), inputs_of(ws)
    inputs.ids = [each.event for each in found]
    counts: dict[str, dict[str, int]] = {}
    for cause, entity_id, count in statement.fetch(ws, inputs):
        entity = ws.model.entity(entity_id)
        if entity is not None and may_ever(build, entity, "read"):
            counts.setdefault(str(cause), {})[entity_id] = count
    return [Binned(e.event, e.entity, e.id, e.title, e.at, e.by, e.merged_into, counts.get(e.event, {})) for e in found]


def _company(ws: Workspace) -> Statement:
    build = Build(ws.model, ws.actor, ws.db.dialect)
    cause, entity, kind = sa.column("cause", build.uuid), sa.column("entity", sa.Text()), sa.column("kind", sa.Text())
    events = sa.table("_event", cause, entity, kind)
    chosen = sa.select(cause, entity, sa.func.count()).select_from(events)
    deleted = kind == sa.literal_column("'deleted'")
    return build.finish(chosen.where(among_ids(build, cause), cause.is_not(None), deleted).group_by(cause, entity))
