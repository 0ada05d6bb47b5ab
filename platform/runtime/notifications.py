"""Tells people what concerns them: records that were given to them, jobs of theirs that are over.

A notification is a record of the core entity `notification`, owned by whom it tells, written by the platform in the
transaction that caused it. It names the record that it is about but holds nothing of it: what somebody may no longer
read, an old notification does not show either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metadata.access import Actor
from metadata.model import Entity, Field
from metadata.problems import Label, Unauthenticated, say
from runtime import queries
from runtime.actors import load_actor
from runtime.queries import Query
from runtime.queries.build import Build
from runtime.queries.rules import may_ever
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.jobs.work import Job
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

_ENTITY = "notification"
_BY_NAME = 3
"""Up to this many records of one write are told one by one, more together."""
_TOGETHER = dt.timedelta(minutes=30)
"""Within this time the parts of one long job add up in one unread notification."""
_TELLING = frozenset({"form", "api", "job", "workflow", "public"})
"""Channels of a save. Loading data is no handing over."""
_BY_NOBODY = frozenset({"workflow", "public"})
"""Channels in which nobody who has an account acts."""
_KEPT = frozenset({"created_by", "updated_by"})
_LONGEST_SUBJECT = 200
MOST_UNREAD = 99
_MOST_MARKED = 500

_SUBJECTS: dict[str, Label] = {
    "assigned": {"en": "{what} assigned to you", "zh": "{what}已分配给您"},
    "assigned_many": {"en": "{what} assigned to you: {count}", "zh": "{what}已分配给您：{count} 条"},
    "job.import.done": {"en": "Import finished", "zh": "导入已完成"},
    "job.import.failed": {"en": "Import failed", "zh": "导入失败"},
    "job.export.done": {"en": "Export is ready", "zh": "导出已就绪"},
    "job.export.failed": {"en": "Export failed", "zh": "导出失败"},
    "job.bulk_edit.done": {"en": "Bulk edit finished", "zh": "批量修改已完成"},
    "job.bulk_edit.failed": {"en": "Bulk edit failed", "zh": "批量修改失败"},
    "job.bulk_delete.done": {"en": "Bulk delete finished", "zh": "批量删除已完成"},
    "job.bulk_delete.failed": {"en": "Bulk delete failed", "zh": "批量删除失败"},
}
"""Kind -> what the notification says; the `job.` kinds say of which jobs people are told."""


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


def subject(kind: str, lang: str, **values: Any) -> str:
    """What a notification of a kind says in a language; empty for a kind that this build does not know."""
    text = say(_SUBJECTS[kind], lang) if kind in _SUBJECTS else ""
    return text.format_map(values) if values else text


def tell_assigned(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell people of the records that this write gave to them. Costs nothing when it gave none."""
    fields = _assigning(plan)
    if not fields or ws.actor.channel not in _TELLING or (ws.actor.user is None and ws.actor.channel not in _BY_NOBODY):
        return
    given: dict[str, list[Draft]] = {}
    for draft in drafts:
        for person in dict.fromkeys(_given(ws, draft, fields)):
            given.setdefault(person, []).append(draft)
    for person, found in given.items():
        _tell(ws, plan.entity, person, found)


@lru_cache(maxsize=4_000)
def _assigning(plan: WritePlan) -> tuple[str, ...]:
    """Ids of the fields that give a record to a person; none of entities that people do not work through."""
    entity = plan.entity
    if (
        entity.generated
        or entity.parent is not None
        or entity.written_by == "platform"
        or entity.id in ("user", "unit")
    ):
        return ()
    return tuple(each.id for each in entity.fields.values() if each.type == "user" and each.id not in _KEPT)


def _given(ws: Workspace, draft: Draft, fields: Sequence[str]) -> Iterator[str]:
    before: Mapping[str, Any] = draft.before or {}
    for field in fields:
        person = draft.values.get(field)
        if person is not None and person != ws.actor.user and person != before.get(field):
            yield str(person)


def _tell(ws: Workspace, entity: Entity, person: str, drafts: Sequence[Draft]) -> None:
    reader = _reader(ws, person)
    if reader is None:
        return
    seen = replace(ws, actor=reader)
    readable = [each for each in drafts if queries.check_record(seen, entity, "read", each.values)]
    what = say(entity.label, reader.language)
    if len(readable) > _BY_NAME:
        what = say(entity.plural, reader.language)
        _tell_together(ws, reader, entity, what, len(readable))
        return
    for draft in readable:
        about = {"page": f"/app/{entity.id}/{draft.id}", "related": {"entity": entity.id, "id": draft.id}}
        _write(ws, reader, "assigned", subject("assigned", reader.language, what=what), about)


def _tell_together(ws: Workspace, reader: Actor, entity: Entity, what: str, count: int) -> None:
    """One notification for many records, which grows while a job goes on."""
    page = f"/app/{entity.id}"
    known = ws.model.entity(_ENTITY)
    assert known is not None
    if not {"page", "body", "read_at"} <= known.fields.keys():
        return  # a description of its own, in which such a notification could not be opened
    where = f"kind == 'assigned_many' and page == '{page}' and read_at == null and owner == $user"
    query = Query(_ENTITY, where=where, fields=("body", "created_at"), sort=("-created_at",), limit=1)
    for each in queries.as_json(queries.find(_as_platform(ws, reader.user), query)):
        if ws.now - dt.datetime.fromisoformat(each["created_at"]) < _TOGETHER:
            total = int(each["body"] or 0) + count
            said = subject("assigned_many", reader.language, what=what, count=total)
            _records().update(_as_platform(ws), _ENTITY, each["id"], {"body": str(total), "subject": said})
            return
    said = subject("assigned_many", reader.language, what=what, count=count)
    _write(ws, reader, "assigned_many", said, {"page": page, "body": str(count)})


def tell_message(
    ws: Workspace, person: str, subject: Label, body: Label, entity: str | None = None, record: str | None = None
) -> None:
    """Tell a person something in his language, about a record or nothing in particular. The texts must hold nothing
    that he may not read."""
    reader = _reader(ws, person)
    known = ws.model.entity(_ENTITY)
    if reader is None or known is None:
        return
    about: dict[str, Any] = {"body": say(body, reader.language) or None if body else None}
    if entity is not None and record is not None:
        about |= {"page": f"/app/{entity}/{record}", "related": {"entity": entity, "id": record}}
    _write(ws, reader, "message", say(subject, reader.language)[:_LONGEST_SUBJECT], about)


def tell_job_over(ws: Workspace, job: Job, state: str) -> None:
    """Tell whoever wanted a job that it is over: `done`, or `failed` for good."""
    kind = f"job.{job.kind}.{'done' if state == 'done' else 'failed'}"
    if job.created_by is None or kind not in _SUBJECTS:
        return
    reader = _reader(ws, job.created_by)
    if reader is not None:
        about = {"page": f"/app/-/jobs/{job.id}", "body": str(job.payload.get("name") or "")[:200] or None}
        _write(ws, reader, kind, subject(kind, reader.language), about)


def _reader(ws: Workspace, person: str) -> Actor | None:
    """Whom to tell, with his rights; None when nobody would read it."""
    if ws.model.entity(_ENTITY) is None:
        return None
    kept: dict[str, Actor | None] = ws.db.notes.setdefault("told", {})
    if person not in kept:
        try:
            kept[person] = load_actor(ws.model, ws.db, person, "api")
        except Unauthenticated:
            kept[person] = None
    return kept[person]


def _write(ws: Workspace, reader: Actor, kind: str, said: str, about: Mapping[str, Any]) -> None:
    entity = ws.model.entity(_ENTITY)
    assert entity is not None
    values = {"owner": reader.user, "kind": kind, "subject": said, **about}
    related = values.get("related")
    link = entity.fields.get("related")
    if related is not None and (link is None or related["entity"] not in link.to):
        del values["related"]  # the description does not let notifications point there; the page tells it
    # By today's keys: a package may have renamed the fields.
    named = {entity.fields[id].key: value for id, value in values.items() if id in entity.fields}
    _records().create(_as_platform(ws), entity, named)


def _as_platform(ws: Workspace, user: str | None = None) -> Workspace:
    """The platform writes, and it stays known who was at work."""
    return replace(ws, actor=replace(ws.actor, platform=True, user=user or ws.actor.user))


def _records() -> Any:
    from runtime import records  # a write tells, and telling is a write

    return records


_MINE = "owner == $user"


def unread(ws: Workspace) -> int:
    """How many of the actor's notifications are unread, at most `MOST_UNREAD` + 1."""
    if not _may_read(ws):
        return 0
    query = Query(_ENTITY, where=f"{_MINE} and read_at == null", fields=("id",), limit=MOST_UNREAD + 1)
    return len(queries.find(ws, query).raw)


def listing(ws: Workspace, limit: int = 50, after: str | None = None) -> tuple[list[Notification], str | None]:
    """The actor's notifications, newest first, and the cursor of those before them."""
    if not _may_read(ws):
        return [], None
    entity = ws.model.entity(_ENTITY)
    assert entity is not None
    wanted = ("kind", "subject", "body", "page", "related", "read_at", "created_at")
    fields = (*(each for each in wanted if each in entity.fields), *_who(ws))
    page = queries.find(ws, Query(_ENTITY, where=_MINE, sort=("-created_at",), fields=fields, limit=limit, after=after))
    return [_notification(each) for each in queries.as_json(page)], page.next


def _who(ws: Workspace) -> tuple[str, ...]:
    """The path to the name of who caused a notification, if the actor may read names of users."""
    user = ws.model.entity("user")
    build = Build(ws.model, ws.actor, ws.db.dialect)
    if user is None or not may_ever(build, user, "read") or not build.may_read(user, user.fields[user.title]):
        return ()
    return (f"created_by.{user.title}",)


def _may_read(ws: Workspace) -> bool:
    entity = ws.model.entity(_ENTITY)
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
        count=int(body) if data.get("kind") == "assigned_many" and body.isdigit() else 0,
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
    query = Query(_ENTITY, where=f"{_MINE} and read_at == null", fields=("id",), ids=wanted, limit=_MOST_MARKED)
    found = [str(row[0]) for row in queries.find(ws, query).raw]
    if found:
        entity = ws.model.entity(_ENTITY)
        assert entity is not None
        changes = [{"id": id, _key(entity, "read_at"): ws.now.isoformat()} for id in found]
        _records().write_many(_as_platform(ws), entity, "update", changes, ("id",))
    return len(found)


def _key(entity: Entity, id: str) -> str:
    field: Field = entity.fields[id]
    return field.key
