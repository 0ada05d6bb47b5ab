"""Secrets that the platform itself signs with, out of the records in which administrators keep them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from runtime import sealing
from runtime.tables import DELETED_AT, table_of
from runtime.workspace import Workspace

WEBHOOK, SHARED = "webhook", "shared_secret"


def of(ws: Workspace, webhook: str | None, name: str | None) -> str | None:
    """The secret of a webhook (by id) or the shared secret of a name; None when there is none, or no longer.

    None also for one that no key opens.
    """
    if webhook is not None:
        return secret_of(ws, WEBHOOK, "id", webhook)
    return secret_of(ws, SHARED, "name", name) if name is not None else None


def secret_of(ws: Workspace, entity_id: str, field: str, value: str, column: str = "secret") -> str | None:
    """The secret of the living record of an entity that has a value in a field."""
    entity = ws.model.entity(entity_id)
    if entity is None or column not in entity.fields:
        return None
    held = table_of(ws.model, entity, ws.db.dialect)
    asked = held.column("id") if field == "id" else held.fields[field].value
    query = sa.select(held.column("id"), held.fields[column].value).where(asked == value)
    row: Any = ws.db.execute(query.where(held.table.c[DELETED_AT].is_(None)).limit(1)).first()
    if row is None or row[1] is None:
        return None
    place = sealing.place_of(ws.tenant.id, entity.id, column, str(row[0]))
    return sealing.unseal(ws.host.settings, place, row[1])
