"""What a deletion reaches: the model's relations walked from the records that go, one statement for each step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from metadata.access import rights
from metadata.model import Entity, Field, OnDelete
from metadata.problems import Problem, kind
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.plans import KEPT, WritePlan, plan_of
from runtime.records.targets import among, found_targets, id_list
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace

IN_USE = kind(
    "records.in_use",
    en="{count} × {entity} still name it as {label}: {examples}. Change or delete them first.",
    zh="仍有 {count} 条{entity}将其作为{label}：{examples}。请先修改或删除它们。",
)
_EXAMPLES = 5
_ELSEWHERE = {"en": "out of your sight", "zh": "您无权查看"}


@dataclass(frozen=True, slots=True)
class Pointing:
    """Rows of `source` whose `field` points at a record of `target` that goes: (row id, target id)."""

    source: WritePlan
    field: Field
    on_delete: OnDelete
    target: Entity
    rows: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Reach:
    """The records that go, by entity id in the order they were found, and the links to them that do not cascade.

    Each is marked with the record that it goes with: one of those that were asked for, itself if it is one.
    """

    marked: dict[str, dict[str, str]] = field(default_factory=dict)
    pointing: list[Pointing] = field(default_factory=list)

    def add(self, entity_id: str, found: Iterable[tuple[str, str]]) -> list[str]:
        """Mark (id, what it goes with); the ids that were not yet marked."""
        known = self.marked.setdefault(entity_id, {})
        new = {id: root for id, root in found if id not in known}
        known.update(new)
        return list(new)

    def staying(self, on_delete: OnDelete) -> Iterator[tuple[Pointing, list[tuple[str, str]]]]:
        """Links of a kind whose rows do not go themselves."""
        for each in self.pointing:
            going = self.marked.get(each.source.entity.id, {})
            rows = [row for row in each.rows if row[0] not in going]
            if each.on_delete == on_delete and rows:
                yield each, rows


def walk(ws: Workspace, entity: Entity, ids: Collection[str]) -> Reach:
    """Everything that is deleted with these records. Where the workspace writes, the rows found are locked."""
    reach = Reach()
    due = [(entity, reach.add(entity.id, ((id, id) for id in ids)))]
    while due:
        target, gone = due.pop()
        for each in _pointing(ws, target, gone):
            if each.on_delete != "cascade":
                reach.pointing.append(each)
                continue
            roots = reach.marked[target.id]
            if new := reach.add(each.source.entity.id, ((row, roots[of]) for row, of in each.rows)):
                due.append((each.source.entity, new))
    return reach


def blocks(ws: Workspace, reach: Reach) -> list[Problem]:
    """The records that forbid the deletion; those that the actor may not see are counted, not named."""
    found = []
    for each, rows in reach.staying("restrict"):
        ids, entity = {row for row, _ in rows}, each.source.entity
        titled = rights(ws.model, ws.actor, entity).may_read(entity.title)
        seen = found_targets(ws, {(entity.id, "read"): ids}, {entity.id: entity.title} if titled else {})
        names = [title or id for id, title in seen[entity.id, "read"].items()]
        examples: list[object] = list(names[:_EXAMPLES])
        if len(names) > _EXAMPLES:
            examples.append("…")
        found.append(
            IN_USE(
                count=len(ids),
                entity=entity.plural,
                label=each.field.label,
                examples=examples or [_ELSEWHERE],
            )
        )
    return found


def _pointing(ws: Workspace, target: Entity, ids: Collection[str]) -> list[Pointing]:
    """Living rows that point at some records of one entity, over every relation of the model."""
    links = [(plan, field, on_delete) for plan, field, on_delete in _links_to(ws, target)]
    if not links or not ids:
        return []
    dialect, lock = ws.db.dialect, ws.db.writing
    key = ("pointing", target.id, dialect, lock)
    statement = kept(ws.model).get(key, lambda: _statement(links, target, dialect, lock))
    rows: list[list[tuple[str, str]]] = [[] for _ in links]
    for at, row, pointed in statement.fetch(ws.db, {"wanted": id_list(dialect, ids)}):
        rows[at].append((row, pointed))
    return [
        Pointing(plan, field, on_delete, target, tuple(found))
        for (plan, field, on_delete), found in zip(links, rows, strict=True)
        if found
    ]


def _links_to(ws: Workspace, target: Entity) -> Iterator[tuple[WritePlan, Field, OnDelete]]:
    for relation in target.inverses:
        source = ws.model.entity(relation.source)
        # Who made or changed a record is no link that holds anybody; a `links` field is walked over its pairs.
        if source is None or relation.through is not None or relation.field in KEPT:
            continue
        plan = plan_of(ws.model, source, ws.db.dialect)
        if relation.field in plan.table.fields:
            yield plan, source.fields[relation.field], relation.on_delete


def _statement(links: list[tuple[WritePlan, Field, OnDelete]], target: Entity, dialect: str, lock: bool) -> Prepared:
    selects = []
    for at, (plan, link, _) in enumerate(links):
        table, column = plan.table.table, plan.table.column(link.id)
        chosen: Any = sa.select(
            sa.literal_column(str(at)).label("arm"), plan.table.column("id").label("row"), column.label("target")
        )
        chosen = chosen.where(among(column, "wanted", dialect), table.c[DELETED_AT].is_(None))
        if link.type == "any_link":
            chosen = chosen.where(plan.table.fields[link.id].columns[1] == target.id)
        if dialect == "postgresql" and lock:
            chosen = chosen.order_by(plan.table.column("id")).with_for_update(of=table)
        held = chosen.subquery(f"arm{at}")
        selects.append(sa.select(held.c.arm, held.c.row, held.c.target))
    return prepare(sa.union_all(*selects) if len(selects) > 1 else selects[0], dialect)
