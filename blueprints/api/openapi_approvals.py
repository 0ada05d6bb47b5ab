"""Approvals in the OpenAPI document: boxes, one request and its verbs, and where a record stands."""

from __future__ import annotations

from typing import Any

from blueprints.api.openapi_parts import ID, KEY, LIMIT, TEXT, UUID, body, closed, json, operation, parameter
from blueprints.api.schemas import Schema
from runtime import approvals
from runtime.approvals.migrating import MOST

_OBJECT: Schema = {"type": "object"}
_PEOPLE: Schema = {"type": "array", "items": UUID, "minItems": 1, "maxItems": approvals.MOST_AT_ONCE}
_KINDS: dict[type, Schema] = {str: TEXT, list: _PEOPLE, dict: _OBJECT}
_PICKS: Schema = {
    "type": "object",
    "description": "Node -> ids of the people who are chosen for it.",
    "additionalProperties": _PEOPLE,
}
_VERSION: Schema = {"type": "integer", "minimum": 1}
_DAY: Schema = {"type": "string", "format": "date"}
_COMMENT: Schema = {"type": "string", "maxLength": approvals.LONGEST}


def paths() -> dict[str, Any]:
    """What does not depend on an entity."""
    boxes = [
        parameter("box", {"enum": list(approvals.BOXES), "default": "waiting"}),
        parameter("approval", TEXT),
        parameter("overdue", {"enum": ["true", "false"]}),
        parameter("q", TEXT),
        LIMIT,
        parameter("after", TEXT),
    ]
    tasks: Schema = {"type": "array", "items": UUID, "minItems": 1, "maxItems": approvals.MOST_AT_ONCE}
    many = operation(
        "approvals.bulk", "Approve tasks together", {"200": json(_OBJECT, "A verdict for each task.")}, [KEY]
    )
    asked = body({**closed({"tasks": tasks, "comment": _COMMENT}), "required": ["tasks"]})
    represent = operation(
        "approvals.represent", "Bring open tasks in line with standing proxies", {"200": json(_OBJECT)}, [KEY]
    )
    migrate = operation(
        "approvals.migrate", "Move running requests to today's description", {"200": json(_OBJECT)}, [KEY]
    )
    ids: Schema = {"type": "array", "items": UUID, "maxItems": MOST}
    nodes: Schema = {"type": "object", "description": "Old id of a node -> new one.", "additionalProperties": TEXT}
    said: dict[str, Schema] = {"approval": TEXT, "reason": TEXT, "nodes": nodes, "requests": ids}
    moved: Schema = {**closed({**said, "dry": {"type": "boolean"}}), "required": ["approval", "reason"]}
    period = [parameter("from", _DAY), parameter("until", _DAY), parameter("approval", TEXT)]
    found: dict[str, Any] = {
        "/approvals": {"get": operation("approvals.boxes", "What waits for you", {"200": json(_OBJECT)}, boxes)},
        "/approvals/bulk": {"post": {**many, "requestBody": asked}},
        "/approvals/represent": {"post": {**represent, "requestBody": body(closed({"principal": UUID}))}},
        "/approvals/migrate": {"post": {**migrate, "requestBody": body(moved)}},
        "/approvals/times": {"get": operation("approvals.times", "Time to decide", {"200": json(_OBJECT)}, period)},
        "/approvals/{id}": {
            "parameters": [ID],
            "get": operation("approvals.get", "One request", {"200": json(_OBJECT)}),
        },
    }
    for verb in sorted(approvals.KEYS):
        found[f"/approvals/{{id}}/{verb}"] = {"parameters": [ID], "post": _verb(verb)}
    return found


def _verb(verb: str) -> dict[str, Any]:
    properties: dict[str, Schema] = {"version": _VERSION}
    for key, kind in approvals.KEYS[verb].items():
        properties[key] = _PICKS if key == "picks" else _COMMENT if key == "comment" else _KINDS[kind]
    if "how" in properties:
        properties["how"] = {"enum": ["before", "after", "alongside"]}
    needed = list(approvals.NEEDED.get(verb, ()))
    schema = {**closed(properties), **({"required": needed} if needed else {})}
    made = operation(f"approvals.{verb}", verb.replace("_", " ").capitalize(), {"200": json(_OBJECT)}, [KEY])
    return {**made, "requestBody": body(schema)}


def of_entity(key: str) -> dict[str, Any]:
    """Where a record of an entity with approvals stands, and asking for one."""
    properties: dict[str, Schema] = {"comment": _COMMENT, "picks": _PICKS, "version": _VERSION}
    submit = operation(f"{key}.submit_approval", "Ask for an approval", {"201": json(_OBJECT, "The request.")}, [KEY])
    standing = operation(f"{key}.approval", "Where the record stands", {"200": json(_OBJECT)})
    seen = operation(f"{key}.preview_approval", "The way that a request would take", {"200": json(_OBJECT)})
    return {
        f"/{key}/{{id}}/approval": {
            "parameters": [ID],
            "get": standing,
            "post": {**submit, "requestBody": body(closed(properties))},
        },
        f"/{key}/{{id}}/approval/preview": {"parameters": [ID], "get": seen},
    }
