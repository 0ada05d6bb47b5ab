"""The `_pool_reminder` table: who was told that a record goes back to its pool. The only module that uses it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from runtime.portable import Id
from runtime.workspace import Workspace

SINCE = 5
"""The version of the platform's tables from which on there is one."""

_REMINDER = sa.table(
    "_pool_reminder",
    sa.column("pool", sa.Text()),
    sa.column("rule", sa.Text()),
    sa.column("record", Id()),
    sa.column("owner", Id()),
    sa.column("since", sa.Date()),
)
_KEY = ("pool", "rule", "record")


def first(ws: Workspace, pool: str, rule: str, record: str, owner: str, since: dt.date) -> bool:
    """Note that an owner is told of a record that was left alone since a day; False if he was before."""
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    row = insert(_REMINDER).values(pool=pool, rule=rule, record=record, owner=owner, since=since)
    other = sa.or_(_REMINDER.c.owner != row.excluded.owner, _REMINDER.c.since != row.excluded.since)
    told = row.on_conflict_do_update(
        index_elements=_KEY, set_={"owner": row.excluded.owner, "since": row.excluded.since}, where=other
    )
    return ws.db.execute(told.returning(_REMINDER.c.record)).first() is not None
