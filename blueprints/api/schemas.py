"""JSON Schemas of an entity's records as one actor reads, creates and changes them. Nothing is left open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blueprints import visibility
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from runtime.workspace import Workspace

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
HIDDEN: Schema = {
    "type": "object",
    "properties": {"hidden": {"const": True}},
    "required": ["hidden"],
    "additionalProperties": False,
}
MASKED: Schema = {"type": "string", "description": "What is shown of a value that may not be read."}
EXPANDED: Schema = {"type": "object", "description": "The linked record, when fields of it were asked for."}
_LINKS = frozenset({"link", "user", "unit", "any_link"})


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def name_of(entity: Entity, form: str) -> str:
    return f"{entity.key}.{form}"


def of(ws: Workspace, entity: Entity) -> dict[str, Schema]:
    """The schemas of one entity by name: read always, create and update where the actor may."""
    found = {name_of(entity, "read"): read(ws, entity)}
    if visibility.may(ws, entity, "create"):
        found[name_of(entity, "create")] = create(ws, entity)
    if visibility.may(ws, entity, "update"):
        found[name_of(entity, "update")] = update(ws, entity)
    return found


def read(ws: Workspace, entity: Entity) -> Schema:
    """What a list or a record answers; `fields` decides which of the properties are there."""
    shown = {each.key: _shown(each) for each in visibility.readable(ws, entity)}
    for each in visibility.masked(ws, entity):
        forms = shown[each.key]["anyOf"] if each.key in shown else [NULL]
        shown[each.key] = {"anyOf": [MASKED, *forms], **_words(each)}
    return _object(entity, shown, ())


def create(ws: Workspace, entity: Entity) -> Schema:
    fields = visibility.writable(ws, entity)
    needed = [each.key for each in fields if each.required and each.default is None]
    return _object(entity, {each.key: _sent(ws, each) for each in fields}, needed)


def update(ws: Workspace, entity: Entity) -> Schema:
    version: Schema = {"type": "integer", "minimum": 1, "description": "The version that you read."}
    fields = {each.key: _sent(ws, each) for each in visibility.writable(ws, entity)}
    return _object(entity, {**fields, "version": version}, ())


def _object(entity: Entity, properties: Mapping[str, Schema], required: tuple[str, ...] | list[str]) -> Schema:
    found: Schema = {
        "type": "object",
        "title": entity.label.get("en") or entity.key,
        "properties": dict(properties),
        "additionalProperties": False,
    }
    if required:
        found["required"] = list(required)
    return found


def _shown(field: Field) -> Schema:
    if field.type in ("links", "children"):
        return {"type": "array", "items": {"anyOf": [{"type": "string"}, EXPANDED]}}
    schema = dict(registry.of(field).json_schema(field))
    forms = [schema, HIDDEN, EXPANDED] if field.type in _LINKS else [schema]
    kept: Schema = {"readOnly": True} if field.computed is not None else {}
    return {"anyOf": [*forms, NULL], **_words(field), **kept}


def _sent(ws: Workspace, field: Field) -> Schema:
    schema: Schema = dict(registry.of(field).json_schema(field))
    if field.type == "children":
        schema["items"] = _row(ws, field)
    if field.required:
        return {**schema, **_words(field)}
    return {"anyOf": [schema, NULL], **_words(field)}


def _row(ws: Workspace, field: Field) -> Schema:
    """One row of a children list: its own fields without the link to its parent, and its id when it exists."""
    child = ws.model.entity(field.to[0])
    if child is None:
        return {"type": "object"}
    rows = [each for each in visibility.writable(ws, child) if each.id != child.parent and each.type != "children"]
    properties = {each.key: _sent(ws, each) for each in rows}
    return _object(child, {**properties, "id": {"type": "string", "format": "uuid"}}, ())


def _words(field: Field) -> Schema:
    found: Schema = {"title": field.label.get("en") or field.label.get("*") or field.key}
    if field.help is not None and (text := field.help.get("en") or field.help.get("*")):
        found["description"] = text
    return found
