"""How records are called, as somebody may read it: one question for each entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import Masked, TextContext
from metadata.ids import is_uuid
from metadata.model import Entity
from runtime import queries
from runtime.queries import Query
from runtime.queries.build import Build
from runtime.queries.query import MAX_IDS
from runtime.queries.rules import may_ever
from runtime.workspace import Workspace


def titles(ws: Workspace, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The titles of records, given as (entity, id), as the actor reads them; none of those that he may not see."""
    wanted: dict[str, set[str]] = {}
    for name, id in places:
        if is_uuid(id):
            wanted.setdefault(name, set()).add(id)
    found = {}
    for name, ids in wanted.items():
        entity = ws.model.entity(name)
        if entity is not None:
            found.update({(name, id): title for id, title in titles_of(ws, entity, sorted(ids)).items()})
    return found


def titles_of(ws: Workspace, entity: Entity, ids: Sequence[str]) -> dict[str, str]:
    """How some records of one entity are called, by id; empty where nobody named one."""
    field = entity.fields[entity.title]
    build = Build(ws.model, ws.actor, ws.db.dialect)
    if not ids or not may_ever(build, entity, "read") or not build.may_read(entity, field):
        return {}
    query = Query(entity.id, fields=(field.key,), ids=tuple(ids[:MAX_IDS]), limit=min(len(ids), MAX_IDS))
    reading = TextContext(ws.actor.language, ws.actor.timezone, str(ws.model.settings.get("currency", "")))
    kind, named = registry.of(field), {}
    for each in queries.as_json(queries.find(ws, query)):
        value = each.get(field.key)
        if value is None or (isinstance(value, Mapping) and value.get("hidden") is True):
            named[str(each["id"])] = ""
        elif isinstance(value, Masked):
            named[str(each["id"])] = str(value)
        else:
            named[str(each["id"])] = kind.show(field, kind.parse(field, value), reading)
    return named
