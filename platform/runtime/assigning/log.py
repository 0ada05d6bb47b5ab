"""The `_assignment_log` table: who was given which record by which rule, and why. The only module that uses it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.ids import uuid7
from runtime.portable import Id, Json, Moment
from runtime.workspace import Workspace

SINCE = 5
"""The version of the platform's tables from which on there is one."""
MOST_PEOPLE = 100
"""People that are written down of each rule; the one who was chosen always is."""
_LATELY = dt.timedelta(days=30)
_A_DAY = dt.timedelta(hours=24)

_LOG = sa.table(
    "_assignment_log",
    sa.column("id", Id()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("assignment", sa.Text()),
    sa.column("rule", sa.Text()),
    sa.column("chosen", Id()),
    sa.column("tried", Json()),
    sa.column("at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule that was asked. `rule`: its id, None for the fallback; `matched`: its condition held."""

    rule: str | None
    matched: bool
    territory: str | None = None
    people: tuple[tuple[str, str | None], ...] = ()
    """(user id, why he was passed over)."""


@dataclass(frozen=True, slots=True)
class Given:
    """One decision about a record. `rule` is None when it was the fallback; `chosen`: nobody could be found."""

    id: str
    assignment: str
    rule: str | None
    chosen: str | None
    tried: tuple[Tried, ...]
    at: dt.datetime


def put(
    ws: Workspace,
    entity: str,
    record: str,
    assignment: str,
    rule: str | None,
    chosen: str | None,
    tried: Sequence[Tried],
) -> None:
    values = {
        "id": uuid7(),
        "entity": entity,
        "record": record,
        "assignment": assignment,
        "rule": rule,
        "chosen": chosen,
        "tried": [_dumped(each, chosen) for each in tried],
        "at": ws.now,
    }
    ws.db.execute(sa.insert(_LOG).values(values))


def _dumped(tried: Tried, chosen: str | None) -> dict[str, Any]:
    people = [[user, why] for user, why in tried.people if user == chosen and why is None]
    people += [[user, why] for user, why in tried.people if not (user == chosen and why is None)]
    return {"rule": tried.rule, "matched": tried.matched, "territory": tried.territory, "people": people[:MOST_PEOPLE]}


def of_record(ws: Workspace, entity: str, record: str, limit: int = 50) -> list[Given]:
    """The decisions about a record, the newest first."""
    if ws.system_version < SINCE:
        return []
    columns = (_LOG.c.id, _LOG.c.assignment, _LOG.c.rule, _LOG.c.chosen, _LOG.c.tried, _LOG.c.at)
    mine = sa.select(*columns).where(_LOG.c.record == record, _LOG.c.entity == entity)
    rows: Any = ws.db.execute(mine.order_by(_LOG.c.id.desc()).limit(limit))
    return [
        Given(id, assignment, rule, chosen, tuple(_tried(each) for each in tried), at)
        for id, assignment, rule, chosen, tried, at in rows
    ]


def _tried(data: Mapping[str, Any]) -> Tried:
    people = tuple((user, why) for user, why in data["people"])
    return Tried(data["rule"], data["matched"], data["territory"], people)


def lately(ws: Workspace, entity: str, users: Sequence[str]) -> Mapping[str, tuple[dt.datetime, int]]:
    """User -> when he was given a record of an entity in the last 30 days, and how many in the last 24 hours."""
    if not users:
        return {}
    today = sa.func.count(sa.case((_LOG.c.at > ws.now - _A_DAY, 1)))
    mine = sa.select(_LOG.c.chosen, sa.type_coerce(sa.func.max(_LOG.c.at), Moment()), today).where(
        _LOG.c.entity == entity, _LOG.c.chosen.in_(users), _LOG.c.at > ws.now - _LATELY
    )
    rows: Any = ws.db.execute(mine.group_by(_LOG.c.chosen))
    return {user: (at, count) for user, at, count in rows}
