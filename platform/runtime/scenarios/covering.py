"""What of a description there is to put to use, and what a scenario has put to use.

Each has a name: `rules.deal.reason_when_lost`, `triggers.won.moved`, `branches.won.size.large`,
`nodes.discount.manager`, `decisions.discount.manager.rejected`, `ways.discount.by_size.else`, `states.deal.stage.won`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.approvals import Approval, Branch, Human
from metadata.model import Entity, Model
from metadata.workflows import Choice, Each, Parallel, Step, Try, Workflow
from runtime.approvals.keeping import requests
from runtime.processes import instances, trace
from runtime.processes.instances import Run
from runtime.scenarios.stage import Stage
from runtime.system.tables import table
from runtime.workspace import Workspace
from workflow.approvals.request import Request

KINDS = ("rules", "triggers", "branches", "nodes", "decisions", "ways", "states")
_MOST = 5_000


def everything(model: Model) -> Iterator[str]:
    """All that scenarios could put to use, in the order of the description."""
    for entity in model.all("entities"):
        yield from (f"rules.{entity.id}.{rule.id}" for rule in entity.rules)
    for workflow in model.all("workflows"):
        if workflow.active:
            yield from (f"triggers.{workflow.id}.{trigger.id}" for trigger in workflow.triggers)
            yield from (f"branches.{workflow.id}.{name}" for name, _ in _branches(workflow))
    for approval in model.all("approvals"):
        yield from _of_approval(approval)
    for entity in model.all("entities"):
        yield from _states(entity)


def touched(stage: Stage) -> Iterator[str]:
    """What has been put to use on a stage since it was cleared."""
    yield from (f"rules.{entity}.{rule}" for entity, rule in sorted(stage.fired))
    with stage.acting(None, write=False) as ws:
        for run in instances.listing(ws, limit=_MOST):
            yield from _of_run(ws, run)
        for request in _requests(ws):
            yield from _of_request(request)
        yield from _reached(ws)


# -- workflows


def _branches(workflow: Workflow) -> Iterator[tuple[str, Step | None]]:
    """(step and block, the first step within it) of every way that a run may take or not."""
    for step in workflow.every():
        for name, block in step.blocks.items():
            if isinstance(step, Choice):
                yield f"{step.id}.{name}", None
            elif block and not isinstance(step, Parallel) and not (isinstance(step, (Try, Each)) and name == "do"):
                yield f"{step.id}.{name}", block[0]


def _of_run(ws: Workspace, run: Run) -> Iterator[str]:
    workflow: Workflow | None = ws.model.get("workflows", run.workflow)
    if workflow is None:
        return
    if run.trigger is not None:
        yield f"triggers.{workflow.id}.{run.trigger}"
    elif called := next((each for each in workflow.triggers if each.kind == "called"), None):
        yield f"triggers.{workflow.id}.{called.id}"
    lines = trace.read(ws, run.id, limit=_MOST)
    entered = {each.step for each in lines if each.kind == "entered"}
    decided = {f"{each.step}.{each.detail.get('block')}" for each in lines if each.kind == "decided"}
    for name, first in _branches(workflow):
        if name in decided or (first is not None and first.id in entered):
            yield f"branches.{workflow.id}.{name}"


# -- approvals


def _of_approval(approval: Approval) -> Iterator[str]:
    for node in approval.every():
        yield f"nodes.{approval.id}.{node.id}"
        if isinstance(node, Human):
            for outcome in ("approved",) if node.handle else ("approved", "rejected"):
                yield f"decisions.{approval.id}.{node.id}.{outcome}"
        elif isinstance(node, Branch):
            yield from (f"ways.{approval.id}.{node.id}.{name}" for name in node.blocks)


def _requests(ws: Workspace) -> list[Request]:
    if ws.model.entity("approval_request") is None:
        return []
    held = table("_approval", ws.db.dialect).c
    ids: list[Any] = [row.id for row in ws.db.execute(sa.select(held.id).limit(_MOST))]
    return requests.several(ws, ids)


def _of_request(request: Request) -> Iterator[str]:
    for visit in request.visits:
        yield f"nodes.{request.approval}.{visit.node}"
        yield from (f"ways.{request.approval}.{visit.node}.{name}" for name in visit.ways)
    for task in request.tasks:
        if task.state in ("approved", "rejected") and task.decided_by is not None:
            yield f"decisions.{request.approval}.{task.node}.{task.state}"


# -- states


def _states(entity: Entity) -> Iterator[str]:
    if entity.written_by == "platform" or entity.generated:
        return
    for field in entity.fields.values():
        if field.type == "choice":
            yield from (f"states.{entity.id}.{field.id}.{each.id}" for each in field.options if not each.retired)


def _reached(ws: Workspace) -> Iterator[str]:
    """Every option that a record was given by a save, the given ones among them."""
    held = table("_event", ws.db.dialect).c
    rows: Any = ws.db.execute(sa.select(held.entity, held.changes).where(held.record.is_not(None)))
    for entity, changes in rows:
        found = ws.model.entity(entity)
        told = orjson.loads(changes) if isinstance(changes, str) else changes or {}
        for id, change in told.items() if found is not None else ():
            field = found.fields.get(id) if found is not None else None
            if field is not None and field.type == "choice" and isinstance(change, list) and change[-1] is not None:
                yield f"states.{entity}.{id}.{change[-1]}"
