"""加签 and 减签: people asked before, after or beside a task."""

from __future__ import annotations

from dataclasses import replace

from metadata.problems import Label

from .. import refusals as say
from ..refusals import NotYours, TooLate, Wrong
from ..request import Task, TaskKind
from ..verbs import AddSigner, RemoveSigner
from . import checks, tasks, votes
from .turn import Turn

DEEPEST = 5
"""How many times signers may add signers."""

_HOW: dict[str, Label] = {
    "before": {"en": "before it", "zh": "前"},
    "after": {"en": "after it", "zh": "后"},
}


def add(turn: Turn, verb: AddSigner) -> None:
    task = checks.by_approver(turn, checks.deciding(turn, checks.mine(turn, verb.task)))
    if not verb.people:
        raise Wrong(say.NOBODY_ADDED("people"))
    checks.newcomers(turn, task, verb.people)
    _limits(turn, task, verb)
    if verb.how == "alongside":
        added = _alongside(turn, task, verb)
    else:
        added = [_signer(turn, task, verb, user, order) for order, user in enumerate(verb.people)]
        if verb.how == "before":
            task = tasks.wait(turn, task)
            added = [tasks.ask(turn, each) for each in added]
    turn.record("add_signer", task=task, before="pending", comment=verb.comment, people=verb.people, how=verb.how)
    votes.evaluate(turn, turn.request.visit(task.visit))


def _limits(turn: Turn, task: Task, verb: AddSigner) -> None:
    node = turn.human(task.node)
    if verb.how == "before" and tasks.children(turn, task, "after"):
        raise TooLate(say.ONE_KIND("how", how=_HOW["after"]))
    signed = (each for each in turn.request.tasks if each.parent == task.id and each.kind == "before")
    if verb.how == "after" and any(each.state != "cancelled" for each in signed):
        raise TooLate(say.ONE_KIND("how", how=_HOW["before"]))
    if _depth(turn, task) >= DEEPEST:
        raise Wrong(say.TOO_DEEP("how", most=DEEPEST))
    there = sum(each.open or each.state in ("approved", "rejected") for each in turn.request.within(task.visit))
    if there + len(verb.people) > node.cap:
        raise Wrong(say.TOO_MANY("people", most=node.cap))


def _depth(turn: Turn, task: Task) -> int:
    depth = 0
    while task.parent is not None:
        task, depth = turn.task(task.parent), depth + 1
    return depth


def _signer(turn: Turn, task: Task, verb: AddSigner, user: str, order: int) -> Task:
    kind: TaskKind = "before" if verb.how == "before" else "after"
    made = tasks.make(turn, turn.request.visit(task.visit), user, order, kind)
    return turn.put(replace(made, parent=task.id, added_by=verb.actor))


def _alongside(turn: Turn, task: Task, verb: AddSigner) -> list[Task]:
    """Beside a signer they bear on the same task as he; beside a voter they vote, in a sequence right after him."""
    visit = turn.request.visit(task.visit)
    votes_too = task.kind in tasks.VOTERS
    for each in turn.request.within(task.visit):
        if votes_too and each.open and each.kind in tasks.VOTERS and each.order > task.order:
            turn.put(replace(each, order=each.order + len(verb.people)))
    added = []
    for order, user in enumerate(verb.people, task.order + 1):
        made = tasks.make(turn, visit, user, order, "alongside" if votes_too else task.kind)
        made = turn.put(replace(made, parent=task.id if votes_too else task.parent, added_by=verb.actor))
        in_turn = votes_too and tasks.mode_of(turn, visit).kind == "sequential"
        added.append(made if in_turn else tasks.ask(turn, made))
    return added


def remove(turn: Turn, verb: RemoveSigner) -> None:
    """A signer who has not decided. The last one gone, his parent goes on; one not yet decided is asked again."""
    task = checks.known(turn, verb.task)
    if task.added_by is None:
        raise Wrong(say.NOBODY_TO_REMOVE("task"))
    if verb.actor != task.added_by:
        raise NotYours(say.NOT_ADDED("task", who=turn.world.name(task.added_by)))
    if task.state != "waiting" or task.rounds:
        checks.pending(turn, task)
    checks.running(turn)
    before = task.state
    tasks.cancel(turn, tasks.below(turn, task), "removed")
    gone = tasks.close(turn, task, "cancelled", reason="removed", comment=verb.comment)
    turn.record("remove_signer", task=gone, before=before, comment=verb.comment, people=(task.assignee,))
    votes.settle(turn, gone)
