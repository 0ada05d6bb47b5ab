"""The `_approval_link` table: links in mails by which one person decides one task, once. Alone reads and writes it.

A link is a long random text; only its digest is kept, so a copy of the table opens nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from runtime.portable import Id, Moment
from runtime.workspace import Workspace

LASTS = dt.timedelta(days=7)
_LONGEST = 200
_KEPT = dt.timedelta(days=30)
"""How long it stays known what a link was, so that it can be said why it opens nothing any more."""

_LINK = sa.table(
    "_approval_link",
    sa.column("hash", sa.Text()),
    sa.column("request", Id()),
    sa.column("task", Id()),
    sa.column("round", sa.Integer()),
    sa.column("person", Id()),
    sa.column("made_at", Moment()),
    sa.column("expires_at", Moment()),
    sa.column("used_at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is bound to. `round`: `Task.rounds`, as often as the task had been asked."""

    hash: str
    request: str
    task: str
    round: int
    person: str
    made_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None = None


def make(ws: Workspace, request: str, task: str, round: int, person: str) -> tuple[str, dt.datetime]:
    """A new link: its secret part, and until when it opens."""
    secret, ends = secrets.token_urlsafe(32), ws.now + LASTS
    row = {"request": request, "task": task, "round": round, "person": person, "made_at": ws.now, "expires_at": ends}
    ws.db.execute(sa.insert(_LINK).values(hash=_digest(secret), **row))
    return secret, ends


def find(ws: Workspace, secret: str) -> Link | None:
    """The link with a secret part; None when there is none, or it is long over."""
    if not 20 <= len(secret) <= _LONGEST:
        return None
    row = ws.db.execute(sa.select(*_LINK.c).where(_LINK.c.hash == _digest(secret))).first()
    return None if row is None else Link(**row._asdict())


def use(ws: Workspace, link: Link) -> bool:
    """Have a link be used; False when it was already."""
    mine = sa.update(_LINK).where(_LINK.c.hash == link.hash, _LINK.c.used_at.is_(None))
    return ws.db.execute(mine.values(used_at=ws.now)).rowcount == 1


def forget(ws: Workspace) -> int:
    """Take away what is long over; how many."""
    return ws.db.execute(sa.delete(_LINK).where(_LINK.c.expires_at < ws.now - _KEPT)).rowcount


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
