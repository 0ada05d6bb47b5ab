"""The OpenAPI document's part about workflows: buttons, runs and why a workflow did not start."""

from __future__ import annotations

from typing import Any

from blueprints import visibility
from blueprints.api import openapi_parts as parts
from blueprints.api.openapi_parts import TEXT, UUID, json, operation, parameter
from blueprints.api.schemas import NULL, Schema
from metadata.model import Entity
from metadata.workflows import workflows_of
from runtime.processes.buttons import buttons_of
from runtime.workspace import Workspace

_MOMENT: Schema = {"type": "string", "format": "date-time"}
_LINE: Schema = {
    "type": "object",
    "properties": {
        "line": {"type": "integer"},
        "at": _MOMENT,
        "visit": {"type": "integer"},
        "step": TEXT,
        "kind": TEXT,
        "detail": {"type": "object"},
    },
    "required": ["line", "at", "visit", "step", "kind", "detail"],
    "additionalProperties": False,
}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


_RUN: dict[str, Schema] = {
    "id": UUID,
    "workflow": TEXT,
    "label": TEXT,
    "release": {"type": "integer"},
    "entity": TEXT,
    "record": _maybe(UUID),
    "trigger": _maybe(TEXT),
    "state": {"enum": ["running", "waiting", "done", "failed", "cancelled", "stopped"]},
    "initiator": _maybe(UUID),
    "depth": {"type": "integer"},
    "parent": _maybe(UUID),
    "error": _maybe({"type": "object"}),
    "started_at": _MOMENT,
    "finished_at": _maybe(_MOMENT),
}


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def paths(ws: Workspace, entity: Entity) -> dict[str, Any]:
    """What can be asked of the records of an entity that workflows are about; nothing of others."""
    if not ws.model.index.get("workflows"):
        return {}
    about = [each.key for each in workflows_of(ws.model, entity.id)]
    if not about:
        return {}
    key, one = entity.key, f"/{entity.key}/{{id}}"
    listed = {"data": {"type": "array", "items": _object(_RUN)}, "next": _maybe(UUID)}
    lines: Schema = {"type": "array", "items": _LINE}
    found = {
        f"{one}/runs": {
            "parameters": [parts.ID],
            "get": operation(
                f"{key}.runs",
                "What ran about a record",
                {"200": json(_object(listed))},
                [parts.LIMIT, parameter("after", UUID)],
            ),
        },
        f"{one}/runs/{{run}}": {
            "parameters": [parts.ID, parameter("run", UUID, "path", required=True)],
            "get": operation(
                f"{key}.run",
                "One run with what it did",
                {"200": json(_object({**_RUN, "lines": lines}))},
                [parameter("after", {"type": "integer", "minimum": 0})],
            ),
        },
        f"{one}/why/{{workflow}}": {
            "parameters": [parts.ID, parameter("workflow", {"enum": about}, "path", required=True)],
            "get": operation(f"{key}.why", "Why a workflow does not start", {"200": json({"type": "object"})}),
        },
        f"{one}/actions": {
            "parameters": [parts.ID],
            "get": operation(f"{key}.actions", "What can be started now", {"200": json({"type": "object"})}),
        },
    }
    names = [each.name for each in buttons_of(ws, entity)]
    if names and visibility.may(ws, entity, "read"):
        begun = _object({"run": UUID, "workflow": TEXT, "state": TEXT})
        found[f"{one}/actions/{{name}}"] = {
            "parameters": [parts.ID, parameter("name", {"enum": names}, "path", required=True)],
            "post": operation(f"{key}.act", "Start a workflow", {"202": json(begun)}, [parts.KEY]),
        }
    return found
