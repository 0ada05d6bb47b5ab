"""Records found by the values of some of their fields, many at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from runtime.prepared import Prepared, prepare
from runtime.queries.cache import Kept
from runtime.records.plans import WritePlan
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace


def tuple_of(fields: Sequence[str], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a record, comparable with that of another."""
    return tuple([_hashable(values.get(each)) for each in fields])


def _hashable(value: Any) -> Hashable:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    found: Hashable = value
    return found


def matching(
    ws: Workspace, plan: WritePlan, fields: Sequence[str], keys: Sequence[tuple[Any, ...]], memory: Kept
) -> dict[tuple[Any, ...], list[str]]:
    """Ids of the living records that have one of the keys (values without None), by key."""
    found: dict[tuple[Any, ...], list[str]] = {}
    dialect = ws.db.dialect
    statement = memory.get(("matching", plan.entity.id, tuple(fields), dialect), lambda: _statement(plan, fields))
    codecs = [plan.table.fields[each] for each in fields]
    encoded = [
        [
            held.encode[0](value) if held.encode[0] is not None else value
            for held, value in zip(codecs, key, strict=True)
        ]
        for key in keys
    ]
    if dialect == "postgresql":
        params: dict[str, Any] = {f"key{at}": [key[at] for key in encoded] for at in range(len(fields))}
    else:
        params = {"keys": orjson.dumps(encoded).decode()}
    for row in statement.fetch(ws.db, params):
        values = [
            held.decode[0](value) if held.decode[0] is not None else value
            for held, value in zip(codecs, row[1:], strict=True)
        ]
        found.setdefault(tuple([_hashable(each) for each in values]), []).append(row[0])
    return found


def _statement(plan: WritePlan, fields: Sequence[str]) -> Prepared:
    columns = [plan.table.column(each) for each in fields]
    places = range(len(columns))
    chosen = sa.select(plan.table.column("id"), *columns).where(plan.table.table.c[DELETED_AT].is_(None))
    if plan.dialect == "postgresql":
        arrays = [sa.bindparam(f"key{at}", type_=postgresql.ARRAY(_plain(columns[at].type))) for at in places]
        names = [f"v{at}" for at in places]
        given = sa.func.unnest(*arrays).table_valued(*names, name="given").render_derived()
        return prepare(chosen.join(given, sa.and_(*(columns[at] == given.c[names[at]] for at in places))), plan.dialect)
    keys = sa.func.json_each(sa.bindparam("keys", type_=sa.Text())).table_valued("value", name="given")
    parts = [sa.func.json_extract(keys.c.value, sa.literal_column(f"'$[{at}]'")) for at in places]
    # IN, not a join: with an index each key is looked up, without one the table is read once.
    return prepare(chosen.where(sa.tuple_(*columns).in_(sa.select(*parts))), plan.dialect)


def _plain(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type of an array's elements: a collation is the column's business."""
    return sa.Text() if isinstance(type_, sa.Text) else type_
