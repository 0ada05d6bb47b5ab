"""The records in which administrators keep webhooks, as values: read by ids of fields, whatever their keys are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.access import Actor
from metadata.model import Role
from runtime.deliveries.secrets import WEBHOOK
from runtime.tables import DELETED_AT, EntityTable, table_of
from runtime.workspace import Workspace

INCOMING = "incoming_webhook"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell of what: an address, an entity, what happens to its records, and what of them a role may read."""

    id: str
    url: str
    about: str
    role: str
    created: bool
    updated: bool
    deleted: bool
    condition: str | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Incoming:
    """From whom something is taken: its name in the address, the workflow that it is for, and with which rights."""

    id: str
    name: str
    workflow: str
    role: str


def active(ws: Workspace) -> list[Webhook]:
    """The webhooks that are switched on, oldest first."""
    return [Webhook(**each) for each in _rows(ws, WEBHOOK, Webhook)]


def any_active(ws: Workspace) -> bool:
    """Whether anybody is to be told of anything."""
    held = _table(ws, WEBHOOK)
    if held is None:
        return False
    on = held.column("active").name if held.key[2] == "postgresql" else f"{held.column('active').name} = 1"
    # As text: it is asked after every write, and SQLAlchemy takes longer over it than the database.
    return bool(ws.db.fetch(f"SELECT 1 FROM {held.table.name} WHERE {on} AND {DELETED_AT} IS NULL LIMIT 1"))


def incoming(ws: Workspace, name: str) -> Incoming | None:
    """The incoming webhook of a name that is switched on."""
    found = _rows(ws, INCOMING, Incoming, name)
    return Incoming(**found[0]) if found else None


def _rows(ws: Workspace, entity: str, shape: Any, name: str | None = None) -> list[dict[str, Any]]:
    held = _table(ws, entity)
    fields = tuple(shape.__dataclass_fields__)
    if held is None or not all(each in held.fields for each in fields):
        return []
    query = sa.select(*(held.column(each) for each in fields)).where(*_on(held)).order_by(held.column("id"))
    if name is not None:
        query = query.where(held.column("name") == name)
    return [
        {each: _decoded(held, each, value) for each, value in zip(fields, row, strict=True)}
        for row in ws.db.execute(query)
    ]


def _table(ws: Workspace, name: str) -> EntityTable | None:
    entity = ws.model.entity(name)
    return None if entity is None or entity.id != name else table_of(ws.model, entity, ws.db.dialect)


def _on(held: EntityTable) -> tuple[sa.ColumnElement[bool], ...]:
    on = 1 if held.key[2] == "sqlite" else sa.true()
    return held.column("active") == on, held.table.c[DELETED_AT].is_(None)


def _decoded(held: EntityTable, id: str, value: Any) -> Any:
    decode = held.fields[id].decode[0]
    if id == "id":
        return str(value)
    return value if value is None or decode is None else decode(value)


# -- with whose rights


def actor_of(ws: Workspace, role: Role, name: str, channel: str) -> Actor:
    """Nobody in particular, who may do what one role may."""
    zone = str(ws.model.settings.get("timezone", "UTC"))
    return Actor(None, name, (role.id,), timezone=zone, channel=channel)
