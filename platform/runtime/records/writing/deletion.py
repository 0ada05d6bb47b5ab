"""Deleting: rows are marked, with all that goes with them, by one deletion id; links that may be empty are cleared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

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
from runtime.tables import DELETED_AT, DELETION
from runtime.workspace import Workspace, bump_access

OF_ACCESS = frozenset({"user", "unit", "user__units"})
"""Entities whose records say what people may do."""


def mark(ws: Workspace, entity: Entity, ids: Collection[str]) -> str:
    """Delete records that are locked and that the actor may delete; the deletion id.

    Raises Conflict, naming them, when other records need one of them. All of it is one deletion.
    """
    reach = walk(ws, entity, ids)
    problems = blocks(ws, reach)
    if problems:
        raise Conflict(problems)
    deletion, first = uuid7(), uuid7()
    facts: list[Fact] = []
    for entity_id, marked in reach.marked.items():
        plan = _plan(ws, entity_id)
        _marking(plan).run(ws.db, _stamp(ws) | {"wanted": id_list(ws.db.dialect, marked), "deletion_": deletion})
        if not plan.entity.generated:
            facts += [Fact("deleted", entity_id, id) for id in marked]
    facts = _caused(facts, ids, first)
    for pointing, rows in reach.staying("clear"):
        facts += clear(ws, pointing, rows, first if facts else None)
    events.append_many(ws, facts)
    if not OF_ACCESS.isdisjoint(reach.marked):
        bump_access(ws)
    return deletion


def _caused(facts: list[Fact], ids: Collection[str], first: str) -> list[Fact]:
    """The deleted records' own events, then those of what went along, which name the first as their cause."""
    roots, found = set(ids), []
    for at, fact in enumerate(facts):
        if fact.record in roots:
            found.append(replace(fact, id=first if at == 0 else None))
        else:
            found.append(replace(fact, cause=first, depth=1))
    return found


def clear(ws: Workspace, pointing: Pointing, rows: Sequence[tuple[str, str]], cause: str | None) -> list[Fact]:
    """Empty a link of rows that stay; the events of it."""
    plan, field = pointing.source, pointing.field
    ids = {row for row, _ in rows}
    _clearing(plan, field.id).run(ws.db, _stamp(ws) | {"wanted": id_list(ws.db.dialect, ids)})
    dump = plan.dumps[field.id]
    facts = []
    for row, target in rows:
        before: Any = AnyLink(pointing.target.id, target) if field.type == "any_link" else target
        facts.append(Fact("updated", plan.entity.id, row, {field.id: [dump({field.id: before}), None]}, cause, 1))
    return facts


def _stamp(ws: Workspace) -> dict[str, Any]:
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


@lru_cache(maxsize=2_000)
def _clearing(plan: WritePlan, field_id: str) -> Prepared:
    table = plan.table.table
    values = stamped(plan) | {column: sa.null() for column in plan.table.fields[field_id].columns}
    return prepare(
        sa.update(table).values(values).where(among(plan.table.column("id"), "wanted", plan.dialect)), plan.dialect
    )
