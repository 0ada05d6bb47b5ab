"""The `_job` table: the only module that reads and writes it. Leases and due times are by the database's clock."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.ids import is_uuid, uuid7, uuid7s
from metadata.model import EMPTY
from metadata.problems import Conflict, NotFound, kind
from runtime.codecs import datetime_text, json_text
from runtime.jobs.kinds import KINDS
from runtime.jobs.work import Done, Job, More, Outcome, Stuck
from runtime.portable import Flag, Id, Json, Moment
from runtime.prepared import Prepared, prepare
from runtime.system.tables import table
from runtime.workspace import Workspace

LEASE = 60.0
_LONGEST_WAIT = 900.0

UNKNOWN_JOB = kind(
    "job_unknown",
    en="There is no job {id}. Look for it in the list of jobs.",
    zh="没有任务 {id}，请在任务列表中查找。",
)
JOB_IS_OVER = kind(
    "job_is_over",
    en="This job is {state} already; it can no longer be cancelled.",
    zh="该任务已处于 {state} 状态，无法取消。",
)
JOB_NOT_RETRIABLE = kind(
    "job_not_retriable",
    en="This job is {state}; only dead, failed and cancelled jobs can be retried.",
    zh="该任务处于 {state} 状态；只有失败、终止或已取消的任务可以重试。",
)

JOB = sa.table(
    "_job",
    sa.column("id", Id()),
    sa.column("kind", sa.Text()),
    sa.column("key", sa.Text()),
    sa.column("state", sa.Text()),
    sa.column("run_at", Moment()),
    sa.column("lease_until", Moment()),
    sa.column("attempt", sa.Integer()),
    sa.column("max_attempts", sa.Integer()),
    sa.column("payload", Json()),
    sa.column("progress", Json()),
    sa.column("result", Json()),
    sa.column("error", Json()),
    sa.column("created_by", Id()),
    sa.column("created_at", Moment()),
    sa.column("finished_at", Moment()),
    sa.column("cancel", Flag()),
)
_COLUMNS = tuple(JOB.c[name] for name in Job.__dataclass_fields__)


class Fenced(Exception):
    """Somebody else holds the job by now: what this transaction did must not be kept."""


class Cancelled(Exception):
    """A handler noticed that its job was cancelled: what its transaction did is not kept."""


def enqueue(
    ws: Workspace,
    kind: str,
    payload: Mapping[str, Any],
    key: str | None = None,
    run_at: dt.datetime | None = None,
) -> str:
    """Make a job in the caller's transaction; its id. A key that was used before gives that job's id, whatever it is.

    Without `run_at` the job is due at once: when the transaction commits.
    """
    values: dict[str, Any] = {
        "id": uuid7(),
        "kind": kind,
        "key": key,
        "state": "queued",
        "run_at": run_at or clock(ws),
        "attempt": 0,
        "max_attempts": KINDS[kind].attempts,
        "payload": {**payload, **_token(ws)},
        "created_by": ws.actor.user,
        "created_at": ws.now,
        "cancel": False,
    }
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    statement = insert(JOB).values(values).on_conflict_do_nothing(index_elements=["key"]).returning(JOB.c.id)
    made = ws.db.execute(statement).first()
    if made is None:
        return str(ws.db.execute(sa.select(JOB.c.id).where(JOB.c.key == key)).scalar_one())
    wake(ws, run_at)
    return str(made.id)


def enqueue_many(ws: Workspace, kind: str, payloads: Sequence[Mapping[str, Any]]) -> list[str]:
    """Make many jobs of the platform's own, due at once and in this order; their ids."""
    ids = uuid7s(len(payloads))
    if not ids:
        return ids
    postgres = ws.db.dialect == "postgresql"
    now = ws.now if postgres else datetime_text(ws.now)
    shared = {"kind": kind, "now": now, "most": KINDS[kind].attempts}
    rows = [{**shared, "id": id, "payload": json_text(payload)} for id, payload in zip(ids, payloads, strict=True)]
    if postgres and len(rows) == 1:
        _calling().run(ws.db, {**rows[0], "tenant": ws.tenant.id})
        ws.db.notes["ring"] = True
        return ids
    _inserting(ws.db.dialect).many(ws.db, rows)
    if ws.host.clock is not None:
        ws.db.execute(sa.update(JOB).where(JOB.c.id.in_(ids)).values(run_at=clock(ws)))
    wake(ws)
    return ids


def enqueue_keyed(ws: Workspace, kind: str, wanted: Sequence[tuple[str, Mapping[str, Any], dt.datetime]]) -> None:
    """Make jobs of the platform's own by one statement: each (key, payload, when it is due). A key that was used
    before makes none."""
    if not wanted:
        return
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    shared = {"kind": kind, "state": "queued", "attempt": 0, "max_attempts": KINDS[kind].attempts}
    shared |= {"created_at": ws.now, "cancel": False}
    rows = [{**shared, "id": uuid7(), "key": key, "payload": dict(told), "run_at": at} for key, told, at in wanted]
    ws.db.execute(insert(JOB).on_conflict_do_nothing(index_elements=["key"]), rows)
    wake(ws, min(at for _, _, at in wanted))  # whoever is done with the first looks for the next


def enqueue_with(ws: Workspace, kind: str, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make jobs of the platform's own, due at once and in this order, by a statement of `with_jobs`: one round trip.

    Each row has the columns of that statement, as JSON data, and the `payload` of its job.
    """
    ids = uuid7s(len(rows))
    told = [{**row, "job_id": id} for row, id in zip(rows, ids, strict=True)]
    shared = {"kind": kind, "now": ws.now, "most": KINDS[kind].attempts, "tenant": ws.tenant.id}
    statement.run(ws.db, {**shared, "rows": json_text(told)})
    ws.db.notes["ring"] = True


def with_jobs(target: sa.Table, columns: Sequence[str]) -> Prepared:
    """Rows of another table, a job for each and the call for somebody to look, in one statement of PostgreSQL."""
    c, kinds = table("_job", "postgresql").c, {name: target.c[name].type for name in columns}
    given = sa.cast(sa.bindparam("rows", type_=sa.Text()), postgresql.JSONB())
    shape = [sa.column(f"v_{name}", kind) for name, kind in kinds.items()]
    shape += [sa.column("payload", c.payload.type), sa.column("job_id", c.id.type)]
    rows: Any = sa.func.jsonb_to_recordset(given).table_valued(*shape, name="given").render_derived(with_types=True)
    held = sa.select(*rows.c).cte("held")
    written = sa.insert(target).from_select(list(columns), sa.select(*(held.c[f"v_{name}"] for name in columns)))
    called = _called()
    values = {**_job_values("postgresql"), c.id: held.c.job_id, c.payload: held.c.payload}
    job = sa.insert(table("_job", "postgresql")).from_select(
        [each.name for each in values], sa.select(*values.values()).select_from(held)
    )
    return prepare(job.add_cte(written.cte("written"), called.cte("called")), "postgresql")


_WAKE = sa.table("wake", sa.column("tenant"), sa.column("due_at"), schema="platform")


@cache
def _calling() -> Prepared:
    """One job and the call for somebody to look, in one statement of PostgreSQL."""
    job = sa.insert(table("_job", "postgresql")).values(_job_values("postgresql"))
    return prepare(job.add_cte(_called().cte("called")), "postgresql")


def _called() -> sa.Insert:
    tenant: Any = sa.bindparam("tenant", type_=sa.Text())
    return sa.insert(_WAKE).values({_WAKE.c.tenant: tenant, _WAKE.c.due_at: sa.func.clock_timestamp()})


@cache
def _inserting(dialect: str) -> Prepared:
    return prepare(sa.insert(table("_job", dialect)).values(_job_values(dialect)), dialect)


def _job_values(dialect: str) -> dict[Any, Any]:
    c = table("_job", dialect).c
    return {
        c.id: sa.bindparam("id", type_=c.id.type),
        c.kind: sa.bindparam("kind", type_=c.kind.type),
        c.state: sa.literal("queued", c.state.type),
        c.run_at: _clock_of(dialect),
        c.attempt: sa.literal(0, c.attempt.type),
        c.max_attempts: sa.bindparam("most", type_=c.max_attempts.type),
        c.payload: sa.bindparam("payload", type_=c.payload.type),
        c.created_at: sa.bindparam("now", type_=c.created_at.type),
        c.cancel: sa.literal(False, c.cancel.type) if dialect == "postgresql" else sa.literal(0, c.cancel.type),
    }


def token_of(ws: Workspace) -> Mapping[str, Any] | None:
    """What the token by which the caller came leaves of his rights; None when it leaves all."""
    return _token(ws).get("token")


def _token(ws: Workspace) -> dict[str, Any]:
    """What the token leaves of its owner's rights, when the job is wanted by one: see `Job.identity`."""
    session = ws.session
    if session is None or session.kind != "token":
        return {}
    return {"token": {"role": session.role, "scopes": None if session.scopes is None else sorted(session.scopes)}}


_CALL = """
    INSERT INTO platform.wake (tenant, due_at)
    VALUES (%(tenant)s, coalesce(%(due)s, clock_timestamp()) + %(more)s * interval '1 second')
"""


def wake(ws: Workspace, due_at: dt.datetime | None = None, seconds: float = 0.0) -> None:
    """Have somebody look at this tenant's jobs: at once when nothing is said of time, and again when they are due."""
    ws.db.notes["ring"] = True
    if ws.db.dialect == "postgresql":
        ws.db.run(_CALL, {"tenant": ws.tenant.id, "due": due_at, "more": seconds})


def claim(ws: Workspace) -> Job | None:
    """Take the next job that is due, or whose worker's lease has run out, for `LEASE` seconds."""
    now = clock(ws)
    waiting = sa.and_(JOB.c.state == "queued", JOB.c.run_at <= now)
    abandoned = sa.and_(JOB.c.state == "running", JOB.c.lease_until < now)
    due = sa.select(JOB.c.id).where(sa.or_(waiting, abandoned)).order_by(JOB.c.run_at, JOB.c.id).limit(1)
    if ws.db.dialect == "postgresql":
        due = due.with_for_update(skip_locked=True)
    statement = (
        sa.update(JOB)
        .where(JOB.c.id == due.scalar_subquery())
        .values(state="running", attempt=JOB.c.attempt + 1, lease_until=clock(ws, LEASE))
        .returning(*_COLUMNS)
    )
    row = ws.db.execute(statement).first()
    if row is None:
        return None
    # Should this process die, somebody looks again when the lease has run out.
    wake(ws, seconds=LEASE)
    return _job(row)


def wanted(ws: Workspace, job: Job) -> bool:
    """Whether the job is still ours and nobody cancelled it. Raises Fenced."""
    row = ws.db.execute(sa.select(JOB.c.cancel).where(*_mine(job))).first()
    if row is None:
        raise Fenced
    return not row.cancel


def keep(ws: Workspace, job: Job, outcome: Outcome) -> Job | None:
    """Write down a step's outcome in the transaction of its effect; the job if there is more to do.

    Raises Fenced when the job is not ours any more: then the transaction must not be kept.
    """
    match outcome:
        case Done(result):
            over = {"state": "done", "result": dict(result), "error": None, "lease_until": None, "finished_at": ws.now}
            _change(ws, job, over)
            return None
        case More(progress):
            # Progress was made, so the count of failures in a row begins anew.
            further = job.attempt + KINDS[job.kind].attempts
            _change(ws, job, {"progress": dict(progress), "lease_until": clock(ws, LEASE), "max_attempts": further})
            return replace(job, progress=dict(progress), max_attempts=further)
        case Stuck(error):
            over = {"state": "dead", "error": dict(error), "lease_until": None, "finished_at": ws.now}
            _change(ws, job, over)
            return None


def cancelled(ws: Workspace, job: Job) -> None:
    _change(ws, job, {"state": "cancelled", "lease_until": None, "finished_at": ws.now})


def give_back(ws: Workspace, job: Job) -> None:
    """Leave the rest to the next worker: not a failure."""
    values = {"state": "queued", "lease_until": None, "run_at": clock(ws), "max_attempts": job.max_attempts + 1}
    _change(ws, job, values)
    wake(ws)


def renew(ws: Workspace, job: Job, shown: Mapping[str, Any] | None) -> None:
    """Prolong the lease while a long step runs, and show how far it is."""
    values: dict[str, Any] = {"lease_until": clock(ws, LEASE)}
    if shown is not None:
        values["progress"] = {**job.progress, **shown}
    _change(ws, job, values)


def fail(ws: Workspace, job: Job, error: Mapping[str, Any], final: bool) -> bool:
    """A step failed. Try again later, each time after a longer wait, until it is enough: then the answer is True."""
    tried = job.attempt - (job.max_attempts - KINDS[job.kind].attempts)
    if final or tried >= KINDS[job.kind].attempts:
        state = "failed" if final else "dead"
        _change(ws, job, {"state": state, "error": dict(error), "lease_until": None, "finished_at": ws.now})
        return True
    pause = min(2.0 ** max(tried, 0), _LONGEST_WAIT) * random.uniform(0.5, 1.5)
    values = {"state": "queued", "error": dict(error), "lease_until": None, "run_at": clock(ws, pause)}
    _change(ws, job, values)
    wake(ws, seconds=pause)
    return False


def _change(ws: Workspace, job: Job, values: Mapping[str, Any]) -> None:
    if ws.db.execute(sa.update(JOB).where(*_mine(job)).values(values)).rowcount != 1:
        raise Fenced


def _mine(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return JOB.c.id == job.id, JOB.c.attempt == job.attempt, JOB.c.state == "running"


def next_due(ws: Workspace) -> float | None:
    """Seconds until the earliest job is due or its lease runs out (0 or less: now); None when nothing waits."""
    moment = sa.case((JOB.c.state == "running", JOB.c.lease_until), else_=JOB.c.run_at)
    open_ = JOB.c.state.in_(("queued", "running"))
    row: Any = ws.db.execute(sa.select(sa.func.min(moment, type_=JOB.c.run_at.type), clock(ws)).where(open_)).one()
    return None if row[0] is None else float((row[0] - row[1]).total_seconds())


def clock(ws: Workspace, seconds: float = 0.0) -> sa.ColumnElement[Any]:
    """The database's time of day, `seconds` from now; not that of the transaction, which may be old. The host's where
    that has a clock of its own."""
    if ws.host.clock is not None:
        return sa.literal(ws.host.clock() + dt.timedelta(seconds=seconds), JOB.c.run_at.type)
    return _clock_of(ws.db.dialect, seconds)


def _clock_of(dialect: str, seconds: float = 0.0) -> sa.ColumnElement[Any]:
    type_ = JOB.c.run_at.type
    if dialect == "postgresql":
        later = sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        return sa.type_coerce(sa.func.clock_timestamp() + later, type_)
    return sa.func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", f"{seconds:+.3f} seconds", type_=type_)


def listing(ws: Workspace, state: str | None = None, limit: int = 100) -> list[Job]:
    """The newest jobs that the actor may see: his own, or all for who may look after the tenant."""
    query = sa.select(*_COLUMNS).order_by(JOB.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(JOB.c.state == state)
    if not _sees_all(ws):
        query = query.where(JOB.c.created_by == ws.actor.user)
    return [job for row in ws.db.execute(query) if _within_token(ws, job := _job(row))]


def get(ws: Workspace, id: str) -> Job:
    """One job that the actor may see. Raises NotFound."""
    row = ws.db.execute(sa.select(*_COLUMNS).where(JOB.c.id == id)).first() if is_uuid(id) else None
    if row is None or not (_sees_all(ws) or row.created_by == ws.actor.user) or not _within_token(ws, _job(row)):
        raise NotFound(UNKNOWN_JOB(id=id))
    return _job(row)


def cancel(ws: Workspace, id: str) -> None:
    """Stop a job: at once when it waits, after the step it is in when it runs. What is done stays done."""
    job = get(ws, id)
    waiting = sa.update(JOB).where(JOB.c.id == id, JOB.c.state == "queued")
    if ws.db.execute(waiting.values(state="cancelled", cancel=True, finished_at=ws.now)).rowcount == 1:
        return
    running = sa.update(JOB).where(JOB.c.id == id, JOB.c.state == "running")
    if ws.db.execute(running.values(cancel=True)).rowcount != 1:
        raise Conflict(JOB_IS_OVER(state=job.state))


def retry(ws: Workspace, id: str) -> None:
    """Take up a job again that failed, died or was cancelled, from where it stood."""
    job = get(ws, id)
    stopped = sa.update(JOB).where(JOB.c.id == id, JOB.c.state.in_(("failed", "dead", "cancelled")))
    further = JOB.c.attempt + KINDS[job.kind].attempts
    values = {"state": "queued", "cancel": False, "error": None, "finished_at": None, "run_at": ws.now}
    if ws.db.execute(stopped.values(**values, max_attempts=further)).rowcount != 1:
        raise Conflict(JOB_NOT_RETRIABLE(state=job.state))
    wake(ws)


def retry_all(ws: Workspace, kind: str, wants: Callable[[Job], bool]) -> int:
    """Take up all jobs of a kind again that failed or died and are wanted; how many."""
    stopped = sa.select(*_COLUMNS).where(JOB.c.kind == kind, JOB.c.state.in_(("failed", "dead")))
    wanted = [job.id for row in ws.db.execute(stopped) if wants(job := _job(row))]
    for start in range(0, len(wanted), 500):
        these = sa.update(JOB).where(JOB.c.id.in_(wanted[start : start + 500]), JOB.c.state.in_(("failed", "dead")))
        further = JOB.c.attempt + KINDS[kind].attempts
        values = {"state": "queued", "cancel": False, "error": None, "finished_at": None, "run_at": clock(ws)}
        ws.db.execute(these.values(**values, max_attempts=further))
    if wanted:
        wake(ws)
    return len(wanted)


def open_payloads(ws: Workspace, kind: str) -> list[Mapping[str, Any]]:
    """What the jobs of a kind without a key say that are not over, or may be retried."""
    open_ = JOB.c.state.in_(("queued", "running", "failed", "dead"))
    return list(ws.db.execute(sa.select(JOB.c.payload).where(JOB.c.kind == kind, open_, JOB.c.key.is_(None))).scalars())


def known_keys(ws: Workspace, keys: Sequence[str]) -> frozenset[str]:
    """Those of some keys that jobs have, whatever became of them."""
    if not keys:
        return frozenset()
    return frozenset(ws.db.execute(sa.select(JOB.c.key).where(JOB.c.key.in_(list(keys)))).scalars())


def void(ws: Workspace, prefix: str) -> None:
    """Cancel the jobs that wait under keys that begin so, and end with anything but more of the last part."""
    waiting = sa.update(JOB).where(JOB.c.key >= f"{prefix}:", JOB.c.key < f"{prefix};", JOB.c.state == "queued")
    ws.db.execute(waiting.values(state="cancelled", cancel=True, finished_at=ws.now))


def over_before(ws: Workspace, moment: dt.datetime, limit: int = 500) -> list[str]:
    """Ids of jobs that were over before a moment. Dead ones stay until somebody has looked after them."""
    over = JOB.c.state.in_(("done", "failed", "cancelled"))
    found = ws.db.execute(sa.select(JOB.c.id).where(over, JOB.c.finished_at < moment).limit(limit))
    return [row.id for row in found]


def forget(ws: Workspace, ids: Sequence[str]) -> None:
    if ids:
        ws.db.execute(sa.delete(JOB).where(JOB.c.id.in_(list(ids))))


def _within_token(ws: Workspace, job: Job) -> bool:
    """A token that leaves less than all of its owner's rights sees only jobs that had no more: their results tell."""
    token = _token(ws).get("token")
    whole = token is None or (token["role"] is None and (token["scopes"] is None or "write" in token["scopes"]))
    return whole or job.payload.get("token") == token


def _sees_all(ws: Workspace) -> bool:
    if ws.actor.platform:
        return True
    roles = (ws.model.role(name) for name in ws.actor.roles)
    return any(role is not None and "jobs" in role.capabilities for role in roles)


def _job(row: sa.Row[Any]) -> Job:
    found = row._asdict()
    found["progress"] = found["progress"] or EMPTY
    return Job(**found)
