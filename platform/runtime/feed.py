"""Positions in the change feed: given after commit by one assigner per tenant, so that a reader misses no event."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from runtime.codecs import datetime_value
from runtime.system.tables import table
from runtime.workspace import Workspace

AT_ONCE = 10_000
"""Events that one transaction places."""
_LOCK = "SELECT pg_advisory_xact_lock(%(key)s)"
_ASSIGN_POSTGRES = """
    UPDATE _event SET position = given.position
    FROM (
        SELECT id, (SELECT coalesce(max(position), 0) FROM _event) + row_number() OVER (ORDER BY id) AS position
        FROM (SELECT id FROM _event WHERE position IS NULL ORDER BY id LIMIT %(limit)s) AS waiting
    ) AS given
    WHERE _event.id = given.id
"""
_ASSIGN_SQLITE = """
    UPDATE _event SET position = given.position
    FROM (
        SELECT id, (SELECT coalesce(max(position), 0) FROM _event) + row_number() OVER (ORDER BY id) AS position
        FROM (SELECT id FROM _event WHERE position IS NULL ORDER BY id LIMIT ?) AS waiting
    ) AS given
    WHERE _event.id = given.id
"""


def assign(ws: Workspace, limit: int = AT_ONCE) -> int:
    """Give the next positions to events that are committed and have none; how many there were.

    Positions follow each other without a gap in the order of giving. An event that commits late gets a later
    position, whatever its id, so a reader who has seen position n has seen all up to n for ever.
    """
    if ws.db.dialect == "postgresql":
        # The lock comes in a statement of its own: the next one then sees all that its last holder committed.
        ws.db.fetch(_LOCK, {"key": lock_key(ws.tenant.id)})
        return ws.db.run(_ASSIGN_POSTGRES, {"limit": limit})
    return ws.db.run(_ASSIGN_SQLITE, (limit,))


def is_behind(ws: Workspace) -> bool:
    """Whether committed events wait for their position."""
    return bool(ws.db.fetch("SELECT 1 FROM _event WHERE position IS NULL LIMIT 1"))


def lock_key(tenant_id: str) -> int:
    """The number of a tenant's feed among the advisory locks of its database."""
    digest = hashlib.blake2b(f"feed:{tenant_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as the platform itself follows it: what kind, of which record, and which fields (ids) were changed."""

    id: str
    position: int
    at: dt.datetime
    kind: str
    entity: str
    record: str | None
    changed: tuple[str, ...]


def last_position(ws: Workspace) -> int:
    """The last position that was given; 0 when none was."""
    return int(ws.db.fetch("SELECT coalesce(max(position), 0) FROM _event")[0][0])


def happened_after(ws: Workspace, position: int, limit: int) -> list[Happened]:
    """The events after a position, in the order of their positions."""
    events = table("_event", ws.db.dialect).c
    columns = (events.id, events.position, events.at, events.kind, events.entity, events.record, events.changes)
    query = sa.select(*columns).where(events.position > position).order_by(events.position).limit(limit)
    found = []
    rows: Any = ws.db.execute(query)
    for id, at, moment, kind, entity, record, changes in rows:
        when = datetime_value(moment) if isinstance(moment, str) else moment
        told = orjson.loads(changes) if isinstance(changes, str) else changes or {}
        changed = tuple(each for each in told if not each.startswith("$"))
        found.append(Happened(str(id), at, when, kind, entity, record and str(record), changed))
    return found
