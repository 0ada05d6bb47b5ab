"""Counts open clocks anew when a release has changed their SLA or its calendars: from where they began, as of now."""

from __future__ import annotations

from metadata.sla import Sla
from runtime.jobs.table import enqueue_keyed
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.records.plans import plan_of
from runtime.sla import clocks
from runtime.sla.books import book_of
from runtime.sla.moving import look
from runtime.workspace import Workspace

AT_ONCE = 200


def queue(ws: Workspace) -> None:
    """Have a new release looked at."""
    if ws.model.index.get("sla") and ws.system_version >= clocks.SINCE:
        enqueue_keyed(ws, "sla_recount", [(f"sla:{ws.release}", {}, ws.now)])


def step(step: Step) -> Outcome:
    """Some more clocks of the SLA that it has come to. Records in the recycle bin are looked at when they are back."""
    ws, progress = step.ws, step.job.progress
    found, after, done = list(ws.model.index.get("sla", ())), progress.get("after"), int(progress.get("clocks", 0))
    at = found.index(progress["sla"]) if progress.get("sla") in found else 0
    while at < len(found):
        rows = _recount(ws, found[at], after)
        done += len(rows)
        if len(rows) == AT_ONCE:
            return More({"sla": found[at], "after": rows[-1][0], "clocks": done})
        at, after = at + 1, None
    return Done({"clocks": done})


def _recount(ws: Workspace, sla: str, after: str | None) -> list[tuple[str, str]]:
    """The clocks, with their records, that were counted anew."""
    of: Sla | None = ws.model.get("sla", sla)
    entity = None if of is None else ws.model.entity(of.entity)
    book = None if entity is None else book_of(ws, entity)
    measured = None if book is None else book.of(sla)
    if entity is None or measured is None:
        return []
    rows = clocks.moved_before(ws, entity.id, sla, measured.digest, after, AT_ONCE)
    look(ws, plan_of(ws.model, entity, ws.db.dialect), {record for _, record in rows})
    return rows
