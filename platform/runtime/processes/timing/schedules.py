"""Schedules: a job at each time, which starts the workflow once for each record that meets its condition.

A job makes the next one first, so that what nobody did in time is done once, late, and then as it should be.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from metadata import cron
from metadata.workflows import Trigger, Workflow
from runtime import queries
from runtime.jobs.table import enqueue
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.processes import switches
from runtime.processes.starting import Start, begin
from runtime.queries import Query
from runtime.workspace import Workspace

AT_ONCE = 200


def next_time(ws: Workspace, trigger: Trigger, after: dt.datetime) -> dt.datetime:
    """The first time of a schedule after a moment."""
    zone = ZoneInfo(trigger.zone or str(ws.model.settings.get("timezone", "UTC")))
    return cron.parse(trigger.cron or "").next(after, zone)


def plan(ws: Workspace, workflow: Workflow, trigger: Trigger) -> None:
    """See to the job of the next time."""
    at = next_time(ws, trigger, ws.now)
    key = f"schedule:{workflow.id}:{trigger.id}:{at.isoformat()}"
    payload = {"workflow": workflow.id, "trigger": trigger.id, "at": at.isoformat()}
    enqueue(ws, "workflow_schedule", payload, key, at)


def step(step: Step) -> Outcome:
    """Start the workflow for some more records."""
    ws, payload, progress = step.ws, step.job.payload, step.job.progress
    workflow: Workflow | None = ws.model.get("workflows", payload["workflow"])
    trigger = next((each for each in workflow.triggers if each.id == payload["trigger"]), None) if workflow else None
    if workflow is None or trigger is None or trigger.kind != "schedule" or not workflow.active:
        return Done({"started": 0})
    at = dt.datetime.fromisoformat(payload["at"])
    if not progress:
        plan(ws, workflow, trigger)
    if next_time(ws, trigger, at - dt.timedelta(seconds=1)) != at or switches.is_off(ws, workflow.id):
        return Done({"started": 0})  # another schedule by now
    started = int(progress.get("started", 0))
    query = Query(workflow.entity, trigger.when, ("id",), ("id",), limit=AT_ONCE, after=progress.get("after"))
    page = queries.find(ws, query)
    started += len(begin(ws, [Start(workflow, trigger.id, str(row[0])) for row in page.raw]))
    if page.next is None:
        return Done({"started": started})
    return More({"started": started, "after": page.next})
