"""How many records point at some others, through every link of the model, as far as the actor may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.model import Entity, Relation
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import among_ids, may_ever, row_rule

if TYPE_CHECKING:
    from runtime.workspace import Workspace

_TRACES = frozenset({"created_by", "updated_by"})


@dataclass(frozen=True, slots=True)
class Pointing:
    """The records that point at each of some others through one link: record id -> how many."""

    relation: Relation
    source: Entity
    counts: dict[str, int]


def pointing(ws: Workspace, entity: Entity, ids: Collection[str]) -> list[Pointing]:
    """What points at these records, one statement for all links; links that nothing uses are left out."""
    relations = kept(ws.model).get(
        ("pointing at", entity.id, ws.db.dialect, actor_shape(ws.actor)), partial(_relations, ws, entity)
    )
    if not relations or not ids:
        return []
    key = ("pointing counts", entity.id, ws.db.dialect, actor_shape(ws.actor))
    statement = kept(ws.model).get(key, lambda: _statement(Build(ws.model, ws.actor, ws.db.dialect), entity, relations))
    inputs = inputs_of(ws)
    inputs.ids = tuple(ids)
    counts: list[dict[str, int]] = [{} for _ in relations]
    for at, id, count in statement.fetch(ws, inputs):
        counts[at][str(id)] = count
    found = []
    for relation, held in zip(relations, counts, strict=True):
        source = ws.model.entity(relation.source)
        if held and source is not None:
            found.append(Pointing(relation, source, held))
    return found


def _relations(ws: Workspace, entity: Entity) -> Sequence[Relation]:
    build, found = Build(ws.model, ws.actor, ws.db.dialect), []
    for each in entity.inverses:
        source = ws.model.entity(each.source)
        if source is None or each.field in _TRACES or source.generated:
            continue
        readable = build.may_read(source, source.fields[each.field]) and may_ever(build, source, "read")
        if readable and (each.through is None or _between(ws, each) is not None):
            found.append(each)
    return found


def _between(ws: Workspace, relation: Relation) -> Entity | None:
    found = ws.model.entity(relation.through or "")
    return found if found is not None and relation.near is not None and relation.far is not None else None


def _statement(build: Build, entity: Entity, relations: Sequence[Relation]) -> Statement:
    selects = []
    for at, relation in enumerate(relations):
        source = build.aliased(build.entity(relation.source))
        if relation.through is None:
            link, origin, more = source.column(relation.field), source.origin, []
            if source.entity.fields[relation.field].type == "any_link":
                more = [source.column(relation.field, 1) == sa.literal_column(f"'{entity.id}'", sa.Text())]
        else:
            pair = build.aliased(build.entity(relation.through))
            link = pair.column(relation.far or "")
            on = sa.and_(source.column("id") == pair.column(relation.near or ""), pair.kept())
            origin, more = source.origin.join(pair.origin, on), []
        selects.append(_counted(build, at, source, link, origin, more))
    return build.finish(sa.union_all(*selects) if len(selects) > 1 else selects[0])


def _counted(
    build: Build,
    at: int,
    source: Source,
    link: sa.ColumnElement[Any],
    origin: sa.FromClause,
    more: list[sa.ColumnElement[bool]],
) -> sa.Select[Any]:
    chosen = sa.select(sa.literal_column(str(at)), link, sa.func.count()).select_from(origin)
    chosen = chosen.where(among_ids(build, link), source.kept(), *more)
    rule = row_rule(build, source, "read")
    return (chosen if rule is None else chosen.where(rule)).group_by(link)
