"""A timer is due: remind, decide, or ask somebody else."""

from __future__ import annotations

from metadata.approvals import Human

from ..request import Task, Timer
from . import people, tasks, timers, votes
from .passing import leave
from .turn import Turn


def due(turn: Turn, timer: Timer) -> None:
    """The timer is known to be set; it is not any longer."""
    turn.change(timers=tuple(each for each in turn.request.timers if each.key != timer.key))
    if timer.task is None:
        leave(turn, timer.visit)
        return
    task = turn.task(timer.task)
    if timer.kind == "remind":
        turn.tell("remind", *_asked(task), task=task.id)
        turn.record("remind", task=task, before=task.state, n=timer.n)
        timers.again(turn, timer, task)
    else:
        _timeout(turn, task, turn.human(task.node))


def _asked(task: Task) -> tuple[str, ...]:
    return (task.assignee,) if task.deputy is None else (task.assignee, task.deputy)


def _timeout(turn: Turn, task: Task, node: Human) -> None:
    assert node.timeout is not None
    then = node.timeout.then
    if then == "remind":
        turn.tell("overdue", *_asked(task), task=task.id)
        turn.record("expire", task=task, before=task.state, then=then)
    elif task.kind == "delegate":
        votes.settle(turn, tasks.close(turn, task, "expired", reason="timeout"))
    elif then == "approve":
        votes.approve(turn, task, by=None, timeout=True)
    elif then == "reject" and not node.handle:
        votes.reject(turn, task, by=None, timeout=True)
    else:
        _hand_on(turn, task, node)


def _hand_on(turn: Turn, task: Task, node: Human) -> None:
    """To whom the node names, else above the assignee, else to who looks after the approval."""
    to = _instead(turn, task, node)
    if to is None:
        turn.tell("overdue", *_asked(task), *turn.world.admins(turn.approval), task=task.id)
        turn.record("expire", task=task, before=task.state, then="overdue")
        return
    new = tasks.replaced(turn, task, to, "expired", "timeout", "", None)
    turn.record("expire", task=turn.task(task.id), before=task.state, people=(to,), then="escalate")
    turn.tell("escalated", task.assignee, turn.request.initiator, task=new.id)


def _instead(turn: Turn, task: Task, node: Human) -> str | None:
    """The first who is active, was not asked in this node yet, and may decide."""
    assert node.timeout is not None
    named = people.resolve(turn, node, node.timeout.to, task.assignee) or ()
    above = turn.world.managers(task.assignee) if node.timeout.then == "escalate" else ()
    asked = {each.assignee for each in turn.request.within(task.visit)}
    apart = node.self_ != "allow" or node.id in turn.approval.separated
    for user in (*named, *above, *turn.world.admins(turn.approval)):
        if turn.world.active(user) and user not in asked and not (apart and user == turn.request.initiator):
            return user
    return None
