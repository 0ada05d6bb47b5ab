"""The `_delivery` and `_delivery_target` tables: the only module that reads and writes them.

Due times and leases are by the database's clock. Whoever takes or finishes a delivery holds the row of its target, so
that a call which finds a target busy may rely on those that keep it busy: they look for more before they let go.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.granting import is_whole
from metadata.ids import is_uuid, uuid7s
from metadata.model import EMPTY
from metadata.problems import Conflict, Forbidden, Invalid, NotFound, kind
from runtime import sealing
from runtime.deliveries.delivery import AWAITED, LEASE, MAIL, OLDEST, PAUSES, Delivery, Held, Sent
from runtime.jobs import table as jobs
from runtime.portable import Flag, Id, Json, Moment
from runtime.workspace import Workspace

SINCE = 5
"""The version of the platform's tables from which on there is an outbox: a tenant may be one behind."""
_AT_ONCE = 2
"""Deliveries under way to one host at the same time."""
_MAILS_AT_ONCE = 4
_PATIENCE = 5
"""Failures in a row after which a target is left alone for a while."""
_SHORTEST, _LONGEST = 30.0, 900.0
_NET = 30
_ROWS = 100
_DEATHS = 5
"""Senders that may die over one delivery beyond its tries: then it is left for a person."""

UNKNOWN = kind(
    "delivery.unknown",
    en="There is no delivery {id}. Look for it in the list of deliveries.",
    zh="没有投递 {id}，请在投递列表中查找。",
)
NOT_REPLAYABLE = kind(
    "delivery.not_replayable",
    en="This delivery is {state} already. Wait for its end before you have it sent again.",
    zh="该投递处于 {state} 状态，请等待结束后再重新发送。",
)
NOT_ALLOWED = kind(
    "delivery.not_allowed",
    en="None of your roles lets you look after deliveries. Ask an administrator for the capability `jobs`.",
    zh="您的角色无权管理投递。请联系管理员授予 `jobs` 能力。",
)

DELIVERY = sa.table(
    "_delivery",
    sa.column("id", Id()),
    sa.column("key", sa.Text()),
    sa.column("channel", sa.Text()),
    sa.column("target", sa.Text()),
    sa.column("about", sa.Text()),
    sa.column("origin", Id()),
    sa.column("line", sa.Text()),
    sa.column("payload", Json()),
    sa.column("state", sa.Text()),
    sa.column("attempt", sa.Integer()),
    sa.column("attempts", sa.Integer()),
    sa.column("next_at", Moment()),
    sa.column("lease_until", Moment()),
    sa.column("status", sa.Integer()),
    sa.column("error", sa.Text()),
    sa.column("then", Json()),
    sa.column("epoch", sa.Integer()),
    sa.column("created_at", Moment()),
    sa.column("finished_at", Moment()),
)
TARGET = sa.table(
    "_delivery_target",
    sa.column("target", sa.Text()),
    sa.column("failures", sa.Integer()),
    sa.column("proven", Flag()),
    sa.column("until", Moment()),
)
_COLUMNS = tuple(DELIVERY.c[name] for name in Delivery.__dataclass_fields__)
_OPEN = ("queued", "sending")
_OVER = ("done", "failed", "dead")


# -- making them


def put(ws: Workspace, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Write deliveries down in the caller's transaction and have them sent after it; None for a key that was used.

    Each row: key, channel, target, about, payload, attempts, and origin, line, then if there are any.
    """
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    ids, made = uuid7s(len(rows)), set[str]()
    for start in range(0, len(rows), _ROWS):
        some = [
            _row(ws, id, row) for id, row in zip(ids[start : start + _ROWS], rows[start : start + _ROWS], strict=True)
        ]
        statement = insert(DELIVERY).values(some).on_conflict_do_nothing(index_elements=["key"])
        made.update(row.id for row in ws.db.execute(statement.returning(DELIVERY.c.id)))
    for target in {row["target"] for row, id in zip(rows, ids, strict=True) if id in made}:
        jobs.enqueue(ws, "delivery", {"target": target})
    return [id if id in made else None for id in ids]


def _row(ws: Workspace, id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    given = {"origin": None, "line": None, "then": None, **row}
    made = {"id": id, "state": "queued", "attempt": 0, "epoch": ws.restore_epoch, "created_at": ws.now}
    payload = sealing.hidden(ws, "_delivery", id, row["payload"])
    return {**given, **made, "next_at": jobs.clock(ws), "payload": payload}


def id_of(ws: Workspace, key: str) -> str:
    """The id of the delivery with a key."""
    return str(ws.db.execute(sa.select(DELIVERY.c.id).where(DELIVERY.c.key == key)).scalar_one())


# -- sending them


def take(ws: Workspace, target: str) -> Held | None:
    """Take the next delivery that is due for a target; None when none is, or the target has enough to do."""
    failures, proven, until, now = _locked(ws, target)
    if _rests(ws, target, until, now):
        return None
    most = 1 if failures or not proven else _MAILS_AT_ONCE if target == MAIL else _AT_ONCE
    busy = sa.select(sa.func.count()).where(DELIVERY.c.target == target, DELIVERY.c.state == "sending")
    if ws.db.execute(busy.where(DELIVERY.c.lease_until >= jobs.clock(ws))).scalar_one() >= most:
        return None
    due = sa.select(DELIVERY.c.id).where(*_due(ws, target)).order_by(DELIVERY.c.next_at, DELIVERY.c.id).limit(1)
    values = {"state": "sending", "attempt": DELIVERY.c.attempt + 1, "lease_until": jobs.clock(ws, LEASE)}
    mine = sa.update(DELIVERY).where(DELIVERY.c.id == due.scalar_subquery())
    row = ws.db.execute(mine.values(values).returning(*_COLUMNS, DELIVERY.c.payload)).first()
    if row is None:
        return None
    if failures >= _PATIENCE:  # one asks whether it is back; the others wait for the answer
        _rest(ws, target, failures, LEASE)
    _net(ws, target, now)
    delivery = _delivery(row[:-1])
    try:
        return Held(delivery, sealing.shown(ws, "_delivery", delivery.id, row.payload))
    except Invalid:  # the key that it lies under is gone: this one is lost, those behind it are not
        return Held(delivery, EMPTY)


def call(ws: Workspace, target: str) -> bool:
    """Whether somebody is to look after a target now; if so, somebody will look again should he not come to it."""
    row: Any = ws.db.execute(
        sa.select(jobs.clock(ws), TARGET.c.until).select_from(
            sa.select(sa.literal(1)).subquery().outerjoin(TARGET, TARGET.c.target == target)
        )
    ).one()
    now, until = row
    if not is_due(ws, target) or _rests(ws, target, until, now):
        return False
    _net(ws, target, now)
    return True


def _rests(ws: Workspace, target: str, until: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a target is left alone, with a job at the end of that."""
    if until is None or until <= now:
        return False
    jobs.enqueue(ws, "delivery", {"target": target}, f"delivery-rest:{target}:{until.isoformat()}", until)
    return True


def _net(ws: Workspace, target: str, now: dt.datetime) -> None:
    """Should a process die, somebody looks again when its lease has run out. One such job serves half a minute."""
    net = int(now.timestamp()) // _NET + 3
    at = dt.datetime.fromtimestamp(net * _NET, dt.UTC)
    jobs.enqueue(ws, "delivery", {"target": target}, f"delivery-net:{target}:{net}", at)


def _locked(ws: Workspace, target: str) -> tuple[int, bool, dt.datetime | None, dt.datetime]:
    """Lock a target's row: its failures in a row, whether it has answered since, until when it rests, and the time."""
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    statement = insert(TARGET).values(target=target, failures=0, proven=False)
    locked = statement.on_conflict_do_update(index_elements=["target"], set_={"target": statement.excluded.target})
    told = (TARGET.c.failures, TARGET.c.proven, TARGET.c.until, jobs.clock(ws))
    row: Any = ws.db.execute(locked.returning(*told)).one()
    return row[0], row[1], row[2], row[3]


def _due(ws: Workspace, target: str) -> tuple[sa.ColumnElement[bool], ...]:
    """What may be sent now: not before what is on the same line and was there first."""
    earlier = DELIVERY.alias("earlier")
    first = sa.and_(earlier.c.line == DELIVERY.c.line, earlier.c.id < DELIVERY.c.id, earlier.c.state.in_(_OPEN))
    now = jobs.clock(ws)
    waiting = sa.and_(DELIVERY.c.state == "queued", DELIVERY.c.next_at <= now)
    left = DELIVERY.c.attempt < DELIVERY.c.attempts + _DEATHS
    abandoned = sa.and_(DELIVERY.c.state == "sending", DELIVERY.c.lease_until < now, left)
    return (
        DELIVERY.c.target == target,
        DELIVERY.c.state.in_(_OPEN),
        DELIVERY.c.epoch == ws.restore_epoch,  # what a restored backup holds was sent long ago, or is for a person
        sa.or_(waiting, abandoned),
        sa.or_(DELIVERY.c.line.is_(None), ~sa.exists(sa.select(sa.literal(1)).where(first))),
    )


def is_due(ws: Workspace, target: str) -> bool:
    return ws.db.execute(sa.select(DELIVERY.c.id).where(*_due(ws, target)).limit(1)).first() is not None


def note(ws: Workspace, held: Delivery, sent: Sent) -> Delivery | None:
    """Write down how a try ended; the delivery if that was its end. None also when somebody else has it by now."""
    failures, proven, _, now = _locked(ws, held.target)
    over = sent.ok or sent.final or held.attempt >= held.attempts
    state = "done" if sent.ok else "failed" if sent.final else "dead" if over else "queued"
    values: dict[str, Any] = {"state": state, "status": sent.status, "error": sent.error, "lease_until": None}
    pause = 0.0
    if over:
        values["finished_at"] = ws.now
    else:
        pause = max(PAUSES[min(held.attempt, len(PAUSES)) - 1] * random.uniform(0.8, 1.2), min(sent.retry_after, 3600))
        values["next_at"] = jobs.clock(ws, pause)
    mine = (DELIVERY.c.id == held.id, DELIVERY.c.attempt == held.attempt, DELIVERY.c.state == "sending")
    row = ws.db.execute(sa.update(DELIVERY).where(*mine).values(values).returning(*_COLUMNS)).first()
    if row is None:
        return None
    _weigh(ws, held.target, failures, proven, sent)
    if not over:
        again = now + dt.timedelta(seconds=pause)
        jobs.enqueue(ws, "delivery", {"target": held.target}, f"delivery:{held.id}:{held.attempt}", again)
        return None
    return _delivery(row)


def _weigh(ws: Workspace, target: str, failures: int, proven: bool, sent: Sent) -> None:
    """What a try says about its target: whether it is there."""
    if not sent.away:
        if failures or not proven:
            values = {"failures": 0, "proven": True, "until": None}
            ws.db.execute(sa.update(TARGET).where(TARGET.c.target == target).values(values))
        return
    failures += 1
    rest = min(_SHORTEST * 2 ** (failures - _PATIENCE), _LONGEST) if failures >= _PATIENCE else 0.0
    _rest(ws, target, failures, rest * random.uniform(0.8, 1.2))


def _rest(ws: Workspace, target: str, failures: int, seconds: float) -> None:
    until = jobs.clock(ws, seconds) if seconds else None
    ws.db.execute(sa.update(TARGET).where(TARGET.c.target == target).values(failures=failures, until=until))


# -- looking after them


def listing(
    ws: Workspace, state: str | None = None, target: str | None = None, before: str | None = None, limit: int = 100
) -> list[Delivery]:
    """The newest deliveries, older than `before` (an id). Raises Forbidden."""
    _require(ws)
    query = sa.select(*_COLUMNS).order_by(DELIVERY.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(DELIVERY.c.state == state)
    if target is not None:
        query = query.where(DELIVERY.c.target == target)
    if before is not None:
        query = query.where(DELIVERY.c.id < before)
    return [_delivery(row) for row in ws.db.execute(query)]


def get(ws: Workspace, id: str) -> Delivery:
    """One delivery. Raises Forbidden, NotFound."""
    _require(ws)
    row = ws.db.execute(sa.select(*_COLUMNS).where(DELIVERY.c.id == id)).first() if is_uuid(id) else None
    if row is None:
        raise NotFound(UNKNOWN(id=id[:60]))
    return _delivery(row)


def replay(ws: Workspace, id: str) -> None:
    """Have a delivery that is over, or of before a restore, sent (again), with the key it has. Raises Conflict."""
    found = get(ws, id)
    if not _replayed(ws, DELIVERY.c.id == id):
        raise Conflict(NOT_REPLAYABLE(state=found.state))


def replay_target(ws: Workspace, target: str) -> int:
    """Have everything for a target sent that was not: failed, dead, of before a restore. How many."""
    _require(ws)
    return _replayed(ws, DELIVERY.c.target == target, DELIVERY.c.state != "done")


def _replayed(ws: Workspace, *which: sa.ColumnElement[bool]) -> int:
    old = sa.and_(DELIVERY.c.state.in_(_OPEN), DELIVERY.c.epoch != ws.restore_epoch)
    values = {
        "state": "queued",
        "attempts": DELIVERY.c.attempt + len(PAUSES) + 1,
        "next_at": jobs.clock(ws),
        "lease_until": None,
        "finished_at": None,
        "epoch": ws.restore_epoch,
        "created_at": ws.now,
        # Whoever waited for what is over has been told how it ended.
        "then": sa.case((DELIVERY.c.state.in_(_OVER), sa.null()), else_=DELIVERY.c.then),
    }
    these = sa.update(DELIVERY).where(*which, sa.or_(DELIVERY.c.state.in_(_OVER), old))
    targets = [row.target for row in ws.db.execute(these.values(values).returning(DELIVERY.c.target))]
    for target in set(targets):
        ws.db.execute(sa.update(TARGET).where(TARGET.c.target == target).values(until=None))
        jobs.enqueue(ws, "delivery", {"target": target})
    return len(targets)


def revive(ws: Workspace, id: str, then: Mapping[str, Any]) -> None:
    """Whoever waits wants one that failed, or was given up, sent again. Any other stays as it is."""
    failed = sa.and_(DELIVERY.c.id == id, DELIVERY.c.state.in_(("failed", "dead")))
    values = {"state": "queued", "attempts": DELIVERY.c.attempt + AWAITED, "next_at": jobs.clock(ws)}
    again = sa.update(DELIVERY).where(failed).values(**values, then=dict(then), finished_at=None, created_at=ws.now)
    row = ws.db.execute(again.returning(DELIVERY.c.target)).first()
    if row is not None:
        jobs.enqueue(ws, "delivery", {"target": row.target})


def cancel(ws: Workspace, id: str) -> bool:
    """Nobody wants a delivery any more; whether it had not been taken to be sent yet."""
    waiting = sa.update(DELIVERY).where(DELIVERY.c.id == id, DELIVERY.c.state == "queued")
    over = {"state": "failed", "error": "cancelled", "then": None, "finished_at": ws.now}
    return ws.db.execute(waiting.values(over)).rowcount == 1


def expire(ws: Workspace, limit: int = 500) -> list[Delivery]:
    """Give up what could not be sent for too long; what was given up."""
    unsent = sa.or_(DELIVERY.c.state == "queued", DELIVERY.c.lease_until < jobs.clock(ws))
    open_ = sa.and_(DELIVERY.c.state.in_(_OPEN), unsent, DELIVERY.c.epoch == ws.restore_epoch)
    old = sa.select(DELIVERY.c.id).where(open_, DELIVERY.c.created_at < ws.now - OLDEST).limit(limit)
    dead = sa.update(DELIVERY).where(DELIVERY.c.id.in_(old), open_)
    error = sa.func.coalesce(DELIVERY.c.error, "away")
    values = {"state": "dead", "error": error, "lease_until": None, "finished_at": ws.now}
    return [_delivery(row) for row in ws.db.execute(dead.values(values).returning(*_COLUMNS))]


def forget(ws: Workspace, before: dt.datetime, unsent: dt.datetime, limit: int = 5_000) -> int:
    """Take away what was sent before a moment, and what was given up before another; how many."""
    sent = sa.and_(DELIVERY.c.state == "done", DELIVERY.c.finished_at < before)
    old = sa.select(DELIVERY.c.id).where(sa.or_(sent, DELIVERY.c.finished_at < unsent)).limit(limit)
    return ws.db.execute(sa.delete(DELIVERY).where(DELIVERY.c.id.in_(old))).rowcount


def _require(ws: Workspace) -> None:
    if ws.actor.platform:
        return
    roles = (ws.model.role(name) for name in ws.actor.roles)
    if not is_whole(ws.actor) or not any(role is not None and "jobs" in role.capabilities for role in roles):
        raise Forbidden(NOT_ALLOWED())


def _delivery(row: Any) -> Delivery:
    """A row of `_COLUMNS` as a value."""
    return Delivery(*row)
