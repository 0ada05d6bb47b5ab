"""Moves the clocks of records that are saved, deleted or brought back, inside the transaction of that.

The record is taken before its clocks, here as in every job, so that two who want both wait for each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.expressions.closures.rows import Row as Values
from metadata.ids import uuid7
from metadata.model import Entity
from metadata.sla import Target
from runtime.jobs import table as jobs
from runtime.queries.build import binding_of
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft, draft_of
from runtime.records.locked import lock
from runtime.records.plans import WritePlan
from runtime.sla import clocks
from runtime.sla.books import Asked, Book, Measured, book_of
from runtime.sla.clocks import Row
from runtime.workspace import Workspace
from workflow.sla import Clock, Gone, Reached, Seen, Terms, advance, next_moment

_Known = dict[tuple[str, str, str], Row]
"""(record, SLA, target) -> its latest cycle."""


@dataclass(slots=True)
class Moves:
    """What comes of moving clocks: written at once, whatever their number."""

    ws: Workspace
    new: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)
    alerts: list[tuple[str, Mapping[str, Any], dt.datetime]] = field(default_factory=list)
    timers: list[tuple[str, Mapping[str, Any], dt.datetime]] = field(default_factory=list)

    def take(self, before: Row | None, after: Row, terms: Terms | None, reached: Sequence[Reached]) -> None:
        """Have a clock written that has moved. `before` None: it begins, or it is another cycle."""
        after = self._timed(after, terms)
        (self.new if before is None else self.moved).append(after)
        for each in reached:
            # A clock that begins anew has its alerts anew.
            key = f"sla:{after.id}:{after.clock.started_at.isoformat()}:{each.alert}"
            told = {"clock": after.id, "alert": each.alert}
            self.alerts.append((key, told, self.ws.now))

    def _timed(self, row: Row, terms: Terms | None) -> Row:
        """A job looks at it when the next alert comes. One that comes sooner sees to the next by itself."""
        at = None if terms is None else next_moment(row.clock, terms)
        if at is None or (row.timer_at is not None and self.ws.now <= row.timer_at <= at):
            return row
        self.timers.append((f"sla:{row.id}:{at.isoformat()}", {"clock": row.id}, at))
        return replace(row, timer_at=at)

    def keep(self) -> None:
        clocks.insert(self.ws, self.new)
        clocks.update(self.ws, self.moved)
        jobs.enqueue_keyed(self.ws, "sla_alert", self.alerts)
        jobs.enqueue_keyed(self.ws, "sla_timer", self.timers)


def saved(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Records are about to be written as these drafts are: move their clocks, and keep due moments in the drafts."""
    book = book_of(ws, plan.entity)
    if book is None:
        return
    due = [draft for draft in drafts if draft.before is None or _matters(book, draft)]
    if due:
        _see(ws, plan, book, due)


def _matters(book: Book, draft: Draft) -> bool:
    changed = draft.changed()
    if book.reaches_out:
        return bool(changed or draft.children or draft.lists or any(draft.removed.values()))
    return not book.reads.isdisjoint(changed)


def _see(ws: Workspace, plan: WritePlan, book: Book, drafts: Sequence[Draft]) -> None:
    constants = book.constants(binding_of(ws.model, ws.actor, ws.now))
    rows = rows_of(ws, plan, drafts, book.needs) if book.reaches_out else {}
    known = _latest(clocks.of_records(ws, [draft.id for draft in drafts if draft.before is not None]))
    moves = Moves(ws)
    kept = []
    for draft in drafts:
        holds = book.holding(rows.get(draft.id) or Values(draft.values, before=draft.before), constants)
        if _move(moves, book, plan.entity, draft, holds, known):
            kept.append(draft)
    moves.keep()
    if kept:
        _follow(ws, plan, kept)


def _follow(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """What is computed from a due moment that has just been set."""
    from runtime.records.computing.compute import compute  # what computes loads, as we do

    compute(ws, plan, drafts, rules=False)


def _move(moves: Moves, book: Book, entity: Entity, draft: Draft, holds: Asked, known: _Known) -> bool:
    """Move the clocks of one record; whether a due moment of it has changed."""
    changed = False
    for measured in book.measured:
        covered = holds(measured.sla.when)
        for target in measured.sla.targets:
            row = known.get((draft.id, measured.sla.id, target.id))
            seen = _seen(measured, target, draft, holds, covered)
            after = _advanced(moves, measured, entity, draft.id, target, row, seen)
            if target.due is not None:
                moment = None if after is None else after.due_at
                if draft.values.get(target.due) != moment:
                    draft.values[target.due] = moment
                    changed = True
    return changed


def _seen(measured: Measured, target: Target, draft: Draft, holds: Asked, covered: bool) -> Seen:
    since = None if target.since is None else draft.values.get(target.since)
    return Seen(
        terms=measured.terms(target, holds) if covered else None,
        stopped=holds(target.stop),
        paused=target.pause is not None and holds(target.pause),
        begun=holds(target.start),
        reopen=target.reopen,
        since=since if isinstance(since, dt.datetime) else None,
    )


def _advanced(
    moves: Moves, measured: Measured, entity: Entity, record: str, target: Target, row: Row | None, event: Seen | Gone
) -> Clock | None:
    """The clock after the event, to be written if it has moved."""
    before = None if row is None else row.clock
    after, reached = advance(before, event, moves.ws.now)
    if after is None:
        return None
    same = row is not None and after.cycle == row.clock.cycle
    if row is None or not same:
        row = Row(uuid7(), measured.sla.id, target.id, entity.id, record, "", None, after)
    if not same or after != before or row.digest != measured.digest:
        terms = event.terms if isinstance(event, Seen) else None
        moves.take(row if same else None, replace(row, clock=after, digest=measured.digest), terms, reached)
    return after


def _latest(rows: Sequence[Row]) -> _Known:
    return {(each.record, each.sla, each.target): each for each in rows}


# -- what is no save


def gone(ws: Workspace, entity: Entity, records: Collection[str]) -> None:
    """Records go to the recycle bin: their clocks stand still."""
    book = book_of(ws, entity)
    if book is None or not records:
        return
    moves = Moves(ws)
    for row in _latest(clocks.of_records(ws, records)).values():
        measured = book.of(row.sla)
        target = None if measured is None else measured.sla.target(row.target)
        if measured is not None and target is not None:
            _advanced(moves, measured, entity, row.record, target, row, Gone())
    moves.keep()


def look(ws: Workspace, plan: WritePlan, records: Collection[str]) -> Mapping[str, int]:
    """Look at records that are changed already: brought back, linked anew, measured anew. A due moment that has moved
    is written; the versions of the records that it is kept in."""
    book = book_of(ws, plan.entity)
    if book is None or not records:
        return {}
    drafts = [draft_of(id, held.values) for id, held in lock(ws, plan, records, "update", everything=True).items()]
    if not drafts:
        return {}
    _see(ws, plan, book, drafts)
    moved = [draft for draft in drafts if draft.changed()]
    _write(ws, plan, moved)
    return {draft.id: draft.values["version"] for draft in moved}


def _write(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    if drafts:
        from runtime.records.writing.rows import write  # what is written moves clocks

        write(ws, plan, drafts)
