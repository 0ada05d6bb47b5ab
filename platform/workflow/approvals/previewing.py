"""Which nodes a request will pass and who will be asked, if everybody approves. The same code as the run itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

from metadata.approvals import Approval, Copy, Human, Who
from metadata.problems import Label

from .request import INITIATOR, Request
from .running import resubmitting, votes
from .running.nodes import drive
from .running.passing import leave
from .running.tasks import VOTERS
from .running.turn import Picker, Turn, begin
from .verbs import Submit
from .world import World

MOST = 500
"""After so many decisions a path is shown no further."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is asked, or told."""

    user: str
    behalf: str | None = None
    deputy: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the path, in the order of arrival."""

    visit: int
    node: str
    kind: str
    """`Node.kind`."""
    people: tuple[Person, ...] = ()
    outcome: str = ""
    """`Visit.outcome`: why nobody, or somebody else, is asked."""
    ways: tuple[str, ...] = ()
    picks: Picker | None = None
    """Who has to choose people for it and has not yet."""


def preview(approval: Approval, world: World, request: Request) -> tuple[Step, ...]:
    """The path of a request from its beginning: of a draft, as if it were submitted now; of a running one, what has
    been and what is ahead. What was undone by a return is left out. Raises `Refused` when a draft may not be submitted.
    """
    turn = begin(approval, request, world)
    if request.state == "draft":
        turn.actor = request.initiator
        resubmitting.submit(turn, Submit(request.initiator, picks=request.picks))
    return ahead(turn)


def ahead(turn: Turn) -> tuple[Step, ...]:
    """The path of a request in the middle of a turn, which stays as it is."""
    numbers = count(1)
    trial = replace(turn, effects=[], arrivals=turn.arrivals.copy(), actor=None, picker=None)
    trial.new_id = lambda: f"{next(numbers)}:ahead"
    drive(trial)
    for _ in range(MOST):
        if not trial.request.running or not _go_on(trial):
            break
        drive(trial)
    return path(trial.approval, trial.request)


def _go_on(turn: Turn) -> bool:
    """Somebody approves, or a delay is over; False when nothing can go on."""
    asked = next((each for each in turn.request.pending() if each.kind != "initiator"), None)
    if asked is not None:
        votes.approve(turn, asked, by=asked.assignee)
        return True
    delay = next((each for each in turn.request.timers if each.kind == "delay"), None)
    if delay is not None:
        turn.change(timers=tuple(each for each in turn.request.timers if each.key != delay.key))
        leave(turn, delay.visit)
    return delay is not None


def path(approval: Approval, request: Request) -> tuple[Step, ...]:
    """The nodes that a request has arrived at and that still count, with the people who were asked."""
    nodes = {each.id: each for each in approval.every()}
    pickers = {kind: to_pick(approval, kind) for kind in _PICKERS}
    steps = []
    for visit in request.visits:
        if visit.undone or visit.node == INITIATOR:
            continue
        asked = (each for each in request.within(visit.number) if each.kind in VOTERS and each.again is None)
        first = (each for each in asked if each.original_assignee is None)
        people = tuple(Person(each.assignee, each.behalf, each.deputy) for each in first)
        missing = (
            kind
            for kind, found in pickers.items()
            if visit.node in found and len(request.picks.get(visit.node, ())) < found[visit.node][0].least
        )
        told = tuple(Person(user) for user in visit.copied)
        kind = nodes[visit.node].kind
        steps.append(
            Step(visit.number, visit.node, kind, people or told, visit.outcome, visit.ways, next(missing, None))
        )
    return tuple(steps)


_PICKERS: tuple[Picker, ...] = ("initiator_picks", "approver_picks")


def to_pick(approval: Approval, picker: Picker) -> dict[str, tuple[Who, Label]]:
    """The nodes for which the initiator or an approver picks people: id -> the source and the node's label."""
    return {
        node.id: (who, node.label)
        for node in approval.every()
        if isinstance(node, (Human, Copy))
        for who in node.who
        if who.by == picker
    }
