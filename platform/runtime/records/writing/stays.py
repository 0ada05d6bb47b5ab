"""The `_pool_stay` table: how long a record lay in a pool, and who had it before. The only module that uses it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.ids import uuid7
from runtime.portable import Id, Moment
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace

_STAY = sa.table(
    "_pool_stay",
    sa.column("id", Id()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("pool", sa.Text()),
    sa.column("since", Moment()),
    sa.column("previous_owner", Id()),
    sa.column("reason", sa.Text()),
    sa.column("until", Moment()),
    sa.column("taken_by", Id()),
)


def remember(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """End the stays of what leaves its pool, and begin those of what comes into one."""
    moved = [each for each in drafts if each.values.get("pool") != (each.before or {}).get("pool")]
    left = [each for each in moved if (each.before or {}).get("pool") is not None]
    for owner in {each.values.get("owner") for each in left}:
        ids = [each.id for each in left if each.values.get("owner") == owner]
        over = sa.update(_STAY).where(_STAY.c.record.in_(ids), _STAY.c.until.is_(None))
        ws.db.execute(over.values(until=ws.now, taken_by=owner))
    rows = [
        {
            "id": uuid7(),
            "entity": plan.entity.id,
            "record": draft.id,
            "pool": draft.values["pool"],
            "since": ws.now,
            "previous_owner": (draft.before or {}).get("owner"),
            "reason": draft.reason,
        }
        for draft in moved
        if draft.values.get("pool") is not None
    ]
    if rows:
        ws.db.execute(sa.insert(_STAY), rows)


def lost_since(ws: Workspace, records: Sequence[str], user: str, since: dt.datetime) -> Mapping[str, dt.datetime]:
    """When a person lost each of these records to a pool, as far as that was after a moment."""
    mine = sa.select(_STAY.c.record, sa.type_coerce(sa.func.max(_STAY.c.since), Moment())).where(
        _STAY.c.record.in_(records), _STAY.c.previous_owner == user, _STAY.c.since > since
    )
    found: Any = ws.db.execute(mine.group_by(_STAY.c.record))
    return {str(record): lost for record, lost in found}


@dataclass(frozen=True, slots=True)
class Stay:
    """How a record came into the pool that it lies in."""

    since: dt.datetime
    previous_owner: str | None
    reason: str | None


def latest(ws: Workspace, record: str) -> Stay | None:
    """The stay that lasts; None for a record in no pool."""
    lasts = sa.select(_STAY.c.since, _STAY.c.previous_owner, _STAY.c.reason).where(
        _STAY.c.record == record, _STAY.c.until.is_(None)
    )
    found: Any = ws.db.execute(lasts.order_by(_STAY.c.since.desc()).limit(1)).first()
    return None if found is None else Stay(*found)
