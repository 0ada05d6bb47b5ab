"""What pages tell of requests beside `boxes` and `show`: summaries of many, and the way that is left of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from metadata.approvals import Approval, Human
from metadata.ids import is_uuid
from metadata.problems import NotFound
from runtime.approvals import subject
from runtime.approvals.keeping import definitions, listing
from runtime.approvals.keeping import requests as store
from runtime.approvals.showing.seeing import Seen, shown_by_nodes, sight
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.records.drafts import draft_of
from runtime.workspace import Workspace
from workflow.approvals.previewing import Step
from workflow.approvals.previewing import preview as path_of
from workflow.approvals.request import Request


@dataclass(frozen=True, slots=True)
class Brief:
    """A request in a list. `summary`: today's key of a field -> its value as it was submitted, as `show` tells it."""

    entity: str
    summary: Mapping[str, Any]
    together: frozenset[str]
    """Ids of tasks that wait for the actor and may be approved together with others."""


def briefs(ws: Workspace, ids: Collection[str], *, copied: bool = False) -> dict[str, Brief]:
    """Requests in which the actor takes part, by id; `copied`: he has copies of all. The statements do not grow with
    their number: a right that depends on the row of its record is not counted."""
    found = store.several(ws, [id for id in ids if is_uuid(id)])
    shown: dict[str, list[tuple[Request, Approval, frozenset[str]]]] = {}
    for request in found:
        entity = ws.model.entity(request.entity)
        seen = _seen(ws, request, copied)
        if entity is None or not seen.takes_part:
            continue
        try:
            approval = definitions.of_request(ws, request)
        except NotFound:
            continue  # its page says so
        fields = subject.readable(ws, entity, None, *shown_by_nodes(approval, seen, ws.actor.user))
        shown.setdefault(entity.id, []).append((request, approval, fields))
    return {id: brief for entity, some in shown.items() for id, brief in _of_entity(ws, entity, some)}


def _seen(ws: Workspace, request: Request, copied: bool) -> Seen:
    user = ws.actor.user
    mine = tuple(
        each
        for each in request.tasks
        if user is not None
        and user in (each.assignee, each.deputy, each.behalf, each.added_by, each.decided_by, each.original_assignee)
    )
    return Seen(initiator=user is not None and request.initiator == user, tasks=mine, copied=copied)


def _of_entity(
    ws: Workspace, entity_id: str, some: Collection[tuple[Request, Approval, frozenset[str]]]
) -> list[tuple[str, Brief]]:
    entity = ws.model.entity(entity_id)
    assert entity is not None
    kept = [
        {id: request.snapshot[id] for id in approval.summary if id in fields and id in request.snapshot}
        for request, approval, fields in some
    ]
    every = {id for each in kept for id in each}
    shown = subject.Shown(ws, entity, every, *kept)
    return [
        (request.id, Brief(entity.key, shown.all(values), _together(ws, approval, request)))
        for (request, approval, _), values in zip(some, kept, strict=True)
    ]


def _together(ws: Workspace, approval: Approval, request: Request) -> frozenset[str]:
    nodes = {each.id: each for each in approval.every() if isinstance(each, Human)}
    return frozenset(
        each.id
        for each in request.pending()
        if ws.actor.user in (each.assignee, each.deputy)
        and (node := nodes.get(each.node)) is not None
        and node.bulk
        and not node.sign
        and "approve" not in node.comment_on
    )


def ahead(ws: Workspace, id: str) -> list[dict[str, Any]]:
    """What is left of a running request's way if everybody approves: the nodes that ask or tell somebody.

    Of each `node`, `label`, `kind`, `people` (names), `picks` and `outcome`. Empty when it is over, waits for its
    initiator, or the actor does not see it.
    """
    request = store.find(ws, id.lower()) if is_uuid(id) else None
    if request is None or not request.running or request.returned:
        return []
    approval = definitions.of_request(ws, request)
    if sight(ws, approval, request) is None:
        return []
    plan, people = subject.plan_for(ws, request.entity), People(ws)
    values = subject.look(ws, plan, request.record)
    if values is None:
        return []
    steps = path_of(approval, RecordWorld(ws, plan, draft_of(request.record, values), people), request)
    last = max((each.number for each in request.visits), default=0)
    left = [each for each in steps if each.visit > last and (each.people or each.picks or each.kind == "human")]
    people.known(person.user for each in left for person in each.people)
    return [_step(people, approval, each, ws.actor.language) for each in left]


def _step(people: People, approval: Approval, step: Step, lang: str) -> dict[str, Any]:
    return {
        "node": step.node,
        "label": listing.node_name(approval, step.node, lang),
        "kind": step.kind,
        "people": [people.name(each.user) for each in step.people],
        "picks": step.picks,
        "outcome": step.outcome,
    }
