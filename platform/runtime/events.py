"""The event log of a tenant: what happened, to which record, by whom, with every changed value before and after.

An event is written by the transaction that did what it tells. It gets its position in the feed after commit (`feed`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from metadata.ids import uuid7, uuid7s
from metadata.model import EMPTY
from runtime.codecs import datetime_text, datetime_value, moment_text
from runtime.prepared import Prepared, prepare
from runtime.sealing import Sealer
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

_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
FEW = 20
"""Up to this many rows plain statements are sooner done than a COPY."""


class Fact(NamedTuple):
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
    told = Sealer(ws).changes(fact.entity, fact.record, fact.changes)
    changes = orjson.dumps(told if told is not EMPTY else {}, option=_JSON)
    actor, cause, depth = ws.actor, *caused(ws, fact)
    return {
        "e_id": fact.id or uuid7(),
        "e_at": ws.now if ws.db.dialect == "postgresql" else datetime_text(ws.now),
        "e_actor": actor.user,
        "e_actor_name": actor.name,
        "e_on_behalf_of": actor.on_behalf_of,
        "e_channel": actor.channel,
        "e_cause": cause,
        "e_depth": depth,
        "e_release": ws.release,
        "e_kind": fact.kind,
        "e_entity": fact.entity,
        "e_record": fact.record,
        "e_digest": hashlib.sha256(changes).hexdigest(),
        "e_changes": changes.decode(),
    }


def caused(ws: Workspace, fact: Fact) -> tuple[str | None, int]:
    """The event that a fact follows from, and how far it is from what somebody did."""
    if ws.cause is None:
        return fact.cause, fact.depth
    return fact.cause or ws.cause.event, fact.depth + ws.cause.depth


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
    if len(facts) <= FEW:
        _statement(ws.db.dialect).many(ws.db, [row(ws, fact) for fact in facts])
    else:
        make, ids = maker(ws), uuid7s(len(facts))
        ws.db.copy("_event", COLUMNS, (make(fact, id) for fact, id in zip(facts, ids, strict=True)))
    ring(ws)


def maker(ws: Workspace) -> Callable[[Fact, str], tuple[Any, ...]]:
    """Fact and id -> the values of an event in the order of COLUMNS; what all of them share is worked out once."""
    actor, release = ws.actor, ws.release
    at = (moment_text if ws.db.dialect == "postgresql" else datetime_text)(ws.now)
    who = (at, actor.user, actor.name, actor.on_behalf_of, actor.channel)
    dumps, sha256, seal = orjson.dumps, hashlib.sha256, Sealer(ws).changes

    def make(fact: Fact, id: str) -> tuple[Any, ...]:
        kept = seal(fact.entity, fact.record, fact.changes)
        changes = dumps(kept if kept is not EMPTY else {}, option=_JSON)
        told = (fact.kind, fact.entity, fact.record, sha256(changes).hexdigest(), changes.decode())
        return (fact.id or id, *who, *caused(ws, fact), release, *told)

    return make


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event without its values: for who runs the installation and may not look inside."""

    id: str
    at: dt.datetime
    actor_name: str
    channel: str
    kind: str
    entity: str
    record: str | None
    release: int


def envelopes(ws: Workspace, offset: int = 0, limit: int = 50) -> list[Envelope]:
    """The newest events, without what they tell of any record."""
    events = table("_event", ws.db.dialect)
    names = ("id", "at", "actor_name", "channel", "kind", "entity", "record", "release")
    query = sa.select(*(events.c[name] for name in names)).order_by(events.c.id.desc()).offset(offset).limit(limit)
    found = []
    rows: Any = ws.db.execute(query)
    for id, at, name, channel, kind, entity, record, release in rows:
        moment = datetime_value(at) if isinstance(at, str) else at
        found.append(Envelope(str(id), moment, name, channel, kind, entity, record and str(record), release))
    return found


def ring(ws: Workspace) -> None:
    """Have the tenant's work looked after once this transaction is committed."""
    ws.db.notes["ring"] = True
