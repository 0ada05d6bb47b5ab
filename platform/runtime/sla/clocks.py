"""The `_sla_clock` table: the only module that writes it. One row for each cycle of each clock of a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runtime.portable import Id, Json, Moment
from runtime.workspace import Workspace
from workflow.sla import Clock, dumped, loaded

SINCE = 5
"""The version of the platform's tables from which on there are clocks: a tenant may be one behind."""
_AT_ONCE = 500

CLOCK = sa.table(
    "_sla_clock",
    sa.column("id", Id()),
    sa.column("sla", sa.Text()),
    sa.column("target", sa.Text()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("cycle", sa.Integer()),
    sa.column("state", sa.Text()),
    sa.column("digest", sa.Text()),
    sa.column("started_at", Moment()),
    sa.column("due_at", Moment()),
    sa.column("stopped_at", Moment()),
    sa.column("breached_at", Moment()),
    sa.column("timer_at", Moment()),
    sa.column("body", Json()),
)
_COLUMNS = tuple(CLOCK.c[name] for name in ("id", "sla", "target", "entity", "record", "digest", "timer_at", "body"))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    id: str
    sla: str
    target: str
    entity: str
    record: str
    digest: str
    """Of the SLA and its calendars as they were when the clock was moved last."""
    timer_at: dt.datetime | None
    """When the job is due that looks at it next."""
    clock: Clock


def of_records(ws: Workspace, records: Collection[str], *, lock: bool = True) -> list[Row]:
    """All clocks of some records, the cycles of each in order; ours until the transaction ends when they are locked."""
    found: list[Row] = []
    wanted = sorted(records)
    for start in range(0, len(wanted), _AT_ONCE):
        query = sa.select(*_COLUMNS).where(CLOCK.c.record.in_(wanted[start : start + _AT_ONCE]))
        query = query.order_by(CLOCK.c.record, CLOCK.c.sla, CLOCK.c.target, CLOCK.c.cycle)
        if lock and ws.db.dialect == "postgresql":
            query = query.with_for_update()
        found += [_row(each) for each in ws.db.execute(query)]
    return found


def get(ws: Workspace, id: str, *, lock: bool = False) -> Row | None:
    query = sa.select(*_COLUMNS).where(CLOCK.c.id == id)
    if lock and ws.db.dialect == "postgresql":
        query = query.with_for_update()
    row = ws.db.execute(query).first()
    return None if row is None else _row(row)


def moved_before(
    ws: Workspace, entity: str, sla: str, digest: str, after: str | None, limit: int
) -> list[tuple[str, str]]:
    """(clock, record) of clocks of an SLA that are not over and were moved last by another description, by id."""
    query = sa.select(CLOCK.c.id, CLOCK.c.record).where(
        CLOCK.c.entity == entity, CLOCK.c.state != "stopped", CLOCK.c.sla == sla, CLOCK.c.digest != digest
    )
    if after is not None:
        query = query.where(CLOCK.c.id > after)
    rows: Any = ws.db.execute(query.order_by(CLOCK.c.id).limit(limit))
    return [(id, record) for id, record in rows]


def insert(ws: Workspace, rows: Sequence[Row]) -> None:
    if rows:
        ws.db.execute(sa.insert(CLOCK), [_values(each) for each in rows])


def update(ws: Workspace, rows: Sequence[Row]) -> None:
    if not rows:
        return
    moved = ("state", "digest", "started_at", "due_at", "stopped_at", "breached_at", "timer_at", "body")
    statement = (
        sa.update(CLOCK)
        .where(CLOCK.c.id == sa.bindparam("of_id", type_=Id()))
        .values({name: sa.bindparam(f"v_{name}", type_=CLOCK.c[name].type) for name in moved})
    )
    values = [(each.id, _values(each)) for each in rows]
    ws.db.execute(statement, [{"of_id": id, **{f"v_{name}": all[name] for name in moved}} for id, all in values])


def _values(row: Row) -> dict[str, Any]:
    clock = row.clock
    return {
        "id": row.id,
        "sla": row.sla,
        "target": row.target,
        "entity": row.entity,
        "record": row.record,
        "cycle": clock.cycle,
        "state": clock.state,
        "digest": row.digest,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "stopped_at": clock.stopped_at,
        "breached_at": clock.breached_at,
        "timer_at": row.timer_at,
        "body": dumped(clock),
    }


def _row(row: sa.Row[Any]) -> Row:
    found: Mapping[str, Any] = row._asdict()
    plain = {name: each for name, each in found.items() if name != "body"}
    return Row(**plain, clock=loaded(found["body"]))
