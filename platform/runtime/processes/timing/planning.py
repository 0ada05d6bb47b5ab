"""Looks ahead once an hour, and when a release comes: every schedule has its next job, every date that comes soon too.

Planning again changes nothing: jobs are known by what they are for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from metadata.workflows import Trigger, TriggerKind, Workflow
from runtime.jobs.table import enqueue
from runtime.jobs.work import Done, Outcome, Step
from runtime.processes import instances, trace
from runtime.processes.timing import dates, schedules
from runtime.workspace import Workspace

KEPT_DAYS = 90
"""How long a run that is over can be looked at."""


def queue(ws: Workspace) -> None:
    """Have a new release looked at."""
    if ws.model.index.get("workflows") and ws.system_version >= instances.SINCE:
        enqueue(ws, "workflow_plan", {}, key=f"workflows:{ws.release}")


def step(step: Step) -> Outcome:
    return Done({"dates": plan(step.ws)})


def plan(ws: Workspace, ahead: timedelta = dates.AHEAD) -> int:
    """See to the next time of every schedule and to the dates that come; how many dates were found."""
    if not ws.model.index.get("workflows") or ws.system_version < instances.SINCE:
        return 0
    for workflow, trigger in triggers(ws, "schedule"):
        schedules.plan(ws, workflow, trigger)
    return sum(dates.plan(ws, workflow, trigger, ahead) for workflow, trigger in triggers(ws, "date"))


def triggers(ws: Workspace, kind: TriggerKind) -> Iterator[tuple[Workflow, Trigger]]:
    """The triggers of one kind of all active workflows."""
    for workflow in ws.model.all("workflows"):
        for trigger in workflow.triggers if workflow.active else ():
            if trigger.kind == kind:
                yield workflow, trigger


def forget(ws: Workspace) -> int:
    """Take away runs that have been over for long, some at a time; how many."""
    if ws.system_version < instances.SINCE:
        return 0
    old = instances.over_before(ws, ws.now - timedelta(days=KEPT_DAYS))
    trace.forget(ws, old)
    instances.forget(ws, old)
    return len(old)
