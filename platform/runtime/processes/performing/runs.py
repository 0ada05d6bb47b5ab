"""Runs that a run starts and ends."""

from __future__ import annotations

from metadata.problems import Invalid, kind
from metadata.workflows import Workflow
from runtime.jobs import table as jobs
from runtime.processes import switches
from runtime.processes.messages import dumped
from runtime.processes.performing.moving import Moving
from runtime.processes.starting import JOB, Start, begin
from workflow.engine import Cancel, CancelWorkflow, StartWorkflow, reason

NOT_STARTED = kind(
    "run.not_started",
    en="The workflow {workflow} cannot be started: it is not active, or it is about another kind of record.",
    zh="无法启动工作流 {workflow}：它未启用，或针对其他类型的记录。",
)
RUNS_ALREADY = kind(
    "run.runs_already",
    en="The workflow {workflow} runs for this record already, and only one run at a time is allowed.",
    zh="工作流 {workflow} 已在该记录上运行，且同一时间只允许一次运行。",
)
ENDED_WITH_PARENT = kind(
    "run.parent_ended",
    en="The run that waited for this one has gone on without it.",
    zh="等待此运行的流程已不再等待。",
)


def start(moving: Moving, effect: StartWorkflow) -> str:
    """A run of another workflow about the record; its id."""
    found: Workflow | None = moving.ws.model.get("workflows", effect.workflow)
    if found is None or not found.active or found.entity != effect.entity:
        raise Invalid(NOT_STARTED(workflow=effect.workflow if found is None else found.label))
    switches.require_on(moving.ws, found)
    parent = (moving.run.id, effect.visit) if effect.awaited else (None, None)
    begun = begin(moving.acts, [Start(found, None, effect.record, moving.run.cause, *parent)])
    if not begun:
        raise Invalid(RUNS_ALREADY(workflow=found.label))
    return begun[0].id


def cancel(moving: Moving, effect: CancelWorkflow) -> None:
    told = dumped(Cancel(reason(ENDED_WITH_PARENT())))
    jobs.enqueue_many(moving.ws, JOB, [{"instance": effect.instance, "happening": told}])
