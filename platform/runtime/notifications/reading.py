"""Reading one's notifications: how many are unread, the list of them, marking them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metadata.model import Entity, Field
from runtime import queries
from runtime.notifications.kinds import MANY
from runtime.notifications.writing import ENTITY, as_platform, writer
from runtime.queries import Query
from runtime.queries.build import Build
from runtime.queries.rules import may_ever
from runtime.workspace import Workspace

MOST_UNREAD = 99
_MOST_MARKED = 500


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification of the actor. `entity` and `record` are ids of what it is about, `job` of the job."""

    id: str
    kind: str
    subject: str
    count: int
    who: str
    at: dt.datetime
    read: bool
    entity: str | None = None
    record: str | None = None
    job: str | None = None
    approval: str | None = None
    """Id of the approval request."""


def _mine(ws: Workspace) -> str:
    """What is the actor's own and meant for the app; what he has by mail alone is not shown here."""
    entity = ws.model.entity(ENTITY)
    shown = entity is not None and "in_app" in entity.fields
    return "owner == $user and in_app != false" if shown else "owner == $user"


def unread(ws: Workspace) -> int:
    """How many of the actor's notifications are unread, at most `MOST_UNREAD` + 1."""
    if not _may_read(ws):
        return 0
    query = Query(ENTITY, where=f"{_mine(ws)} and read_at == null", fields=("id",), limit=MOST_UNREAD + 1)
    return len(queries.find(ws, query).raw)


def listing(ws: Workspace, limit: int = 50, after: str | None = None) -> tuple[list[Notification], str | None]:
    """The actor's notifications, newest first, and the cursor of those before them."""
    if not _may_read(ws):
        return [], None
    entity = ws.model.entity(ENTITY)
    assert entity is not None
    wanted = ("kind", "subject", "body", "page", "related", "read_at", "created_at")
    fields = (*(each for each in wanted if each in entity.fields), *_who(ws))
    page = queries.find(
        ws, Query(ENTITY, where=_mine(ws), sort=("-created_at",), fields=fields, limit=limit, after=after)
    )
    return [_notification(each) for each in queries.as_json(page)], page.next


def _who(ws: Workspace) -> tuple[str, ...]:
    """The path to the name of who caused a notification, if the actor may read names of users."""
    user = ws.model.entity("user")
    build = Build(ws.model, ws.actor, ws.db.dialect)
    if user is None or not may_ever(build, user, "read") or not build.may_read(user, user.fields[user.title]):
        return ()
    return (f"created_by.{user.title}",)


def _may_read(ws: Workspace) -> bool:
    entity = ws.model.entity(ENTITY)
    if ws.actor.user is None or entity is None:
        return False
    return may_ever(Build(ws.model, ws.actor, ws.db.dialect), entity, "read")


def _notification(data: Mapping[str, Any]) -> Notification:
    related = data.get("related")
    place = (data.get("page") or "").split("/")[2:]
    if not place and isinstance(related, Mapping) and "id" in related:
        place = [str(related.get("entity", "")), str(related["id"])]
    of_job = place[:2] == ["-", "jobs"] and len(place) == 3
    of_approval = place[:2] == ["-", "approvals"] and len(place) == 3
    of_record = not (of_job or of_approval) and bool(place)
    body = data.get("body") or ""
    return Notification(
        id=data["id"],
        kind=data.get("kind") or "",
        subject=data["subject"],
        count=int(body) if data.get("kind") in MANY and body.isdigit() else 0,
        who=_name(data.get("created_by")),
        at=dt.datetime.fromisoformat(data["created_at"]),
        read=data.get("read_at") is not None,
        entity=place[0] if of_record else None,
        record=place[1] if of_record and len(place) > 1 else None,
        job=place[2] if of_job else None,
        approval=place[2] if of_approval else None,
    )


def _name(person: Any) -> str:
    """Of a person as a path shows him: the id, and the one field that was asked for."""
    named = [value for key, value in person.items() if key != "id"] if isinstance(person, Mapping) else []
    return str(named[0]) if named and isinstance(named[0], str) else ""


def mark_read(ws: Workspace, ids: Sequence[str] | None = None) -> int:
    """Mark some of the actor's notifications as read, or all; how many were unread. Others' are passed over."""
    if not _may_read(ws):
        return 0
    wanted = None if ids is None else tuple(ids[:_MOST_MARKED])
    query = Query(ENTITY, where=f"{_mine(ws)} and read_at == null", fields=("id",), ids=wanted, limit=_MOST_MARKED)
    found = [str(row[0]) for row in queries.find(ws, query).raw]
    if found:
        entity = ws.model.entity(ENTITY)
        assert entity is not None
        changes = [{"id": id, _key(entity, "read_at"): ws.now.isoformat()} for id in found]
        writer().write_many(as_platform(ws), entity, "update", changes, ("id",))
    return len(found)


def _key(entity: Entity, id: str) -> str:
    field: Field = entity.fields[id]
    return field.key
