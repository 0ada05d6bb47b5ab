"""What a decision of one person leads to: for the task it bears on, for its node."""

from __future__ import annotations

from ..request import Reason, Task, TaskKind, TaskState, Visit
from ..voting import Vote, outcome
from . import tasks
from .passing import leave, refuse
from .turn import Turn


def approve(
    turn: Turn, task: Task, *, by: str | None, comment: str = "", signature: str | None = None, timeout: bool = False
) -> None:
    """A pending task is approved. With signers after it, it is complete when they have approved too."""
    reason: Reason = "timeout" if timeout else ""
    after = tasks.children(turn, task, "after")
    state: TaskState = "approving" if after else "approved"
    done = tasks.close(turn, task, state, by=by, comment=comment, signature=signature, reason=reason)
    turn.record("auto_approve" if by is None else "approve", task=done, before="pending", comment=comment)
    for each in after:
        tasks.ask(turn, each)
    if not after:
        settle(turn, done)


def reject(
    turn: Turn, task: Task, *, by: str | None, comment: str = "", signature: str | None = None, timeout: bool = False
) -> None:
    """A pending task is rejected. Signers after it never start."""
    done = tasks.close(
        turn, task, "rejected", by=by, comment=comment, signature=signature, reason="timeout" if timeout else ""
    )
    turn.record("auto_reject" if by is None else "reject", task=done, before="pending", comment=comment)
    for each in tasks.below(turn, done):
        tasks.close(turn, each, "skipped", reason="decided")
    settle(turn, done)


def settle(turn: Turn, task: Task) -> None:
    """A task has been decided, or removed: what it bears on goes on."""
    if task.kind in tasks.VOTERS:
        evaluate(turn, turn.request.visit(task.visit))
        return
    assert task.parent is not None
    parent = turn.task(task.parent)
    if task.kind == "delegate":
        tasks.ask(turn, parent)
    elif task.state == "rejected":
        _rejected_by_signer(turn, parent)
    elif not tasks.children(turn, parent, task.kind):
        _signed(turn, parent, task.kind)


def _rejected_by_signer(turn: Turn, parent: Task) -> None:
    before = parent.state
    for each in tasks.below(turn, parent):
        tasks.close(turn, each, "cancelled", reason="decided")
    done = tasks.close(turn, parent, "rejected", reason="signer")
    turn.record("auto_reject", task=done, before=before, why="signer")
    settle(turn, done)


def _signed(turn: Turn, parent: Task, kind: TaskKind) -> None:
    """No signer of a kind is left to ask: who waited for those before him is asked, who has approved is complete.

    Who has not decided yet is not completed by the last signer after him being removed.
    """
    if kind == "before" and parent.state == "waiting":
        tasks.ask(turn, parent)
    elif kind == "after" and parent.state == "approving":
        settle(turn, tasks.close(turn, parent, "approved"))


def evaluate(turn: Turn, visit: Visit) -> None:
    """Ask who is next in a node, or conclude it."""
    mode = tasks.mode_of(turn, visit)
    voters = tasks.voters(turn, visit.number)
    match outcome(mode, [_vote(each) for each in voters]):
        case "approved":
            _conclude(turn, visit)
            leave(turn, visit.number)
        case "rejected":
            _conclude(turn, visit)
            refuse(turn, visit.number)
        case _ if mode.kind == "sequential":
            _ask_next(turn, voters)


def _vote(task: Task) -> Vote:
    decision = task.state if task.state in ("approved", "rejected") else "pending"
    return Vote(decision, task.weight, task.veto)


def _conclude(turn: Turn, visit: Visit) -> None:
    """Those who have not decided need not any more."""
    for each in turn.request.within(visit.number):
        if each.open:
            never = each.state == "waiting" and each.opened_at is None
            tasks.close(turn, turn.task(each.id), "skipped" if never else "cancelled", reason="decided")


def _ask_next(turn: Turn, voters: tuple[Task, ...]) -> None:
    """In a sequence: the first who waits, unless somebody is busy with it."""
    if any(each.state in ("pending", "approving") or tasks.below(turn, each) for each in voters):
        return
    waiting = next((each for each in voters if each.state == "waiting"), None)
    if waiting is not None:
        tasks.ask(turn, waiting)
