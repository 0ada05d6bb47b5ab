"""Approvals that runs of workflows ask for: submitted for whoever caused the run, who is told when they are settled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metadata.access import platform_actor
from metadata.problems import Invalid, kind
from runtime.approvals.asking.submitting import submit
from runtime.approvals.driving.drive import drive
from runtime.approvals.keeping import requests as store
from runtime.jobs.table import enqueue_many
from runtime.workspace import AsUser, Workspace, as_user
from workflow.approvals.request import Request
from workflow.approvals.verbs import Terminate
from workflow.engine import Settled, SubmitApproval, WithdrawApproval

if TYPE_CHECKING:
    from runtime.processes.performing.moving import Moving

NOBODY = kind(
    "approval_run_of_nobody",
    en="Nobody in particular caused this run, so nobody can ask for the approval. Start it by what people do.",
    zh="此运行没有明确的发起人，无法提交审批。请由用户操作触发。",
)
NOT_WAITED_FOR = "not_waited_for"
"""Why a request was ended that its run no longer waits for."""


def submit_for_run(moving: Moving, effect: SubmitApproval) -> str:
    """Ask for the approval of a run's record; the request's id. Raises as `submit`, and Invalid."""
    initiator = moving.run.initiator
    if initiator is None or effect.record is None:
        raise Invalid(NOBODY())
    reader = as_user(moving.acts, AsUser(initiator))
    actor = replace(platform_actor("workflow"), user=initiator, name=reader.actor.name, language=reader.actor.language)
    made = submit(
        replace(moving.acts, actor=actor),
        effect.entity,
        effect.record,
        approval=effect.approval,
        reader=reader,
        run=(moving.run.id, effect.visit),
    )
    return made.id


def withdraw_for_run(moving: Moving, effect: WithdrawApproval) -> None:
    """End a request that nobody waits for any more."""
    request = store.find(moving.ws, effect.request)
    if request is not None and request.running:
        drive(moving.ws, request.id, Terminate(None, NOT_WAITED_FOR))


def settle(ws: Workspace, request: Request) -> None:
    """Tell the run that waits for a request how it ended."""
    if request.state not in ("approved", "rejected", "withdrawn", "terminated"):
        return
    waiting = store.run_of(ws, request.id)
    if waiting is not None:
        from runtime.processes.messages import dumped  # whose runs ask for approvals

        run, visit = waiting
        outcome = request.state if request.state in ("approved", "rejected") else "withdrawn"
        told = dumped(Settled(visit, outcome))
        enqueue_many(ws, "workflow", [{"instance": run, "happening": told}])
