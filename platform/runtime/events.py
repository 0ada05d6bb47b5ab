"""The event log of a tenant: what happened, to which record, by whom, with every changed value before and after.

An event is written by the transaction that did what it tells. It gets its position in the feed after commit (`feed`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.ids import uuid7
from metadata.model import EMPTY
from runtime.codecs import datetime_text
from runtime.prepared import Prepared, prepare
from runtime.system.tables import table
from runtime.workspace import Workspace

Changes = Mapping[str, Sequence[Any]]
"""Field id -> [value before, value after], as JSON data."""

COLUMNS = (
    "id",
    "at",
    "actor",
    "actor_name",
    "on_behalf_of",
    "channel",
    "cause",
    "depth",
    "release",
    "kind",
    "entity",
    "record",
    "digest",
    "changes",
)
"""What the writer of an event fills, in the order of `row`; its position comes later."""

_FEW = 20
"""Up to this many rows plain statements are sooner done than a COPY."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened to one record. `cause` is the event that led to it."""

    kind: str
    entity: str
    record: str | None
    changes: Changes = EMPTY
    cause: str | None = None
    depth: int = 0
    id: str | None = None


def insertion(dialect: str) -> sa.Insert:
    """INSERT of one event; its parameters are those of `row`."""
    columns = table("_event", dialect).c
    return sa.insert(table("_event", dialect)).values(
        {columns[each]: sa.bindparam(f"e_{each}", type_=columns[each].type) for each in COLUMNS}
    )


@cache
def _statement(dialect: str) -> Prepared:
    return prepare(insertion(dialect), dialect)


def row(ws: Workspace, fact: Fact) -> dict[str, Any]:
    """The parameters of an event's INSERT. Values that nobody may read later can be erased; the digest stays."""
    changes = orjson.dumps(fact.changes if fact.changes is not EMPTY else {}, option=orjson.OPT_SORT_KEYS)
    actor = ws.actor
    return {
        "e_id": fact.id or uuid7(),
        "e_at": ws.now if ws.db.dialect == "postgresql" else datetime_text(ws.now),
        "e_actor": actor.user,
        "e_actor_name": actor.name,
        "e_on_behalf_of": actor.on_behalf_of,
        "e_channel": actor.channel,
        "e_cause": fact.cause,
        "e_depth": fact.depth,
        "e_release": ws.release,
        "e_kind": fact.kind,
        "e_entity": fact.entity,
        "e_record": fact.record,
        "e_digest": hashlib.sha256(changes).hexdigest(),
        "e_changes": changes.decode(),
    }


def append(
    ws: Workspace,
    kind: str,
    entity_id: str,
    record_id: str | None,
    changes: Changes = EMPTY,
    cause: str | None = None,
    depth: int = 0,
) -> str:
    """Write one event; its id."""
    values = row(ws, Fact(kind, entity_id, record_id, changes, cause, depth))
    _statement(ws.db.dialect).run(ws.db, values)
    ring(ws)
    return str(values["e_id"])


def append_many(ws: Workspace, facts: Sequence[Fact]) -> None:
    """Write many events in one go."""
    if not facts:
        return
    rows = [row(ws, fact) for fact in facts]
    if len(rows) <= _FEW:
        _statement(ws.db.dialect).many(ws.db, rows)
    else:
        ws.db.copy("_event", COLUMNS, [tuple(each.values()) for each in rows])
    ring(ws)


def ring(ws: Workspace) -> None:
    """Have the tenant's work looked after once this transaction is committed."""
    ws.db.notes["ring"] = True
