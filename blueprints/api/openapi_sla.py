"""The OpenAPI document's part about SLAs: the clocks of a record, and how many were met."""

from __future__ import annotations

from typing import Any

from blueprints.api import openapi_parts as parts
from blueprints.api.openapi_parts import TEXT, json, operation, parameter
from blueprints.api.schemas import NULL, Schema
from metadata.model import Entity
from runtime.sla.books import book_of
from runtime.workspace import Workspace

_MOMENT: Schema = {"type": "string", "format": "date-time"}
_NUMBER: Schema = {"type": "integer"}
_STATES = ["running", "paused", "stopped", "away"]


def _object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


_NAMED = _object({"key": TEXT, "label": TEXT})
_ABOUT: dict[str, Schema] = {"sla": _NAMED, "target": _NAMED}
_SEGMENT = _object({"kind": {"enum": _STATES}, "from": _MOMENT, "until": _maybe(_MOMENT), "business_seconds": _NUMBER})
_ALERT = _object({"key": TEXT, "label": TEXT, "at": _maybe(_MOMENT), "reached": {"type": "boolean"}})
_CLOCK = _object(
    {
        **_ABOUT,
        "hidden": {"type": "boolean", "description": "You may not read all that it looks at; nothing else is told."},
        "status": {"enum": ["running", "paused", "met", "breached", "away"]},
        "cycle": _NUMBER,
        "policy": _NAMED,
        "level": _NAMED,
        "within": TEXT,
        "calendar": _maybe(_NAMED),
        "started_at": _MOMENT,
        "due_at": _maybe(_MOMENT),
        "stopped_at": _maybe(_MOMENT),
        "breached_at": _maybe(_MOMENT),
        "total_seconds": _NUMBER,
        "used_seconds": _NUMBER,
        "remaining_seconds": _NUMBER,
        "used_percent": _NUMBER,
        "segments": {"type": "array", "items": _SEGMENT},
        "alerts": {"type": "array", "items": _ALERT},
    },
    ["sla", "target", "hidden"],
)
_NUMBERS = ("met", "breached", "late", "running", "paused")
_COUNT = _object({**_ABOUT, **dict.fromkeys(_NUMBERS, _NUMBER), "met_percent": _maybe(_NUMBER)})


def _listed(items: Schema) -> Schema:
    return _object({"data": {"type": "array", "items": items}})


def paths(ws: Workspace, entity: Entity) -> dict[str, Any]:
    """What can be asked of the clocks of an entity's records; nothing where none is measured."""
    if book_of(ws, entity) is None:
        return {}
    key = entity.key
    between = [parameter("since", _MOMENT), parameter("until", _MOMENT)]
    return {
        f"/{key}/sla": {
            "get": operation(f"{key}.sla_report", "How many were met in time", {"200": json(_listed(_COUNT))}, between)
        },
        f"/{key}/{{id}}/sla": {
            "parameters": [parts.ID],
            "get": operation(f"{key}.sla", "What is due when, and why", {"200": json(_listed(_CLOCK))}),
        },
    }
