"""Makes the jobs of reminders: at once of what is saved with a near moment, of the rest by looking ahead hourly.

The key of a job holds the moment. A reminder that is moved is another one, and the old one comes to nothing; one that
was made, however often it is made again, is one. What fell due while nobody worked fires once, late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.model import Entity
from runtime import queries
from runtime.jobs.table import enqueue, known_keys
from runtime.notifications.writing import reader_of
from runtime.queries import Query
from runtime.reminders.moments import LONGEST, PERSON, WATCHED, Moment, moments
from runtime.system.tables import table
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft

JOB = "reminder"
AHEAD = dt.timedelta(hours=3)
"""How far ahead jobs are made: planning comes every hour."""
BACK = dt.timedelta(days=7)
"""How long nobody may work without a reminder being missed. Keys of jobs that are over are kept for longer."""
_PAGE = 500


def saved(ws: Workspace, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Records were written: what reminds soon gets its job."""
    for draft in drafts:
        before = moments_of(ws, entity, draft.before) if draft.before is not None else []
        for moment in moments_of(ws, entity, draft.values):
            # A moment that was over when it was written down was never waited for; one that others wait for is kept.
            waits = moment.at >= ws.now or (moment in before and moment.at > ws.now - BACK)
            if waits and moment.at <= ws.now + AHEAD:
                _enqueue(ws, entity.id, draft.id, moment)


def moments_of(ws: Workspace, entity: Entity, values: Mapping[str, Any]) -> list[Moment]:
    """When a record reminds, in the zone of whom it reminds."""
    return moments(entity.id, values, zone_of(ws, values.get(PERSON[entity.id])))


def zone_of(ws: Workspace, person: Any) -> Callable[[], ZoneInfo]:
    """The zone of a person, found when it is needed; the tenant's for nobody."""

    def found() -> ZoneInfo:
        reader = reader_of(ws, str(person)) if person is not None else None
        name = str(ws.model.settings.get("timezone", "UTC")) if reader is None else reader.timezone
        return ZoneInfo(name)

    return found


def plan(ws: Workspace, ahead: dt.timedelta = AHEAD) -> int:
    """Make the jobs of what reminds soon, or should have while nobody worked; how many are new."""
    first, last, new = max(ws.now - BACK, _released(ws)), ws.now + ahead, 0
    for name in sorted(WATCHED):
        entity = ws.model.entity(name)
        if entity is None or PERSON[name] not in entity.fields:
            continue
        for where in _conditions(entity, first, last):
            query = Query(entity.id, where, ("id",), _fields(entity))
            for rows in queries.stream(ws, query, _PAGE):
                new += _plan(ws, entity, rows, first, last)
    return new


def _plan(ws: Workspace, entity: Entity, rows: Sequence[Sequence[Any]], first: dt.datetime, last: dt.datetime) -> int:
    due: dict[str, tuple[str, Moment]] = {}
    for row in rows:
        values = dict(zip(_fields(entity), row, strict=True))
        for moment in moments_of(ws, entity, values):
            waited = moment.at >= ws.now or moment.at > values["updated_at"]
            if waited and first < moment.at <= last:
                due[_key(entity.id, str(values["id"]), moment)] = (str(values["id"]), moment)
    there = known_keys(ws, list(due))
    for key, (id, moment) in due.items():
        if key not in there:
            _enqueue(ws, entity.id, id, moment)
    return len(due.keys() - there)


def _fields(entity: Entity) -> tuple[str, ...]:
    wanted = ("status", "remind", "remind_at", "due", "at", "next_contact_at", PERSON[entity.id])
    return ("id", "updated_at", *(each for each in wanted if each in entity.fields))


def _conditions(entity: Entity, first: dt.datetime, last: dt.datetime) -> Iterator[str]:
    """Conditions that hold for every record that may be meant; which are is worked out of each."""
    fields = entity.fields
    late = last + LONGEST
    open_ = "status == 'open' and " if "status" in fields else ""
    if "remind_at" in fields:
        yield f"{open_}{_between('remind_at', first, last)}"
    if {"remind", "due"} <= fields.keys():
        days = f"due >= '{first - dt.timedelta(days=1):%Y-%m-%d}' and due <= '{late:%Y-%m-%d}'"
        yield f"{open_}remind != null and {days}"
    if {"remind", "at"} <= fields.keys():
        yield f"remind != null and {_between('at', first, late)}"
    if "next_contact_at" in fields:
        yield _between("next_contact_at", first, last)


def _between(field: str, first: dt.datetime, last: dt.datetime) -> str:
    return f"{field} >= '{first:%Y-%m-%dT%H:%M:%SZ}' and {field} <= '{last:%Y-%m-%dT%H:%M:%SZ}'"


def _key(entity: str, record: str, moment: Moment) -> str:
    return f"reminder:{entity}:{record}:{moment.which}:{moment.at.isoformat()}"


def _enqueue(ws: Workspace, entity: str, record: str, moment: Moment) -> None:
    payload = {"entity": entity, "record": record, "which": moment.which, "at": moment.at.isoformat()}
    alone = replace(ws, actor=platform_actor("job"), session=None)
    enqueue(alone, JOB, payload, _key(entity, record, moment), moment.at)


def _released(ws: Workspace) -> dt.datetime:
    """When this release came: what was over before it reminds of nothing."""
    releases = table("_release", ws.db.dialect)
    made: Any = ws.db.execute(sa.select(releases.c.created_at).where(releases.c.number == ws.release)).scalar()
    if made is None:
        return ws.now
    return dt.datetime.fromisoformat(made) if isinstance(made, str) else made
