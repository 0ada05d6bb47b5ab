"""What somebody may do now to a request: what is plain is said, the rest is tried on the engine, which is pure."""

from __future__ import annotations

from typing import Any

from metadata.approvals import Approval, Human
from runtime.approvals.keeping.listing import REQUEST, node_name
from runtime.approvals.showing.seeing import Seen
from runtime.approvals.world.world import RecordWorld
from runtime.queries.rules import token_allows
from runtime.workspace import Workspace
from workflow.approvals.acting import act
from workflow.approvals.refusals import Refused
from workflow.approvals.request import INITIATOR, Request, Task
from workflow.approvals.verbs import Return, TakeBack, Verb, Withdraw

_REASON = "…"
"""Stands for what will be said when it is done."""


def allowed(
    ws: Workspace, approval: Approval, request: Request, seen: Seen, world: RecordWorld
) -> list[dict[str, Any]]:
    """`{"verb", "task"?, ...}` for everything that the actor may do. With approve, reject and return: whether a
    `comment` or a `signature` is needed, with approve the fields to `write` by key and nodes to `pick` for, with return
    its `targets`."""
    entity, user = ws.model.entity(REQUEST), ws.actor.user
    if entity is None or user is None or not token_allows(ws.model, ws.actor, entity, "update"):
        return []
    found: list[dict[str, Any]] = [{"verb": "comment"}]
    if seen.copied:
        found.append({"verb": "read"})
    for task in seen.tasks:
        if task.state == "pending" and user in (task.assignee, task.deputy) and request.running:
            found += _of_task(ws, approval, request, task, world)
        elif task.added_by == user and task.open:
            found.append({"verb": "remove_signer", "task": task.id})
        if task.decided_by == user and request.running and _goes(approval, request, TakeBack(user, task.id), world):
            found.append({"verb": "take_back", "task": task.id})
    found += _of_request(approval, request, seen, world, user)
    if seen.admin:
        found += _of_admin(ws, approval, request)
    return found


def _of_task(
    ws: Workspace, approval: Approval, request: Request, task: Task, world: RecordWorld
) -> list[dict[str, Any]]:
    if task.kind == "initiator":
        return []  # mended by the initiator: `resubmit`
    node = next(each for each in approval.every() if each.id == task.node)
    assert isinstance(node, Human)
    opinion = task.kind == "delegate"
    signed = {"signature": node.sign and not opinion}
    found: list[dict[str, Any]] = [
        {
            "verb": "approve",
            "task": task.id,
            "comment": "approve" in node.comment_on and not opinion,
            **signed,
            "write": [] if opinion else _written(world, approval, node),
            "pick": [] if opinion else picks_of(ws, approval, request, "approver_picks"),
        }
    ]
    if not node.handle or opinion:
        found.append(
            {"verb": "reject", "task": task.id, "comment": "reject" in node.comment_on and not opinion, **signed}
        )
    if opinion:
        return found
    targets = _targets(ws, approval, request, task, world)
    if targets:
        found.append({"verb": "return", "task": task.id, "comment": "return" in node.comment_on, "targets": targets})
    return found + [{"verb": verb, "task": task.id} for verb in ("add_signer", "transfer", "delegate")]


def _written(world: RecordWorld, approval: Approval, node: Human) -> list[str]:
    own = [id for id, right in node.fields.items() if right == "write"]
    fields = world.plan.entity.fields
    return [fields[id].key for id in dict.fromkeys((*own, *approval.open_fields)) if id in fields]


def picks_of(ws: Workspace, approval: Approval, request: Request, by: str) -> list[dict[str, Any]]:
    """The nodes for which somebody (`initiator_picks` or `approver_picks`) chooses people and has not yet: `among`
    names the roles to choose from."""
    return [
        {
            "node": node.id,
            "label": node_name(approval, node.id, ws.actor.language),
            "least": who.least,
            "most": who.most,
            "among": list(who.among),
        }
        for node in approval.every()
        for who in getattr(node, "who", ())
        if who.by == by and node.id not in request.picks
    ]


def _targets(
    ws: Workspace, approval: Approval, request: Request, task: Task, world: RecordWorld
) -> list[dict[str, str]]:
    user = str(ws.actor.user)
    passed = [each.node for each in request.visits if each.state == "passed" and not each.undone]
    names = dict.fromkeys(("initiator", *(each for each in reversed(passed) if each != INITIATOR)))
    return [
        {"to": to, "label": node_name(approval, INITIATOR if to == "initiator" else to, ws.actor.language)}
        for to in list(names)[:20]
        if _goes(approval, request, Return(user, task.id, to, _REASON), world)
    ]


def _of_request(
    approval: Approval, request: Request, seen: Seen, world: RecordWorld, user: str
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not request.running:
        return found
    if seen.initiator and request.returned:
        found.append({"verb": "resubmit"})
    if (seen.initiator or seen.admin) and _goes(approval, request, Withdraw(user), world):
        found.append({"verb": "withdraw"})
    if seen.initiator and any(each.kind != "initiator" for each in request.pending()):
        found.append({"verb": "urge"})
    return found


def _of_admin(ws: Workspace, approval: Approval, request: Request) -> list[dict[str, Any]]:
    if request.state == "approved":
        return [{"verb": "void", "comment": True}]
    if not request.running:
        return []
    reassigned = [
        {"verb": "reassign", "task": each.id, "comment": True}
        for each in request.tasks
        if each.state in ("waiting", "pending") and each.kind != "initiator"
    ]
    nodes = [{"to": node.id, "label": node_name(approval, node.id, ws.actor.language)} for node in approval.every()]
    return [*reassigned, {"verb": "jump", "comment": True, "targets": nodes}, {"verb": "terminate", "comment": True}]


def _goes(approval: Approval, request: Request, verb: Verb, world: RecordWorld) -> bool:
    """Whether the engine would do it now."""
    try:
        act(approval, request, verb, world)
    except Refused:
        return False
    return True
