"""How many clocks were met and how many were too late, by target, of the records that the reader sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.model import Entity
from metadata.problems import Label
from runtime.codecs import datetime_text
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule
from runtime.records.policies import entity_of, require
from runtime.sla.books import book_of
from runtime.sla.clocks import CLOCK
from runtime.sla.showing import knows
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace

FIRST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Count:
    """The clocks of a target. `late`: of the breached ones, those that still run."""

    sla: str
    sla_label: Label
    target: str
    target_label: Label
    met: int
    breached: int
    late: int
    running: int
    paused: int

    @property
    def percent(self) -> int | None:
        """Of those that are decided, how many were met; None when none is."""
        decided = self.met + self.breached
        return None if decided == 0 else 100 * self.met // decided


def report(
    ws: Workspace, entity: Entity | str, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> list[Count]:
    """The counts of clocks that began at a moment or later and before another, by target in the order of the
    description; none of SLAs that look at what the reader may not read. One statement. Raises NotFound, Forbidden."""
    found = entity_of(ws, entity)
    require(ws, found, "read")
    book = book_of(ws, found)
    if book is None:
        return []
    counted = _counted(ws, found, since or FIRST, until or LAST)
    return [
        Count(measured.sla.key, measured.sla.label, target.id, target.label, *numbers)
        for measured in book.measured
        if knows(ws, found, book, measured.sla)
        for target in measured.sla.targets
        for numbers in (counted.get((measured.sla.id, target.id), (0, 0, 0, 0, 0)),)
    ]


def _counted(
    ws: Workspace, entity: Entity, since: dt.datetime, until: dt.datetime
) -> Mapping[tuple[str, str], tuple[int, ...]]:
    key = ("sla report", entity.id, ws.db.dialect, actor_shape(ws.actor))
    statement: Statement = kept(ws.model).get(
        key, partial(_statement, Build(ws.model, ws.actor, ws.db.dialect), entity)
    )
    inputs = inputs_of(ws)
    moments = {"now_": ws.now, "since_": since, "until_": until}
    encoded = {name: each if ws.db.dialect == "postgresql" else datetime_text(each) for name, each in moments.items()}
    inputs.q = {**encoded, "of_": entity.id}
    return {(row[0], row[1]): tuple(int(each or 0) for each in row[2:]) for row in statement.fetch(ws, inputs)}


def _statement(build: Build, entity: Entity) -> Statement:
    held = build.table(entity)
    source, c = Source(entity, held, held.table), CLOCK.c
    now, since, until = (sa.bindparam(name, type_=c.started_at.type) for name in ("now_", "since_", "until_"))
    running = c.state == "running"
    late = sa.and_(running, c.due_at <= now)
    breached = sa.or_(c.breached_at.is_not(None), late)
    kinds = (
        sa.and_(c.state == "stopped", c.breached_at.is_(None)),
        breached,
        sa.and_(breached, c.state != "stopped"),
        sa.and_(running, sa.not_(breached)),
        sa.and_(c.state == "paused", sa.not_(breached)),
    )
    counts = [sa.func.sum(sa.case((each, 1), else_=0)) for each in kinds]
    chosen: Any = sa.select(c.sla, c.target, *counts).join_from(CLOCK, held.table, held.column("id") == c.record)
    of: Any = sa.bindparam("of_", type_=sa.Text())
    chosen = chosen.where(c.entity == of, c.started_at >= since, c.started_at < until)
    chosen = chosen.where(held.table.c[DELETED_AT].is_(None)).group_by(c.sla, c.target)
    visible = row_rule(build, source, "read")
    return build.finish(chosen if visible is None else chosen.where(visible))
