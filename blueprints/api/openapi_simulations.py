"""Simulations in the OpenAPI document, for those who configure."""

from __future__ import annotations

from typing import Any

from blueprints.api.openapi_parts import ID, KEY, TEXT, UUID, body, closed, json, operation
from blueprints.api.schemas import NULL, Schema
from runtime.simulating.asking import MOST_EVENTS, MOST_SAMPLES

_MOMENT: Schema = {"type": "string", "format": "date-time"}
_BRIEF: dict[str, Schema] = {
    "id": UUID,
    "state": {"enum": ["queued", "running", "done", "failed", "cancelled", "dead"]},
    "progress": {"type": "object"},
    "error": {"anyOf": [{"type": "object"}, NULL]},
    "created_at": _MOMENT,
    "finished_at": {"anyOf": [_MOMENT, NULL]},
}
_ASKED: Schema = {
    "type": "object",
    "properties": {
        "files": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [TEXT, NULL]},
            "description": "Document (`<package>/<path>`) -> the text that it would have; null: without it.",
        },
        "since": TEXT,
        "events": {"type": "integer", "minimum": 1, "maximum": MOST_EVENTS},
        "entity": TEXT,
        "only": TEXT,
        "everything": {"type": "boolean"},
        "samples": {"type": "integer", "minimum": 0, "maximum": MOST_SAMPLES},
    },
    "required": ["files"],
    "additionalProperties": False,
}


def paths() -> dict[str, Any]:
    one = closed({**_BRIEF, "report": {"anyOf": [{"type": "object"}, NULL]}})
    listed = closed({"data": {"type": "array", "items": closed(_BRIEF)}, "documents": {"type": "array", "items": TEXT}})
    ask = operation("simulations.ask", "Replay edited documents over the past", {"202": json(one)}, [KEY])
    return {
        "/-/simulations": {
            "get": operation("simulations.list", "Your simulations, and the documents to edit", {"200": json(listed)}),
            "post": {**ask, "requestBody": body(_ASKED)},
        },
        "/-/simulations/{id}": {
            "parameters": [ID],
            "get": operation("simulations.get", "How far one is, and its report", {"200": json(one)}),
        },
    }
