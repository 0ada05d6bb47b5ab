"""Loads who a user is: roles, units and everything below them, language and zone. Done once per change of access."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from metadata.access import Actor
from metadata.model import Entity, Model
from metadata.problems import Unauthenticated, kind
from metadata.remembering import Remembered
from runtime.database.db import Db
from runtime.system.tables import table
from runtime.tables import DELETED_AT, EntityTable, table_of

NO_USER = kind(
    "user.gone",
    en="This account has no living user record. Ask an administrator to restore the user.",
    zh="该账户没有有效的用户记录，请联系管理员恢复该用户。",
)

Actors = Remembered[tuple[Any, ...], Actor]
"""The actors that a process knows; the key holds the access epoch."""

MOST = 20_000


def load_actor(
    model: Model, db: Db, user: str, channel: str, role: str | None = None, scopes: frozenset[str] | None = None
) -> Actor:
    """The actor for a user id. `role` and `scopes` narrow it to an API token's. Raises Unauthenticated."""
    entity = model.entity("user")
    if entity is None:
        raise Unauthenticated(NO_USER())
    row = _user_row(model, db, entity, user)
    held = table("_role_assignment", db.dialect)
    roles = db.execute(sa.select(held.c.role_id).where(held.c.user_id == user).order_by(held.c.role_id)).scalars()
    found = tuple(each for each in roles if role is None or each == role)
    main = row.get("unit")
    units = _units(model, db, entity, user, main)
    return Actor(
        user=user,
        name=row.get("name") or "",
        roles=found,
        units=units,
        main_unit=main,
        subtree=_subtree(model, db, units),
        language=row.get("language") or "en",
        timezone=row.get("timezone") or str(model.settings.get("timezone", "UTC")),
        channel=channel,
        allowed_scopes=scopes,
    )


def _user_row(model: Model, db: Db, entity: Entity, user: str) -> dict[str, Any]:
    users = table_of(model, entity, db.dialect)
    wanted = [each for each in ("name", "unit", "language", "timezone", "active") if each in users.fields]
    query = sa.select(*(users.column(each) for each in wanted), users.column("id"))
    found = db.execute(query.where(users.column("id") == user, _living(users))).first()
    row = dict(zip(wanted, found, strict=False)) if found is not None else None
    if row is None or row.get("active") in (False, 0):
        raise Unauthenticated(NO_USER())
    return row


def _units(model: Model, db: Db, entity: Entity, user: str, main: str | None) -> tuple[str, ...]:
    units = [main] if main else []
    relation = entity.relation("units")
    through = model.entity(relation.through) if relation is not None and relation.through else None
    if relation is not None and through is not None and relation.near and relation.far:
        links = table_of(model, through, db.dialect)
        far = links.column(relation.far)
        query = sa.select(far).where(links.column(relation.near) == user, far.is_not(None), _living(links))
        units += [str(each) for each in db.execute(query.order_by(far)).scalars()]
    return tuple(dict.fromkeys(units))


def _subtree(model: Model, db: Db, units: tuple[str, ...]) -> frozenset[str]:
    entity = model.entity("unit")
    if not units or entity is None or "parent" not in entity.fields:
        return frozenset(units)
    tree = table_of(model, entity, db.dialect)
    id, parent = tree.column("id"), tree.column("parent")
    below = sa.select(id).where(id.in_(units)).cte("below", recursive=True)
    # UNION, not UNION ALL: a circle of units ends.
    below = below.union(sa.select(id).where(parent == below.c[0], _living(tree)))
    return frozenset(units) | frozenset(str(each) for each in db.execute(sa.select(below.c[0])).scalars())


def _living(held: EntityTable) -> sa.ColumnElement[bool]:
    return held.table.c[DELETED_AT].is_(None)
