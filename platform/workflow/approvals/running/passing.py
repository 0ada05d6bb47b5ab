"""A visit is over: on to the next node, back to another one, or the end of the request."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from metadata.approvals import Human
from workflow.walking import Walk

from ..effects import Ended, Lock, Moment, SetFields, Unlock
from ..request import INITIATOR, Reason, Visit
from . import tasks
from .moving import move, path, precedes, sweep
from .turn import Turn

Ending = Literal["approved", "rejected", "withdrawn", "terminated"]

_REASONS: dict[Ending, Reason] = {
    "approved": "decided",
    "rejected": "rejected",
    "withdrawn": "withdrawn",
    "terminated": "terminated",
}


def leave(turn: Turn, number: int) -> None:
    """A visit is passed. The composite node around it is too when this was the last of its blocks."""
    here: int | None = number
    while here is not None:
        turn.put_visit(replace(turn.request.visit(here), state="passed", left_at=turn.world.now))
        token = turn.request.walk.at(here)
        assert token is not None
        walk, arrived, around = turn.tree.leave(turn.request.walk, token)
        turn.change(walk=walk)
        if arrived is not None:
            turn.arrivals.append(arrived.visit)
            return
        if around is None:
            end(turn, "approved")
            return
        here = None if walk.children(around.visit) else around.visit


def refuse(turn: Turn, number: int) -> None:
    """A visit was decided against: the request is rejected, or goes back as the node says."""
    visit = turn.put_visit(replace(turn.request.visit(number), state="rejected", left_at=turn.world.now))
    node = turn.human(visit.node)
    if node.reject == "return":
        go_back(turn, visit, _after_rejection(turn, visit, node))
    else:
        end(turn, "rejected")


def targets(turn: Turn, visit: Visit) -> tuple[Visit, ...]:
    """Where one can return to from a visit, the nearest first: people decided there, it lies before, and it is reached
    without entering one of several parallel branches."""
    request = turn.request
    token = request.walk.at(visit.number)
    found: dict[str, Visit] = {}
    for each in sorted(request.visits, key=lambda earlier: -earlier.number):
        if each.undone or each.state != "passed" or each.node in found or each.node in (visit.node, INITIATOR):
            continue
        decided = any(task.decided_by is not None and task.state == "approved" for task in request.within(each.number))
        if decided and precedes(request, each, visit) and path(turn.tree, token, request.walk, each.node) is not None:
            found[each.node] = each
    return tuple(found.values())


def _after_rejection(turn: Turn, visit: Visit, node: Human) -> str:
    """The first of the places that the node may return to and that was passed; else its initiator."""
    reached = [each.node for each in targets(turn, visit)]
    for name in node.return_to:
        if name == "initiator":
            break
        if name in ("previous", "any_passed") and reached:
            return reached[0]
        if name in reached:
            return name
    return INITIATOR


def go_back(turn: Turn, visit: Visit, to: str) -> None:
    """From a visit that was returned or rejected to `INITIATOR` or a passed node, which must be one of `targets`."""
    turn.change(after_return=True)
    if to == INITIATOR:
        _to_initiator(turn, visit)
        return
    assert move(turn, turn.request.walk.at(visit.number), to, "returned")


def _to_initiator(turn: Turn, visit: Visit) -> None:
    number = turn.request.walk.visits + 1
    turn.change(walk=Walk((), number), returned_from=visit.node)
    sweep(turn, "returned")
    turn.arrivals.clear()
    mending = turn.put_visit(Visit(number, INITIATOR, entered_at=turn.world.now))
    tasks.ask(turn, tasks.make(turn, mending, turn.request.initiator, 0, "initiator"))
    set_actions(turn, "returned")
    turn.effects.append(Unlock())
    turn.tell("returned", turn.request.initiator)


def end(turn: Turn, state: Ending, reason: str = "") -> None:
    """The request is over: nobody is asked any longer."""
    asked = [each.assignee for each in turn.request.pending()]
    before = turn.request.state
    turn.change(walk=Walk((), turn.request.walk.visits), state=state, ended_at=turn.world.now, reason=reason)
    turn.arrivals.clear()
    sweep(turn, _REASONS[state])
    for each in turn.request.tasks:
        tasks.cancel(turn, (each,), _REASONS[state])
    for visit in turn.request.visits:
        if visit.state == "open":
            turn.put_visit(replace(visit, state="cancelled", left_at=turn.world.now))
    set_actions(turn, state)
    if state not in turn.approval.keep_lock:
        turn.effects.append(Unlock())
    turn.effects.append(Ended(state))
    turn.record("end", before=before, comment=reason)
    turn.tell(state, turn.request.initiator, *(asked if state in ("withdrawn", "terminated") else ()))


def begin(turn: Turn, moment: Moment | None) -> None:
    """The request runs, from here on under lock."""
    if moment is not None:
        set_actions(turn, moment)
    turn.effects.append(Lock())


def set_actions(turn: Turn, moment: Moment) -> None:
    values = turn.approval.actions.get(moment)
    if values:
        set_fields(turn, SetFields(values, moment))


def set_fields(turn: Turn, effect: SetFields) -> None:
    """Change the record; conditions further on see it."""
    turn.effects.append(effect)
    turn.world = turn.world.setting(effect.values)
