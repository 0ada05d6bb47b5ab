"""The `_workflow_instance` table: the only module that reads and writes it. One row for each run of a workflow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.ids import is_uuid
from runtime.codecs import datetime_text, json_text
from runtime.jobs import table as jobs
from runtime.portable import Id, Json, Moment
from runtime.prepared import Prepared, prepare
from runtime.system.tables import table
from runtime.workspace import Workspace

SINCE = 5
"""The version of the platform's tables from which on there are runs: a tenant may be one behind."""

INSTANCE = sa.table(
    "_workflow_instance",
    sa.column("id", Id()),
    sa.column("workflow", sa.Text()),
    sa.column("release", sa.Integer()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("trigger", sa.Text()),
    sa.column("state", sa.Text()),
    sa.column("body", Json()),
    sa.column("initiator", Id()),
    sa.column("token", Json()),
    sa.column("cause", Id()),
    sa.column("depth", sa.Integer()),
    sa.column("chain", Json()),
    sa.column("root", Id()),
    sa.column("parent", Id()),
    sa.column("parent_visit", sa.Integer()),
    sa.column("single", sa.Text()),
    sa.column("lines", sa.Integer()),
    sa.column("error", Json()),
    sa.column("started_at", Moment()),
    sa.column("finished_at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A row of the table."""

    id: str
    workflow: str
    release: int
    entity: str
    record: str | None
    trigger: str | None
    """Id of the trigger; None: a step of another run."""
    state: str
    """A state of the engine, or `failed` while a step of it could not be done and may be tried again."""
    body: Mapping[str, Any] | None
    """The engine's instance; None: it has not begun."""
    initiator: str | None
    token: Mapping[str, Any] | None
    cause: str | None
    depth: int
    chain: Sequence[str]
    """Ids of the workflows that led to it."""
    root: str
    """Id of the first run of the chain, its own when nothing led to it."""
    parent: str | None
    """Id of the run that waits for its end."""
    parent_visit: int | None
    single: str | None
    """Only one run that is not over has this: see `Workflow.once`."""
    lines: int
    """How many lines its trace has."""
    error: Mapping[str, Any] | None
    """`{code, texts, step}`"""
    started_at: dt.datetime
    finished_at: dt.datetime | None

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None


_COLUMNS = tuple(Run.__dataclass_fields__)


def insert(ws: Workspace, runs: Sequence[Run]) -> list[Run]:
    """Write runs that begin; those that there are. Of two that must be `single` the one that is there stays."""
    if not runs:
        return []
    rows = [_row(ws, each) for each in runs]
    if all(each.single is None for each in runs):
        _inserting(ws.db.dialect, False).many(ws.db, rows)
        return list(runs)
    one = _inserting(ws.db.dialect, True)
    return [run for run, row in zip(runs, rows, strict=True) if one.run(ws.db, row) == 1]


def insert_with_jobs(ws: Workspace, kind: str, runs: Sequence[Run], payloads: Sequence[Mapping[str, Any]]) -> bool:
    """The usual case at once on PostgreSQL: runs and their jobs by one statement; false where that cannot be."""
    if ws.db.dialect != "postgresql" or not runs or any(each.single is not None for each in runs):
        return False
    rows = [{**_plain(run), "payload": payload} for run, payload in zip(runs, payloads, strict=True)]
    jobs.enqueue_with(ws, kind, _inserting_with_jobs(), rows)
    return True


@cache
def _inserting_with_jobs() -> Prepared:
    return jobs.with_jobs(table("_workflow_instance", "postgresql"), _COLUMNS)


def _plain(run: Run) -> dict[str, Any]:
    """A run as JSON data."""
    return {f"v_{name}": getattr(run, name) for name in _COLUMNS} | {"v_chain": list(run.chain)}


def _row(ws: Workspace, run: Run) -> dict[str, Any]:
    found = {name: getattr(run, name) for name in _COLUMNS}
    found["chain"] = json_text(list(run.chain))
    found["token"] = None if run.token is None else json_text(dict(run.token))
    found["body"] = found["error"] = None
    if ws.db.dialect == "sqlite":
        found["started_at"] = datetime_text(run.started_at)
    return {f"v_{name}": value for name, value in found.items()}


@cache
def _inserting(dialect: str, single: bool) -> Prepared:
    statement: Any = _insertion(dialect)
    return prepare(statement.on_conflict_do_nothing(index_elements=["single"]) if single else statement, dialect)


def _insertion(dialect: str) -> sa.Insert:
    held = table("_workflow_instance", dialect)
    values = {held.c[name]: sa.bindparam(f"v_{name}", type_=held.c[name].type) for name in _COLUMNS}
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made: sa.Insert = insert(held).values(values)
    return made


def lock(ws: Workspace, id: str) -> Run | None:
    """A run that nobody else moves until this transaction ends."""
    query = sa.select(*(INSTANCE.c[name] for name in _COLUMNS)).where(INSTANCE.c.id == id)
    if ws.db.dialect == "postgresql":
        query = query.with_for_update()
    row = ws.db.execute(query).first()
    return None if row is None else _run(row)


def get(ws: Workspace, id: str) -> Run | None:
    if not is_uuid(id):
        return None
    row = ws.db.execute(sa.select(*(INSTANCE.c[name] for name in _COLUMNS)).where(INSTANCE.c.id == id.lower())).first()
    return None if row is None else _run(row)


def keep(ws: Workspace, run: Run) -> None:
    """Write what a run has come to."""
    values: dict[str, Any] = {"state": run.state, "body": run.body, "lines": run.lines, "error": run.error}
    values["release"] = run.release
    if run.is_over:
        values |= {"finished_at": run.finished_at, "single": None}
    ws.db.execute(sa.update(INSTANCE).where(INSTANCE.c.id == run.id).values(values))


def of_record(ws: Workspace, entity: str, record: str, after: str | None, limit: int) -> list[Run]:
    """The runs about a record, the newest first, before the one with the id `after`."""
    query = sa.select(*(INSTANCE.c[name] for name in _COLUMNS)).where(
        INSTANCE.c.record == record, INSTANCE.c.entity == entity
    )
    if after is not None:
        query = query.where(INSTANCE.c.id < after)
    return [_run(row) for row in ws.db.execute(query.order_by(INSTANCE.c.id.desc()).limit(limit))]


def listing(
    ws: Workspace, workflow: str | None = None, state: str | None = None, after: str | None = None, limit: int = 50
) -> list[Run]:
    """All runs, the newest first."""
    query = sa.select(*(INSTANCE.c[name] for name in _COLUMNS)).order_by(INSTANCE.c.id.desc()).limit(limit)
    for column, wanted in ((INSTANCE.c.workflow, workflow), (INSTANCE.c.state, state)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(INSTANCE.c.id < after)
    return [_run(row) for row in ws.db.execute(query)]


def open_releases(ws: Workspace) -> list[tuple[str, int]]:
    """(workflow, release) of the runs that are not over."""
    query = sa.select(INSTANCE.c.workflow, INSTANCE.c.release).where(INSTANCE.c.finished_at.is_(None)).distinct()
    rows: Any = ws.db.execute(query)
    return [(workflow, release) for workflow, release in rows]


def open_of(ws: Workspace, workflow: str, release: int | None = None, limit: int = 10_000) -> list[Run]:
    """The runs of a workflow that are not over, of one release or of all, the oldest first."""
    query = sa.select(*(INSTANCE.c[name] for name in _COLUMNS)).where(
        INSTANCE.c.workflow == workflow, INSTANCE.c.finished_at.is_(None)
    )
    if release is not None:
        query = query.where(INSTANCE.c.release == release)
    return [_run(row) for row in ws.db.execute(query.order_by(INSTANCE.c.id).limit(limit))]


def led_by(ws: Workspace, root: str, most: int) -> int:
    """How many runs follow from a run, counted no further than `most`."""
    some = sa.select(sa.literal(1)).select_from(INSTANCE).where(INSTANCE.c.root == root, INSTANCE.c.depth > 0)
    return int(ws.db.execute(sa.select(sa.func.count()).select_from(some.limit(most).subquery())).scalar_one())


def over_before(ws: Workspace, moment: dt.datetime, limit: int = 500) -> list[str]:
    """Ids of runs that were over before a moment."""
    over = sa.select(INSTANCE.c.id).where(INSTANCE.c.finished_at < moment).limit(limit)
    return [row.id for row in ws.db.execute(over)]


def forget(ws: Workspace, ids: Sequence[str]) -> None:
    if ids:
        ws.db.execute(sa.delete(INSTANCE).where(INSTANCE.c.id.in_(list(ids))))


def _run(row: sa.Row[Any]) -> Run:
    found = row._asdict()
    found["chain"] = tuple(found["chain"] or ())
    return Run(**found)


def new_run(ws: Workspace, id: str, workflow: str, entity: str, record: str | None, **more: Any) -> Run:
    """A run that begins in this transaction; what led to it is the workspace's cause."""
    cause = ws.cause
    values: dict[str, Any] = {
        "trigger": None,
        "state": "running",
        "body": None,
        "initiator": ws.actor.user if cause is None else cause.initiator,
        "token": None if cause is None else cause.token,
        "cause": None,
        "depth": 0 if cause is None else cause.depth,
        "chain": () if cause is None else cause.chain,
        "root": id if cause is None else cause.root,
        "parent": None,
        "parent_visit": None,
        "single": None,
        "lines": 0,
        "error": None,
        "started_at": ws.now,
        "finished_at": None,
    }
    values |= {"release": ws.release, **more}
    return Run(id=id, workflow=workflow, entity=entity, record=record, **values)
