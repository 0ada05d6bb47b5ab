"""Everything that points at the records that are merged away, moved to the one that stays: a statement for a kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.fieldtypes.links import AnyLink
from metadata.ids import uuid7
from metadata.model import Entity, Field
from runtime import events
from runtime.database.errors import UniqueViolation
from runtime.events import Fact
from runtime.prepared import Prepared, prepare
from runtime.processes import starting
from runtime.queries.cache import kept
from runtime.records.checking.locks import refuse_moving
from runtime.records.computing.compute import compute
from runtime.records.computing.following import Change, follow_links, links_of
from runtime.records.drafts import Draft, draft_of
from runtime.records.locked import lock
from runtime.records.merging.colliding import collision
from runtime.records.merging.pairs import Pairs, Settled, pairs_of, settle
from runtime.records.plans import KEPT, WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.records.writing.deletion import OF_ACCESS, mark, stamp, stamped
from runtime.records.writing.refusals import violated
from runtime.records.writing.rows import write
from runtime.sla import moving as sla
from runtime.tables import DELETED_AT, DELETION
from runtime.workspace import Workspace, bump_access


@dataclass(frozen=True, slots=True)
class Arm:
    """One link of the model that may point at the merged records."""

    plan: WritePlan
    field: Field
    follows: bool


@dataclass(slots=True)
class Moved:
    """What was moved: rows by entity, the survivor's own lists before and after, and the rows that follow its owner."""

    rows: Counter[str] = field(default_factory=Counter)
    lists: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    following: list[tuple[WritePlan, list[str]]] = field(default_factory=list)
    links: list[tuple[WritePlan, list[Change]]] = field(default_factory=list)
    """The links that were moved, for what is computed from them."""

    def counts(self) -> Mapping[str, int]:
        return {entity: count for entity, count in self.rows.items() if count}


def move(ws: Workspace, entity: Entity, survivor: str, losers: Sequence[str], cause: str) -> Moved:
    """Point every row at the survivor that points at one of the losers. `cause` is the event that it follows from.

    Rows in the recycle bin are moved too: restored, they find the survivor. Raises Conflict where two rows that must
    differ would become the same, and where a row is locked.
    """
    moved, facts = Moved(), list[Fact]()
    pairs = pairs_of(ws, entity)
    handled = {(each.plan.entity.id, end) for each in pairs for end in (each.near, each.far)}
    arms = [each for each in arms_of(ws, entity) if (each.plan.entity.id, each.field.id) not in handled]
    found = _rows(ws, entity, arms, losers)
    by_plan: dict[WritePlan, dict[str, list[tuple[Field, str]]]] = {}
    for at, row, target, living in found:
        arm = arms[at]
        if arm.plan.entity.id == entity.id and (row in losers or row == survivor):
            continue  # links among the merged records themselves end here
        held = by_plan.setdefault(arm.plan, {}).setdefault(row, [])
        if living:
            held.append((arm.field, target))
            if arm.follows:
                _follows(moved, arm.plan, row)
    refuse_moving(ws, [(plan.entity, [row for row, links in rows.items() if links]) for plan, rows in by_plan.items()])
    for plan, rows in by_plan.items():
        fields = [each.field for each in arms if each.plan == plan]
        _update(ws, entity, plan, fields, survivor, losers, list(rows))
        facts += _facts(entity, plan, rows, survivor, cause)
        changes = [_change(entity, row, links, survivor, cause) for row, links in rows.items() if links]
        moved.links.append((plan, changes))
        moved.rows[plan.entity.id] += sum(1 for links in rows.values() if links)
    for each in pairs:
        facts += _move_pairs(ws, entity, each, settle(ws, each, survivor, losers), survivor, losers, cause, moved)
    events.append_many(ws, facts)
    if not OF_ACCESS.isdisjoint(moved.rows):
        bump_access(ws)
    for plan, moving in moved.links:
        if not plan.entity.generated:
            before = {each.id: each.before or {} for each in moving if each.after is not None}
            starting.relinked(ws, plan, before, facts)
            sla.look(ws, plan, before)
    return moved


def _change(entity: Entity, row: str, links: Sequence[tuple[Field, str]], survivor: str, cause: str | None) -> Change:
    before, after = (
        {link.id: AnyLink(entity.id, id) if link.type == "any_link" else id for link, id in ends}
        for ends in (links, [(link, survivor) for link, _ in links])
    )
    return Change(row, before, after, cause)


def follow(ws: Workspace, moved: Moved, survivor: Draft) -> None:
    """Hand what follows an owner over to the survivor's, and compute what follows from the links that were moved."""
    for plan, changes in moved.links:
        follow_links(ws, plan, changes, {survivor.id: survivor})
    for plan, ids in moved.following:
        due = []
        for id, held in lock(ws, plan, ids, "update", everything=True).items():
            if held.values["owner"] != survivor.values["owner"]:
                draft = draft_of(id, held.values)
                draft.values.update(owner=survivor.values["owner"], unit=survivor.values["unit"])
                due.append(draft)
        compute(ws, plan, due)
        write(ws, plan, due)


def _follows(moved: Moved, plan: WritePlan, row: str) -> None:
    for known, ids in moved.following:
        if known == plan:
            ids.append(row)
            return
    moved.following.append((plan, [row]))


def arms_of(ws: Workspace, entity: Entity) -> list[Arm]:
    """Every link that leads to records of the entity and does not say that it stays where it is.

    A link with `on_merge: keep` goes with the record that is merged away: its `on_delete` decides.
    """
    return list(_arms(ws, entity))


def _arms(ws: Workspace, entity: Entity) -> Iterator[Arm]:
    for relation in entity.inverses:
        source = ws.model.entity(relation.source)
        if source is None or relation.through is not None or relation.field in KEPT or relation.on_merge == "keep":
            continue
        plan = plan_of(ws.model, source, ws.db.dialect)
        if relation.field in plan.table.fields:
            yield Arm(plan, source.fields[relation.field], relation.follows_owner and source.owned)


def _rows(
    ws: Workspace, entity: Entity, arms: Sequence[Arm], losers: Collection[str]
) -> Sequence[tuple[int, str, str, bool]]:
    """(place of the arm, row, target, whether it lives) of every row that points at a loser; locked."""
    if not arms:
        return ()
    key = ("merge rows", entity.id, tuple((each.plan.entity.id, each.field.id) for each in arms), ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_finding, arms, entity, ws.db.dialect))
    rows = statement.fetch(ws.db, {"gone": id_list(ws.db.dialect, losers)})
    return [(at, row, target, bool(living)) for at, row, target, living in rows]


def _finding(arms: Sequence[Arm], entity: Entity, dialect: str) -> Prepared:
    selects = []
    for at, (plan, link) in enumerate((each.plan, each.field) for each in arms):
        table, column = plan.table.table, plan.table.column(link.id)
        living = table.c[DELETED_AT].is_(None)
        chosen: Any = sa.select(
            sa.literal_column(str(at)).label("arm"),
            plan.table.column("id").label("row"),
            column.label("target"),
            living.label("living"),
        ).where(_points(plan, link, entity, "gone"))
        if dialect == "postgresql":
            chosen = chosen.order_by(plan.table.column("id")).with_for_update(of=table)
        held = chosen.subquery(f"arm{at}")
        selects.append(sa.select(held.c.arm, held.c.row, held.c.target, held.c.living))
    return prepare(sa.union_all(*selects) if len(selects) > 1 else selects[0], dialect)


def _points(plan: WritePlan, link: Field, entity: Entity, parameter: str) -> sa.ColumnElement[bool]:
    """Whether a link of a row points at one of the listed records of the entity."""
    found = among(plan.table.column(link.id), parameter, plan.dialect)
    if link.type == "any_link":
        return sa.and_(found, plan.table.fields[link.id].columns[1] == entity.id)
    return found


def _update(
    ws: Workspace,
    entity: Entity,
    plan: WritePlan,
    fields: Sequence[Field],
    survivor: str,
    losers: Sequence[str],
    rows: Collection[str],
) -> None:
    """One statement for all rows of an entity, whichever of its links are concerned."""
    if not rows:
        return
    key = ("merge move", entity.id, plan.entity.id, tuple(each.id for each in fields), ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_moving, plan, fields, entity))
    params = stamp(ws) | {"survivor": survivor}
    params |= {name: id_list(ws.db.dialect, ids) for name, ids in (("gone", losers), ("wanted", rows))}
    try:
        with ws.db.savepoint():
            statement.run(ws.db, params)
    except UniqueViolation as refused:
        index = violated(plan, refused.index_name)
        if index is None:
            raise
        raise collision(ws, plan, index, fields, survivor, losers) from refused


def _moving(plan: WritePlan, fields: Sequence[Field], entity: Entity) -> Prepared:
    values: dict[Any, Any] = dict(stamped(plan))
    for each in fields:
        column = plan.table.column(each.id)
        new = sa.bindparam("survivor", type_=column.type)
        values[column] = sa.case((_points(plan, each, entity, "gone"), new), else_=column)
    where = among(plan.table.column("id"), "wanted", plan.dialect)
    return prepare(sa.update(plan.table.table).values(values).where(where), plan.dialect)


def _facts(
    entity: Entity, plan: WritePlan, rows: Mapping[str, Sequence[tuple[Field, str]]], survivor: str, cause: str
) -> Iterable[Fact]:
    if plan.entity.generated:
        return
    for row, links in rows.items():
        changes = {link.id: [_told(plan, link, entity, each) for each in (target, survivor)] for link, target in links}
        if changes:
            yield Fact("updated", plan.entity.id, row, changes, cause, 1, uuid7())


def _told(plan: WritePlan, link: Field, entity: Entity, id: str) -> Any:
    value: Any = AnyLink(entity.id, id) if link.type == "any_link" else id
    return plan.keeps[link.id]({link.id: value})


# -- links to several records


def _move_pairs(
    ws: Workspace,
    entity: Entity,
    pairs: Pairs,
    settled: Settled,
    survivor: str,
    losers: Sequence[str],
    cause: str,
    moved: Moved,
) -> list[Fact]:
    """Move the pairs that stay, drop those that would be there twice, and tell the lists that have changed."""
    plan = pairs.plan
    ends = [plan.entity.fields[each] for each in (pairs.near, pairs.far)]
    fields = [each for each in ends if each.to == (entity.id,)]
    if settled.doubles and not plan.entity.generated:
        mark(ws, plan.entity, settled.doubles, cause=cause)
    elif settled.doubles:
        _bury(ws, plan, settled.doubles)
    if settled.buried:
        _bury(ws, plan, settled.buried)
    _update(ws, entity, plan, fields, survivor, losers, settled.moving)
    moved.rows[plan.entity.id if not plan.entity.generated else pairs.holder.entity.id] += len(settled.living)
    ends_of = {row: dict(zip((pairs.near, pairs.far), held, strict=True)) for row, held in settled.living.items()}
    mine = {each.id for each in fields}
    mapped = {row: _with_survivor(held, mine, survivor, losers) for row, held in ends_of.items()}
    moved.links.append((plan, [Change(row, held, mapped[row], cause) for row, held in ends_of.items()]))
    gone = [row for row in settled.doubles if row not in ends_of] if plan.entity.generated else []
    known = links_of(ws, plan, (pairs.near, pairs.far), gone) if gone and plan.entity.triggers else ()
    moved.links.append((plan, [Change(row, held, None, cause) for row, held in known]))
    facts: list[Fact] = []
    if not plan.entity.generated:
        rows = {
            row: [(link, target) for link, target in zip(ends, held, strict=True) if target in losers]
            for row, held in settled.living.items()
        }
        facts += _facts(entity, plan, rows, survivor, cause)
    if survivor in settled.lists and pairs.near_here:
        before, after = settled.lists.pop(survivor)
        if before != after:
            moved.lists[pairs.field.id] = (before, after)
    told = {id: list_ for id, list_ in settled.lists.items() if id not in losers and list_[0] != list_[1]}
    if told:
        _touch(ws, pairs.holder, list(told))
        facts += [
            Fact("updated", pairs.holder.entity.id, id, {pairs.field.id: [list(before), list(after)]}, cause, 1)
            for id, (before, after) in told.items()
        ]
    return facts


def _with_survivor(held: Mapping[str, str], ends: Collection[str], survivor: str, losers: Collection[str]) -> Any:
    return {end: survivor if end in ends and id in losers else id for end, id in held.items()}


def _bury(ws: Workspace, plan: WritePlan, rows: Collection[str]) -> None:
    """Pairs that no restoring shall bring back: they say what another says."""
    now = stamp(ws)
    statement = kept(ws.model).get(("merge bury", plan.entity.id, ws.db.dialect), partial(_burying, plan))
    statement.run(ws.db, now | {"wanted": id_list(ws.db.dialect, rows), "deletion_": uuid7()})


def _burying(plan: WritePlan) -> Prepared:
    table = plan.table.table
    deleted, deletion = table.c[DELETED_AT], table.c[DELETION]
    values = stamped(plan) | {
        deleted: sa.bindparam("now_", type_=deleted.type),
        deletion: sa.bindparam("deletion_", type_=deletion.type),
    }
    where = among(plan.table.column("id"), "wanted", plan.dialect)
    return prepare(sa.update(table).values(values).where(where), plan.dialect)


def _touch(ws: Workspace, plan: WritePlan, rows: Collection[str]) -> None:
    """Raise the version of records whose lists have changed."""
    statement = kept(ws.model).get(("merge touch", plan.entity.id, ws.db.dialect), partial(_touching, plan))
    statement.run(ws.db, stamp(ws) | {"wanted": id_list(ws.db.dialect, rows)})


def _touching(plan: WritePlan) -> Prepared:
    where = among(plan.table.column("id"), "wanted", plan.dialect)
    return prepare(sa.update(plan.table.table).values(stamped(plan)).where(where), plan.dialect)
