"""Gives the records of an entity their search tokens anew, after a change of the fields that it is searched by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from metadata.changes import Change
from metadata.model import Entity
from runtime import search
from runtime.directory import Tenant
from runtime.host import Host
from runtime.tables import SEARCH, EntityTable, table_of
from runtime.workspace import PlatformActor, Workspace, open_workspace

CHUNK = 500

Tokens = Mapping[str, set[str]]


def affected(changes: Iterable[Change]) -> list[str]:
    """Ids of the entities whose search looks into other fields than before."""
    found = (each.id for each in changes if each.path.split(".")[0::2][:2] == ["entities", "search"])
    return list(dict.fromkeys(found))


def rebuild(host: Host, tenant: Tenant, entity_id: str) -> int:
    """Every record's tokens, some at a time while people go on working; how many. Doing it again is harmless."""
    after, done = "", 0
    while True:
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            entity = ws.model.entity(entity_id)
            if entity is None or not entity.search:
                return done
            held = table_of(ws.model, entity, ws.dialect)
            rows = _rows(ws, entity, held, after)
            _write(ws, held, [(str(row[0]), search.index_values(entity, _values(entity, held, row))) for row in rows])
        done += len(rows)
        if len(rows) < CHUNK:
            return done
        after = str(rows[-1][0])


def _rows(ws: Workspace, entity: Entity, held: EntityTable, after: str) -> Sequence[Any]:
    key = held.column("id")
    query = sa.select(key, *(held.column(each) for each in entity.search)).order_by(key).limit(CHUNK)
    if after:
        query = query.where(key > after)
    # Nobody may change a record between our reading and our writing.
    return ws.db.execute(query.with_for_update()).all()


def _values(entity: Entity, held: EntityTable, row: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for id, value in zip(entity.search, row[1:], strict=True):
        decode = held.fields[id].decode[0]
        found[id] = decode(value) if decode is not None and value is not None else value
    return found


def _write(ws: Workspace, held: EntityTable, found: Sequence[tuple[str, Tokens]]) -> None:
    if not found:
        return
    if held.tokens is None:
        text = f'UPDATE "{held.table.name}" SET {SEARCH} = %(tokens)s::tsvector WHERE id = %(id)s'
        ws.db.many(text, [{"id": id, "tokens": search.tsvector_text(tokens)} for id, tokens in found])
        return
    ws.db.execute(held.tokens.delete().where(held.tokens.c.id.in_([id for id, _ in found])))
    rows = [(token, field, id) for id, tokens in found for field, held_ in tokens.items() for token in sorted(held_)]
    if rows:
        ws.db.copy(held.tokens.name, ("token", "field", "id"), rows)
