"""The assignee answers: approves, rejects, returns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from metadata.approvals import Human

from .. import refusals as say
from ..effects import WriteFields
from ..refusals import Wrong
from ..request import INITIATOR, Task
from ..verbs import Approve, Reject, Return
from . import checks, tasks, votes
from .passing import go_back, targets
from .turn import Turn


def approve(turn: Turn, verb: Approve) -> None:
    task = checks.by_approver(turn, checks.mine(turn, verb.task))
    _complete(turn, task, "approve", verb.comment, verb.signature)
    checks.picks(turn, verb.picks)
    if verb.picks:
        turn.change(picks={**turn.request.picks, **verb.picks})
    if verb.changes:
        _write(turn, task, verb)
    votes.approve(turn, turn.task(task.id), by=verb.actor, comment=verb.comment, signature=verb.signature)


def reject(turn: Turn, verb: Reject) -> None:
    task = checks.by_approver(turn, checks.mine(turn, verb.task))
    if turn.human(task.node).handle and task.kind != "delegate":
        raise Wrong(say.NO_REJECT("task"))
    _complete(turn, task, "reject", verb.comment, verb.signature)
    votes.reject(turn, task, by=verb.actor, comment=verb.comment, signature=verb.signature)


def _complete(turn: Turn, task: Task, what: Literal["approve", "reject"], comment: str, signature: str | None) -> None:
    """A decision has the comment and the signature that the node asks for; an opinion needs neither."""
    node = turn.human(task.node)
    if task.kind == "delegate":
        return
    if what in node.comment_on:
        checks.comment(comment)
    if node.sign and signature is None:
        raise Wrong(say.SIGNATURE_NEEDED("signature"))


def _write(turn: Turn, task: Task, verb: Approve) -> None:
    checks.deciding(turn, task)
    node, snapshot = turn.human(task.node), turn.request.snapshot
    closed = [id for id in verb.changes if node.fields.get(id) != "write" and not _open(turn, node, id)]
    if closed:
        raise Wrong(say.CLOSED_FIELDS("changes", fields=closed, who=turn.world.name(turn.request.initiator)))
    turn.effects.append(WriteFields(verb.changes, task.id))
    fields: dict[str, tuple[Any, Any]] = {id: (snapshot.get(id), value) for id, value in verb.changes.items()}
    turn.record("write", task=task, before=task.state, fields=fields)
    turn.change(snapshot={**snapshot, **verb.changes})
    turn.world = turn.world.writing(verb.changes)


def _open(turn: Turn, node: Human, id: str) -> bool:
    """A field that the approval leaves open, unless the node says otherwise."""
    return id in turn.approval.open_fields and id not in node.fields


def back(turn: Turn, verb: Return) -> None:
    """Return by one ends the node for all. Branches beside it go on, unless they lie behind the target."""
    task = checks.by_approver(turn, checks.deciding(turn, checks.mine(turn, verb.task)))
    if "return" in turn.human(task.node).comment_on:
        checks.comment(verb.comment)
    to = destination(turn, task, verb.to)
    closed = tasks.close(turn, task, "returned", by=verb.actor, comment=verb.comment)
    turn.record("return", task=closed, before="pending", comment=verb.comment, to=to)
    visit = turn.request.visit(task.visit)
    go_back(turn, turn.put_visit(replace(visit, state="returned", left_at=turn.world.now)), to)


def destination(turn: Turn, task: Task, to: str) -> str:
    """The node that `to` means. Raises `Wrong` with the nodes that there are."""
    allowed = return_targets(turn, task)
    node = turn.human(task.node)
    if to == "previous" and "previous" in node.return_to:
        return next((each for each in allowed if each != INITIATOR), INITIATOR)
    if to == "initiator":
        to = INITIATOR
    if to in allowed:
        return to
    if not allowed:
        raise Wrong(say.NO_RETURN_AT_ALL("to"))
    raise Wrong(say.NO_RETURN("to", targets=["initiator" if each == INITIATOR else each for each in allowed]))


def return_targets(turn: Turn, task: Task) -> tuple[str, ...]:
    """Where a task may be returned to: ids of nodes, the nearest first, and `INITIATOR`."""
    node = turn.human(task.node)
    reached = [each.node for each in targets(turn, turn.request.visit(task.visit))]
    everywhere = "any_passed" in node.return_to
    nearest = reached[:1] if "previous" in node.return_to else []
    found = [each for each in reached if everywhere or each in node.return_to or each in nearest]
    nowhere = "previous" in node.return_to and not reached
    return (*found, *([INITIATOR] if "initiator" in node.return_to or nowhere else []))
