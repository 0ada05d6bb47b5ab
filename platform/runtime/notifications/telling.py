"""Tells people what concerns them: records that were given to them, messages, jobs of theirs that are over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metadata.access import Actor
from metadata.model import Entity
from metadata.problems import Label, say
from runtime import queries
from runtime.notifications.kinds import is_told, subject
from runtime.notifications.writing import ENTITY, as_platform, of_record, reader_of, write, writer
from runtime.queries import Query
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.jobs.work import Job
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

_BY_NAME = 3
"""Up to this many records of one write are told one by one, more together."""
_TOGETHER = dt.timedelta(minutes=30)
"""Within this time the parts of one long job add up in one unread notification."""
TELLING = frozenset({"form", "api", "job", "mail", "workflow", "public"})
"""Channels of a save. Loading data is no handing over."""
_BY_NOBODY = frozenset({"workflow", "public"})
"""Channels in which nobody who has an account acts."""
_KEPT = frozenset({"created_by", "updated_by"})
_LONGEST_SUBJECT = 200


def tell_assigned(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell people of the records that this write gave to them. Costs nothing when it gave none."""
    fields = _assigning(plan)
    if not fields or not is_telling(ws):
        return
    given: dict[str, list[Draft]] = {}
    for draft in drafts:
        for person in dict.fromkeys(_given(ws, draft, fields)):
            given.setdefault(person, []).append(draft)
    for person, found in given.items():
        tell_of_records(ws, plan.entity, person, "assigned", found)


def is_telling(ws: Workspace) -> bool:
    """Whether what is saved here is told to those whom it concerns."""
    return ws.actor.channel in TELLING and (ws.actor.user is not None or ws.actor.channel in _BY_NOBODY)


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


def tell_of_records(ws: Workspace, entity: Entity, person: str, kind: str, drafts: Sequence[Draft]) -> None:
    """Tell a person of those of some records that he may read: few one by one, many together (`<kind>_many`)."""
    reader = reader_of(ws, person)
    if reader is None:
        return
    seen = replace(ws, actor=reader)
    readable = [each for each in drafts if queries.check_record(seen, entity, "read", each.values)]
    what = say(entity.label, reader.language)
    if len(readable) > _BY_NAME:
        _tell_together(ws, reader, entity, f"{kind}_many", len(readable))
        return
    for draft in readable:
        write(ws, reader, kind, subject(kind, reader.language, what=what), of_record(entity.id, draft.id))


def _tell_together(ws: Workspace, reader: Actor, entity: Entity, kind: str, count: int) -> None:
    """One notification for many records, which grows while a job goes on."""
    page, what = f"/app/{entity.id}", say(entity.plural, reader.language)
    known = ws.model.entity(ENTITY)
    assert known is not None
    if not {"page", "body", "read_at"} <= known.fields.keys():
        return  # a description of its own, in which such a notification could not be opened
    where = f"kind == '{kind}' and page == '{page}' and read_at == null and owner == $user"
    query = Query(ENTITY, where=where, fields=("body", "created_at"), sort=("-created_at",), limit=1)
    for each in queries.as_json(queries.find(as_platform(ws, reader.user), query)):
        if ws.now - dt.datetime.fromisoformat(each["created_at"]) < _TOGETHER:
            total = int(each["body"] or 0) + count
            said = subject(kind, reader.language, what=what, count=total)
            writer().update(as_platform(ws), ENTITY, each["id"], {"body": str(total), "subject": said})
            return
    said = subject(kind, reader.language, what=what, count=count)
    write(ws, reader, kind, said, {"page": page, "body": str(count)})


def tell_message(
    ws: Workspace,
    person: str,
    subject: Label,
    body: Label,
    entity: str | None = None,
    record: str | None = None,
    kind: str = "message",
) -> None:
    """Tell a person something in his language, about a record or nothing in particular. The texts must hold nothing
    that he may not read. `kind`: `sla.warned` and `sla.breached` are told by the choices for promised times."""
    reader = reader_of(ws, person)
    if reader is None:
        return
    about: dict[str, Any] = {"body": say(body, reader.language) or None if body else None}
    if entity is not None and record is not None:
        about |= of_record(entity, record)
    write(ws, reader, kind, say(subject, reader.language)[:_LONGEST_SUBJECT], about)


def tell_job_over(ws: Workspace, job: Job, state: str) -> None:
    """Tell whoever wanted a job that it is over: `done`, or `failed` for good."""
    kind = f"job.{job.kind}.{'done' if state == 'done' else 'failed'}"
    if job.created_by is None or not is_told(kind):
        return
    reader = reader_of(ws, job.created_by)
    if reader is not None:
        about = {"page": f"/app/-/jobs/{job.id}", "body": str(job.payload.get("name") or "")[:200] or None}
        write(ws, reader, kind, subject(kind, reader.language), about)
