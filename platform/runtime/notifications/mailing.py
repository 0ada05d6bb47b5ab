"""Notifications by mail: at once, or when the quiet hours of whom they tell are over. Those that come together are one.

What is to go out is written down with the notification. A job takes all that is due for one person, reads it with his
rights of that moment and puts one mail into the outbox, in one transaction: nothing is sent twice or forgotten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from metadata.access import Actor, platform_actor
from metadata.problems import Invalid
from runtime import deliveries, queries
from runtime.jobs.table import enqueue
from runtime.jobs.work import Done, Outcome, Step
from runtime.notifications import choices, composing, table
from runtime.notifications.kinds import URGENT
from runtime.notifications.quiet import ends
from runtime.notifications.writing import ENTITY, as_platform, reader_of
from runtime.queries import Query
from runtime.workspace import Workspace

JOB = "notice_mail"
_MOST = 50
"""Notifications that one mail tells of; it says how many more there are. Summaries of so many are no mail too large."""


def post(ws: Workspace, reader: Actor, notices: Sequence[tuple[str, str]]) -> None:
    """Have notifications (id, kind) of a person go out by mail. Costs nothing where no mail is sent."""
    if reader.user is None or not _is_possible(ws, reader):
        return
    held: dict[dt.datetime | None, list[str]] = {}
    quiet = quiet_until(ws, reader)
    for id, kind in notices:
        held.setdefault(None if kind in URGENT else quiet, []).append(id)
    alone = replace(ws, actor=platform_actor("job"), session=None)
    for due, ids in held.items():
        at = due or ws.now
        table.put(ws, reader.user, ids, at)
        # A job for each write: the first that comes takes all that is due, the others find nothing.
        enqueue(alone, JOB, {"person": reader.user, "due": at.isoformat()}, f"notice:{min(ids)}", due)


def quiet_until(ws: Workspace, reader: Actor) -> dt.datetime | None:
    """When the quiet hours in which a person is now are over; None when he is in none."""
    quiet = choices_of(ws, reader).quiet
    if quiet is None:
        return None
    return ends(quiet, choices.calendar_of(ws.model, quiet.calendar), ZoneInfo(reader.timezone), ws.now)


def choices_of(ws: Workspace, reader: Actor) -> choices.Choices:
    """What whoever is told chose; read once in a transaction."""
    return choices_for(ws, reader.user or "")


def choices_for(ws: Workspace, person: str) -> choices.Choices:
    """The same by the id of a user, whose rights do not matter: many are told at once."""
    kept: dict[str, choices.Choices] = ws.db.notes.setdefault("told_by", {})
    if person not in kept:
        kept[person] = choices.of(ws, person)
    return kept[person]


def _is_possible(ws: Workspace, reader: Actor) -> bool:
    settings = ws.host.settings
    mailed = bool(settings.smtp_url and settings.mail_from and reader.attributes.get("email"))
    return mailed and ws.system_version >= table.SINCE


def step(step: Step) -> Outcome:
    """Send a person what is due for him, as one mail."""
    ws, person = step.ws, str(step.job.payload["person"])
    due = max(ws.now, dt.datetime.fromisoformat(str(step.job.payload["due"])))
    ids = table.take(ws, person, due)
    reader = reader_of(ws, person) if ids else None
    if reader is None or not _is_possible(ws, reader):
        return Done({"sent": 0})
    notices = _unread(ws, ids)
    if not notices:
        return Done({"sent": 0})
    letter = composing.letter(replace(ws, actor=reader), notices, more=len(ids[_MOST:]))
    address = str(reader.attributes["email"])
    try:
        deliveries.mail(ws, f"notice:{ids[0]}", address, letter.subject, letter.text, lang=reader.language)
    except Invalid:  # of the address: it stays in the app
        return Done({"sent": 0})
    return Done({"sent": len(notices)})


def _unread(ws: Workspace, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """What is still news: what was read in the app meanwhile needs no mail."""
    entity = ws.model.entity(ENTITY)
    if entity is None:
        return []
    wanted = ("kind", "subject", "body", "page", "created_at")
    fields = tuple(each for each in wanted if each in entity.fields)
    query = Query(ENTITY, "read_at == null", fields=fields, ids=tuple(ids[:_MOST]), limit=_MOST)
    return sorted(queries.as_json(queries.find(as_platform(ws), query)), key=lambda each: str(each["id"]))
