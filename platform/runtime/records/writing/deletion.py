"""Deleting: rows are marked, with all that goes with them, by one deletion id; links that may be empty are cleared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes.base import ColumnSpec
from metadata.fieldtypes.links import AnyLink
from metadata.ids import uuid7
from metadata.model import Entity
from metadata.problems import Conflict
from runtime import events
from runtime.codecs import column_type, encoder
from runtime.events import Fact
from runtime.prepared import Prepared, prepare
from runtime.records.plans import WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.records.writing.reach import Pointing, blocks, walk
from runtime.tables import DELETED_AT, DELETION, MERGED_INTO
from runtime.workspace import Workspace, bump_access

OF_ACCESS = frozenset({"user", "unit", "user__units"})
"""Entities whose records say what people may do."""


def mark(
    ws: Workspace, entity: Entity, ids: Collection[str], *, merged_into: str | None = None, cause: str | None = None
) -> str:
    """Delete records that are locked and that the actor may delete; the deletion id of the first.

    Each is a deletion of its own, together with what goes along with it, so that each can be restored alone.
    `merged_into` is the record that they are part of since; `cause` the event that it follows from. Raises Conflict,
    naming them, when other records need one of them.
    """
    reach = walk(ws, entity, ids)
    problems = blocks(ws, reach)
    if problems:
        raise Conflict(problems)
    deletions = {root: uuid7() for root in reach.marked[entity.id] if reach.marked[entity.id][root] == root}
    told = {root: uuid7() for root in deletions}
    facts: list[Fact] = []
    for entity_id, marked in reach.marked.items():
        plan = _plan(ws, entity_id)
        _mark(ws, plan, marked, deletions)
        if not plan.entity.generated:
            facts += [_fact(entity_id, id, root, told, cause) for id, root in marked.items()]
    if merged_into is not None:
        _point(ws, entity, ids, merged_into)
        facts = [_merged(each, merged_into) if each.record in deletions else each for each in facts]
    first = cause or (next(iter(told.values())) if facts else None)
    for pointing, rows in reach.staying("clear"):
        facts += clear(ws, pointing, rows, first)
    events.append_many(ws, facts)
    if not OF_ACCESS.isdisjoint(reach.marked):
        bump_access(ws)
    return next(iter(deletions.values()), "")


def _mark(ws: Workspace, plan: WritePlan, marked: Mapping[str, str], deletions: Mapping[str, str]) -> None:
    """One statement for the rows of an entity, each with the deletion of what it goes with."""
    if len(deletions) == 1:
        (deletion,) = deletions.values()
        _marking(plan).run(ws.db, stamp(ws) | {"wanted": id_list(ws.db.dialect, marked), "deletion_": deletion})
        return
    given = [deletions[root] for root in marked.values()]
    if ws.db.dialect == "postgresql":
        params: dict[str, Any] = {"wanted": list(marked), "deletions": given}
    else:
        params = {"wanted": orjson.dumps(list(zip(marked, given, strict=True))).decode()}
    _marking_each(plan).run(ws.db, stamp(ws) | params)


def _fact(entity_id: str, id: str, root: str, told: Mapping[str, str], cause: str | None) -> Fact:
    """The event of a deleted record; that of what went along names its record's as the cause."""
    if id == root and id in told:
        return Fact("deleted", entity_id, id, cause=cause, depth=1 if cause else 0, id=told[id])
    return Fact("deleted", entity_id, id, cause=told[root], depth=2 if cause else 1)


def _merged(fact: Fact, survivor: str) -> Fact:
    return replace(fact, kind="merged", changes={"id": [fact.record, survivor]})


def _point(ws: Workspace, entity: Entity, ids: Collection[str], survivor: str) -> None:
    """Have the addresses of merged records lead to the one that they are part of."""
    plan = _plan(ws, entity.id)
    _pointing_on(plan).run(ws.db, {"wanted": id_list(ws.db.dialect, ids), "survivor": survivor})


def clear(ws: Workspace, pointing: Pointing, rows: Sequence[tuple[str, str]], cause: str | None) -> list[Fact]:
    """Empty a link of rows that stay; the events of it."""
    plan, field = pointing.source, pointing.field
    ids = {row for row, _ in rows}
    _clearing(plan, field.id).run(ws.db, stamp(ws) | {"wanted": id_list(ws.db.dialect, ids)})
    keep = plan.keeps[field.id]
    facts = []
    for row, target in rows:
        before: Any = AnyLink(pointing.target.id, target) if field.type == "any_link" else target
        facts.append(Fact("updated", plan.entity.id, row, {field.id: [keep({field.id: before}), None]}, cause, 1))
    return facts


def stamp(ws: Workspace) -> dict[str, Any]:
    """The parameters of `stamped`."""
    now = encoder(ColumnSpec("datetime"), ws.db.dialect)
    return {"now_": now(ws.now) if now else ws.now, "user_": ws.actor.user}


def _plan(ws: Workspace, entity_id: str) -> WritePlan:
    entity = ws.model.entity(entity_id)
    if entity is None:
        raise LookupError(entity_id)
    return plan_of(ws.model, entity, ws.db.dialect)


def stamped(plan: WritePlan) -> dict[Any, Any]:
    """What every change of a row sets: its version, when and by whom."""
    table = plan.table
    return {
        table.column("version"): table.column("version") + 1,
        table.column("updated_at"): _moment(plan),
        table.column("updated_by"): sa.bindparam("user_", type_=column_type(ColumnSpec("uuid"), plan.dialect)),
    }


def _moment(plan: WritePlan) -> sa.BindParameter[Any]:
    return sa.bindparam("now_", type_=column_type(ColumnSpec("datetime"), plan.dialect))


@lru_cache(maxsize=2_000)
def _marking(plan: WritePlan) -> Prepared:
    table = plan.table.table
    values = stamped(plan) | {
        table.c[DELETED_AT]: _moment(plan),
        table.c[DELETION]: sa.bindparam("deletion_", type_=column_type(ColumnSpec("uuid"), plan.dialect)),
    }
    return prepare(
        sa.update(table).values(values).where(among(plan.table.column("id"), "wanted", plan.dialect)), plan.dialect
    )


@lru_cache(maxsize=1_000)
def _marking_each(plan: WritePlan) -> Prepared:
    """The same for many deletions at once: each row gets that which is paired with its id."""
    table, id, uuid = plan.table.table, plan.table.column("id"), column_type(ColumnSpec("uuid"), plan.dialect)
    if plan.dialect == "postgresql":
        arrays = [sa.bindparam(name, type_=postgresql.ARRAY(uuid)) for name in ("wanted", "deletions")]
        given: Any = sa.func.unnest(*arrays).table_valued("id", "deletion", name="given").render_derived()
        pair: tuple[Any, ...] = (given.c.id, given.c.deletion)
    else:
        given = sa.func.json_each(sa.bindparam("wanted", type_=sa.Text())).table_valued("value", name="given")
        pair = tuple(sa.func.json_extract(given.c.value, sa.literal_column(f"'$[{at}]'")) for at in (0, 1))
    held = sa.select(pair[0].label("id"), pair[1].label("deletion")).subquery("pairs")
    values = stamped(plan) | {table.c[DELETED_AT]: _moment(plan), table.c[DELETION]: held.c.deletion}
    return prepare(sa.update(table).values(values).where(id == held.c.id), plan.dialect)


@lru_cache(maxsize=500)
def _pointing_on(plan: WritePlan) -> Prepared:
    table = plan.table.table
    values = {table.c[MERGED_INTO]: sa.bindparam("survivor", type_=column_type(ColumnSpec("uuid"), plan.dialect))}
    return prepare(
        sa.update(table).values(values).where(among(plan.table.column("id"), "wanted", plan.dialect)), plan.dialect
    )


@lru_cache(maxsize=2_000)
def _clearing(plan: WritePlan, field_id: str) -> Prepared:
    table = plan.table.table
    values = stamped(plan) | {column: sa.null() for column in plan.table.fields[field_id].columns}
    return prepare(
        sa.update(table).values(values).where(among(plan.table.column("id"), "wanted", plan.dialect)), plan.dialect
    )
