"""The job that does what an alert says: its steps are those of workflows, done by the platform, all or none of them."""

from __future__ import annotations

from metadata.ids import is_uuid
from metadata.sla import Alert, Sla
from metadata.workflows import Assign, HumanTask, Run, Send, Step, Update, Workflow
from runtime.jobs import work
from runtime.jobs.work import Done, Outcome
from runtime.processes.instances import new_run
from runtime.processes.performing import perform
from runtime.processes.performing.moving import Moving
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.sla import clocks
from runtime.sla.clocks import Row
from runtime.workspace import Workspace
from workflow.engine import AssignRecord, Effect, OpenTask, StartWorkflow, Tell, UpdateRecord

_BREACH = 100
_VISITS = 100
"""More than an alert has steps: what they send outside is known by the place of the step."""


def step(step: work.Step) -> Outcome:
    ws, payload = step.ws, step.job.payload
    row = clocks.get(ws, str(payload["clock"])) if is_uuid(str(payload["clock"])) else None
    return Done({"steps": 0 if row is None else do(ws, row, str(payload["alert"]))})


def do(ws: Workspace, row: Row, name: str) -> int:
    """Do the steps of an alert; how many. None for a record that is gone, or an alert that is no longer there.

    Raises what a step raises: then none is done, and the job is tried again or waits for a person.
    """
    sla: Sla | None = ws.model.get("sla", row.sla)
    target = None if sla is None else sla.target(row.target)
    alerts = () if target is None else target.alerts
    at = next((at for at, each in enumerate(alerts) if each.id == name), None)
    world = Records(ws, binding_of(ws.model, ws.actor, ws.now))
    if sla is None or at is None or not world.lives(row.entity, row.record):
        return 0
    moving = _moving(ws, sla, row, alerts[at], world)
    for number, each in enumerate(alerts[at].steps):
        perform(moving, _effect(moving, each, row, at * _VISITS + number))
        world.forget()
    return len(alerts[at].steps)


def _moving(ws: Workspace, sla: Sla, row: Row, alert: Alert, world: Records) -> Moving:
    """The steps know a run by what it is about; this one is no row of any table."""
    workflow = Workflow(id=sla.id, key=sla.key, label=sla.label, entity=sla.entity)
    run = new_run(ws, row.id, sla.id, row.entity, row.record)
    over = alert.over is not None or (alert.at is not None and alert.at >= _BREACH)
    return Moving(ws, ws, workflow, run, world, source="sla", notice="sla.breached" if over else "sla.warned")


def _effect(moving: Moving, step: Step, row: Row, visit: int) -> Effect:
    """What a step wants done of the record, as the engine would say it."""
    world, about = moving.world, (row.entity, row.record)
    match step:
        case Send():
            return Tell(visit, step.id, *about, step.to, None, step.by, step.subject, step.body)
        case HumanTask():
            due = None if step.due is None else world.after(step.due, step.calendar, world.now)
            return OpenTask(visit, step.id, *about, step.title, step.to, due)
        case Assign():
            return AssignRecord(visit, step.id, *about, step.assignment, step.to)
        case Update():
            texts = {field: value.expression for field, value in step.values.items()}
            values = {field: None if text is None else world.value(text, *about) for field, text in texts.items()}
            return UpdateRecord(visit, step.id, *about, values)
        case Run():
            return StartWorkflow(visit, step.id, *about, step.workflow, False)
    raise LookupError(step.kind)
