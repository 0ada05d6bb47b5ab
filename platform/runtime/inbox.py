"""Everything that waits for one person, by when it is due: tasks of people, rules, workflows and clocks, approvals."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from metadata.model import Entity
from metadata.problems import BadRequest, Forbidden, kind, say
from runtime import queries
from runtime.approvals.keeping.listing import TASK as APPROVAL_TASK
from runtime.approvals.keeping.listing import as_platform, id_of
from runtime.approvals.showing.boxes import WAITING
from runtime.processes.books import TASK
from runtime.queries import Query
from runtime.queries import query as q
from runtime.queries.build import Build
from runtime.queries.query import Page
from runtime.queries.rules import may_ever
from runtime.titles import titles
from runtime.workspace import Workspace

Kind = Literal["person", "workflow", "rule", "sla", "approval"]
KINDS: tuple[Kind, ...] = ("person", "workflow", "rule", "sla", "approval")
Group = Literal["overdue", "today", "week", "later", "none"]
GROUPS: tuple[Group, ...] = ("overdue", "today", "week", "later", "none")
MOST_COUNTED = 99
_LONGEST_CURSOR = 4_000
_SOURCES: Mapping[str, Kind] = {"manual": "person", "workflow": "workflow", "rule": "rule", "sla": "sla"}
"""Option of a task's source -> kind."""
_END = "end"

MAY_NOT = kind(
    "inbox_closed",
    en="Your roles do not let you see tasks. Ask an administrator for access.",
    zh="您的角色无权查看任务，请联系管理员授权。",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One list that waits: tasks, or approvals. `read` asks for a page of it after a cursor."""

    key: str
    read: Callable[[int, str | None], Page]
    item: Callable[[Mapping[str, Any]], dict[str, Any]]


def inbox(ws: Workspace, kind: Kind | None = None, limit: int = 50, after: str | None = None) -> dict[str, Any]:
    """What waits for the actor, what is due first: `{"data": [...], "next": cursor or None}`.

    An item has `kind`, `id`, `title`, `due` (a date, a moment or None), `group`, `overdue`, `from` (`id`, `name`),
    `about` (`entity`, `id`, `title`), `opened_at`; a task `priority` and `version`, an approval `request`, `approval`
    (its label) and `step`. Raises Forbidden, BadRequest.
    """
    known = {each.key: each for each in _sources(ws, kind)}
    places = _places(after, list(known))
    pages = [(known[key], place, known[key].read(limit, place)) for key, place in places.items() if place != _END]
    rows = [[(_due(ws, row), source, row) for row in queries.as_json(page)] for source, _, page in pages]
    taken = _merged([[due for due, _, _ in each] for each in rows], limit)
    items = [rows[number][at][1].item(rows[number][at][2]) for number, at in taken]
    _name(ws, items)
    next_ = dict.fromkeys(known, _END)
    for number, (source, place, page) in enumerate(pages):
        last = max((at for which, at in taken if which == number), default=-1)
        whole = last + 1 == len(page.raw)
        next_[source.key] = _END if whole and page.next is None else page.cursor(last) if last >= 0 else place or ""
    over = all(each == _END for each in next_.values())
    return {"data": items, "next": None if over else _cursor(next_)}


def count(ws: Workspace) -> int:
    """How much waits for the actor, at most `MOST_COUNTED` + 1; 0 for who has no inbox."""
    if not has(ws):
        return 0
    found = sum(len(source.read(MOST_COUNTED + 1, "").raw) for source in _sources(ws, None, bare=True))
    return min(found, MOST_COUNTED + 1)


def has(ws: Workspace) -> bool:
    """Whether the actor has an inbox: somebody of this tenant who may ever read tasks or approvals."""
    return ws.actor.user is not None and bool(list(_sources(ws, None)))


def counts(ws: Workspace) -> dict[Kind, int]:
    """How much waits of each kind, at most `MOST_COUNTED` + 1 of each."""
    most = MOST_COUNTED + 1
    return {
        kind: min(most, sum(len(each.read(most, "").raw) for each in _sources(ws, kind, bare=True))) for kind in KINDS
    }


def _sources(ws: Workspace, kind: Kind | None, bare: bool = False) -> Iterator[Source]:
    """What the actor may see of the lists; `bare`: without what items are shown by. Raises Forbidden for nobody."""
    if ws.actor.user is None:
        raise Forbidden(MAY_NOT())
    task, approval = ws.model.entity(TASK), ws.model.entity(APPROVAL_TASK)
    if kind != "approval" and task is not None and _may(ws, task) and {"assignee", "status"} <= task.fields.keys():
        yield _tasks(ws, task, kind, bare)
    if kind in (None, "approval") and approval is not None and ws.model.index.get("approvals") and _may(ws, approval):
        yield _approvals(ws, bare)


def _may(ws: Workspace, entity: Entity) -> bool:
    return may_ever(Build(ws.model, ws.actor, ws.db.dialect), entity, "read")


def _tasks(ws: Workspace, entity: Entity, kind: Kind | None, bare: bool) -> Source:
    where = "assignee == $user and status == 'open'"
    sources = [option for option, each in _SOURCES.items() if each == kind]
    if kind is not None and "source" in entity.fields:
        other = " or source == null" if kind == "person" else ""
        where += f" and (source == '{sources[0]}'{other})"
    elif kind not in (None, "person"):
        where += " and id == null"
    wanted = ("title", "due", "priority", "source", "related", "remind_at", "version", "created_at")
    fields = ("id",) if bare else (*(each for each in wanted if each in entity.fields), *_who(ws))

    def read(limit: int, after: str | None) -> Page:
        sort = ("due",) if "due" in entity.fields else ("created_at",)
        return queries.find(ws, Query(entity.id, where, sort=sort, fields=fields, limit=limit, after=after or None))

    return Source("tasks", read, lambda row: _task(ws, entity, row))


def _who(ws: Workspace) -> tuple[str, ...]:
    """The path to the name of who gave a task, if the actor may read names of users."""
    user = ws.model.entity("user")
    build = Build(ws.model, ws.actor, ws.db.dialect)
    if user is None or not may_ever(build, user, "read") or not build.may_read(user, user.fields[user.title]):
        return ()
    return (f"created_by.{user.title}",)


def _task(ws: Workspace, entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    source = entity.fields["source"].option(row.get("source") or "") if "source" in entity.fields else None
    related = row.get("related")
    about = related if isinstance(related, Mapping) and "id" in related else None
    return {
        "kind": _SOURCES.get(source.id, "person") if source is not None else "person",
        "id": row["id"],
        "title": row.get("title") or "",
        **_time(ws, row),
        "from": _person(row.get("created_by")),
        "about": None if about is None else {"entity": about["entity"], "id": about["id"], "title": None},
        "opened_at": row.get("created_at"),
        "priority": row.get("priority"),
        "remind_at": row.get("remind_at"),
        "version": row.get("version"),
    }


_OF_APPROVAL = ("title", "request", "approval", "approval_name", "node_name", "due", "opened_at", "initiator.name")


def _approvals(ws: Workspace, bare: bool) -> Source:
    """What is in one's box is one's own by the condition, whoever the request is of."""
    fields = ("id",) if bare else _OF_APPROVAL

    def read(limit: int, after: str | None) -> Page:
        query = Query(APPROVAL_TASK, WAITING, sort=("due",), fields=fields, limit=limit, after=after or None)
        return queries.find(as_platform(ws), query)

    return Source("approvals", read, lambda row: _approval(ws, row))


def _approval(ws: Workspace, row: Mapping[str, Any]) -> dict[str, Any]:
    definition = ws.model.get("approvals", row["approval"])
    label = say(definition.label, ws.actor.language) if definition is not None else row.get("approval_name")
    return {
        "kind": "approval",
        "id": row["id"],
        "title": row.get("title") or "",
        **_time(ws, row),
        "from": _person(row.get("initiator")),
        "about": None,
        "opened_at": row.get("opened_at"),
        "request": id_of(row["request"]),
        "approval": label or row["approval"],
        "step": row.get("node_name") or "",
    }


def _person(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping) or "id" not in value:
        return None
    named = [each for key, each in value.items() if key != "id" and isinstance(each, str)]
    return {"id": str(value["id"]), "name": named[0]} if named else None


def _time(ws: Workspace, row: Mapping[str, Any]) -> dict[str, Any]:
    due = _due(ws, row)
    group = group_of(due, ws.now, ZoneInfo(ws.actor.timezone))
    return {"due": row.get("due"), "group": group, "overdue": group == "overdue"}


def _due(ws: Workspace, row: Mapping[str, Any]) -> dt.datetime | None:
    """When it is too late: the moment, or the end of the day in the actor's zone."""
    text = row.get("due")
    if not text:
        return None
    if len(text) > 10:
        return dt.datetime.fromisoformat(text)
    return dt.datetime.combine(dt.date.fromisoformat(text), dt.time.max, ZoneInfo(ws.actor.timezone))


def group_of(due: dt.datetime | None, now: dt.datetime, zone: ZoneInfo) -> Group:
    """Where something due at a moment stands; the week ends on Sunday."""
    if due is None:
        return "none"
    if due < now:
        return "overdue"
    today, day = now.astimezone(zone).date(), due.astimezone(zone).date()
    if day <= today:
        return "today"
    return "week" if day <= today + dt.timedelta(days=6 - today.weekday()) else "later"


def _name(ws: Workspace, items: Sequence[dict[str, Any]]) -> None:
    """Say what the records that items are about are called; of those out of reach nothing is said."""
    found = titles(ws, {(each["about"]["entity"], each["about"]["id"]) for each in items if each["about"]})
    for each in items:
        about = each["about"]
        if about:
            title = found.get((about["entity"], about["id"]))
            each["about"] = None if title is None else {**about, "title": title}


_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)


def _merged(sources: Sequence[Sequence[dt.datetime | None]], most: int) -> list[tuple[int, int]]:
    """(number of the source, position in it) of what is due first, at most so many. What is never due comes last."""
    keys = [
        (due is None, due or _FIRST, number, at) for number, found in enumerate(sources) for at, due in enumerate(found)
    ]
    return [(number, at) for _, _, number, at in sorted(keys)[:most]]


def _cursor(places: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(places)).rstrip(b"=").decode()


def _places(after: str | None, keys: Sequence[str]) -> dict[str, str]:
    """Where to go on in each source; empty: at its beginning. Raises BadRequest."""
    if after is None:
        return dict.fromkeys(keys, "")
    try:
        if len(after) > _LONGEST_CURSOR or not after.isascii():
            raise ValueError
        found = orjson.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise ValueError
    except (binascii.Error, ValueError):
        raise BadRequest(q.bad_cursor("after")) from None
    return {key: found.get(key, "") for key in keys}
