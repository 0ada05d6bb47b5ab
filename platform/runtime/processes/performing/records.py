"""Records that a run finds, creates, changes and deletes: by the one way to read and the one way to write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from metadata.expressions.binding import zone
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field
from metadata.problems import NotFound
from runtime import queries
from runtime import records as writing
from runtime.processes.performing.moving import Moving
from runtime.queries import Query
from runtime.queries.query import MAX_LIMIT
from runtime.records.computing.recipes import DoesNotFit, fitting
from runtime.records.plans import plan_of
from runtime.records.policies import entity_of, not_found
from workflow.engine import CreateRecord, DeleteRecord, FindMany, UpdateRecord

_LONGEST = 500
"""Of a text no more is kept in a trace."""
_CONFIRMED = ("*",)
"""Nobody reads warnings here."""


def find(moving: Moving, effect: FindMany) -> tuple[str, ...]:
    """Ids of the records that are found, as far as the run may see them."""
    entity = entity_of(moving.acts, effect.wanted)
    parts = [] if effect.where is None else [f"({effect.where})"]
    if effect.by is not None:
        if effect.record is None:
            return ()
        parts.append(f"{effect.by} == '{effect.record}'")
    where = " and ".join(parts) or None
    query = Query(entity.id, where, effect.sort, ("id",), limit=min(effect.limit, MAX_LIMIT))
    found: list[str] = []
    while True:
        page = queries.find(moving.acts, query)
        found += [str(row[0]) for row in page.raw]
        if page.next is None or len(found) >= effect.limit:
            return tuple(found[: effect.limit])
        query = replace(query, after=page.next)


def create(moving: Moving, effect: CreateRecord) -> str:
    entity = entity_of(moving.acts, effect.wanted)
    values = _raw(moving, effect, entity, effect.values)
    made = writing.create(moving.acts, entity, values, _CONFIRMED)
    moving.told.update(wrote(entity, made.id, values))
    return made.id


def update(moving: Moving, effect: UpdateRecord) -> None:
    entity = entity_of(moving.acts, effect.entity)
    values = _raw(moving, effect, entity, effect.values)
    made = writing.update(moving.acts, entity, _record(moving, effect, entity), values, confirm=_CONFIRMED)
    moving.told.update(wrote(entity, made.id, values))
    moving.world.wrote(plan_of(moving.ws.model, entity, moving.ws.db.dialect), made.id, made.values)


def wrote(entity: Entity, record: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the trace keeps of a write: which record, and what was given to its fields. Secrets are not kept."""
    kept = {id: _short(each) for id, each in values.items() if id in entity.fields and not _secret(entity.fields[id])}
    return {"entity": entity.id, "record": record, "values": kept}


def _secret(field: Field) -> bool:
    return field.encrypted or field.sensitivity == "secret" or field.type == "secret"


def _short(value: Any) -> Any:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def delete(moving: Moving, effect: DeleteRecord) -> None:
    entity = entity_of(moving.acts, effect.entity)
    writing.delete(moving.acts, entity, _record(moving, effect, entity))


def _record(moving: Moving, effect: UpdateRecord | DeleteRecord, entity: Entity) -> str:
    if effect.record is None:
        raise missing(entity)
    return effect.record


def missing(entity: Entity) -> NotFound:
    """The run is about no record, so a step can do nothing with it."""
    return not_found(entity)


def _raw(
    moving: Moving, effect: CreateRecord | UpdateRecord, entity: Entity, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Values of expressions as a caller of the interface would send them; what their fields are is asked there."""
    found = {}
    for id, value in values.items():
        field = entity.fields.get(id)
        found[id] = value if field is None else _sent(moving, effect, field, value)
    return found


def _sent(moving: Moving, effect: CreateRecord | UpdateRecord, field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.type == "any_link":
        return _any_link(moving, effect, value)
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal | int):
        with suppress(DoesNotFit):  # refused where it is read, in its own words
            value = fitting(field)(value)
        return format(value, "f") if isinstance(value, Decimal) else value
    if isinstance(value, dt.datetime) and field.type == "date":
        # `$today` alone may be read as the moment at which the day begins.
        value = value.astimezone(zone(str(moving.ws.model.settings.get("timezone", "UTC")))).date()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | frozenset | set) else value


def _any_link(moving: Moving, effect: CreateRecord | UpdateRecord, value: Any) -> Any:
    """Of a record that the run knows, the entity is told with it."""
    if isinstance(value, AnyLink):
        return {"entity": value.entity, "id": value.id}
    if value == effect.record:
        return {"entity": effect.entity, "id": value}
    if value == moving.run.record:
        return {"entity": moving.run.entity, "id": value}
    return {"entity": moving.entity_made(value) or "", "id": value}
