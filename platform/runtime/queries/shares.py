"""Records that are shared with somebody, as a member of their team or otherwise: as SQL, and asked for one record."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.model import Entity
from runtime.codecs import datetime_text, json_text
from runtime.queries.build import Build, Inputs, Source, Statement, actor_shape, inputs_of, nobody
from runtime.queries.cache import kept
from runtime.system.tables import table

if TYPE_CHECKING:
    from runtime.workspace import Workspace

SHARED_FOR = ("read", "update")
"""What a share can let somebody do, where his roles let him do it with some records."""


def shared(build: Build, source: Source, action: str) -> sa.ColumnElement[bool]:
    """The row is shared with the actor, or with a unit that he is in or below."""
    found = records(build, source.entity, action)
    if build.postgres:
        # Evaluated once, and then a list of ids: so the index of the table's key serves it beside that of the owner.
        return source.column("id") == sa.any_(sa.func.array(found.scalar_subquery()))
    return source.column("id").in_(found)


def records(build: Build, entity: Entity, action: str) -> sa.Select[Any]:
    """Ids of the records of an entity that are shared with the actor, those in the bin as well."""
    shares = table("_share", build.dialect).alias(f"s{len(build.getters)}")
    postgres = build.postgres
    now = build.parameter(shares.c.until.type, _now if postgres else lambda inputs: datetime_text(_now(inputs)))
    chosen = sa.select(shares.c.record).where(
        shares.c.entity == sa.literal_column(f"'{entity.id}'", sa.Text()),
        _principals(build, shares.c.principal),
        sa.or_(shares.c.until.is_(None), shares.c.until > now),
    )
    if action != "read":
        written: sa.ColumnElement[bool] = shares.c.write if postgres else shares.c.write == sa.literal_column("1")
        chosen = chosen.where(written)
    return chosen.correlate(None)


def _now(inputs: Inputs) -> dt.datetime:
    return inputs.binding.now


def _principals(build: Build, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    def ids(inputs: Inputs) -> list[str]:
        return [nobody(inputs), *sorted(inputs.actor.above)]

    if build.postgres:
        return column == sa.any_(build.parameter(postgresql.ARRAY(build.uuid), ids))
    text = build.parameter(sa.Text(), lambda inputs: json_text(ids(inputs)))
    return column.in_(sa.select(sa.func.json_each(text).table_valued("value").c.value))


def is_shared(ws: Workspace, entity: Entity, action: str, id: str) -> bool:
    """The same for one record."""

    def make() -> Statement:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        wanted = build.parameter(build.uuid, lambda inputs: inputs.ids[0])
        found = records(build, entity, action).subquery("found")
        return build.finish(sa.select(sa.literal_column("1")).select_from(found).where(found.c.record == wanted))

    statement = kept(ws.model).get(("shared", entity.id, action, ws.db.dialect, actor_shape(ws.actor)), make)
    inputs = inputs_of(ws)
    inputs.ids = (id,)
    return bool(statement.fetch(ws, inputs))
