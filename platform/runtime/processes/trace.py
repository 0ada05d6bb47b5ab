"""The `_workflow_trace` table: what each run did, line by line. The only module that reads and writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from metadata.model import EMPTY
from runtime.codecs import datetime_text, json_text
from runtime.portable import Id, Json, Moment
from runtime.prepared import Prepared, prepare
from runtime.system.tables import table
from runtime.workspace import Workspace
from workflow.engine import Line

_TRACE = sa.table(
    "_workflow_trace",
    sa.column("instance", Id()),
    sa.column("line", sa.Integer()),
    sa.column("at", Moment()),
    sa.column("visit", sa.Integer()),
    sa.column("step", sa.Text()),
    sa.column("kind", sa.Text()),
    sa.column("detail", Json()),
)
_COLUMNS = ("instance", "line", "at", "visit", "step", "kind", "detail")


@dataclass(frozen=True, slots=True)
class Written:
    """One line as it is kept."""

    line: int
    at: dt.datetime
    visit: int
    step: str
    kind: str
    detail: Mapping[str, Any]


def put(ws: Workspace, instance: str, first: int, lines: Sequence[Line]) -> None:
    """Append lines to a trace; `first` is the number of the first one."""
    if not lines:
        return
    at = ws.now if ws.db.dialect == "postgresql" else datetime_text(ws.now)
    rows = [
        {
            "v_instance": instance,
            "v_line": number,
            "v_at": at,
            "v_visit": each.visit,
            "v_step": each.step,
            "v_kind": each.kind,
            "v_detail": json_text(dict(each.detail)) if each.detail else None,
        }
        for number, each in enumerate(lines, first)
    ]
    _inserting(ws.db.dialect).many(ws.db, rows)


@cache
def _inserting(dialect: str) -> Prepared:
    held = table("_workflow_trace", dialect)
    values = {held.c[name]: sa.bindparam(f"v_{name}", type_=held.c[name].type) for name in _COLUMNS}
    return prepare(sa.insert(held).values(values), dialect)


def read(ws: Workspace, instance: str, after: int = -1, limit: int = 1_000) -> list[Written]:
    """The lines of a run after a line, in order."""
    query = sa.select(*(_TRACE.c[name] for name in _COLUMNS[1:])).where(
        _TRACE.c.instance == instance, _TRACE.c.line > after
    )
    rows: Any = ws.db.execute(query.order_by(_TRACE.c.line).limit(limit))
    return [Written(line, at, visit, step, kind, detail or EMPTY) for line, at, visit, step, kind, detail in rows]


def forget(ws: Workspace, instances: Sequence[str]) -> None:
    if instances:
        ws.db.execute(sa.delete(_TRACE).where(_TRACE.c.instance.in_(list(instances))))
