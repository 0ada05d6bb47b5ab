"""The `_approval` table: the state of every request, with a version. Alone reads and writes it.

A transition locks the request's row, so of two drivers one comes second and finds what the first has left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.model import EMPTY
from metadata.problems import Conflict, Label, kind
from runtime.database.errors import UniqueViolation
from runtime.portable import Id, Json, Moment
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
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
    sa.column("titles", Json()),
    sa.column("run", Id()),
    sa.column("run_visit", sa.Integer()),
    sa.column("created_at", Moment()),
)


def find(ws: Workspace, id: str) -> Request | None:
    """A request as it stands; in a writing workspace nobody else drives it until the transaction ends."""
    found = taken(ws, id)
    return None if found is None else found[0]


def taken(ws: Workspace, id: str) -> tuple[Request, Label] | None:
    """A request as `find` gives it, and how it is called in every language (nothing where that is not kept)."""
    locked = ws.write and ws.db.dialect == "postgresql"
    rows = _ready(ws, "find", locked).fetch(ws.db, {"id_": id})
    return None if not rows else (loaded(_json(rows[0][0])), _json(rows[0][1]) or EMPTY)


def place_of(ws: Workspace, id: str) -> tuple[str, str] | None:
    """Ids of the entity and the record that a request is about."""
    rows = _ready(ws, "place").fetch(ws.db, {"id_": id})
    return None if not rows else (str(rows[0][0]), str(rows[0][1]))


def _ready(ws: Workspace, what: str, locked: bool = False) -> Prepared:
    """A statement that every transition needs, compiled once."""
    key = ("approval request", what, locked, ws.db.dialect)
    return kept(ws.model).get(key, lambda: _prepared(what, locked, ws.db.dialect))


def _prepared(what: str, locked: bool, dialect: str) -> Prepared:
    c = _APPROVAL.c
    mine = c.id == sa.bindparam("id_", type_=sa.Text() if dialect == "sqlite" else Id())
    if what == "save":
        values = {each: sa.bindparam(f"{each}_", type_=_APPROVAL.c[each].type) for each in ("state", "version", "data")}
        return prepare(sa.update(_APPROVAL).where(mine).values(values), dialect)
    columns = (c.data, c.titles) if what == "find" else (c.entity, c.record)
    chosen: sa.Select[Any] = sa.select(*columns).where(mine)
    return prepare(chosen.with_for_update() if locked else chosen, dialect)


def _json(held: Any) -> Any:
    return orjson.loads(held) if isinstance(held, str) else held


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


def insert(ws: Workspace, request: Request, run: tuple[str, int] | None = None, titles: Label = EMPTY) -> None:
    """Keep a new request; `run`: what waits for it; `titles`: how it is called in every language. Raises Conflict when
    another request of the record runs."""
    row = {
        "id": request.id,
        "approval": request.approval,
        "release": request.release,
        "entity": request.entity,
        "record": request.record,
        "titles": dict(titles),
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
    values = {f"{name}_": value for name, value in _standing(request).items()}
    _ready(ws, "save").run(ws.db, {"id_": request.id, **values, "data_": orjson.dumps(values["data_"]).decode()})


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


def titles_of(ws: Workspace, ids: Collection[str]) -> dict[str, Label]:
    """How requests are called in every language, by one statement."""
    c = _APPROVAL.c
    rows = ws.db.execute(sa.select(c.id, c.titles).where(c.id.in_(list(ids)))) if ids else ()
    return {str(row.id): row.titles for row in rows if row.titles}


def running_under(ws: Workspace, approvals: Collection[str], *, but: int | None = None, limit: int = 500) -> list[str]:
    """Ids of the running requests of some definitions, the oldest first; `but`: not those of this release."""
    c = _APPROVAL.c
    chosen = sa.select(c.id).where(c.approval.in_(list(approvals)), c.state == "running").order_by(c.id).limit(limit)
    if but is not None:
        chosen = chosen.where(c.release != but)
    return [str(id) for id in ws.db.execute(chosen).scalars()]


def move(ws: Workspace, request: Request) -> None:
    """Keep a request that goes on under another release."""
    ws.db.execute(
        sa.update(_APPROVAL).where(_APPROVAL.c.id == request.id).values(release=request.release, **_standing(request))
    )


def count_running(ws: Workspace, approval: str) -> int:
    """How many requests of a definition run."""
    c = _APPROVAL.c
    counted = sa.select(sa.func.count()).where(c.approval == approval, c.state == "running")
    return int(ws.db.execute(counted).scalar_one())


def of_approvals(approvals: Collection[str]) -> sa.Select[Any]:
    """The ids of all requests of some definitions, as a question within another."""
    return sa.select(_APPROVAL.c.id).where(_APPROVAL.c.approval.in_(list(approvals)))
