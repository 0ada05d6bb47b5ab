"""Links to several records under a merge: which pairs move, and which say what another one says already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.model import Entity, Field, Relation
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.plans import WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pairs:
    """A `links` field that the merged records have or are in, and the entity between the two ends."""

    plan: WritePlan
    near: str
    far: str
    holder: WritePlan
    field: Field
    near_here: bool
    far_here: bool
    keep: bool
    """The pairs go with the record that is merged away."""


@dataclass(slots=True)
class Settled:
    """What becomes of the pairs of the merged records."""

    moving: list[str] = field(default_factory=list)
    """Pairs that point at the survivor from now on, in the recycle bin or not."""
    living: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Those of them that live, with their two ends as they were."""
    doubles: list[str] = field(default_factory=list)
    """Living pairs that another one makes needless, and those of the merged records among themselves."""
    buried: list[str] = field(default_factory=list)
    """The same of those in the recycle bin."""
    lists: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Near record -> its far ones before and after, where a living pair of it is concerned."""


def pairs_of(ws: Workspace, entity: Entity) -> list[Pairs]:
    """The links to several records in which records of the entity stand at either end, one for each pair entity."""
    found: dict[str, Pairs] = {}
    for relation in (*entity.relations, *entity.inverses):
        if relation.through is not None and relation.through not in found:
            made = _pairs(ws, relation, entity)
            if made is not None:
                found[relation.through] = made
    return list(found.values())


def _pairs(ws: Workspace, relation: Relation, entity: Entity) -> Pairs | None:
    between, holder = ws.model.entity(relation.through or ""), ws.model.entity(relation.source)
    if between is None or holder is None or relation.near is None or relation.far is None:
        return None
    if relation.on_merge == "move" and not between.generated:
        return None  # records of their own, that may say the same twice: moved like any others
    return Pairs(
        plan_of(ws.model, between, ws.db.dialect),
        relation.near,
        relation.far,
        plan_of(ws.model, holder, ws.db.dialect),
        holder.fields[relation.field],
        relation.source == entity.id,
        relation.targets == (entity.id,),
        relation.on_merge == "keep",
    )


def settle(ws: Workspace, pairs: Pairs, survivor: str, losers: Sequence[str]) -> Settled:
    """Decide about every pair of the merged records. The rows are locked."""
    if pairs.keep:
        return Settled()
    gone = frozenset(losers)
    rows = _rows(ws, pairs, [survivor, *losers])
    settled, taken = Settled(), dict[tuple[str, str], str]()
    # A pair that stays as it is comes first, then one that lives: the others are measured against it.
    for row, near, far, living in sorted(rows, key=lambda each: (not each[3], each[1] in gone or each[2] in gone)):
        to = _mapped(pairs, near, far, survivor, gone)
        itself = pairs.near_here and pairs.far_here and to == (survivor, survivor)
        if itself or to in taken:
            (settled.doubles if living else settled.buried).append(row)
            continue
        taken[to] = row
        if to != (near, far):
            settled.moving.append(row)
            if living:
                settled.living[row] = (near, far)
    _tell(ws, pairs, settled, survivor, gone, rows)
    return settled


def _mapped(pairs: Pairs, near: str, far: str, survivor: str, gone: frozenset[str]) -> tuple[str, str]:
    return (
        survivor if pairs.near_here and near in gone else near,
        survivor if pairs.far_here and far in gone else far,
    )


def _tell(
    ws: Workspace,
    pairs: Pairs,
    settled: Settled,
    survivor: str,
    gone: frozenset[str],
    rows: Sequence[tuple[str, str, str, bool]],
) -> None:
    """The lists that change: those of records which have a merged one in them, and the survivor's own."""
    concerned = {near for _, near, far, living in rows if living and pairs.far_here and far in gone}
    if pairs.near_here:
        concerned |= {near for _, near, _, living in rows if living}
    held: dict[str, list[str]] = {}
    for _, near, far, living in _rows(ws, pairs, sorted(concerned), near_only=True) if concerned else ():
        if living:
            held.setdefault(near, []).append(far)
    if pairs.near_here:
        before = tuple(held.pop(survivor, ()))
        everything = [*before, *(far for near in sorted(gone & held.keys()) for far in held.pop(near))]
        after = [_mapped(pairs, survivor, far, survivor, gone)[1] for far in everything]
        own = tuple(each for each in dict.fromkeys(after) if not (pairs.far_here and each == survivor))
        settled.lists[survivor] = (before, own)
    for near, fars in held.items():
        mapped = dict.fromkeys(_mapped(pairs, near, far, survivor, gone)[1] for far in fars)
        settled.lists[near] = (tuple(fars), tuple(mapped))


def _rows(
    ws: Workspace, pairs: Pairs, ids: Sequence[str], near_only: bool = False
) -> Sequence[tuple[str, str, str, bool]]:
    """(pair, near, far, whether it lives) of the pairs with one of these records at an end, oldest first."""
    ends = (
        (pairs.near,)
        if near_only
        else tuple(end for end, here in ((pairs.near, pairs.near_here), (pairs.far, pairs.far_here)) if here)
    )
    key = ("merge pairs", pairs.plan.entity.id, ends, ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_finding, pairs, ends))
    rows = statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)})
    return [(row, near, far, bool(living)) for row, near, far, living in rows if near and far]


def _finding(pairs: Pairs, ends: tuple[str, ...]) -> Prepared:
    plan = pairs.plan
    table, id = plan.table.table, plan.table.column("id")
    living = table.c[DELETED_AT].is_(None)
    chosen: Any = sa.select(id, plan.table.column(pairs.near), plan.table.column(pairs.far), living)
    chosen = chosen.where(sa.or_(*(among(plan.table.column(end), "wanted", plan.dialect) for end in ends)))
    chosen = chosen.order_by(id)
    if plan.dialect == "postgresql":
        chosen = chosen.with_for_update(of=table)
    return prepare(chosen, plan.dialect)
