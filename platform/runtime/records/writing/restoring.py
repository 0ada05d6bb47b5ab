"""Bringing back exactly what one deletion took, or saying what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa

from metadata.fieldtypes.base import ColumnSpec
from metadata.model import Entity, Field, OnDelete
from metadata.problems import Conflict, Forbidden, Problem, kind
from runtime import events, sealing
from runtime.codecs import column_type, encoder
from runtime.database.errors import UniqueViolation
from runtime.events import Fact
from runtime.prepared import Prepared, prepare
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule
from runtime.records.checking.locks import refuse_returning
from runtime.records.computing.following import follow_back
from runtime.records.plans import KEPT, WritePlan, plan_of
from runtime.records.policies import may_not, not_found
from runtime.records.record import Record
from runtime.records.targets import among, id_list
from runtime.records.writing.deletion import OF_ACCESS, clear, follow_cleared, stamped, start_cleared
from runtime.records.writing.reach import Pointing
from runtime.records.writing.refusals import taken, violated
from runtime.sla import moving as sla
from runtime.tables import DELETED_AT, DELETION, MERGED_INTO, table_of
from runtime.workspace import Workspace, bump_access

STILL_DELETED = kind(
    "records.still_deleted",
    en="{label} of {entity} is deleted itself. Restore that record first.",
    zh="{entity}的{label}本身已被删除，请先恢复那条记录。",
)


def bring_back(ws: Workspace, entity: Entity, id: str) -> Record:
    """Restore a deleted record and all that its deletion took along.

    Raises NotFound, Forbidden, and Conflict when a value is taken meanwhile or a record it needs is gone.
    """
    plan = plan_of(ws.model, entity, ws.db.dialect)
    deletion, record = _deleted(ws, plan, id)
    revived: dict[str, list[str]] = {}
    for each in _may_cascade(ws, entity):
        found = plan_of(ws.model, each, ws.db.dialect)
        revived[each.id] = _revive(ws, found, deletion)
    refuse_returning(ws, revived)
    facts, cleared = _missing(ws, revived)
    facts.insert(0, Fact("restored", entity.id, id))
    for entity_id, ids in revived.items():
        each_entity = ws.model.entity(entity_id)
        if each_entity is not None and not each_entity.generated:
            facts += [Fact("restored", entity_id, each, depth=1) for each in ids if each != id]
    events.append_many(ws, facts)
    for pointing, rows in cleared:
        start_cleared(ws, pointing, rows, facts)
    if not OF_ACCESS.isdisjoint(revived):
        bump_access(ws)
    version = record["version"] + 1
    for entity_id, ids in revived.items():
        back = ws.model.entity(entity_id)
        if back is not None:
            follow_back(ws, back, dict.fromkeys(ids))
            version = sla.look(ws, plan_of(ws.model, back, ws.db.dialect), ids).get(id, version)
    return Record(entity, id, version, record | {"version": version, "updated_at": ws.now, "updated_by": ws.actor.user})


def _deleted(ws: Workspace, plan: WritePlan, id: str) -> tuple[str, dict[str, Any]]:
    """Deletion id and values of a deleted record that the actor may restore: who may delete it may bring it back."""
    key = ("deleted", plan.entity.id, ws.db.dialect, actor_shape(ws.actor))
    statement = kept(ws.model).get(key, lambda: _finding(Build(ws.model, ws.actor, ws.db.dialect), plan))
    inputs = inputs_of(ws)
    inputs.ids = (id,)
    rows = statement.fetch(ws, inputs)
    if not rows:
        raise not_found(plan.entity)
    deletion, allowed = rows[0][-2:]
    if not allowed:
        raise Forbidden(may_not(plan.entity, "restore"))
    return str(deletion), sealing.values(ws, plan, rows[0])


def _finding(build: Build, plan: WritePlan) -> Statement:
    table = plan.table.table
    source = Source(plan.entity, plan.table, table)
    allowed, visible = row_rule(build, source, "delete"), row_rule(build, source, "read")
    id = plan.table.column("id")
    chosen: Any = sa.select(
        *plan.selected, table.c[DELETION], sa.true() if allowed is None else sa.func.coalesce(allowed, sa.false())
    ).where(id == build.parameter(id.type, lambda inputs: inputs.ids[0]), table.c[DELETED_AT].is_not(None))
    if visible is not None:
        chosen = chosen.where(visible)
    if build.postgres:
        chosen = chosen.with_for_update(of=table)
    return build.finish(chosen)


def _may_cascade(ws: Workspace, entity: Entity) -> Iterator[Entity]:
    """The entity and every other that a deletion of it may reach."""
    seen, due = {entity.id}, [entity]
    while due:
        target = due.pop()
        yield target
        for relation in target.inverses:
            if relation.on_delete == "cascade" and relation.through is None and relation.source not in seen:
                seen.add(relation.source)
                source = ws.model.entity(relation.source)
                if source is not None:
                    due.append(source)


def _revive(ws: Workspace, plan: WritePlan, deletion: str) -> list[str]:
    now = encoder(ColumnSpec("datetime"), ws.db.dialect)
    stamp = {"now_": now(ws.now) if now else ws.now, "user_": ws.actor.user, "deletion_": deletion}
    try:
        return [id for (id,) in _reviving(plan).fetch(ws.db, stamp)]
    except UniqueViolation as refused:
        index = violated(plan, refused.index_name)
        if index is None:
            raise
        raise Conflict(taken(plan, index)) from refused


@lru_cache(maxsize=2_000)
def _reviving(plan: WritePlan) -> Prepared:
    table = plan.table.table
    gone = (DELETED_AT, DELETION, MERGED_INTO)
    values = stamped(plan) | {table.c[each]: sa.null() for each in gone}
    this = table.c[DELETION] == sa.bindparam("deletion_", type_=column_type(ColumnSpec("uuid"), plan.dialect))
    return prepare(sa.update(table).values(values).where(this).returning(plan.table.column("id")), plan.dialect)


Cleared = list[tuple[Pointing, list[tuple[str, str]]]]


def _missing(ws: Workspace, revived: dict[str, list[str]]) -> tuple[list[Fact], Cleared]:
    """Empty the links to records that were deleted meanwhile, where they may be empty. Raises Conflict for others."""
    problems: list[Problem] = []
    facts: list[Fact] = []
    cleared: Cleared = []
    for entity_id, ids in revived.items():
        entity = ws.model.entity(entity_id)
        if entity is None or not ids:
            continue
        plan = plan_of(ws.model, entity, ws.db.dialect)
        for field, on_delete, target in _links_of(ws, plan):
            key = ("dangling", entity_id, field.id, target.id, ws.db.dialect)
            statement = kept(ws.model).get(key, partial(_dangling, ws, plan, field, target))
            rows = [(row, gone) for row, gone in statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)})]
            if rows and on_delete == "clear":
                pointing = Pointing(plan, field, on_delete, target, tuple(rows))
                facts += clear(ws, pointing, rows, None)
                cleared.append((pointing, rows))
                follow_cleared(ws, pointing, rows, None)
            elif rows:
                problems.append(STILL_DELETED(field.key, label=field.label, entity=entity.label))
    if problems:
        raise Conflict(problems)
    return facts, cleared


def _links_of(ws: Workspace, plan: WritePlan) -> Iterator[tuple[Field, OnDelete, Entity]]:
    for relation in plan.entity.relations:
        if relation.through is None and relation.field in plan.table.fields and relation.field not in KEPT:
            for each in relation.targets:
                target = ws.model.entity(each)
                if target is not None:
                    yield plan.entity.fields[relation.field], relation.on_delete, target


def _dangling(ws: Workspace, plan: WritePlan, field: Field, target: Entity) -> Prepared:
    """Rows among `wanted` whose link points at a deleted record, with that record's id."""
    link = plan.table.column(field.id)
    held = table_of(ws.model, target, plan.dialect)
    other = held.table.alias("target")
    chosen = sa.select(plan.table.column("id"), link).join_from(
        plan.table.table, other, other.c[held.column("id").name] == link
    )
    chosen = chosen.where(among(plan.table.column("id"), "wanted", plan.dialect), other.c[DELETED_AT].is_not(None))
    if field.type == "any_link":
        chosen = chosen.where(plan.table.fields[field.id].columns[1] == target.id)
    return prepare(chosen, plan.dialect)
