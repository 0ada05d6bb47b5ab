"""The door of the approval engine: one verb moves one request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from metadata.approvals import Approval

from .effects import CloseTasks, Effect, OpenTasks
from .previewing import ahead, to_pick
from .refusals import PICK, Wrong
from .request import Request
from .running import answering, ending, handing, representing, resubmitting, signing, taking_back, talking, timeouts
from .running.checks import known
from .running.nodes import drive
from .running.turn import Picker, Turn, begin
from .verbs import (
    AddSigner,
    Approve,
    Comment,
    Delegate,
    Jump,
    Leave,
    Reassign,
    Reject,
    RemoveSigner,
    Represent,
    Resubmit,
    Return,
    Submit,
    TakeBack,
    Terminate,
    TimerDue,
    Transfer,
    Urge,
    Verb,
    Void,
    Withdraw,
)
from .world import World


def act(approval: Approval, request: Request, verb: Verb, world: World) -> tuple[Request, tuple[Effect, ...]]:
    """The request after a verb, and what the platform has to do in the same transaction, in order.

    `approval` is the definition of the release that the request runs under. Raises `Refused`; then nothing has changed.
    A timer that is no longer set gives the request itself and nothing to do.
    """
    if approval.id != request.approval:
        raise ValueError(f"{request.id} is a request of {request.approval}, not of {approval.id}")
    if isinstance(verb, TimerDue) and all(each.key != verb.key for each in request.timers):
        return request, ()
    turn = begin(approval, request, world, actor=_actor(verb), picker=_picker(verb))
    _perform(turn, verb)
    drive(turn)
    if isinstance(verb, (Submit, Resubmit)):
        _picked_ahead(turn)
    turn.change(version=request.version + 1)
    return turn.request, (*turn.effects, *_asked(request, turn.request))


def _actor(verb: Verb) -> str | None:
    return None if isinstance(verb, TimerDue) else verb.actor


def _picker(verb: Verb) -> Picker | None:
    match verb:
        case Submit() | Resubmit():
            return "initiator_picks"
        case Approve():
            return "approver_picks"
        case _:
            return None


def _perform(turn: Turn, verb: Verb) -> None:
    match verb:
        case Submit():
            resubmitting.submit(turn, verb)
        case Resubmit():
            resubmitting.resubmit(turn, verb)
        case Jump():
            resubmitting.jump(turn, verb)
        case Approve():
            answering.approve(turn, verb)
        case Reject():
            answering.reject(turn, verb)
        case Return():
            answering.back(turn, verb)
        case AddSigner():
            signing.add(turn, verb)
        case RemoveSigner():
            signing.remove(turn, verb)
        case Transfer():
            handing.transfer(turn, verb)
        case Delegate():
            handing.delegate(turn, verb)
        case Reassign():
            handing.reassign(turn, verb)
        case Leave():
            handing.leave(turn, verb)
        case Represent():
            representing.represent(turn, verb)
        case Withdraw():
            ending.withdraw(turn, verb)
        case Void():
            ending.void(turn, verb)
        case Terminate():
            ending.terminate(turn, verb)
        case TakeBack():
            taking_back.take_back(turn, verb)
        case Urge():
            talking.urge(turn, verb)
        case Comment():
            talking.comment(turn, verb)
        case TimerDue(key=key):
            timeouts.due(turn, next(each for each in turn.request.timers if each.key == key))
        case _:
            assert_never(verb)


def _picked_ahead(turn: Turn) -> None:
    """The initiator is asked for everybody whom he has to pick on the path ahead, while he is there."""
    for id, (who, label) in to_pick(turn.approval, "initiator_picks").items():
        if len(turn.request.picks.get(id, ())) < who.least and any(step.node == id for step in ahead(turn)):
            raise Wrong(PICK(f"picks.{id}", node=label, least=who.least, most=who.most))


def _asked(before: Request, after: Request) -> tuple[Effect, ...]:
    """Who is asked now and was not, and whose task is over."""
    known = {each.id: each for each in before.tasks}
    closed = tuple(each for each in after.tasks if not each.open and each.id in known and known[each.id].open)
    asked = (each for each in after.tasks if each.state == "pending")
    opened = tuple(each for each in asked if each.id not in known or known[each.id].rounds != each.rounds)
    return (*((CloseTasks(closed),) if closed else ()), *((OpenTasks(opened),) if opened else ()))


def matching(approvals: Iterable[Approval], world: World) -> Approval | None:
    """The approval that a record takes: the first of these, in their order, whose entry condition it meets."""
    return next((each for each in approvals if each.active and (each.entry is None or world.holds(each.entry))), None)


def return_targets(approval: Approval, request: Request, task: str, world: World) -> tuple[str, ...]:
    """Where a pending task may be returned to: ids of nodes, the nearest first, and `INITIATOR`."""
    turn = begin(approval, request, world)
    found = known(turn, task)
    if found.state != "pending" or found.kind in ("initiator", "delegate"):
        return ()
    return answering.return_targets(turn, found)
