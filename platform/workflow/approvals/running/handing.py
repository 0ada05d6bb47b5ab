"""A task passes to another person: 转交, 委派, given by an administrator, or because its assignee has left."""

from __future__ import annotations

from dataclasses import replace

from ..choosing import Chosen
from ..request import Task
from ..verbs import Delegate, Leave, Reassign, Transfer
from . import checks, people, tasks, votes
from .turn import Turn


def transfer(turn: Turn, verb: Transfer) -> None:
    """The new assignee decides instead. Who was asked first stays known."""
    task = checks.by_approver(turn, checks.deciding(turn, checks.mine(turn, verb.task)))
    checks.comment(verb.comment)
    checks.newcomers(turn, task, (verb.to,))
    tasks.replaced(turn, task, verb.to, "transferred", "transferred", verb.comment, verb.actor)
    _trail(turn, "transfer", task, verb.to, verb.comment)


def delegate(turn: Turn, verb: Delegate) -> None:
    """A helper is asked for an opinion; meanwhile the task waits, then it comes back."""
    task = checks.by_approver(turn, checks.deciding(turn, checks.mine(turn, verb.task)))
    checks.newcomers(turn, task, (verb.to,))
    tasks.wait(turn, task)
    helper = tasks.make(turn, turn.request.visit(task.visit), verb.to, 0, "delegate")
    tasks.ask(turn, replace(helper, parent=task.id, added_by=verb.actor))
    _trail(turn, "delegate", task, verb.to, verb.comment)


def reassign(turn: Turn, verb: Reassign) -> None:
    checks.running(turn)
    checks.admin(turn)
    checks.reason(verb.reason)
    task = checks.known(turn, verb.task)
    checks.by_approver(turn, task)
    if task.state != "waiting":
        checks.pending(turn, task)
    checks.newcomers(turn, task, (verb.to,))
    tasks.replaced(turn, task, verb.to, "transferred", "reassigned", verb.reason, None)
    _trail(turn, "reassign", task, verb.to, verb.reason)


def _trail(turn: Turn, verb: str, task: Task, to: str, comment: str) -> None:
    turn.record(verb, task=turn.task(task.id), before=task.state, comment=comment, people=(to,))


def leave(turn: Turn, verb: Leave) -> None:
    """The policies of the node find others for each open task of somebody who is no longer active."""
    checks.running(turn)
    for task in turn.request.tasks:
        now = turn.task(task.id)
        mine = now.assignee == verb.user and now.kind != "initiator"
        if mine and now.state in ("waiting", "pending") and turn.request.running:
            _reroute(turn, now)


def _reroute(turn: Turn, task: Task) -> None:
    if task.kind == "delegate":
        gone = tasks.close(turn, task, "cancelled", reason="left")
        _trail(turn, "reroute", task, gone.parent or "", "")
        votes.settle(turn, gone)
        return
    visit = turn.request.visit(task.visit)
    choice = people.decide_who(turn, turn.human(task.node), visit, (task.assignee,))
    instead = _newcomer(turn, task, choice.people)
    if instead is None:
        turn.tell("no_approver", *turn.world.admins(turn.approval), task=task.id)
        return
    new = tasks.replaced(turn, task, instead.user, "transferred", "left", "", None)
    turn.put(replace(turn.task(new.id), behalf=instead.behalf_of, deputy=instead.deputy))
    _trail(turn, "reroute", task, instead.user, "")


def _newcomer(turn: Turn, task: Task, chosen: tuple[Chosen, ...]) -> Chosen | None:
    """The first of these who does not take part in the node yet."""
    there = {each.assignee for each in turn.request.within(task.visit) if each.open}
    return next((each for each in chosen if each.user not in there), None)
