"""`/meta`: the entities, fields and options that the caller may see, for programs that build screens."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.answers import json_answer, json_bytes
from blueprints.api import arguments
from blueprints.api.records import entity_of
from metadata.model import Entity, Field
from metadata.problems import NotFound
from runtime.queries.query import unknown_entity
from runtime.workspace import Workspace


def meta() -> Response:
    """Everything that the caller may know of, in one document."""
    arguments.read(request)
    body = context.perform(lambda ws: visibility.kept_for(ws, "meta", lambda: json_bytes(_all(ws))))
    return Response(body, content_type="application/json")


def meta_entity(entity: str) -> Response:
    """One entity of it."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: _one(ws, entity)))


def _all(ws: Workspace) -> dict[str, Any]:
    settings = ws.model.settings
    return {
        "fingerprint": ws.model.fingerprint,
        "currency": settings.get("currency"),
        "timezone": settings.get("timezone"),
        "entities": [described(ws, each) for each in visibility.entities(ws)],
    }


def _one(ws: Workspace, name: str) -> dict[str, Any]:
    found = entity_of(ws, name)
    if not visibility.may(ws, found, "read"):
        raise NotFound(unknown_entity(name=name))
    return described(ws, found)


def described(ws: Workspace, entity: Entity) -> dict[str, Any]:
    fields = visibility.readable(ws, entity)
    shown = {each.id for each in fields}
    writable = {each.id for each in visibility.writable(ws, entity)}
    return {
        "key": entity.key,
        "id": entity.id,
        "label": dict(entity.label),
        "plural": dict(entity.plural),
        "icon": entity.icon,
        "title": entity.fields[entity.title].key if entity.title in shown else None,
        "actions": visibility.actions(ws, entity),
        "generated": entity.generated,
        "fields": [_field(ws, each, each.id in writable) for each in fields],
        "related": [
            {"key": each.inverse, "label": dict(each.inverse_label), "entity": source.key}
            for each in entity.inverses
            if (source := ws.model.entity(each.source)) is not None and visibility.may(ws, source, "read")
        ],
    }


def _field(ws: Workspace, field: Field, writable: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": field.key,
        "id": field.id,
        "type": field.type,
        "label": dict(field.label),
        "required": field.required,
        "unique": field.unique,
        "system": field.system,
        "right": "write" if writable else "read",
    }
    if field.help is not None:
        found["help"] = dict(field.help)
    if field.options:
        found["options"] = [
            {"key": each.key, "label": dict(each.label), "color": each.color, "retired": each.retired}
            for each in field.options
        ]
    if field.to:
        found["to"] = [target.key for id in field.to if (target := ws.model.entity(id)) is not None]
    return found
