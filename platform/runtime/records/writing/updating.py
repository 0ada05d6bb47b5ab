"""Many rows are changed by one statement on PostgreSQL: their values go as a few arrays of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from runtime import sealing, search
from runtime.prepared import Prepared, prepare
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.tables import SEARCH
from runtime.workspace import Workspace


def updating_many(
    ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], names: frozenset[str], searched: bool
) -> None:
    """Write these columns of some rows, which are there."""
    chosen = [(at, name) for at, name in enumerate(plan.copied) if name in names]
    rows = [plan.copy_row(sealing.row(ws, plan, draft)) for draft in drafts]
    params = {name: _array(_text(row[at]) for row in rows) for at, name in chosen}
    params["key"] = _array(draft.id for draft in drafts)
    if searched:
        tokens = (search.tsvector_text(search.index_values(plan.entity, draft.values)) for draft in drafts)
        params[SEARCH] = _array(tokens)
    _statement(plan, tuple(name for _, name in chosen), searched).run(ws.db, params)


def _text(value: Any) -> str | None:
    """A value as PostgreSQL reads it back from text."""
    if value is None or type(value) is str:
        return value
    return ("t" if value else "f") if isinstance(value, bool) else str(value)


def _array(values: Iterable[str | None]) -> str:
    """Texts as one array, with NULL for None."""
    parts = ["NULL" if each is None else '"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in values]
    return "{" + ",".join(parts) + "}"


@lru_cache(maxsize=2_000)
def _statement(plan: WritePlan, names: tuple[str, ...], searched: bool) -> Prepared:
    """UPDATE of these columns from arrays that stand side by side."""
    table = plan.table.table
    given = ("key", *names, *((SEARCH,) if searched else ()))
    arrays = [sa.cast(sa.bindparam(name, type_=sa.Text()), postgresql.ARRAY(sa.Text())) for name in given]
    source = sa.func.unnest(*arrays).table_valued(*(f"v{at}" for at in range(len(given)))).render_derived(name="given")
    held = dict(zip(given, source.c, strict=True))
    values = {table.c[name]: _cast(held[name], table.c[name].type) for name in given[1:]}
    key = plan.table.column("id")
    statement = sa.update(table).values(values).where(key == _cast(held["key"], key.type))
    return prepare(statement, plan.dialect)


def _cast(text: sa.ColumnElement[Any], type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """The text as a value of a column. A cast knows no collation, and a text needs none."""
    if isinstance(type_, sa.Text):
        return text
    if isinstance(type_, postgresql.ARRAY):
        return sa.cast(text, postgresql.ARRAY(sa.Text()))
    return sa.cast(text, type_)
