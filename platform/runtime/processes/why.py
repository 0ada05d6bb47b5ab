"""Why a workflow did not start for a record: each of its triggers with the first condition that failed, and its values.

A trigger that looks at a change is asked of the last change that there was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.expressions.evaluate import Row, binder, condition, needs
from metadata.expressions.explaining import Explanation
from metadata.expressions.parser import parse_in
from metadata.fieldtypes.base import ValueProblem
from metadata.ids import is_uuid
from metadata.model import EMPTY, Entity
from metadata.money import Money
from metadata.problems import NotFound, Problem, kind
from metadata.workflow_texts import scope_of_workflows
from metadata.workflows import Trigger, Workflow
from runtime import trying
from runtime.processes import instances, switches
from runtime.processes.instances import Run
from runtime.processes.reading import may_know
from runtime.processes.switches import NO_WORKFLOW, OFF
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.queries.rules import sees
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan, plan_of
from runtime.records.policies import not_found
from runtime.sealing import Sealer
from runtime.system.tables import table
from runtime.workspace import Workspace

NOT_ACTIVE = kind(
    "run_why_inactive",
    en="The workflow {workflow} is not active. Set `active: true` in its description.",
    zh="工作流 {workflow} 未启用。请在其描述中设置 `active: true`。",
)
ONCE = kind(
    "run_why_once",
    en="The workflow {workflow} already runs for this record, and only one run at a time is allowed.",
    zh="工作流 {workflow} 正在该记录上运行，且同一时间只允许一次运行。",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One trigger as it would decide now. `explanation` is None without a condition, and where the reader sees too
    little of what it looks at."""

    trigger: Trigger
    holds: bool
    explanation: Explanation | None


@dataclass(frozen=True, slots=True)
class Why:
    """What stands against a workflow for a record, and its latest run about it."""

    workflow: Workflow
    against: tuple[Problem, ...]
    triggers: tuple[Asked, ...]
    latest: Run | None


def why(ws: Workspace, entity: Entity, record: str, name: str) -> Why:
    """Raises NotFound for a record that the reader does not see, and a workflow that is not about such records."""
    if not is_uuid(record) or not sees(ws, entity, "read", record.lower(), deleted=False):
        raise not_found(entity)
    workflow: Workflow | None = ws.model.get("workflows", name)
    if workflow is None or workflow.entity != entity.id or ws.system_version < instances.SINCE:
        known = sorted(each.key for each in ws.model.all("workflows") if each.entity == entity.id)
        raise NotFound(NO_WORKFLOW(name=name[:80], known=known or "–"))
    found = instances.of_record(ws, entity.id, record.lower(), None, 200)
    latest = next((each for each in found if each.workflow == workflow.id), None)
    against = []
    if not workflow.active:
        against.append(NOT_ACTIVE(workflow=workflow.label))
    if switches.is_off(ws, workflow.id):
        against.append(OFF(workflow=workflow.label))
    if workflow.once and latest is not None and not latest.is_over:
        against.append(ONCE(workflow=workflow.label))
    asked = tuple(_asked(ws, entity, record.lower(), each) for each in workflow.triggers)
    return Why(workflow, tuple(against), asked, latest)


def _asked(ws: Workspace, entity: Entity, record: str, trigger: Trigger) -> Asked:
    if trigger.when is None:
        return Asked(trigger, True, None)
    plan = plan_of(ws.model, entity, ws.db.dialect)
    changed = _last_change(ws, plan, record) if trigger.kind == "updated" else EMPTY
    expression = parse_in(trigger.when, entity, scope_of_workflows(ws.model, changes=trigger.kind == "updated"))
    binding = binding_of(ws.model, ws.actor, ws.now)
    draft = Records(ws, binding, locking=False).draft(entity.id, record)
    assert draft is not None
    about = Draft(record, draft.values, {**draft.values, **changed})
    row = rows_of(ws, plan, [about], needs(expression.root)).get(record) or Row(about.values, before=about.before)
    holds = bool(condition(expression.root)(row, binder(expression)(binding)))
    if not may_know(ws, entity.id, trigger.when):
        return Asked(trigger, holds, None)
    seen = trying.explained(ws, entity, record, expression, changed)
    # Records that it looks at and the reader does not see would decide otherwise: then nothing can be explained.
    return Asked(trigger, holds, seen if (seen.failed is None) == holds else None)


def _last_change(ws: Workspace, plan: WritePlan, record: str) -> Mapping[str, Any]:
    """The fields of the last change of a record as they were before it."""
    event = table("_event", ws.db.dialect)
    query = sa.select(event.c.changes).where(
        event.c.entity == plan.entity.id, event.c.record == record, event.c.kind != "created"
    )
    found: Any = ws.db.execute(query.order_by(event.c.id.desc()).limit(1)).scalar()
    if found is None:
        return EMPTY
    told = orjson.loads(found) if isinstance(found, str) else found
    before = {}
    for id, (was, _) in Sealer(ws).told(plan.entity.id, record, told).items():
        field = plan.entity.fields.get(id)
        if field is None or id not in plan.table.fields:
            continue
        try:
            value = None if was is None else plan.types[id].parse(field, was)
        except ValueProblem:
            continue
        before[id] = value.amount if isinstance(value, Money) else value
    return before
