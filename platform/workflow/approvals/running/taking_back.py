"""撤回审批: an approver undoes his own decision, as long as nobody has acted on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from metadata.approvals import Delay, SetFields
from workflow.walking import Token, Walk, cancel

from .. import refusals as say
from ..refusals import NotYours, TooLate
from ..request import Task, Visit
from ..verbs import TakeBack
from . import checks, tasks
from .moving import chain, sweep
from .turn import Turn


def take_back(turn: Turn, verb: TakeBack) -> None:
    checks.running(turn)
    if turn.request.returned:
        raise TooLate(say.MEND_FIRST("task", who=turn.world.name(turn.request.initiator)))
    task = checks.known(turn, verb.task)
    if turn.actor != task.decided_by:
        raise NotYours(say.NOT_TAKEN_BACK("task"))
    visit = turn.request.visit(task.visit)
    superseded = any(each.again == task.id for each in turn.request.tasks)
    if visit.undone or superseded or task.kind not in tasks.VOTERS or visit.state not in ("open", "passed"):
        raise TooLate(say.NOT_TAKEN_BACK("task"))
    if task.state == "approving":
        _nobody_acted(turn, _signers(turn, task))
        _stop_signers(turn, task)
    elif task.state in ("approved", "rejected"):
        _nobody_acted(turn, [*_signers(turn, task), *_later_voters(turn, visit, task)])
        if visit.state == "passed":
            _restore(turn, visit)
        _again(turn, visit, task)
    else:
        raise TooLate(say.NOT_TAKEN_BACK("task"))
    turn.record("take_back", task=turn.task(task.id), before=task.state, comment=verb.comment)


def _nobody_acted(turn: Turn, found: Collection[Task]) -> None:
    acted = [each.decided_by for each in found if each.decided_by] + [each.added_by for each in found if each.added_by]
    if acted:
        raise TooLate(say.TAKE_BACK_LATE("task", who=checks.names(turn, acted)))


def _signers(turn: Turn, task: Task) -> list[Task]:
    """The signers after a task, and whom they have brought in themselves."""
    after = [each for each in turn.request.tasks if each.parent == task.id and each.kind == "after"]
    return [*(replace(each, added_by=None) for each in after), *_bearing(turn, after)]


def _bearing(turn: Turn, found: Collection[Task]) -> list[Task]:
    ids = {each.id for each in found}
    return [each for each in turn.request.tasks if each.parent in ids and each.kind != "alongside"]


def _later_voters(turn: Turn, visit: Visit, task: Task) -> list[Task]:
    """In a sequence, those whose turn came after."""
    if tasks.mode_of(turn, visit).kind != "sequential":
        return []
    later = [each for each in tasks.voters(turn, visit.number) if each.order > task.order]
    return [*(replace(each, added_by=None) for each in later), *_bearing(turn, later)]


def _stop_signers(turn: Turn, task: Task) -> None:
    for each in tasks.children(turn, task, "after"):
        tasks.wait(turn, each)
    tasks.ask(turn, replace(task, decided_by=None, decided_at=None, comment="", signature=None))


def _again(turn: Turn, visit: Visit, task: Task) -> None:
    """The decided task stays as it was; a new one takes its place, and those who were cut short by it are asked too."""
    over = {each.again for each in turn.request.tasks}
    cut = [
        each
        for each in turn.request.within(visit.number)
        if each.kind in tasks.VOTERS and each.id not in over and each.state == "cancelled" and each.reason == "decided"
    ]
    if tasks.mode_of(turn, visit).kind == "sequential":
        for each in tasks.voters(turn, visit.number):
            if each.state == "pending":
                tasks.wait(turn, each)
    for each in (task, *cut):
        again = replace(
            tasks.make(turn, visit, each.assignee, each.order, each.kind),
            parent=each.parent,
            added_by=each.added_by,
            original_assignee=each.original_assignee,
            behalf=each.behalf,
            deputy=each.deputy,
            again=each.id,
        )
        tasks.ask(turn, again)
    turn.tell("taken_back", *(each.assignee for each in cut))


def _restore(turn: Turn, visit: Visit) -> None:
    """The visit and those of the composite nodes around it stand again where they stood."""
    walk, around = turn.request.walk, [*chain(turn.request, visit)]
    gone = [each for each in around if walk.at(each.number) is None]
    outermost = gone[-1]
    place = (outermost.parent, outermost.block)
    later = [
        each
        for each in turn.request.visits
        if not each.undone
        and any(
            (above.parent, above.block) == place and above.number > outermost.number
            for above in chain(turn.request, each)
        )
    ]
    _not_gone_on(turn, later)
    told = [each.assignee for each in turn.request.pending() if each.visit in {visit.number for visit in later}]
    for token in walk.tokens:
        if (token.parent, token.block) == place:
            walk = cancel(walk, token)
    restored = (Token(each.number, each.node, each.parent, each.block) for each in reversed(gone))
    turn.change(walk=Walk((*walk.tokens, *restored), walk.visits))
    _undone(turn, later)
    for each in gone:
        turn.put_visit(replace(turn.request.visit(each.number), state="open", left_at=None))
    sweep(turn, "taken_back")
    turn.tell("taken_back", *told)


def _undone(turn: Turn, later: Collection[Visit]) -> None:
    for each in later:
        turn.put_visit(replace(each, undone=True))


def _not_gone_on(turn: Turn, later: Collection[Visit]) -> None:
    """Nobody has acted there, and nothing was done that cannot be undone."""
    for visit in later:
        _nobody_acted(turn, turn.request.within(visit.number))
        node = turn.node(visit.node)
        if isinstance(node, SetFields) or (isinstance(node, Delay) and visit.state == "passed"):
            raise TooLate(say.TAKE_BACK_SET("task", node=node.label))
