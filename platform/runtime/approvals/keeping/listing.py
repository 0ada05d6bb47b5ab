"""The rows by which people find requests and tasks in lists: records of `approval_request` and `approval_task`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from metadata.approvals import Approval
from metadata.ids import uuid7
from metadata.model import EMPTY
from metadata.problems import Label, say
from runtime import queries
from runtime.approvals.keeping import requests as store
from runtime.queries import Query
from runtime.records.checking.checks import check
from runtime.records.drafts import draft_of, new_draft
from runtime.records.locked import lock
from runtime.records.plans import plan_of
from runtime.records.save import refuse
from runtime.records.writing.rows import write
from runtime.workspace import Workspace
from workflow.approvals.request import INITIATOR, Request, Task, changed_tasks

REQUEST, TASK = "approval_request", "approval_task"
_MENDING = {"en": "Returned to initiator", "zh": "退回发起人"}
_LONGEST = 200


def as_platform(ws: Workspace) -> Workspace:
    """The platform writes, and it stays known who was at work."""
    return replace(ws, actor=replace(ws.actor, platform=True))


def write_rows(ws: Workspace, entity_id: str, rows: Mapping[str, Mapping[str, Any]], *, new: Collection[str]) -> None:
    """Write records of the platform's own: id -> values by field id; `new` are made. Fields that a description of its
    own does not have are left out."""
    entity = ws.model.entity(entity_id)
    if entity is None or not rows:
        return
    mine = as_platform(ws)
    plan = plan_of(ws.model, entity, ws.db.dialect)
    known = [id for id in rows if id not in new]
    held = lock(mine, plan, known, "update", everything=True) if known else {}
    drafts = [
        new_draft(id=id) if id in new else draft_of(id, held[id].values) for id in rows if id in new or id in held
    ]
    for draft in drafts:
        draft.sent = {field: value for field, value in rows[draft.id].items() if field in entity.fields}
    check(mine, plan, drafts)
    for draft in drafts:
        refuse(draft)
    write(mine, plan, drafts)


def sync(ws: Workspace, approval: Approval, before: Request | None, after: Request, title: Label) -> None:
    """Have the lists tell what the request is now."""
    if before is None or _standing(before) != _standing(after):
        row = _standing(after)
        if before is None:
            row |= {
                "title": say(title, ws.actor.language)[:_LONGEST],
                "approval": approval.id,
                "approval_name": say(approval.label, ws.actor.language)[:_LONGEST],
                "entity": after.entity,
                "record": after.record,
                "initiator": after.initiator,
            }
        write_rows(ws, REQUEST, {after.id: row}, new={after.id} if before is None else ())
    tasks = changed_tasks(before, after) if before is not None else after.tasks
    known = {each.id for each in before.tasks} if before is not None else set()
    rows = {each.id: _task(ws, approval, after, each, title) for each in tasks}
    write_rows(ws, TASK, rows, new={each.id for each in tasks if each.id not in known})


def _standing(request: Request) -> dict[str, Any]:
    return {
        "state": request.state,
        "returned": request.returned,
        "submitted_at": request.submitted_at,
        "ended_at": request.ended_at,
    }


def _task(ws: Workspace, approval: Approval, request: Request, task: Task, title: Label) -> dict[str, Any]:
    return {
        **_of_request(ws, approval, request, title),
        "node": "initiator" if task.node == INITIATOR else task.node,
        "node_name": node_name(approval, task.node, ws.actor.language)[:_LONGEST],
        "visit": task.visit,
        "assignee": task.assignee,
        "behalf": task.behalf,
        "deputy": task.deputy,
        "kind": task.kind,
        "state": task.state,
        # What is over keeps the time by which it should have been.
        **({"due": due_of(request, task)} if task.open else {}),
        "opened_at": task.opened_at,
        "decided_at": task.decided_at,
        "decided_by": task.decided_by,
        "comment": task.comment or None,
        "signature": task.signature,
    }


def _of_request(ws: Workspace, approval: Approval, request: Request, title: Label) -> dict[str, Any]:
    return {
        "title": say(title, ws.actor.language)[:_LONGEST],
        "request": request.id,
        "approval": approval.id,
        "approval_name": say(approval.label, ws.actor.language)[:_LONGEST],
        "initiator": request.initiator,
    }


def due_of(request: Request, task: Task) -> Any:
    """When a task is overdue; None: never."""
    mine = (each for each in request.timers if each.kind == "timeout" and each.visit == task.visit)
    return min((each.at for each in mine if each.task in (None, task.id)), default=None)


def node_name(approval: Approval, node: str, lang: str) -> str:
    """What a node is called."""
    if node == INITIATOR:
        return say(_MENDING, lang)
    found = next((each for each in approval.every() if each.id == node), None)
    return node if found is None else say(found.label, lang) or node


def copy(
    ws: Workspace, approval: Approval, request: Request, people: Sequence[str], visit: int, node: str, title: Label
) -> None:
    """Have people find a request among those that were copied to them."""
    rows = {
        uuid7(): {
            **_of_request(ws, approval, request, title),
            "node": node,
            "node_name": node_name(approval, node, ws.actor.language)[:_LONGEST],
            "visit": visit,
            "assignee": person,
            "kind": "copy",
            "state": "copied",
            "opened_at": ws.now,
        }
        for person in people
    }
    write_rows(ws, TASK, rows, new=rows.keys())


def id_of(value: Any) -> str:
    """The id in the JSON value of a link; empty when there is none."""
    return str(value.get("id", "")) if isinstance(value, Mapping) else str(value or "")


def titles_of(ws: Workspace, request: str) -> Label:
    """The title that a request was given when it was submitted, in every language."""
    kept = store.titles_of(ws, (request,))
    if kept:
        return kept[request]
    if ws.model.entity(REQUEST) is None:
        return EMPTY
    query = Query(REQUEST, fields=("title",), ids=(request,), limit=1)
    found = queries.as_json(queries.find(as_platform(ws), query))
    return {"*": str(found[0]["title"])} if found else EMPTY


def copies_of(ws: Workspace, request: str) -> list[dict[str, Any]]:
    """Who has got copies of a request: rows with `id`, `assignee`, `read_at`."""
    if ws.model.entity(TASK) is None:
        return []
    where = f"request == '{request}' and kind == 'copy'"
    query = Query(TASK, where=where, fields=("assignee", "read_at", "opened_at", "visit"), limit=500)
    return queries.as_json(queries.find(as_platform(ws), query))
