"""Who else is on a record's page, and whether it was saved meanwhile: what the page asks while it is looked at."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app import cells
from blueprints.app.shell import entity_of
from blueprints.limits import json_object
from blueprints.policies import SESSION, Route
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import NotFound
from runtime import presence, queries
from runtime.presence import Here
from runtime.queries.query import not_found
from runtime.workspace import Workspace


def arrive(entity: str, id: str) -> Response:
    """`{"editing": bool}` -> `{"people": [{"name", "editing"}], "version", "by", "at"}`."""
    editing = json_object(request)[0].get("editing") is True

    def command(ws: Workspace) -> dict[str, Any]:
        found = _entity(ws, entity, id)
        return _answer(ws, found, id, presence.arrive(ws, found, id, editing))

    return json_answer(context.perform(command, write=True))


def look(entity: str, id: str) -> Response:
    """The same without telling that one is here: asked more often, while others are."""

    def command(ws: Workspace) -> dict[str, Any]:
        found = _entity(ws, entity, id)
        return _answer(ws, found, id, presence.others(ws, found, id))

    return json_answer(context.perform(command))


def leave(entity: str, id: str) -> Response:
    json_object(request)
    context.perform(lambda ws: presence.leave(ws, _entity(ws, entity, id), id), write=True)
    return Response(status=204)


def _entity(ws: Workspace, name: str, id: str) -> Entity:
    found = entity_of(ws, name)
    if not is_uuid(id):
        raise NotFound(not_found(entity=found.label))
    return found


def _answer(ws: Workspace, entity: Entity, id: str, people: tuple[Here, ...]) -> dict[str, Any]:
    who = cells.shown(ws, entity, "updated_by")
    asked = ("version", "updated_at", *([who.asked] if who is not None else []))
    record = queries.get(ws, entity.key, id, asked)
    by = cells.value_at(record, who.asked) if who is not None else None
    return {
        "people": [{"name": each.name, "editing": each.editing} for each in people],
        "version": record["version"],
        "by": by if isinstance(by, str) else "",
        "at": record["updated_at"],
    }


ROUTES = (
    Route("/app/-/here/<entity>/<id>", "POST", arrive, SESSION),
    Route("/app/-/here/<entity>/<id>", "GET", look, SESSION),
    Route("/app/-/here/<entity>/<id>/leave", "POST", leave, SESSION),
)
