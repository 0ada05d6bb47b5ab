"""Deleting: rows are marked, with all that goes with them, by one deletion id; links that may be empty are cleared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
from runtime.processes import starting
from runtime.records.checking.locks import locks_on_going
from runtime.records.computing.following import Change, follow_gone, follow_links
from runtime.records.drafts import Draft
from runtime.records.locked import lock
from runtime.records.plans import WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.records.writing.reach import Pointing, blocks, walk
from runtime.sla import moving as sla
from runtime.tables import DELETED_AT, DELETION, MERGED_INTO
from runtime.workspace import Workspace, bump_access

OF_ACCESS = frozenset({"user", "unit", "user__units"})
"""Entities whose records say what people may do."""


def mark(
    ws: Workspace, entity: Entity, ids: Collection[str], *, merged_into: str | None = None, cause: str | None = None
) -> str:
    """Delete records that are locked and that the actor may delete, and compute what follows; the deletion id of the
    first. Raises Conflict, naming them, when other records need one of them."""
    deletion, follow = remove(ws, entity, ids, merged_into=merged_into, cause=cause)
    follow()
    return deletion


def remove(
    ws: Workspace,
    entity: Entity,
    ids: Collection[str],
    *,
    merged_into: str | None = None,
    cause: str | None = None,
    parts: bool = False,
) -> tuple[str, Callable[[], None]]:
    """The same without what follows: that is computed by what comes back, when whoever deletes has written the rest.

    Each is a deletion of its own, together with what goes along with it, so that each can be restored alone.
    `merged_into` is the record that they are part of since; `cause` the event that it follows from. `parts`: they are
    rows of a list that is saved with their record. Raises Conflict, naming them, when other records need one of them,
    and when one is locked.
    """
    reach = walk(ws, entity, ids)
    emptied = [(pointing.source.entity, {row for row, _ in rows}) for pointing, rows in reach.staying("clear")]
    closed, ending = locks_on_going(ws, reach.marked, emptied, parts=parts)
    problems = [*blocks(ws, reach), *closed]
    if problems:
        raise Conflict(problems)
    if ending:
        from runtime import approvals  # which delete nothing but are told of it

        approvals.end_with_records(ws, ending)
    deletions = {root: uuid7() for root in reach.marked[entity.id] if reach.marked[entity.id][root] == root}
    told = {root: uuid7() for root in deletions}
    facts: list[Fact] = []
    for entity_id, marked in reach.marked.items():
        plan = _plan(ws, entity_id)
        ids_of = {} if plan.entity.generated else _start(ws, plan, marked, told)
        _mark(ws, plan, marked, deletions)
        sla.gone(ws, plan.entity, marked)
        if not plan.entity.generated:
            facts += [_fact(entity_id, id, root, told, cause, ids_of.get(id)) for id, root in marked.items()]
    if merged_into is not None:
        _point(ws, entity, ids, merged_into)
        facts = [_merged(each, merged_into) if each.record in deletions else each for each in facts]
    first = cause or (next(iter(told.values())) if facts else None)
    staying = list(reach.staying("clear"))
    for pointing, rows in staying:
        facts += clear(ws, pointing, rows, first)
    events.append_many(ws, facts)
    if not OF_ACCESS.isdisjoint(reach.marked):
        bump_access(ws)
    for pointing, rows in staying:
        start_cleared(ws, pointing, rows, facts)

    def follow() -> None:
        for pointing, rows in staying:
            follow_cleared(ws, pointing, rows, first)
        for entity_id, marked in reach.marked.items():
            follow_gone(ws, _plan(ws, entity_id).entity, {id: told.get(root, first) for id, root in marked.items()})

    return next(iter(deletions.values()), ""), follow


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


def _start(ws: Workspace, plan: WritePlan, marked: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """Start what follows from the deletion of some rows, which are still there; the ids that their events get."""
    if not starting.wants_gone(ws, plan.entity):
        return {}
    drafts = []
    for id, held in lock(ws, plan, list(marked), "delete", everything=True).items():
        root = marked[id] == id and id in told
        drafts.append(Draft(id, held.values, held.values, event=told[id] if root else uuid7()))
    starting.gone(ws, plan, drafts)
    return {each.id: each.event for each in drafts if each.event is not None}


def _fact(entity_id: str, id: str, root: str, told: Mapping[str, str], cause: str | None, own: str | None) -> Fact:
    """The event of a deleted record; that of what went along names its record's as the cause."""
    if id == root and id in told:
        return Fact("deleted", entity_id, id, cause=cause, depth=1 if cause else 0, id=told[id])
    return Fact("deleted", entity_id, id, cause=told[root], depth=2 if cause else 1, id=own)


def _merged(fact: Fact, survivor: str) -> Fact:
    return fact._replace(kind="merged", changes={"id": [fact.record, survivor]})


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
    known = not plan.entity.generated and starting.watches(ws, plan.entity)
    facts = []
    for row, target in rows:
        told = {field.id: [keep({field.id: _linked(pointing, target)}), None]}
        facts.append(Fact("updated", plan.entity.id, row, told, cause, 1, uuid7() if known else None))
    return facts


def _linked(pointing: Pointing, target: str) -> Any:
    return AnyLink(pointing.target.id, target) if pointing.field.type == "any_link" else target


def start_cleared(ws: Workspace, pointing: Pointing, rows: Sequence[tuple[str, str]], facts: Sequence[Fact]) -> None:
    """Start what follows where links have been emptied."""
    if not pointing.source.entity.generated:
        before = {row: {pointing.field.id: _linked(pointing, target)} for row, target in rows}
        starting.relinked(ws, pointing.source, before, facts)
        sla.look(ws, pointing.source, before)


def follow_cleared(ws: Workspace, pointing: Pointing, rows: Sequence[tuple[str, str]], cause: str | None) -> None:
    """Compute what follows from links that have been emptied."""
    field = pointing.field.id
    any_link = pointing.field.type == "any_link"
    changes = [
        Change(row, {field: AnyLink(pointing.target.id, target) if any_link else target}, {field: None}, cause)
        for row, target in rows
    ]
    follow_links(ws, pointing.source, changes)


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
