"""With whom a record is shared: list, give, take back."""

from __future__ import annotations

from flask import Response, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from blueprints.api.writing import Written, write
from blueprints.limits import json_object
from runtime import sharing
from runtime.workspace import Workspace


def shares(entity: str, id: str) -> Response:
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        return json_answer(
            {"data": [sharing.as_json(each) for each in sharing.shares_of(ws, entity_of(ws, entity), id)]}
        )

    return context.perform(found)


def share(entity: str, id: str) -> Response:
    """`{"with": {"user" or "unit": id}, "write"?, "role"?, "until"?}`. Given again, it is changed."""
    arguments.read(request)
    body, raw = json_object(request)

    def command(ws: Workspace) -> Written:
        kind_of = entity_of(ws, entity)
        made = sharing.share(ws, kind_of, id, body)
        return Written(sharing.as_json(made), 201, url_for("api.shares", entity=kind_of.key, id=id))

    return write(command, raw)


def end(entity: str, id: str, share: str) -> Response:
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        sharing.end(ws, entity_of(ws, entity), id, share)
        return Written({"ended": share})

    return write(command)
