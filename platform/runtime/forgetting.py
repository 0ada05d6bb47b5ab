"""Plans that nobody applied are forgotten after a while, with what only they have kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import sqlalchemy as sa

from runtime.codecs import datetime_text
from runtime.system.tables import table
from runtime.workspace import Workspace

OVERTAKEN = dt.timedelta(days=1)
"""How long a plan is kept that can never be applied, because the tenant has moved on."""
WAITING = dt.timedelta(days=90)
"""How long a plan waits for its review."""


def forget_plans(ws: Workspace, limit: int = 200) -> int:
    """Drop plans of both kinds; how many. A plan that was applied belongs to its release and stays."""
    plan = table("_plan", ws.db.dialect)
    c = plan.c
    overtaken = sa.and_(c.base < ws.release, c.created_at < _moment(ws, ws.now - OVERTAKEN))
    old = sa.or_(overtaken, c.created_at < _moment(ws, ws.now - WAITING))
    chosen = sa.select(c.id, c.layers, c.body).where(c.state == "planned", old).order_by(c.created_at).limit(limit)
    rows: Any = ws.db.execute(chosen).all()
    if rows:
        ws.db.execute(sa.delete(plan).where(c.id.in_([row.id for row in rows])))
        _forget_texts(ws, {digest for row in rows for digest in (row.layers, *_digests(row.body))})
    return len(rows)


def _digests(body: Any) -> tuple[str, str]:
    """Of the whole model and of the storage map: the large texts of a plan. Single elements are shared with others."""
    data = orjson.loads(body) if isinstance(body, str) else body
    return data["model_index"], data["storage"]


def _forget_texts(ws: Workspace, digests: set[str]) -> None:
    release, plan, text = (table(name, ws.db.dialect) for name in ("_release", "_plan", "_text"))
    for column in (release.c.layers, release.c.model_index, release.c.storage, plan.c.layers):
        digests = digests - set(ws.db.execute(sa.select(column).where(column.in_(digests))).scalars())
    for body in ws.db.execute(sa.select(plan.c.body).where(plan.c.state == "planned")).scalars():
        digests -= set(_digests(body))
    if digests:
        ws.db.execute(sa.delete(text).where(text.c.hash.in_(digests)))


def _moment(ws: Workspace, at: dt.datetime) -> object:
    return at if ws.db.dialect == "postgresql" else datetime_text(at)
