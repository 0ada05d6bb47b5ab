"""Standing proxies on demand: open tasks go to a proxy who is in force by now, or back when none is any longer."""

from __future__ import annotations

from dataclasses import replace

from .. import refusals as say
from ..choosing import Chosen
from ..refusals import NotYours
from ..request import Task
from ..verbs import Represent
from . import checks, people, tasks
from .turn import Turn


def represent(turn: Turn, verb: Represent) -> None:
    """Tasks that are with him, or with somebody on his behalf, as if they were made now."""
    checks.running(turn)
    _may(turn, verb)
    for each in turn.request.tasks:
        task = turn.task(each.id)
        his = verb.user in (task.assignee, task.behalf) and task.kind not in ("initiator", "delegate")
        if his and task.state in ("waiting", "pending"):
            _align(turn, task, verb.user)


def _may(turn: Turn, verb: Represent) -> None:
    if verb.actor == verb.user or checks.is_admin(turn):
        return
    now, rules = turn.world.now, turn.world.proxies()
    mine = (each for each in rules if (each.principal, each.proxy) == (verb.user, verb.actor))
    if not any(each.holds(turn.approval, now) for each in mine):
        raise NotYours(say.NOT_REPRESENTED(who=turn.world.name(verb.user)))


def _align(turn: Turn, task: Task, user: str) -> None:
    choice = people.decide_who(turn, turn.human(task.node), turn.request.visit(task.visit), (user,))
    others = {each.assignee for each in turn.request.within(task.visit) if each.open and each.id != task.id}
    chosen = next((each for each in choice.people if each.user not in others), None)
    if chosen is None:
        return
    if chosen.user != task.assignee:
        _give(turn, task, chosen)
    elif (chosen.deputy, chosen.behalf_of) != (task.deputy, task.behalf):
        turn.put(replace(task, deputy=chosen.deputy, behalf=chosen.behalf_of))
        turn.record("represent", task=turn.task(task.id), before=task.state, people=_named(chosen))
        if chosen.deputy is not None and task.state == "pending":
            turn.tell("asked", chosen.deputy, task=task.id)


def _give(turn: Turn, task: Task, chosen: Chosen) -> None:
    new = tasks.replaced(turn, task, chosen.user, "transferred", "proxy", "", None)
    turn.put(replace(turn.task(new.id), behalf=chosen.behalf_of, deputy=chosen.deputy))
    turn.record("represent", task=turn.task(task.id), before=task.state, people=_named(chosen))


def _named(chosen: Chosen) -> tuple[str, ...]:
    return (chosen.user,) if chosen.deputy is None else (chosen.user, chosen.deputy)
