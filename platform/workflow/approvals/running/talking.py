"""What is said about a request without moving it: 催办 and 评论."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from .. import refusals as say
from ..refusals import TooLate
from ..request import Task
from ..verbs import Comment, Urge
from . import checks
from .turn import Turn

URGE_EVERY = timedelta(minutes=30)


def urge(turn: Turn, verb: Urge) -> None:
    """Remind those who are asked: each task at most once in half an hour."""
    checks.running(turn)
    checks.initiator(turn)
    if verb.task is None:
        asked = [each for each in turn.request.pending() if each.kind != "initiator"]
    else:
        asked = [checks.pending(turn, checks.known(turn, verb.task))]
    if not asked:
        raise TooLate(say.NOBODY_TO_URGE())
    due = [each for each in asked if _wait(turn, each) <= timedelta()]
    if not due:
        left = min(_wait(turn, each) for each in asked)
        raise TooLate(say.URGED(minutes=-(-left // timedelta(minutes=1))))
    for each in due:
        turn.put(replace(each, urged_at=turn.world.now))
        turn.tell("urged", each.assignee, *(() if each.deputy is None else (each.deputy,)), task=each.id)
        turn.record("urge", task=each, before=each.state, people=(each.assignee,))


def _wait(turn: Turn, task: Task) -> timedelta:
    return timedelta() if task.urged_at is None else task.urged_at + URGE_EVERY - turn.world.now


def comment(turn: Turn, verb: Comment) -> None:
    checks.comment(verb.text)
    turn.record("comment", before=turn.request.state, comment=verb.text, people=verb.mentions)
    turn.tell("mentioned", *verb.mentions)
