"""One request with everything that a decision needs, as far as its reader may know it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from metadata.approvals import Approval, Human
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import NotFound, say
from runtime.approvals import subject
from runtime.approvals.asking.submitting import standing
from runtime.approvals.driving.drive import UNKNOWN
from runtime.approvals.keeping import definitions, listing, trail
from runtime.approvals.keeping import requests as store
from runtime.approvals.showing.allowing import allowed
from runtime.approvals.showing.boxes import definition
from runtime.approvals.showing.seeing import Seen, shown_by_nodes, sight
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.codecs import datetime_text
from runtime.queries.rules import sees
from runtime.records.drafts import draft_of
from runtime.workspace import Workspace
from workflow.approvals.request import INITIATOR, Request, Task, Visit


def show(ws: Workspace, id: str) -> dict[str, Any]:
    """One request as JSON data. Raises NotFound for one that the actor may not see.

    `record`: the record as it was submitted (`fields`), what has `moved` since and the `summary`, by today's keys and
    only what he may read; `route`: every visit with its tasks; `history`: the trail; `verbs`: what he may do now, by
    task where it is about one.
    """
    request = store.find(ws, id.lower()) if is_uuid(id) else None
    if request is None:
        raise NotFound(UNKNOWN())
    approval = definitions.of_request(ws, request)
    seen = sight(ws, approval, request)
    if seen is None:
        raise NotFound(UNKNOWN())
    people = People(ws)
    lines = trail.lines(ws, request.id)
    people.known(_everybody(request, lines))
    plan = subject.plan_for(ws, request.entity)
    values = subject.look(ws, plan, request.record)
    fields = _fields(ws, approval, request, seen, plan, values)
    lang = ws.actor.language
    return {
        "id": request.id,
        "version": request.version,
        "title": say(listing.titles_of(ws, request.id), lang),
        "approval": definition(ws, request.approval, say(approval.label, lang)),
        "state": request.state,
        "returned": request.returned,
        "initiator": _person(people, request.initiator),
        "submitted_at": _time(request.submitted_at),
        "ended_at": _time(request.ended_at),
        "reason": request.reason,
        "record": _record(ws, approval, request, plan, values, fields),
        "route": [visit_json(people, approval, request, each, lang) for each in request.visits],
        "copies": _copies(people, listing.copies_of(ws, request.id)),
        "history": [_line(ws, people, approval, each, plan.entity, fields) for each in lines],
        "verbs": allowed(ws, approval, request, seen, _world(ws, plan, request, values, people)),
    }


def summed_up(ws: Workspace, request: Request) -> dict[str, Any]:
    """A request in short: where it stands and who is asked now."""
    people = People(ws)
    people.known(each.assignee for each in request.pending())
    asked = [
        {"task": each.id, "node": each.node, "assignee": _person(people, each.assignee)} for each in request.pending()
    ]
    entity = ws.model.entity(request.entity)
    return {
        "id": request.id,
        "version": request.version,
        "state": request.state,
        "returned": request.returned,
        "record": {"entity": entity.key if entity else request.entity, "id": request.record},
        "asked": asked,
    }


def standing_json(ws: Workspace, entity: Entity, id: str) -> dict[str, Any]:
    """Where a record stands. The last request is told to whoever may see it. Raises NotFound."""
    found = standing(ws, entity, id)
    request, approval = found.request, found.approval
    told = None
    if request is not None and sight(ws, definitions.of_request(ws, request), request) is not None:
        told = summed_up(ws, request)
    return {
        "state": found.need,
        "approval": None if approval is None else definition(ws, approval.id, say(approval.label, ws.actor.language)),
        "request": told,
        "may_submit": found.may_submit,
    }


def _world(ws: Workspace, plan: Any, request: Request, values: Mapping[str, Any] | None, people: People) -> RecordWorld:
    return RecordWorld(ws, plan, draft_of(request.record, values or {"id": request.record}), people)


def _fields(
    ws: Workspace, approval: Approval, request: Request, seen: Seen, plan: Any, values: Mapping[str, Any] | None
) -> frozenset[str]:
    """Ids of the fields of the record that the actor is shown here."""
    if not seen.takes_part and not sees(ws, plan.entity, "read", request.record):
        return frozenset()
    granted, hidden = shown_by_nodes(approval, seen, ws.actor.user)
    return subject.readable(ws, plan.entity, values, granted, hidden)


def _record(
    ws: Workspace,
    approval: Approval,
    request: Request,
    plan: Any,
    values: Mapping[str, Any] | None,
    fields: frozenset[str],
) -> dict[str, Any]:
    entity = plan.entity
    now = subject.snapshot(ws, plan, values) if values is not None else {}
    shown = subject.Shown(ws, entity, fields, request.snapshot, now)
    moved = subject.moved(request.snapshot, now) if values is not None else {}
    return {
        "entity": entity.key,
        "id": request.record,
        "deleted": values is None,
        "readable": sees(ws, entity, "read", request.record, deleted=False),
        "summary": [entity.fields[id].key for id in approval.summary if id in fields],
        "fields": shown.all(request.snapshot),
        "moved": {
            entity.fields[id].key: {"submitted": shown.of(id, before), "now": shown.of(id, after)}
            for id, (before, after) in moved.items()
            if id in fields and id in entity.fields
        },
    }


def _everybody(request: Request, lines: list[trail.Line]) -> set[str]:
    found = {request.initiator}
    for each in request.tasks:
        found |= {each.assignee, each.deputy or "", each.behalf or "", each.decided_by or "", each.added_by or ""}
        found |= {each.original_assignee or ""}
    for line in lines:
        found |= {line.actor or "", line.on_behalf_of or "", *line.people}
    return found - {""}


def visit_json(people: People, approval: Approval, request: Request, visit: Visit, lang: str) -> dict[str, Any]:
    """A visit with its tasks as JSON data."""
    node = next((each for each in approval.every() if each.id == visit.node), None)
    return {
        "visit": visit.number,
        "node": visit.node,
        "label": listing.node_name(approval, visit.node, lang),
        "kind": "mend" if visit.node == INITIATOR else "handle" if _handles(node) else getattr(node, "kind", ""),
        "within": visit.parent,
        "state": visit.state,
        "undone": visit.undone,
        "outcome": visit.outcome,
        "entered_at": _time(visit.entered_at),
        "left_at": _time(visit.left_at),
        "tasks": [task_json(people, request, each) for each in request.within(visit.number)],
    }


def _handles(node: Any) -> bool:
    return isinstance(node, Human) and node.handle


def task_json(people: People, request: Request, task: Task) -> dict[str, Any]:
    """A task as JSON data."""
    return {
        "id": task.id,
        "kind": task.kind,
        "state": task.state,
        "order": task.order,
        "parent": task.parent,
        "assignee": _person(people, task.assignee),
        "deputy": _person(people, task.deputy),
        "behalf": _person(people, task.behalf),
        "added_by": _person(people, task.added_by),
        "original_assignee": _person(people, task.original_assignee),
        "decided_by": _person(people, task.decided_by),
        "opened_at": _time(task.opened_at),
        "due": _time(listing.due_of(request, task)) if task.open else None,
        "decided_at": _time(task.decided_at),
        "comment": task.comment,
        "signature": task.signature,
        "reason": task.reason,
    }


def _copies(people: People, copies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [listing.id_of(each["assignee"]) for each in copies]
    people.known(ids)
    return [
        {**(_person(people, id) or {}), "read": each["read_at"] is not None}
        for id, each in zip(ids, copies, strict=True)
    ]


def _line(
    ws: Workspace, people: People, approval: Approval, line: trail.Line, entity: Any, fields: frozenset[str]
) -> dict[str, Any]:
    shown = subject.Shown(ws, entity, fields)
    changes = {
        entity.fields[id].key: {"before": shown.of(id, values[0]), "after": shown.of(id, values[1])}
        for id, values in line.fields.items()
        if id in fields and id in entity.fields
    }
    return {
        "at": _time(line.at),
        "verb": line.verb,
        "actor": _person(people, line.actor),
        "on_behalf_of": _person(people, line.on_behalf_of),
        "visit": line.visit,
        "node": line.node,
        "task": line.task,
        "before": line.before,
        "after": line.after,
        "comment": line.comment,
        "people": [_person(people, each) for each in line.people],
        "changes": changes,
        "detail": dict(line.detail),
        "channel": line.channel,
    }


def _person(people: People, user: str | None) -> dict[str, str] | None:
    return None if user is None else {"id": user, "name": people.name(user)}


def _time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else datetime_text(moment)
