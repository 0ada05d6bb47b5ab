"""The inbox and the choices of notifications in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from blueprints.api.openapi_parts import KEY, LIMIT, TEXT, UUID, body, closed, json, operation, parameter
from blueprints.api.schemas import NULL, Schema
from metadata.calendars import WEEKDAYS
from runtime import inbox
from runtime.notifications.kinds import GROUPS, WAYS

_FLAG: Schema = {"type": "boolean"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


_PERSON = closed({"id": UUID, "name": TEXT})
_ABOUT = closed({"entity": TEXT, "id": UUID, "title": TEXT})
_ITEM: Schema = {
    **closed(
        {
            "kind": {"enum": list(inbox.KINDS)},
            "id": UUID,
            "title": TEXT,
            "due": _or_null({"type": "string", "description": "A date, or a moment in UTC."}),
            "group": {"enum": list(inbox.GROUPS)},
            "overdue": _FLAG,
            "from": _or_null(_PERSON),
            "about": _or_null(_ABOUT),
            "opened_at": _or_null({"type": "string", "format": "date-time"}),
            "priority": _or_null(TEXT),
            "remind_at": _or_null(TEXT),
            "version": _or_null({"type": "integer"}),
            "request": UUID,
            "approval": TEXT,
            "step": TEXT,
        }
    ),
    "required": ["kind", "id", "title", "due", "group", "overdue", "from", "about"],
}


def _choices(answer: bool) -> Schema:
    clock: Schema = {"type": "string"} if answer else {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
    quiet = closed(
        {
            "from": _or_null(clock),
            "until": _or_null(clock),
            "days": {"type": "array", "items": {"enum": list(WEEKDAYS)}},
            "calendar": _or_null(TEXT),
        }
    )
    ways = closed({way: _FLAG for way in WAYS})
    return closed({"kinds": closed({id: ways for id in GROUPS}), "quiet": _or_null(quiet)})


def paths() -> dict[str, Any]:
    asked = [parameter("kind", {"enum": list(inbox.KINDS)}), LIMIT, parameter("after", TEXT)]
    listed = closed({"data": {"type": "array", "items": _ITEM}, "next": _or_null(TEXT)})
    told = {"200": json(_choices(answer=True))}
    put = operation("notifications.put_settings", "Choose how you are told of what, and when", told, [KEY])
    return {
        "/inbox": {
            "get": operation("inbox.list", "What waits for you, what is due first", {"200": json(listed)}, asked)
        },
        "/-/notifications/settings": {
            "get": operation("notifications.settings", "How you are told of what, and when", told),
            "put": {**put, "requestBody": body(_choices(answer=False))},
        },
    }
