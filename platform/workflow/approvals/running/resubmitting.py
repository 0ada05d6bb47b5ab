"""A request starts, is sent again after a return, or is moved by an administrator."""

from __future__ import annotations

from dataclasses import replace

from metadata.approvals import Branch
from workflow.walking import Token, Tree

from .. import refusals as say
from ..refusals import NotYours, TooLate, Wrong
from ..verbs import Jump, Resubmit, Submit
from . import checks, tasks
from .moving import move, path
from .passing import begin, end
from .turn import Turn


def submit(turn: Turn, verb: Submit) -> None:
    request = turn.request
    if request.state != "draft":
        raise TooLate(say.NOT_DRAFT(who=turn.world.name(request.initiator)))
    checks.initiator(turn)
    allowed = turn.approval.submitters
    if allowed and set(allowed).isdisjoint(turn.world.roles(verb.actor)):
        raise NotYours(say.NOT_SUBMITTER())
    if turn.approval.entry is not None and not turn.world.holds(turn.approval.entry):
        raise Wrong(say.NOT_ENTERED())
    checks.picks(turn, verb.picks)
    turn.change(state="running", submitted_at=turn.world.now, picks=dict(verb.picks))
    turn.change(snapshot=dict(verb.snapshot), deciding=dict(verb.deciding))
    turn.record("submit", before="draft", comment=verb.comment)
    begin(turn, "submitted")
    _start(turn)


def resubmit(turn: Turn, verb: Resubmit) -> None:
    """From the first node, or straight to the one that returned it, if nothing has changed that decides the route."""
    checks.running(turn)
    checks.initiator(turn)
    mending = next((each for each in turn.request.tasks if each.kind == "initiator" and each.open), None)
    if mending is None:
        raise TooLate(say.NOT_RETURNED())
    checks.picks(turn, verb.picks)
    request = turn.request
    same = dict(request.deciding) == dict(verb.deciding)
    direct = turn.approval.resubmit == "direct" and same and request.returned_from is not None
    tasks.close(turn, mending, "approved", by=verb.actor, comment=verb.comment)
    visit = request.visit(mending.visit)
    turn.put_visit(replace(visit, state="passed", left_at=turn.world.now, undone=True))
    turn.change(
        snapshot=dict(verb.snapshot),
        deciding=dict(verb.deciding),
        picks={**request.picks, **verb.picks},
        returned_from=None,
    )
    how = "direct" if direct else "restart"
    turn.record("resubmit", task=turn.task(mending.id), before="pending", comment=verb.comment, how=how, same=same)
    begin(turn, None)
    if direct:
        assert request.returned_from is not None
        move(turn, None, _alone(turn.tree, request.returned_from), "returned")
    else:
        _start(turn)


def _alone(tree: Tree, step: str) -> str:
    """The node itself, or the outermost of those around it whose branches run beside each other: all of them start
    again with it."""
    found = step
    for composite, _ in tree.above(step):
        node = tree.step(composite)
        if not isinstance(node, Branch) or node.inclusive:
            found = composite
    return found


def _start(turn: Turn) -> None:
    """At the first node. What was passed before no longer counts."""
    for visit in turn.request.visits:
        turn.put_visit(replace(visit, undone=True))
    walk, arrived = turn.tree.enter(turn.request.walk, None)
    turn.change(walk=walk)
    if arrived is None:
        end(turn, "approved")
    else:
        turn.arrivals.append(arrived.visit)


def jump(turn: Turn, verb: Jump) -> None:
    """On at any node that can be reached. Approvals on the way are not asked for: the trail says who did that."""
    checks.running(turn)
    checks.admin(turn)
    checks.reason(verb.reason)
    walk = turn.request.walk
    tokens: list[Token | None] = [*walk.tokens] or [None]
    reached = [token for token in tokens if turn.tree.knows(verb.to) and path(turn.tree, token, walk, verb.to)]
    if not reached:
        every = [node.id for node in turn.approval.every()]
        targets = [each for each in every if any(path(turn.tree, token, walk, each) for token in tokens)]
        raise Wrong(say.NO_JUMP("to", node=verb.to, targets=targets))
    for each in turn.request.tasks:
        if each.kind == "initiator" and each.open:
            tasks.close(turn, each, "cancelled", reason="jumped")
            turn.change(returned_from=None)
            begin(turn, None)
    innermost = max(reached, key=lambda token: 0 if token is None else len([*turn.tree.above(token.step)]))
    turn.record("jump", comment=verb.reason, to=verb.to)
    move(turn, innermost, verb.to, "jumped")
