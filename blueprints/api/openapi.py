"""`/openapi.json`: OpenAPI 3.1 of the tenant's own model, as far as the caller's rights reach."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.answers import json_bytes
from blueprints.api import (
    arguments,
    openapi_approvals,
    openapi_inbox,
    openapi_processes,
    openapi_simulations,
    openapi_sla,
    schemas,
)
from blueprints.api import openapi_parts as parts
from blueprints.api.bulk import MOST_OPERATIONS
from blueprints.api.pools import MOST as MOST_OF_POOL
from blueprints.api.schemas import NULL, Schema, ref
from metadata.fieldtypes import registry
from metadata.model import Entity
from metadata.pools import pools_of
from runtime import approvals, inbox, records
from runtime.workspace import Workspace


def openapi() -> Response:
    arguments.read(request)
    root = request.script_root + "/api/v1"

    def made(ws: Workspace) -> bytes:
        # The title and the release are the tenant's own, so tenants on one package do not share the document.
        key = ("openapi", root, ws.tenant.id, ws.release)
        return visibility.kept_for(ws, key, lambda: json_bytes(document(ws, root)))

    body = context.perform(made)
    return Response(body, content_type="application/json")


def document(ws: Workspace, root: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    components: dict[str, Schema] = {"problem": parts.PROBLEM, "job": parts.JOB}
    for entity in visibility.entities(ws):
        components.update(schemas.of(ws, entity))
        paths.update(_paths(ws, entity))
        paths.update(openapi_processes.paths(ws, entity))
        paths.update(openapi_sla.paths(ws, entity))
        if approvals.has_approvals(ws, entity):
            paths.update(openapi_approvals.of_entity(entity.key))
    paths["/meta"] = {"get": parts.operation("meta", "What there is", {"200": parts.json({"type": "object"})})}
    paths.update(parts.shared_paths())
    if inbox.has(ws):
        paths.update(openapi_inbox.paths())
    if any(each.id == "approval_task" for each in visibility.entities(ws)):
        paths.update(openapi_approvals.paths())
    if visibility.has_capability(ws, "configure"):
        paths.update(openapi_simulations.paths())
    if visibility.has_capability(ws, "feed"):
        paths["/events"] = {"get": _events()}
    return {
        "openapi": "3.1.0",
        "info": {"title": ws.tenant.name, "version": str(ws.release)},
        "servers": [{"url": root}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"problem": parts.PROBLEM_RESPONSE},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": f"ml_{ws.tenant.name}"},
            },
        },
    }


def _paths(ws: Workspace, entity: Entity) -> dict[str, Any]:
    may = {action: visibility.may(ws, entity, action) for action in ("create", "update", "delete")}
    one: dict[str, Any] = {"parameters": [parts.ID], "get": _get(entity)}
    many: dict[str, Any] = {"get": _list(entity)}
    found = {f"/{entity.key}": many, f"/{entity.key}/{{id}}": one}
    if may["create"]:
        many["post"] = _create(entity)
    if may["update"]:
        one["patch"] = _update(entity)
    if may["delete"]:
        one["delete"] = _delete(entity)
        found[f"/{entity.key}/{{id}}/restore"] = {"parameters": [parts.ID], "post": _restore(entity)}
    hidden = [each.key for each in visibility.writable(ws, entity) if registry.of(each).concealed]
    if may["update"] and hidden:
        found[f"/{entity.key}/{{id}}/reveal"] = {"parameters": [parts.ID], "post": _reveal(entity, hidden)}
    if may["update"] and may["delete"]:
        found[f"/{entity.key}/merge"] = {"post": _merge(entity)}
    if entity.pooled:
        found[f"/{entity.key}/pool"] = {"post": _pool(entity, [each.key for each in pools_of(ws.model, entity)])}
    if any(may.values()):
        found[f"/{entity.key}/bulk"] = {"post": _bulk(entity, may)}
    if (may["create"] or may["update"]) and visibility.has_capability(ws, "import"):
        found[f"/{entity.key}/import"] = {"post": parts.import_operation(entity.key)}
    if visibility.has_capability(ws, "export"):
        found[f"/{entity.key}/export"] = {"post": parts.export_operation(entity.key)}
    found[f"/{entity.key}/aggregate"] = {"get": _aggregate(entity)}
    found[f"/{entity.key}/{{id}}/history"] = {"parameters": [parts.ID], "get": _history(entity)}
    found[f"/{entity.key}/{{id}}/explain"] = {"parameters": [parts.ID], "get": parts.explain_operation(entity.key)}
    if may["update"] and not visibility.belongs(entity):
        found |= parts.share_operations(entity.key)
    lists = [each.inverse for each in entity.inverses if _may_see(ws, each.source)]
    if lists:
        found[f"/{entity.key}/{{id}}/related/{{key}}"] = {
            "parameters": [parts.ID, parts.parameter("key", {"enum": lists}, "path", required=True)],
            "get": _related(entity),
        }
    return found


def _may_see(ws: Workspace, entity_id: str) -> bool:
    found = ws.model.entity(entity_id)
    return found is not None and visibility.may(ws, found, "read")


_NAMES: Schema = {"type": "string", "description": "Names separated by commas."}
_LISTING = [
    parts.parameter("where", {"type": "string", "description": "A condition in the expression language."}),
    parts.parameter("sort", {"type": "string", "description": "Names separated by commas, - before one descends."}),
    parts.parameter("fields", _NAMES),
    parts.LIMIT,
    parts.parameter("after", {"type": "string", "description": "`next` of the page before."}),
    parts.parameter("count", {"enum": ["none", "capped", "exact"]}),
    parts.parameter("q", {"type": "string", "description": "Quick search."}),
    parts.parameter("deleted", {"enum": ["false", "true"]}),
]


def _page(entity: Entity) -> Schema:
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": ref(schemas.name_of(entity, "read"))},
            "next": {"anyOf": [parts.TEXT, NULL]},
            "count": {"anyOf": [{"type": "integer"}, NULL]},
            "capped": {"type": "boolean"},
        },
        "required": ["data", "next", "count", "capped"],
        "additionalProperties": False,
    }


def _list(entity: Entity) -> dict[str, Any]:
    return parts.operation(f"{entity.key}.find", "A page of records", {"200": parts.json(_page(entity))}, _LISTING)


def _get(entity: Entity) -> dict[str, Any]:
    answer = {"200": parts.json(ref(schemas.name_of(entity, "read")))}
    return parts.operation(f"{entity.key}.get", "One record", answer, [parts.parameter("fields", _NAMES)])


def _create(entity: Entity) -> dict[str, Any]:
    answer = parts.json(ref(schemas.name_of(entity, "read")), "The record as it was saved.")
    answer["headers"] = {"Location": {"schema": parts.TEXT}}
    answer["links"] = {
        "read": {"operationId": f"{entity.key}.get", "parameters": {"id": "$response.body#/id"}},
    }
    found = parts.operation(f"{entity.key}.create", "Create a record", {"201": answer}, [parts.CONFIRM, parts.KEY])
    return {**found, "requestBody": parts.body(ref(schemas.name_of(entity, "create")))}


def _update(entity: Entity) -> dict[str, Any]:
    answer = {"200": parts.json(ref(schemas.name_of(entity, "read")))}
    found = parts.operation(f"{entity.key}.update", "Change a record", answer, [parts.CONFIRM, parts.KEY])
    return {**found, "requestBody": parts.body(ref(schemas.name_of(entity, "update")))}


def _delete(entity: Entity) -> dict[str, Any]:
    version = parts.parameter("version", {"type": "integer", "minimum": 1})
    answer = {"200": parts.json(parts.closed({"deletion": parts.UUID}), "In the recycle bin.")}
    return parts.operation(f"{entity.key}.delete", "Delete a record", answer, [version, parts.KEY])


def _reveal(entity: Entity, fields: list[str]) -> dict[str, Any]:
    value = {"anyOf": [parts.TEXT, NULL]}
    told: Schema = {"type": "object", "properties": {"value": value}, "required": ["value"]}
    asked: Schema = {"type": "object", "properties": {"field": {"enum": fields}}, "required": ["field"]}
    answer = {"200": parts.json({**told, "additionalProperties": False})}
    found = parts.operation(f"{entity.key}.reveal", "Show a secret; that it was shown is an event", answer)
    return {**found, "requestBody": parts.body({**asked, "additionalProperties": False})}


def _restore(entity: Entity) -> dict[str, Any]:
    answer = {"200": parts.json(ref(schemas.name_of(entity, "read")))}
    return parts.operation(f"{entity.key}.restore", "Restore a deleted record", answer, [parts.KEY])


def _merge(entity: Entity) -> dict[str, Any]:
    by_id: Schema = {"type": "object", "description": "Versions that the caller saw, by id."}
    properties: dict[str, Schema] = {
        "survivor": parts.UUID,
        "others": {"type": "array", "items": parts.UUID, "minItems": 1, "maxItems": records.MOST_MERGED - 1},
        "choices": {
            "type": "object",
            "additionalProperties": parts.UUID,
            "description": "Field -> id of the record whose value stays. Else the survivor's, or the first there is.",
        },
        "confirm": parts.CONFIRMED,
        "versions": {**by_id, "additionalProperties": {"type": "integer", "minimum": 1}},
    }
    made: dict[str, Schema] = {
        "record": ref(schemas.name_of(entity, "read")),
        "merged": {"type": "array", "items": parts.UUID},
        "moved": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    answer = {"200": parts.json(parts.closed(made), "The record that stays.")}
    found = parts.operation(f"{entity.key}.merge", "Merge records into one", answer, [parts.KEY])
    return {**found, "requestBody": parts.body({**parts.closed(properties), "required": ["survivor", "others"]})}


def _pool(entity: Entity, names: list[str]) -> dict[str, Any]:
    asked: dict[str, Schema] = {
        "action": {"enum": ["claim", "return", "give", "move"]},
        "ids": {"type": "array", "items": parts.UUID, "minItems": 1, "maxItems": MOST_OF_POOL},
        "reason": {"type": "string", "maxLength": 500, "description": "Why records are returned."},
        "pool": {"enum": names, "description": "Where they are returned or moved to."},
        "user": {**parts.UUID, "description": "To whom they are given."},
    }
    answer = {"200": parts.json({"type": "object"}, "A verdict for each record, in the order of ids.")}
    found = parts.operation(f"{entity.key}.pool", "Claim records from a pool, return, give or move them", answer)
    return {**found, "requestBody": parts.body({**parts.closed(asked), "required": ["action", "ids"]})}


def _bulk(entity: Entity, may: dict[str, bool]) -> dict[str, Any]:
    by: Schema = {
        "type": "array",
        "items": parts.TEXT,
        "description": "Fields that identify the record, instead of id.",
    }
    version: Schema = {"type": "integer", "minimum": 1}
    # Values are judged one by one, in the verdicts, so they are not part of what makes the request a good one.
    create: Schema = {"values": {"type": "object", "description": f"As in {schemas.name_of(entity, 'create')}."}}
    change: Schema = {"values": {"type": "object", "description": f"As in {schemas.name_of(entity, 'update')}."}}
    operations: list[Schema] = []
    if may["create"]:
        operations.append(_does("create", create, ("values",)))
    if may["update"]:
        operations.append(_does("update", {**change, "id": parts.UUID, "version": version, "by": by}, ("values",)))
    if may["create"] and may["update"]:
        operations.append(_does("upsert", {**change, "by": by}, ("values", "by")))
    if may["delete"]:
        operations.append(_does("delete", {"id": parts.UUID, "version": version}, ("id",)))
        operations.append(_does("restore", {"id": parts.UUID}, ("id",)))
    body = parts.closed(
        {
            "operations": {"type": "array", "items": {"anyOf": operations}, "minItems": 1, "maxItems": MOST_OPERATIONS},
            "all_or_nothing": {"type": "boolean", "default": True},
            "confirm": parts.CONFIRMED,
        }
    )
    answer = {"200": parts.json(parts.closed({"data": {"type": "array", "items": parts.VERDICT}}))}
    found = parts.operation(f"{entity.key}.bulk", "Write many records", answer, [parts.KEY])
    return {**found, "requestBody": parts.body({**body, "required": ["operations"]})}


def _does(action: str, properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    return {**parts.closed({"action": {"const": action}, **properties}), "required": ["action", *required]}


def _aggregate(entity: Entity) -> dict[str, Any]:
    parameters = [parts.parameter(name, parts.TEXT) for name in ("group", "measures", "where", "q")]
    rows = {"type": "array", "items": {"type": "object"}}
    answer = {"200": parts.json(parts.closed({"data": rows}))}
    return parts.operation(f"{entity.key}.aggregate", "Groups and measures", answer, parameters)


def _history(entity: Entity) -> dict[str, Any]:
    answer = {"200": parts.json({"type": "object"})}
    return parts.operation(
        f"{entity.key}.history",
        "What happened",
        answer,
        [parts.parameter("after", parts.TEXT), parts.LIMIT],
    )


def _related(entity: Entity) -> dict[str, Any]:
    answer = {"200": parts.json({"type": "object", "required": ["data", "next"]})}
    parameters = [each for each in _LISTING if each["name"] != "deleted"]
    return parts.operation(f"{entity.key}.related", "A related list", answer, parameters)


def _events() -> dict[str, Any]:
    position = parts.parameter("after", {"type": "integer", "minimum": 0})
    answer = {"200": parts.json({"type": "object", "required": ["data", "next"]})}
    return parts.operation("events", "What happened, in the order of commit", answer, [position, parts.LIMIT])
