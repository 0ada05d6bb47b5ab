"""The records from which a way over links leads to some others: found from its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.model import Hop, Model
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.targets import among, id_list
from runtime.tables import DELETED_AT, table_of
from runtime.workspace import Workspace


def reached(ws: Workspace, entity: str, way: Sequence[Hop], ids: Collection[str]) -> Sequence[tuple[str, str]]:
    """(record of `entity`, one of `ids`) where the way leads from the one to the other. Each record once."""
    if not ids:
        return ()
    key = ("way", entity, tuple(way), ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_statement, ws.model, entity, tuple(way), ws.db.dialect))
    found: dict[str, str] = {}
    for id, start in statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)}):
        found.setdefault(str(id), str(start))
    return tuple(found.items())


def _statement(model: Model, entity: str, way: Sequence[Hop], dialect: str) -> Prepared:
    """Joined from the record on; the condition stands on the link of the last step."""
    found = model.entity(entity)
    assert found is not None
    table = table_of(model, found, dialect)
    at: Any = table.table.alias("h0")
    origin: Any = at
    here, id = found, at.c[table.column("id").name]
    first = id
    kept_rows = [at.c[DELETED_AT].is_(None)]
    end: Any = id
    for number, hop in enumerate(way, 1):
        last = number == len(way)
        if not hop.back:
            link = at.c[table_of(model, here, dialect).column(hop.link).name]
            if last:
                end = link
                break
            target = model.entity(here.fields[hop.link].to[0])
            assert target is not None
            held = table_of(model, target, dialect)
            after = held.table.alias(f"h{number}")
            origin = origin.join(after, after.c[held.column("id").name] == link)
            here, at = target, after
        else:
            source = model.entity(hop.entity)
            assert source is not None
            held = table_of(model, source, dialect)
            after = held.table.alias(f"h{number}")
            own = at.c[table_of(model, here, dialect).column("id").name]
            origin = origin.join(after, after.c[held.column(hop.link).name] == own)
            kept_rows.append(after.c[DELETED_AT].is_(None))
            here, at = source, after
            end = after.c[held.column("id").name]
    chosen = sa.select(first, end).distinct().select_from(origin).where(among(end, "wanted", dialect), *kept_rows)
    return prepare(chosen.order_by(first), dialect)
