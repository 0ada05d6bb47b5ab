"""Loads who a user is: roles, units and everything below them, language and zone. Done once per change of access."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa

from metadata.access import Actor
from metadata.fieldtypes import registry
from metadata.model import Entity, Model
from metadata.problems import Unauthenticated, kind
from metadata.remembering import Remembered
from runtime.database.db import Db
from runtime.system.tables import VERSION, table
from runtime.tables import DELETED_AT, EntityTable, table_of

NO_USER = kind(
    "user.gone",
    en="This account has no living user record. Ask an administrator to restore the user.",
    zh="该账户没有有效的用户记录，请联系管理员恢复该用户。",
)

Actors = Remembered[tuple[Any, ...], Actor]
"""The actors that a process knows; the key holds the access epoch."""

MOST = 20_000


SHARES_SINCE = 4
"""The version of the platform's tables from which on records can be shared: a tenant may be one behind."""


def load_actor(
    model: Model,
    db: Db,
    user: str,
    channel: str,
    role: str | None = None,
    scopes: frozenset[str] | None = None,
    version: int = VERSION,
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
    above = _walk(model, db, units, "up")
    return Actor(
        user=user,
        name=row.get("name") or "",
        roles=found,
        units=units,
        main_unit=main,
        subtree=_walk(model, db, units, "down"),
        above=above,
        shared=_shared(db, {user, *above}) if version >= SHARES_SINCE else frozenset(),
        language=row.get("language") or "en",
        timezone=row.get("timezone") or str(model.settings.get("timezone", "UTC")),
        channel=channel,
        allowed_scopes=scopes,
        attributes=row,
    )


def _user_row(model: Model, db: Db, entity: Entity, user: str) -> dict[str, Any]:
    users = table_of(model, entity, db.dialect)
    told = (each for each in entity.fields.values() if not (registry.of(each).concealed or each.encrypted))
    wanted = [each.id for each in told if each.id in users.fields]
    # What is compared of a value, for conditions that name it: a name is kept in parts and compared as a text.
    parts = {each: registry.of(entity.fields[each]).compared for each in wanted}
    query = sa.select(*(users.fields[each].columns[part] for each, part in parts.items()))
    found = db.execute(query.where(users.column("id") == user, _living(users))).first()
    if found is None:
        raise Unauthenticated(NO_USER())
    row = {id: _decoded(users, id, part, value) for (id, part), value in zip(parts.items(), found, strict=True)}
    if row.get("active") is False:
        raise Unauthenticated(NO_USER())
    return row


def _decoded(users: EntityTable, id: str, part: int, value: Any) -> Any:
    decode = users.fields[id].decode[part]
    return value if value is None or decode is None else decode(value)


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


def _walk(model: Model, db: Db, units: tuple[str, ...], way: Literal["up", "down"]) -> frozenset[str]:
    """Some units and everything below, or above, them."""
    entity = model.entity("unit")
    if not units or entity is None or "parent" not in entity.fields:
        return frozenset(units)
    tree = table_of(model, entity, db.dialect)
    id, parent = tree.column("id"), tree.column("parent")
    start = sa.select(id, parent).where(id.in_(units)).cte("walked", recursive=True)
    step = parent == start.c[0] if way == "down" else id == start.c[1]
    # UNION, not UNION ALL: a circle of units ends.
    walked = start.union(sa.select(id, parent).where(step, _living(tree)))
    # One text: there may be thousands of units, and reading them row by row takes longer than finding them.
    every = sa.func.aggregate_strings(sa.cast(walked.c[0], sa.Text()), " ")
    found = db.execute(sa.select(every)).scalar()
    return frozenset((*units, *(found or "").split()))


def _shared(db: Db, principals: set[str]) -> frozenset[str]:
    """Ids of the entities of which a record has been shared with one of these, whether or not it still is."""
    shares = table("_share", db.dialect)
    query = sa.select(shares.c.entity).where(shares.c.principal.in_(sorted(principals))).distinct()
    return frozenset(db.execute(query).scalars())


def _living(held: EntityTable) -> sa.ColumnElement[bool]:
    return held.table.c[DELETED_AT].is_(None)
