"""The `_approval` table: the state of every request, with a version. Alone reads and writes it.

A transition locks the request's row, so of two drivers one comes second and finds what the first has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from metadata.problems import Conflict, kind
from runtime.database.errors import UniqueViolation
from runtime.portable import Id, Json, Moment
from runtime.workspace import Workspace
from workflow.approvals.request import Request
from workflow.approvals.storing import dumped, loaded

RUNS_ALREADY = kind(
    "approval_runs_already",
    en="An approval of this record is running already. Wait for it, or withdraw it first.",
    zh="该记录已有正在进行的审批。请等待其结束，或先撤回。",
)

_APPROVAL = sa.table(
    "_approval",
    sa.column("id", Id()),
    sa.column("approval", sa.Text()),
    sa.column("release", sa.Integer()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("state", sa.Text()),
    sa.column("version", sa.Integer()),
    sa.column("data", Json()),
    sa.column("run", Id()),
    sa.column("run_visit", sa.Integer()),
    sa.column("created_at", Moment()),
)


def find(ws: Workspace, id: str) -> Request | None:
    """A request as it stands; in a writing workspace nobody else drives it until the transaction ends."""
    chosen: sa.Select[Any] = sa.select(_APPROVAL.c.data).where(_APPROVAL.c.id == id)
    if ws.write and ws.db.dialect == "postgresql":
        chosen = chosen.with_for_update()
    row = ws.db.execute(chosen).first()
    return None if row is None else loaded(row.data)


def newest_of(ws: Workspace, entity: str, record: str) -> Request | None:
    """The last request that there was for a record."""
    c = _APPROVAL.c
    chosen = sa.select(c.data).where(c.entity == entity, c.record == record).order_by(c.id.desc()).limit(1)
    row = ws.db.execute(chosen).first()
    return None if row is None else loaded(row.data)


def running_of(ws: Workspace, entity: str, record: str) -> str | None:
    """The id of the request that runs for a record."""
    c = _APPROVAL.c
    chosen = sa.select(c.id).where(c.entity == entity, c.record == record, c.state == "running")
    found = ws.db.execute(chosen).scalar()
    return None if found is None else str(found)


def run_of(ws: Workspace, id: str) -> tuple[str, int] | None:
    """The run of a workflow that waits for a request, and its visit."""
    c = _APPROVAL.c
    row = ws.db.execute(sa.select(c.run, c.run_visit).where(c.id == id, c.run.is_not(None))).first()
    return None if row is None else (str(row.run), int(row.run_visit))


def insert(ws: Workspace, request: Request, run: tuple[str, int] | None = None) -> None:
    """Keep a new request; `run`: what waits for it. Raises Conflict when another request of the record runs."""
    row = {
        "id": request.id,
        "approval": request.approval,
        "release": request.release,
        "entity": request.entity,
        "record": request.record,
        "run": None if run is None else run[0],
        "run_visit": None if run is None else run[1],
        "created_at": ws.now,
        **_standing(request),
    }
    try:
        with ws.db.savepoint():
            ws.db.execute(sa.insert(_APPROVAL).values(row))
    except UniqueViolation as refused:
        raise Conflict(RUNS_ALREADY()) from refused


def save(ws: Workspace, request: Request) -> None:
    ws.db.execute(sa.update(_APPROVAL).where(_APPROVAL.c.id == request.id).values(_standing(request)))


def _standing(request: Request) -> dict[str, Any]:
    return {"state": request.state, "version": request.version, "data": dumped(request)}


def keep_snapshot(ws: Workspace, id: str, changes: dict[str, Any]) -> Request | None:
    """Have a request's snapshot follow what was changed in its record while it is locked; the request."""
    request = find(ws, id)
    if request is not None:
        request = replace(request, snapshot={**request.snapshot, **changes}, version=request.version + 1)
        save(ws, request)
    return request


def several(ws: Workspace, ids: Sequence[str]) -> list[Request]:
    """Some requests, by one statement; those that are not there are left out."""
    chosen = sa.select(_APPROVAL.c.data).where(_APPROVAL.c.id.in_(list(ids)))
    return [loaded(row.data) for row in ws.db.execute(chosen)] if ids else []
