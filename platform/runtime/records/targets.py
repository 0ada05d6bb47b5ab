"""The records that links point at: whether they exist and the actor may see them, in one statement for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.model import Field
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule
from runtime.records.policies import reaches_all
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace

TargetKey = tuple[str, str]
"""Entity id and action: `read` to point at a record, `update` to add to one that others live with."""

Found = Mapping[TargetKey, "Mapping[str, str | None] | _Everything"]

_Arm = tuple[str, str, str | None]
"""Entity id, action, and the field id of one further value that is wanted of its rows."""


class _Everything(dict[str, "str | None"]):
    """Stands for targets that need not be looked up: all of them are there."""

    def __contains__(self, id: object) -> bool:
        return True


def targets_of(field: Field, value: Any) -> tuple[str, str]:
    """Entity id and record id that the value of a link or any_link points at."""
    if field.type == "any_link":
        return value.entity, value.id
    return (field.to[0] if field.to else field.type), value


def found_targets(
    ws: Workspace,
    wanted: Mapping[TargetKey, Collection[str]],
    extras: Mapping[str, str],
    *,
    skip_open: bool = False,
) -> Found:
    """Those of the wanted records that exist and allow the action, each with the extra value of its entity.

    `extras` names a field by entity id. On PostgreSQL the rows found cannot be deleted until this transaction ends.
    `skip_open` is for records that are known to exist: where the actor may see every row nothing is asked.
    """
    dialect, shape = ws.db.dialect, actor_shape(ws.actor)
    found: dict[TargetKey, Any] = {key: {} for key in wanted}
    arms: list[_Arm] = []
    for key in sorted(wanted):
        if ws.model.entity(key[0]) is None:
            continue
        if skip_open and not key_is_narrow(ws, key):
            found[key] = _Everything()
        else:
            arms.append((*key, extras.get(key[0])))
    if not arms:
        return found
    lock = dialect == "postgresql" and ws.write
    statement = kept(ws.model).get(
        ("targets", tuple(arms), dialect, lock, shape),
        lambda: _statement(Build(ws.model, ws.actor, dialect), arms, lock),
    )
    inputs = inputs_of(ws)
    inputs.q = {f"ids{at}": id_list(dialect, wanted[arm[:2]]) for at, arm in enumerate(arms)}
    for at, id, extra in statement.fetch(ws, inputs):
        found[arms[at][:2]][id] = extra
    return found


def key_is_narrow(ws: Workspace, key: TargetKey) -> bool:
    """Whether some records of the entity may be out of the actor's reach."""
    entity = ws.model.entity(key[0])
    return entity is not None and not reaches_all(ws, entity, key[1])


def _statement(build: Build, arms: list[_Arm], lock: bool) -> Statement:
    selects = []
    for at, (entity_id, action, extra) in enumerate(arms):
        entity = build.entity(entity_id)
        table = build.table(entity)
        value = table.column(extra) if extra and extra in table.fields else sa.null()
        id = table.column("id")
        selected: Any = sa.select(
            sa.literal_column(str(at)).label("arm"), id.label("id"), sa.cast(value, sa.Text).label("extra")
        )
        selected = selected.where(among(id, f"ids{at}", build.dialect), table.table.c[DELETED_AT].is_(None))
        rule = row_rule(build, Source(entity, table, table.table), action)
        if rule is not None:
            selected = selected.where(rule)
        if lock:
            # Deleting takes the row FOR UPDATE: either it waits for the link and sees it, or the link waits and is
            # refused. Foreign keys take the same lock, so this one costs nobody more.
            selected = selected.with_for_update(read=True, key_share=True, of=table.table)
        held = selected.subquery(f"arm{at}")
        selects.append(sa.select(held.c.arm, held.c.id, held.c.extra))
    return build.finish(sa.union_all(*selects) if len(selects) > 1 else selects[0])


def id_list(dialect: str, ids: Collection[str]) -> Any:
    """Ids as the value of the parameter of `among`."""
    return list(ids) if dialect == "postgresql" else orjson.dumps(list(ids)).decode()


def among(column: sa.ColumnElement[Any], parameter: str, dialect: str) -> sa.ColumnElement[bool]:
    """Whether a uuid column is in a list that is one parameter: an array, or JSON text on SQLite."""
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(parameter, type_=postgresql.ARRAY(sa.Uuid(as_uuid=False))))
    rows = sa.func.json_each(sa.bindparam(parameter, type_=sa.Text())).table_valued("value", name=f"{parameter}_")
    return column.in_(sa.select(rows.c.value))
