"""The pieces that every operation of the OpenAPI document is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blueprints.api import arguments
from blueprints.api.schemas import NULL, Schema
from blueprints.errors import PROBLEM_TYPE
from runtime.queries.query import MAX_LIMIT

UUID: Schema = {"type": "string", "format": "uuid"}
TEXT: Schema = {"type": "string"}


def parameter(name: str, schema: Schema, where: str = "query", *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": schema}


ID = parameter("id", UUID, "path", required=True)
KEY = parameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}, "header"
)
CONFIRM = parameter(
    "confirm",
    {
        "type": "string",
        "minLength": 1,
        "description": "Names of rules (`rule` of `records.warning`) whose warnings were read, with commas; `*`: all.",
    },
)
CONFIRMED: Schema = {
    "type": "array",
    "items": TEXT,
    "description": "Names of rules whose warnings do not stop it; `*`: of all.",
}
LIMIT = parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": arguments.LIMIT})
LANG = parameter("lang", {"type": "string", "description": "Language of messages: en or zh."})


def json(schema: Schema, description: str = "Done.") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def operation(id: str, summary: str, responses: dict[str, Any], parameters: Sequence[Any] = ()) -> dict[str, Any]:
    return {
        "operationId": id,
        "summary": summary,
        "tags": [id.split(".")[0]],
        "parameters": [*parameters, LANG],
        "responses": {**responses, "default": {"$ref": "#/components/responses/problem"}},
    }


def body(schema: Schema) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def closed(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if len(properties) == 1 else [],
        "additionalProperties": False,
    }


PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"code": TEXT, "path": TEXT, "message": TEXT, "suggestion": TEXT, "rule": TEXT},
                "required": ["code", "path", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "problems"],
}
PROBLEM_RESPONSE = {
    "description": "What is wrong, and what to do about it. Nothing has been changed.",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}},
}
VERDICT: Schema = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["created", "updated", "unchanged", "deleted", "restored", "refused"]},
        "id": {"anyOf": [UUID, NULL]},
        "version": {"anyOf": [{"type": "integer"}, NULL]},
        "problems": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["verdict", "id", "version", "problems"],
    "additionalProperties": False,
}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
JOB: Schema = {
    "type": "object",
    "properties": {
        "id": UUID,
        "kind": TEXT,
        "state": {"enum": ["queued", "running", "done", "failed", "cancelled", "dead"]},
        "progress": {"type": "object"},
        "result": {"type": ["object", "null"]},
        "error": {"type": ["object", "null"]},
        "attempt": {"type": "integer"},
        "created_at": _MOMENT,
        "finished_at": {"anyOf": [_MOMENT, NULL]},
    },
    "required": ["id", "kind", "state"],
    "additionalProperties": False,
}
_COUNT: Schema = closed({"count": {"type": "integer"}})
DELIVERY: Schema = closed(
    {
        "id": UUID,
        "channel": {"enum": ["http", "mail"]},
        "target": TEXT,
        "about": TEXT,
        "webhook": {"anyOf": [UUID, NULL]},
        "state": {"enum": ["queued", "sending", "done", "failed", "dead"]},
        "attempt": {"type": "integer"},
        "attempts": {"type": "integer"},
        "next_at": {"anyOf": [_MOMENT, NULL]},
        "status": {"type": ["integer", "null"]},
        "error": {"type": ["string", "null"]},
        "created_at": _MOMENT,
        "finished_at": {"anyOf": [_MOMENT, NULL]},
    }
)
_FILE: Schema = closed({"id": UUID, "name": TEXT, "media_type": TEXT, "size": {"type": "integer"}, "sha256": TEXT})
_BYTES: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}


def _upload(options: dict[str, Schema]) -> dict[str, Any]:
    form: Schema = {**closed({"file": _BYTES, **options}), "required": ["file"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}


def _download(description: str) -> dict[str, Any]:
    return {"200": {"description": description, "content": {"*/*": {}}}}


def shared_paths() -> dict[str, Any]:
    """Files and jobs: the same for everybody, as far as they are the caller's own."""
    job = {"$ref": "#/components/schemas/job"}
    one = {"200": json(job)}
    jobs = {"200": json(closed({"data": {"type": "array", "items": job}}))}
    state = parameter("state", JOB["properties"]["state"])
    # The bytes as they are: in a form nobody could tell a number from the text of it.
    called: Schema = {"type": "string", "minLength": 1, "description": "What the file is called."}
    name = parameter("name", called, required=True)
    upload = operation("files.upload", "Upload a file", {"201": json(_FILE)}, [name, KEY])
    content = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    return {
        "/files": {"post": {**upload, "requestBody": content}},
        "/files/{id}": {
            "parameters": [ID],
            "get": operation("files.download", "The bytes", _download("The file.")),
        },
        "/jobs": {"get": operation("jobs.list", "The newest jobs", jobs, [state, LIMIT])},
        "/jobs/{id}": {"parameters": [ID], "get": operation("jobs.get", "One job", one)},
        "/jobs/{id}/cancel": {"parameters": [ID], "post": operation("jobs.cancel", "Stop a job", one, [KEY])},
        "/jobs/{id}/retry": {
            "parameters": [ID],
            "post": operation("jobs.retry", "Take up a job again", one, [KEY]),
        },
        **_deliveries(),
        "/jobs/{id}/rows": {
            "parameters": [ID],
            "get": operation("jobs.rows", "Refused rows as CSV", _download("CSV.")),
        },
        "/jobs/{id}/file": {
            "parameters": [ID],
            "get": operation("jobs.file", "What it made", _download("The file.")),
        },
    }


def _deliveries() -> dict[str, Any]:
    """What goes outside, for those who look after it."""
    one = {"200": json(DELIVERY)}
    many = {"200": json(closed({"data": {"type": "array", "items": DELIVERY}, "next": {"anyOf": [UUID, NULL]}}))}
    asked = [parameter("state", DELIVERY["properties"]["state"]), parameter("target", TEXT), parameter("after", UUID)]
    target = closed({"target": {"type": "string", "minLength": 1}})
    replayed = operation("deliveries.replay_target", "Send what was not sent", {"200": json(_COUNT)}, [KEY])
    body = {"required": True, "content": {"application/json": {"schema": target}}}
    return {
        "/deliveries": {"get": operation("deliveries.list", "The newest deliveries", many, [*asked, LIMIT])},
        "/deliveries/replay": {"post": {**replayed, "requestBody": body}},
        "/deliveries/{id}": {"parameters": [ID], "get": operation("deliveries.get", "One delivery", one)},
        "/deliveries/{id}/replay": {
            "parameters": [ID],
            "post": operation("deliveries.replay", "Send it again", one, [KEY]),
        },
    }


def import_operation(key: str) -> dict[str, Any]:
    flag: Schema = {"enum": ["true", "false"]}
    options: dict[str, Schema] = {
        "mode": {"enum": ["insert", "update", "upsert"]},
        "by": {"type": "string", "description": "Names of fields, separated by commas."},
        "mapping": TEXT,
        "blank": {"enum": ["keep", "clear"]},
        **{name: flag for name in ("dry_run", "all_or_nothing", "ignore_unknown", "accept_warnings", "background")},
    }
    report = json({"type": "object", "required": ["state", "job"]}, "What was done, or the job that does it.")
    found = operation(f"{key}.import", "Load a file", {"200": report, "202": report}, [KEY])
    return {**found, "requestBody": _upload(options)}


def export_operation(key: str) -> dict[str, Any]:
    options: dict[str, Schema] = {
        "kind": {"enum": ["csv", "xlsx"]},
        "headers": {"enum": ["key", "label"]},
        **{name: TEXT for name in ("where", "sort", "fields", "q")},
        "deleted": {"type": "boolean"},
    }
    found = operation(f"{key}.export", "Write records to a file", {"202": json(closed({"job": UUID}))}, [KEY])
    return {**found, "requestBody": body(closed(options))}


_GROUND: Schema = closed(
    {"granted": {"anyOf": [{"type": "boolean"}, NULL]}, "role": {"anyOf": [TEXT, NULL]}, "code": TEXT, "message": TEXT}
)
_EXPLAINED: Schema = closed(
    {
        "allowed": {"type": "boolean"},
        "right": {"enum": ["hidden", "masked", "read", "write"]},
        "grounds": {"type": "array", "items": _GROUND},
    }
)
_PERSON: Schema = closed({"user": UUID, "name": TEXT, **_GROUND["properties"]})
_WHO: Schema = closed({"data": {"type": "array", "items": _PERSON}, "next": {"anyOf": [UUID, NULL]}})


def explain_operation(key: str) -> dict[str, Any]:
    """Why somebody may or may not do something with a record, and who may."""
    parameters = [
        parameter("user", UUID),
        parameter("action", {"enum": ["read", "create", "update", "delete"], "default": "read"}),
        parameter("field", TEXT),
        parameter("who", {"enum": ["true", "false"]}),
        parameter("after", UUID),
    ]
    answer = {"200": json({"anyOf": [_EXPLAINED, _WHO]})}
    return operation(f"{key}.explain", "Why somebody may or may not, and who may", answer, parameters)


_WITH: Schema = {"anyOf": [closed({"user": UUID}), closed({"unit": UUID})]}
_ROLE: Schema = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 80}, NULL]}
_UNTIL: Schema = {"anyOf": [_MOMENT, NULL]}
_SHARE: Schema = closed({"id": UUID, "with": _WITH, "write": {"type": "boolean"}, "role": _ROLE, "until": _UNTIL})
_SHARE_INPUT: Schema = {
    "type": "object",
    "properties": {"with": _WITH, "write": {"type": "boolean", "default": False}, "role": _ROLE, "until": _UNTIL},
    "required": ["with"],
    "additionalProperties": False,
}


def share_operations(key: str) -> dict[str, Any]:
    """With whom a record of an entity is shared: listed, given, taken back."""
    listed = operation(
        f"{key}.shares", "With whom it is shared", {"200": json(closed({"data": {"type": "array", "items": _SHARE}}))}
    )
    given = operation(f"{key}.share", "Give the record to a person or a unit", {"201": json(_SHARE)})
    ended = operation(f"{key}.unshare", "End a share", {"200": json(closed({"ended": UUID}))})
    one = parameter("share", UUID, "path", required=True)
    return {
        f"/{key}/{{id}}/shares": {
            "parameters": [ID],
            "get": listed,
            "post": {**given, "requestBody": body(_SHARE_INPUT)},
        },
        f"/{key}/{{id}}/shares/{{share}}": {"parameters": [ID, one], "delete": ended},
    }
