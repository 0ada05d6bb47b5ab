"""Which records a rule of a pool sends back, and on which day: read a page at a time, whoever owns them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.model import Entity, Model
from metadata.pools import Pool, Recycle, pools_of, recycled_where
from runtime import queries
from runtime.codecs import datetime_value
from runtime.queries import Query
from runtime.system.tables import table
from runtime.workspace import Workspace

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Due:
    """A record that goes back to its pool unless something happens before."""

    record: str
    owner: str
    rule: Recycle
    since: dt.date
    """The last day on which something happened to it, in the tenant's zone."""

    @property
    def on(self) -> dt.date:
        """The day at whose beginning it goes: `days` whole days are over then."""
        return self.since + dt.timedelta(days=self.rule.days + 1)


@dataclass(frozen=True, slots=True)
class Page:
    due: tuple[Due, ...]
    next: str | None


def zone_of(ws: Workspace) -> ZoneInfo:
    return ZoneInfo(str(ws.model.settings.get("timezone", "UTC")))


def today_of(ws: Workspace) -> dt.date:
    return ws.now.astimezone(zone_of(ws)).date()


def midnight(ws: Workspace, day: dt.date) -> dt.datetime:
    """When a day of the tenant's zone begins."""
    return dt.datetime.combine(day, dt.time(), zone_of(ws)).astimezone(dt.UTC)


def scan(
    ws: Workspace,
    pool: Pool,
    rule: Recycle,
    until: dt.date,
    *,
    after: str | None = None,
    ids: Sequence[str] | None = None,
) -> Page:
    """A page of the records that a rule sends back on a day or before. `ws` is the platform's."""
    entity = ws.model.entity(pool.entity)
    if entity is None:
        return Page((), None)
    # What happened on this day or later is not over by then.
    first = until - dt.timedelta(days=rule.days)
    limits = {path: _limit(ws, path, entity, first) for path in rule.since}
    where = recycled_where(pools_of(ws.model, entity), pool, rule, limits)
    if where is None:
        return Page((), None)
    fields = ("id", "owner", "created_at", *rule.since)
    wanted = None if ids is None else tuple(ids)
    page = queries.find(ws, Query(entity.id, where, ("id",), fields, limit=AT_ONCE, after=after, ids=wanted))
    received = _received(ws, entity, [str(row[0]) for row in page.rows])
    found = []
    for id, owner, created, *moments in page.rows:
        came = received.get(str(id), created)
        since = max(_day(ws, each) for each in (created, came, *moments) if each is not None)
        each = Due(str(id), str(owner), rule, since)
        if each.on <= until:
            found.append(each)
    return Page(tuple(found), page.next)


def _limit(ws: Workspace, path: str, entity: Entity, first: dt.date) -> str:
    if _kind(ws.model, entity, path) == "date":
        return first.isoformat()
    return f"{midnight(ws, first):%Y-%m-%dT%H:%M:%SZ}"


def _kind(model: Model, entity: Entity, path: str) -> str | None:
    *links, last = path.split(".")
    here: Entity | None = entity
    for link in links:
        field = None if here is None else here.fields.get(link)
        here = None if field is None or not field.to else model.entity(field.to[0])
    field = None if here is None else here.fields.get(last)
    return None if field is None else registry.of(field).kind


def _day(ws: Workspace, value: dt.date | dt.datetime) -> dt.date:
    return value.astimezone(zone_of(ws)).date() if isinstance(value, dt.datetime) else value


def _received(ws: Workspace, entity: Entity, ids: Iterable[str]) -> Mapping[str, dt.datetime]:
    """When each of some records last changed hands, as far as its history tells."""
    wanted = list(ids)
    if not wanted:
        return {}
    event = table("_event", ws.db.dialect)
    if ws.db.dialect == "postgresql":
        handed: Any = event.c.changes.op("->")("owner").is_not(None)
    else:
        handed = sa.func.json_extract(event.c.changes, "$.owner").is_not(None)
    latest = sa.select(event.c.record, sa.func.max(event.c.at)).where(
        event.c.entity == entity.id, event.c.record.in_(wanted), handed
    )
    rows: Any = ws.db.execute(latest.group_by(event.c.record))
    return {str(record): datetime_value(at) if isinstance(at, str) else at for record, at in rows}
