"""What waits for the caller, and by which way he is told of what: lists and choices of his own."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from blueprints.limits import json_object
from metadata.problems import BadRequest, Problem
from runtime import inbox as inboxes
from runtime.notifications import choices
from runtime.workspace import Workspace


def inbox() -> Response:
    """What waits for the caller, what is due first: `{"data", "next"}`; `?kind=` narrows it."""
    given = arguments.read(request, "kind", "limit", "after")
    problems: list[Problem] = []
    kind = arguments.choice(given, "kind", inboxes.KINDS, inboxes.KINDS[0], problems) if "kind" in given else None
    limit = arguments.limit(given, problems)
    if problems:
        raise BadRequest(problems)

    def found(ws: Workspace) -> dict[str, Any]:
        return inboxes.inbox(ws, kind, limit, given.get("after") or None)  # type: ignore[arg-type]

    return json_answer(context.perform(found))


def notification_settings() -> Response:
    """By which way each kind of notification comes to the caller, and his quiet hours."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: choices.as_json(choices.mine(ws), ws.model)))


def put_notification_settings() -> Response:
    """`{"kinds": {<kind>: {"app", "mail"}}, "quiet": {"from", "until", "days", "calendar"} or null}`."""
    arguments.read(request)
    body, raw = json_object(request)

    def command(ws: Workspace) -> Written:
        return Written(choices.as_json(choices.put(ws, body), ws.model))

    return write(command, raw)
