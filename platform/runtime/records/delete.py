"""Deleting and restoring one record."""

from __future__ import annotations

from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Conflict
from runtime.records.policies import not_found
from runtime.records.record import Record
from runtime.records.save import STALE, held_or_refuse, writing
from runtime.records.writing.deletion import mark
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


def restore(ws: Workspace, entity: Entity | str, id: str) -> Record:
    """Bring back a deleted record with all that went with it. Raises NotFound, Forbidden, Conflict."""
    plan = writing(ws, entity, "delete")
    if not is_uuid(id):
        raise not_found(plan.entity)
    return bring_back(ws, plan.entity, id.lower())
