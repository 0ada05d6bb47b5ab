"""The job that looks at a clock when its next alert comes. Told twice, it finds nothing new."""

from __future__ import annotations

from dataclasses import replace

from runtime.jobs.work import Done, Outcome, Step
from runtime.records.locked import lock
from runtime.records.plans import plan_of
from runtime.sla import clocks
from runtime.sla.books import book_of
from runtime.sla.moving import Moves
from runtime.workspace import Workspace
from workflow.sla import Passed, advance


def step(step: Step) -> Outcome:
    return Done({"alerts": look(step.ws, str(step.job.payload["clock"]))})


def look(ws: Workspace, id: str) -> int:
    """Let a clock know that time has passed; how many alerts it has reached. In the recycle bin it stands still."""
    known = clocks.get(ws, id)
    entity = None if known is None else ws.model.entity(known.entity)
    book = None if entity is None else book_of(ws, entity)
    if known is None or entity is None or book is None:
        return 0
    if not lock(ws, plan_of(ws.model, entity, ws.db.dialect), [known.record], "update", everything=True):
        return 0
    row, measured = clocks.get(ws, id, lock=True), book.of(known.sla)
    target = None if measured is None else measured.sla.target(known.target)
    if row is None or measured is None or target is None:
        return 0
    terms = measured.terms_of(target, row.clock.policy, row.clock.level)
    if terms is None:
        return 0  # another description, which the recount comes to
    after, reached = advance(row.clock, Passed(terms), ws.now)
    assert after is not None
    moves = Moves(ws)
    moves.take(row, replace(row, clock=after, timer_at=None), terms, reached)
    moves.keep()
    return len(reached)
