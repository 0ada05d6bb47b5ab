"""From one node to another that is not the next: which can be reached, what is left behind, what no longer counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from metadata.approvals import Branch, Node
from workflow.walking import Token, Tree, Walk, cancel

from ..request import INITIATOR, Reason, Request, Visit
from . import tasks
from .turn import Turn

Place = tuple[int | None, str]
"""A block in a run: the visit of its composite node (None: the top) and its name."""


def chain(request: Request, visit: Visit) -> Iterator[Visit]:
    """A visit and those of the composite nodes around it, the nearest first."""
    yield visit
    while visit.parent is not None:
        visit = request.visit(visit.parent)
        yield visit


def precedes(request: Request, first: Visit, second: Visit) -> bool:
    """Whether one visit comes before another one in a block that both are in: parallel branches do not."""
    places = {(each.parent, each.block): each.number for each in chain(request, second)}
    return any(each.number < places.get((each.parent, each.block), 0) for each in chain(request, first))


def path(tree: Tree, token: Token | None, walk: Walk, step: str) -> tuple[Token | None, tuple[str, ...]] | None:
    """How to get from a token (None: from the start) to a node: the token to leave, and the nodes to arrive at one
    within the other; the last is the node. None when it stands in a branch beside others: none is entered alone.
    """
    around: dict[tuple[str | None, str], Token | None] = {(None, ""): None}
    here = token
    while here is not None:
        around[tree.block_of(here.step)] = here
        here = None if here.parent is None else walk.at(here.parent)
    steps = [step]
    while (place := tree.block_of(steps[0])) not in around:
        parent, _ = place
        assert parent is not None
        composite = tree.step(parent)
        if not isinstance(composite, Branch) or composite.inclusive:
            return None
        steps.insert(0, parent)
    return around[place], tuple(steps)


def move(turn: Turn, token: Token | None, step: str, reason: Reason) -> bool:
    """Go on at another node. Composite nodes that were passed through are taken up again, with what was passed in them.

    False, and nothing changed, when the node cannot be reached.
    """
    found = path(turn.tree, token, turn.request.walk, step)
    if found is None:
        return False
    leaving, steps = found
    walk = turn.request.walk if leaving is None else cancel(turn.request.walk, leaving)
    place: Place = (None, "") if leaving is None else (leaving.parent, leaving.block)
    for each, inner in zip(steps, (*steps[1:], None), strict=True):
        block = "" if inner is None else turn.tree.block_of(inner)[1]
        kept = None if inner is None else _kept(turn.request, place, each, block)
        _undo(turn, place, each, kept)
        number = walk.visits + 1 if kept is None else kept.number
        walk = Walk((*walk.tokens, Token(number, each, *place)), max(walk.visits, number))
        if inner is not None:
            _take_up(turn, Visit(number, each, *place, entered_at=turn.world.now, ways=(block,)), kept)
        place = (number, block)
    turn.change(walk=walk)
    sweep(turn, reason)
    turn.arrivals.append(number)
    return True


def _kept(request: Request, place: Place, step: str, block: str) -> Visit | None:
    """The last visit of a branch in which the same way was taken."""
    fits = (each for each in request.visits if each.node == step and (each.parent, each.block) == place)
    last = max((each for each in fits if not each.undone), key=lambda each: each.number, default=None)
    return last if last is not None and last.ways == (block,) else None


def _take_up(turn: Turn, visit: Visit, kept: Visit | None) -> None:
    turn.put_visit(visit if kept is None else replace(kept, state="open", left_at=None))


def _undo(turn: Turn, place: Place, step: str, kept: Visit | None) -> None:
    """Visits of a block at this node or behind it no longer count as passed."""
    order = [each.id for each in _block(turn, place)]
    behind = set(order[order.index(step) + (kept is not None) :])
    undo(turn, place, behind)


def undo(turn: Turn, place: Place, nodes: Collection[str]) -> None:
    """Visits of these nodes of a block, and those within them, no longer count as passed."""
    request = turn.request
    for visit in request.visits:
        if not visit.undone and any(
            (each.parent, each.block) == place and each.node in nodes for each in chain(request, visit)
        ):
            turn.put_visit(replace(visit, undone=True))


def _block(turn: Turn, place: Place) -> tuple[Node, ...]:
    parent, block = place
    if parent is None:
        return turn.approval.nodes
    return tuple(turn.node(turn.request.visit(parent).node).blocks[block])


def sweep(turn: Turn, reason: Reason) -> None:
    """Where no token stands any longer nothing is open: visits, their tasks, their timers."""
    standing = {each.visit for each in turn.request.walk.tokens}
    for visit in turn.request.visits:
        if visit.number in standing or visit.node == INITIATOR:
            continue
        tasks.cancel(turn, turn.request.within(visit.number), reason)
        if visit.state == "open":
            turn.put_visit(replace(visit, state="cancelled", left_at=turn.world.now))
    kept = tuple(each for each in turn.request.timers if each.visit in standing)
    turn.change(timers=kept)
