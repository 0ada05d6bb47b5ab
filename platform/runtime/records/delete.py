"""Deleting and restoring one record, and what a deletion would do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Conflict, Problem
from runtime.records.policies import not_found
from runtime.records.record import Record
from runtime.records.save import STALE, held_or_refuse, writing
from runtime.records.targets import found_targets
from runtime.records.writing.deletion import mark
from runtime.records.writing.reach import blocks, walk
from runtime.records.writing.restoring import bring_back
from runtime.workspace import Workspace


def delete(ws: Workspace, entity: Entity | str, id: str, version: int | None = None) -> str:
    """Delete a record and what lives with it; the deletion id, by which `restore` brings all of it back.

    Raises NotFound, Forbidden, and Conflict for another version or when other records need it.
    """
    plan = writing(ws, entity, "delete")
    held = held_or_refuse(ws, plan, id, "delete")
    current = held.values["version"]
    if version is not None and version != current:
        raise Conflict(STALE("version", entity=plan.entity.label, current=current, given=version, difference={}))
    return mark(ws, plan.entity, [held.values["id"]])


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What deleting some records would do: entity id -> how many go along; why it would be refused."""

    along: Mapping[str, int]
    problems: tuple[Problem, ...]


def foresee(ws: Workspace, entity: Entity, ids: Collection[str]) -> Foreseen:
    """For the question before the deed. Nothing is written; what the actor may not see is not looked at."""
    wanted = {each.lower() for each in ids if is_uuid(each)}
    reach = walk(ws, entity, list(found_targets(ws, {(entity.id, "read"): wanted}, {})[entity.id, "read"]))
    shown = {id: (ws.model.entity(id), found) for id, found in reach.marked.items() if id != entity.id}
    along = {id: len(found) for id, (known, found) in shown.items() if known is not None and not known.generated}
    return Foreseen(along, tuple(blocks(ws, reach)))


def restore(ws: Workspace, entity: Entity | str, id: str) -> Record:
    """Bring back a deleted record with all that went with it. Raises NotFound, Forbidden, Conflict."""
    plan = writing(ws, entity, "delete")
    if not is_uuid(id):
        raise not_found(plan.entity)
    return bring_back(ws, plan.entity, id.lower())
