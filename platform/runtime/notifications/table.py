"""The `_notice_mail` table: notifications that are still to be mailed. The only module that reads and writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from runtime.portable import Id, Moment
from runtime.workspace import Workspace

SINCE = 5
"""The version of the platform's tables from which on there is one: a tenant may be one behind."""

_ROWS = sa.table("_notice_mail", sa.column("notification", Id()), sa.column("person", Id()), sa.column("due", Moment()))


def put(ws: Workspace, person: str, notifications: Sequence[str], due: dt.datetime) -> None:
    """Have notifications of a person go out when the time has come."""
    ws.db.execute(sa.insert(_ROWS), [{"notification": each, "person": person, "due": due} for each in notifications])


def take(ws: Workspace, person: str, due: dt.datetime) -> list[str]:
    """Take those of a person that are due by a moment, in their order. Whoever comes at the same time gets none."""
    mine = (_ROWS.c.person == person, _ROWS.c.due <= due)
    taken = ws.db.execute(sa.delete(_ROWS).where(*mine).returning(_ROWS.c.notification))
    return sorted(str(row.notification) for row in taken)
