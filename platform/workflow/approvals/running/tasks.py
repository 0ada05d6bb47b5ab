"""Single tasks: made, asked, closed, given to another person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from metadata.approvals import Mode

from ..request import OPEN, Reason, Task, TaskKind, TaskState, Visit
from . import timers
from .turn import Turn

VOTERS: frozenset[TaskKind] = frozenset({"vote", "alongside"})


def make(turn: Turn, visit: Visit, assignee: str, order: int, kind: TaskKind = "vote") -> Task:
    """A new task that waits, with the weight of its assignee. Not yet part of the request."""
    task = Task(turn.new_id(), visit.number, visit.node, assignee, "waiting", order, kind)
    return weighed(turn, task) if turn.tree.knows(visit.node) else task


def weighed(turn: Turn, task: Task) -> Task:
    """With the weight and the veto of its assignee."""
    mode = turn.human(task.node).mode
    if not mode.weights and not mode.veto:
        return task
    roles = turn.world.roles(task.assignee)
    weights = [mode.weights[role] for role in roles if role in mode.weights]
    return replace(task, weight=max(weights, default=1), veto=any(role in mode.veto for role in roles))


def mode_of(turn: Turn, visit: Visit) -> Mode:
    """How a visit is decided: among those who look after the approval the first one decides."""
    return Mode(kind="any") if visit.outcome == "admin" else turn.human(visit.node).mode


def ask(turn: Turn, task: Task) -> Task:
    """The task becomes pending."""
    task = turn.put(replace(task, state="pending", opened_at=turn.world.now, rounds=task.rounds + 1))
    timers.start(turn, task)
    return task


def wait(turn: Turn, task: Task) -> Task:
    """The task is not asked for the time being."""
    timers.drop(turn, task)
    return turn.put(replace(task, state="waiting"))


def close(
    turn: Turn,
    task: Task,
    state: TaskState,
    *,
    by: str | None = None,
    comment: str | None = None,
    signature: str | None = None,
    reason: Reason = "",
) -> Task:
    """The task is over (or `approving`). What was said before stays unless something else is said now."""
    timers.drop(turn, task)
    return turn.put(
        replace(
            task,
            state=state,
            decided_by=by or task.decided_by,
            decided_at=task.decided_at or turn.world.now,
            comment=task.comment if comment is None else comment,
            signature=signature or task.signature,
            reason=reason,
        )
    )


def cancel(turn: Turn, found: Collection[Task], reason: Reason) -> None:
    """These are no longer wanted. One that its assignee had approved keeps that in its trail."""
    for each in found:
        if each.open:
            close(turn, each, "cancelled", reason=reason)


def children(turn: Turn, task: Task, *kinds: TaskKind) -> tuple[Task, ...]:
    """The open tasks that bear on this one."""
    return tuple(each for each in turn.request.tasks if each.parent == task.id and each.kind in kinds and each.open)


def below(turn: Turn, task: Task) -> tuple[Task, ...]:
    """All open tasks that bear on this one and on those, nearest first."""
    found: list[Task] = []
    for each in children(turn, task, "before", "after", "delegate"):
        found += (each, *below(turn, each))
    return tuple(found)


def voters(turn: Turn, visit: int) -> tuple[Task, ...]:
    """The tasks of a visit that count in its mode, in their order."""
    tasks = turn.request.within(visit)
    over = {each.again for each in tasks}
    counted = (each for each in tasks if each.kind in VOTERS and each.id not in over)
    return tuple(
        sorted((each for each in counted if each.state in OPEN | {"approved", "rejected"}), key=lambda each: each.order)
    )


def replaced(turn: Turn, task: Task, to: str, state: TaskState, reason: Reason, comment: str, by: str | None) -> Task:
    """Another person has the task from now on; what bears on it bears on the new one."""
    new = replace(
        make(turn, turn.request.visit(task.visit), to, task.order, task.kind),
        parent=task.parent,
        added_by=task.added_by,
        original_assignee=task.original_assignee or task.assignee,
        again=None,
    )
    bearing = children(turn, task, "before", "after", "delegate")
    close(turn, task, state, by=by, comment=comment, reason=reason)
    turn.put(new)
    for each in bearing:
        turn.put(replace(each, parent=new.id))
    return ask(turn, new) if task.state == "pending" else new
