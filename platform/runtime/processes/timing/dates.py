"""Dates of records that are reached: a job for each value of each record, made when the moment is near.

What is saved with a moment that is near has its job at once; the rest is found by looking ahead every hour. What fell
due while nobody worked starts once, late; what was over when it was written down does not start.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.durations import Duration, after, parse_duration
from metadata.model import Entity
from metadata.workflows import Trigger, Workflow
from runtime import queries
from runtime.jobs.table import enqueue, known_keys
from runtime.jobs.work import Done, Outcome, Step
from runtime.processes import switches
from runtime.processes.books import Triggers
from runtime.processes.starting import Start, begin
from runtime.processes.world import Records
from runtime.queries import Query
from runtime.queries.build import binding_of
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.system.tables import table
from runtime.workspace import Workspace

AHEAD = dt.timedelta(hours=3)
"""How far ahead jobs are made: planning comes every hour."""
BACK = dt.timedelta(hours=26)
"""How long nobody may work without a date being missed."""
PAUSE = dt.timedelta(minutes=1)
"""How soon at the earliest starts what a run sets: who sets the very date he starts at does not go round at once."""
_MORNING = "09:00"


def moment_of(ws: Workspace, trigger: Trigger, value: Any) -> dt.datetime | None:
    """When a date or moment of a record counts as reached; None without a value."""
    if value is None:
        return None
    zone = ZoneInfo(str(ws.model.settings.get("timezone", "UTC")))
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time.fromisoformat(trigger.at or _MORNING), zone)
    try:
        return after(_offset(trigger), value, zone)
    except (OverflowError, ValueError):
        return None


def _offset(trigger: Trigger) -> Duration:
    return Duration() if trigger.offset is None else parse_duration(trigger.offset)


def saved(ws: Workspace, plan: WritePlan, triggers: Triggers, drafts: Sequence[Draft]) -> None:
    """Records were written: what is reached soon gets its job."""
    for ready in triggers.ready:
        field = ready.trigger.field or ""
        for draft in drafts:
            value = draft.values.get(field)
            if value is None or (draft.before is not None and draft.before.get(field) == value):
                continue
            moment = moment_of(ws, ready.trigger, value)
            if moment is not None and ws.now <= moment <= ws.now + AHEAD:
                key, payload = _job(ready.workflow, ready.trigger, draft.id, moment)
                at = moment if ws.cause is None else max(moment, ws.now + PAUSE)
                enqueue(ws, "workflow_date", payload, key, at)


def _job(workflow: Workflow, trigger: Trigger, record: str, moment: dt.datetime) -> tuple[str, Mapping[str, Any]]:
    at = moment.isoformat()
    payload = {"workflow": workflow.id, "trigger": trigger.id, "record": record, "at": at}
    return f"date:{workflow.id}:{trigger.id}:{record}:{at}", payload


def plan(ws: Workspace, workflow: Workflow, trigger: Trigger, ahead: dt.timedelta = AHEAD) -> int:
    """Make the jobs of what is reached soon, or was reached while nobody worked; how many records there are."""
    entity = ws.model.entity(workflow.entity)
    field = trigger.field or ""
    if entity is None or field not in entity.fields:
        return 0
    first, last = max(ws.now - BACK, _released(ws)), ws.now + ahead
    found = 0
    query = Query(entity.id, _within(entity, trigger, first, last), ("id",), ("id", field, "updated_at"))
    for rows in queries.stream(ws, query, 500):
        due = {}
        for id, value, updated in rows:
            moment = moment_of(ws, trigger, value)
            # What was written down after its moment was never waited for.
            if moment is not None and first < moment <= last and (moment >= ws.now or moment > updated):
                key, payload = _job(workflow, trigger, str(id), moment)
                due[key] = (payload, moment)
        there = known_keys(ws, list(due))
        for key, (payload, moment) in due.items():
            if key not in there:
                enqueue(ws, "workflow_date", payload, key, moment)
        found += len(due)
    return found


def _released(ws: Workspace) -> dt.datetime:
    """When this release came: what was reached before it started nothing."""
    releases = table("_release", ws.db.dialect)
    made: Any = ws.db.execute(sa.select(releases.c.created_at).where(releases.c.number == ws.release)).scalar()
    if made is None:
        return ws.now
    return dt.datetime.fromisoformat(made) if isinstance(made, str) else made


def _within(entity: Entity, trigger: Trigger, first: dt.datetime, last: dt.datetime) -> str:
    """A condition that holds for every record that may be meant; which are is worked out of each."""
    offset = _offset(trigger)
    back = Duration(-offset.months, -offset.days, -offset.seconds)
    slack = dt.timedelta(days=5 if offset.months else 2)
    low = after(back, first, ZoneInfo("UTC")) - slack
    high = after(back, last, ZoneInfo("UTC")) + slack
    field = trigger.field or ""
    if entity.fields[field].type == "datetime":
        return f"{field} >= '{low:%Y-%m-%dT%H:%M:%SZ}' and {field} <= '{high:%Y-%m-%dT%H:%M:%SZ}'"
    return f"{field} >= '{low:%Y-%m-%d}' and {field} <= '{high:%Y-%m-%d}'"


def step(step: Step) -> Outcome:
    """The moment is there: start the workflow, if it is still that of the record and the record meets the condition."""
    ws, payload = step.ws, step.job.payload
    workflow: Workflow | None = ws.model.get("workflows", payload["workflow"])
    trigger = next((each for each in workflow.triggers if each.id == payload["trigger"]), None) if workflow else None
    if workflow is None or trigger is None or trigger.kind != "date" or not workflow.active:
        return Done({"started": 0})
    if switches.is_off(ws, workflow.id):
        return Done({"started": 0, "off": True})
    world = Records(ws, binding_of(ws.model, ws.actor, ws.now))
    draft = world.draft(workflow.entity, payload["record"])
    if draft is None or not world.lives(workflow.entity, payload["record"]):
        return Done({"started": 0})
    moment = moment_of(ws, trigger, draft.values.get(trigger.field or ""))
    if moment is None or moment.isoformat() != payload["at"]:
        return Done({"started": 0})
    if trigger.when is not None and not world.holds(trigger.when, workflow.entity, draft.id):
        return Done({"started": 0})
    return Done({"started": len(begin(ws, [Start(workflow, trigger.id, draft.id)]))})
