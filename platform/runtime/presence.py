"""Who has a record open just now: one row a person and record, renewed while the page is seen, soon worth nothing.

The only code that reads and writes `_presence`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.model import Entity
from metadata.problems import NotFound
from runtime import queries
from runtime.codecs import datetime_text
from runtime.queries.query import not_found
from runtime.system.tables import table
from runtime.workspace import Workspace

ALIVE = dt.timedelta(seconds=60)
"""A row that is older counts for nothing."""
_MOST = 20
"""People told of; more are not worth a name."""
_SWEPT = 200
"""Rows of pages long closed that one call removes."""


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody else who has the record open."""

    account: str
    name: str
    editing: bool


def arrive(ws: Workspace, entity: Entity, id: str, editing: bool) -> tuple[Here, ...]:
    """The actor sees the record, or edits it; who else does. Raises NotFound when he may not read it."""
    _require(ws, entity, id)
    if ws.actor.user is not None:
        _keep(ws, entity, id, editing)
        _sweep(ws)
    return _others(ws, entity, id)


def others(ws: Workspace, entity: Entity, id: str) -> tuple[Here, ...]:
    """Who else has the record open. Raises NotFound when the actor may not read it."""
    _require(ws, entity, id)
    return _others(ws, entity, id)


def leave(ws: Workspace, entity: Entity, id: str) -> None:
    """The actor's page of the record is closed."""
    c = table("_presence", ws.db.dialect).c
    mine = (c.entity == entity.id, c.record == id.lower(), c.account == ws.actor.user)
    ws.db.execute(sa.delete(table("_presence", ws.db.dialect)).where(*mine))


def _require(ws: Workspace, entity: Entity, id: str) -> None:
    if not queries.sees(ws, entity, "read", id.lower(), deleted=False):
        raise NotFound(not_found(entity.key, entity=entity.label))


def _keep(ws: Workspace, entity: Entity, id: str, editing: bool) -> None:
    rows = table("_presence", ws.db.dialect)
    insert: Callable[..., Any] = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    seen = {"name": ws.actor.name, "editing": editing, "seen_at": _moment(ws, ws.now)}
    row = {"entity": entity.id, "record": id.lower(), "account": ws.actor.user, **seen}
    statement = insert(rows).values(row)
    ws.db.execute(statement.on_conflict_do_update(index_elements=["entity", "record", "account"], set_=seen))


def _sweep(ws: Workspace) -> None:
    rows = table("_presence", ws.db.dialect)
    c = rows.c
    old = sa.select(c.entity, c.record, c.account).where(c.seen_at < _moment(ws, ws.now - ALIVE)).limit(_SWEPT)
    if ws.db.dialect == "postgresql":
        old = old.with_for_update(skip_locked=True)  # somebody else who sweeps is not waited for
    ws.db.execute(sa.delete(rows).where(sa.tuple_(c.entity, c.record, c.account).in_(old)))


def _others(ws: Workspace, entity: Entity, id: str) -> tuple[Here, ...]:
    c = table("_presence", ws.db.dialect).c
    wanted = sa.select(c.account, c.name, c.editing).where(
        c.entity == entity.id, c.record == id.lower(), c.seen_at >= _moment(ws, ws.now - ALIVE)
    )
    if ws.actor.user is not None:
        wanted = wanted.where(c.account != ws.actor.user)
    rows = ws.db.execute(wanted.order_by(c.editing.desc(), c.name, c.account).limit(_MOST))
    return tuple(Here(str(row.account), row.name, bool(row.editing)) for row in rows)


def _moment(ws: Workspace, at: dt.datetime) -> Any:
    return at if ws.db.dialect == "postgresql" else datetime_text(at)
