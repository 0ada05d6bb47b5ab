"""The lists of approvals that one person works through: what waits for him, what he did, started, got copies of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from metadata.expressions.printing import quoted
from metadata.problems import Forbidden, Label, kind, say
from runtime import queries
from runtime.approvals.keeping import requests as store
from runtime.approvals.keeping.listing import REQUEST, TASK, as_platform, id_of, node_name
from runtime.approvals.world.people import People
from runtime.queries import Query
from runtime.queries.build import Build
from runtime.queries.rules import may_ever
from runtime.workspace import Workspace
from workflow.approvals.request import INITIATOR

Box = Literal["waiting", "done", "started", "copied", "given"]
"""待我审批, 我已审批, 我发起的, 抄送我的, 我委托的."""
BOXES: tuple[Box, ...] = ("waiting", "done", "started", "copied", "given")
MOST_COUNTED = 999

MAY_NOT = kind(
    "approval_boxes_closed",
    en="Your roles do not let you see approvals. Ask an administrator for access.",
    zh="您的角色无权查看审批，请联系管理员授权。",
)

WAITING = "(assignee == $user or deputy == $user) and state == 'pending' and kind != 'copy'"
_MINE: Mapping[Box, str] = {
    "waiting": WAITING,
    "done": "decided_by == $user and kind != 'copy'",
    "started": "initiator == $user",
    "copied": "assignee == $user and kind == 'copy'",
    "given": "behalf == $user",
}
_SORT: Mapping[Box, str] = {
    "waiting": "-opened_at",
    "done": "-decided_at",
    "started": "-submitted_at",
    "copied": "-opened_at",
    "given": "-opened_at",
}
_OF_TASK = (
    *("title", "request", "approval", "approval_name", "node", "node_name", "assignee", "behalf", "initiator", "kind"),
    *("state", "due", "opened_at", "decided_at", "read_at", "comment"),
)
_OF_REQUEST = ("title", "approval", "approval_name", "initiator", "state", "returned", "submitted_at", "ended_at")


def boxes(
    ws: Workspace,
    box: Box = "waiting",
    *,
    approval: str | None = None,
    overdue: bool = False,
    q: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> dict[str, Any]:
    """One box of the actor, newest first: `{"data": [...], "next": cursor or None}`.

    `approval` (id or key) and `overdue` narrow it, `q` searches titles. An item has `request`, `title`, `approval`
    (`key`, `label`), `initiator` (`id`, `name`), `state` and times; one of a task also `task`, `node`, `due`,
    `overdue` and, of a copy, `unread`. Raises Forbidden.
    """
    if overdue and box == "started":
        return {"data": [], "next": None}  # a request has no time of its own, its tasks have
    entity = REQUEST if box == "started" else TASK
    where = [_MINE[box]]
    if approval is not None:
        where.append(f"approval == {quoted(_id(ws, approval))}")
    if overdue:
        where.append("due != null and due < $now and (state == 'pending' or state == 'waiting')")
    fields = _OF_REQUEST if box == "started" else _OF_TASK
    query = Query(entity, where=_all(where), sort=(_SORT[box],), fields=fields, limit=limit, after=after, q=q or None)
    page = queries.find(_seeing(ws), query)
    rows = queries.as_json(page)
    people = People(ws)
    people.known(id_of(row.get(name)) for row in rows for name in ("initiator", "assignee", "behalf"))
    make = _request if box == "started" else _task
    titles = store.titles_of(ws, {_request_of(row) for row in rows})
    told = [{**row, "title": _title(ws, titles.get(_request_of(row)), row)} for row in rows]
    return {"data": [make(ws, people, row) for row in told], "next": page.next}


def _request_of(row: Mapping[str, Any]) -> str:
    return id_of(row["request"]) if "request" in row else str(row["id"])


def _title(ws: Workspace, titles: Label | None, row: Mapping[str, Any]) -> Any:
    """In the reader's language; the list itself has it in that of who submitted."""
    return row["title"] if titles is None else say(titles, ws.actor.language)


def counts(ws: Workspace) -> dict[str, int]:
    """How much there is to do: tasks that wait, copies unread, as in the boxes; at most `MOST_COUNTED` + 1 each."""
    return {
        "waiting": _count(ws, _MINE["waiting"]),
        "unread": _count(ws, f"{_MINE['copied']} and read_at == null"),
    }


def _count(ws: Workspace, where: str) -> int:
    seeing = _seeing(ws)
    page = queries.find(seeing, Query(TASK, where=where, fields=("id",), limit=1, count="capped"))
    return min(page.count or 0, MOST_COUNTED + 1)


def _seeing(ws: Workspace) -> Workspace:
    """What is in one's boxes is one's own by the condition; the request of a task is named although only its initiator
    finds it in lists."""
    entity = ws.model.entity(TASK)
    if ws.actor.user is None or entity is None:
        raise Forbidden(MAY_NOT())
    if not may_ever(Build(ws.model, ws.actor, ws.db.dialect), entity, "read"):
        raise Forbidden(MAY_NOT())
    return as_platform(ws)


def _all(parts: list[str]) -> str:
    return " and ".join(f"({each})" for each in parts)


def _id(ws: Workspace, name: str) -> str:
    found = ws.model.get("approvals", name)
    return name if found is None else str(found.id)


def _task(ws: Workspace, people: People, row: Mapping[str, Any]) -> dict[str, Any]:
    due = row.get("due") if row["state"] in ("pending", "waiting", "approving") else None
    return {
        "task": row["id"],
        "request": id_of(row["request"]),
        "title": row["title"],
        "approval": definition(ws, row["approval"], row.get("approval_name")),
        "node": {"id": row["node"], "label": _node(ws, row)},
        "initiator": _named(people, row["initiator"]),
        "assignee": _named(people, row["assignee"]),
        "behalf": _named(people, row.get("behalf")),
        "kind": row["kind"],
        "state": row["state"],
        "due": due,
        "overdue": due is not None and dt.datetime.fromisoformat(due) < ws.now and row["state"] == "pending",
        "opened_at": row["opened_at"],
        "decided_at": row["decided_at"],
        "comment": row["comment"],
        "unread": row["kind"] == "copy" and row["read_at"] is None,
    }


def _node(ws: Workspace, row: Mapping[str, Any]) -> str:
    """What its node is called in the reader's language; what it was called when it is gone."""
    found = ws.model.get("approvals", row["approval"])
    node = INITIATOR if row["kind"] == "initiator" else str(row["node"])
    named = node if found is None else node_name(found, node, ws.actor.language)
    return named if named != row["node"] else str(row.get("node_name") or named)


def _request(ws: Workspace, people: People, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request": row["id"],
        "title": row["title"],
        "approval": definition(ws, row["approval"], row.get("approval_name")),
        "initiator": _named(people, row["initiator"]),
        "state": row["state"],
        "returned": bool(row["returned"]),
        "submitted_at": row["submitted_at"],
        "ended_at": row["ended_at"],
    }


def definition(ws: Workspace, id: str, name: str | None) -> dict[str, Any]:
    """A definition as it is called today; `name` is what it was called when it is gone."""
    found = ws.model.get("approvals", id)
    if found is None:
        return {"key": id, "label": name or id}
    return {"key": found.key, "label": say(found.label, ws.actor.language)}


def _named(people: People, value: Any) -> dict[str, str] | None:
    id = id_of(value)
    return {"id": id, "name": people.name(id)} if id else None
