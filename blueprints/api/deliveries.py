"""Deliveries over REST: what went outside or could not, and sending it again."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.ids import is_uuid
from metadata.problems import BadRequest, Problem, kind
from runtime import deliveries as outbox
from runtime.deliveries.delivery import STATES, Delivery
from runtime.workspace import Workspace

NO_TARGET = kind(
    "delivery_target",
    en="This is {{target}}: the host and port of which everything that was not sent is to be sent again.",
    zh="格式为 {{target}}：要重新发送其全部未送达内容的主机和端口。",
)
NOT_AN_ID = kind(
    "delivery_after",
    en="after is the id of a delivery: the `next` of the page before.",
    zh="after 应为投递的 ID，即上一页的 `next`。",
)


def described(each: Delivery) -> dict[str, Any]:
    """A delivery as those see it who look after them: never what is in it."""
    return {
        "id": each.id,
        "channel": each.channel,
        "target": each.target,
        "about": each.about,
        "webhook": each.origin,
        "state": each.state,
        "attempt": each.attempt,
        "attempts": each.attempts,
        "next_at": each.next_at.isoformat() if each.state == "queued" else None,
        "status": each.status,
        "error": each.error,
        "created_at": each.created_at.isoformat(),
        "finished_at": each.finished_at.isoformat() if each.finished_at is not None else None,
    }


def deliveries() -> Response:
    """The newest first; `state`, `target`, `after` (the `next` of the page before), `limit`."""
    given = arguments.read(request, "state", "target", "after", "limit")
    problems: list[Problem] = []
    limit = arguments.limit(given, problems)
    state = arguments.choice(given, "state", STATES, "queued", problems) if "state" in given else None
    after = given.get("after")
    if after is not None and not is_uuid(after):
        problems.append(NOT_AN_ID("after"))
    if problems:
        raise BadRequest(problems)
    found = context.perform(lambda ws: outbox.listing(ws, state, given.get("target"), after, limit))
    last = found[-1].id if len(found) == limit else None
    return json_answer({"data": [described(each) for each in found], "next": last})


def delivery(id: str) -> Response:
    arguments.read(request)
    return json_answer(context.perform(lambda ws: described(outbox.get(ws, id))))


def replay_delivery(id: str) -> Response:
    """Have one that is over sent again, under the key that it has."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        outbox.replay(ws, id)
        return Written(described(outbox.get(ws, id)))

    return write(command)


def replay_target() -> Response:
    """Have everything for a target sent that was not: `{"target": "host"}` answers `{"count": n}`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "target")
    target = body.get("target")
    if not isinstance(target, str) or not target or "\x00" in target:
        raise BadRequest(NO_TARGET("target"))
    return write(lambda ws: Written({"count": outbox.replay_target(ws, target)}), raw)
