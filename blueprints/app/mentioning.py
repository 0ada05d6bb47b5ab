"""Whom a text may mention: people like what is being typed who may see the record."""

from __future__ import annotations

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app.shell import entity_of
from blueprints.policies import PAGE, Route
from metadata.ids import is_uuid
from runtime import mentions
from runtime.workspace import Workspace


def mention(entity: str) -> Response:
    """`{"data": [{"id", "name", "typed"}]}`; `?q=` what is typed, `id` of the record, or `about=<entity>:<id>`."""
    text = request.args.get("q", "")[:80]
    id, about = request.args.get("id", ""), request.args.get("about", "")
    of, _, at = about.partition(":")

    def found(ws: Workspace) -> list[dict[str, str]]:
        kind_of = entity_of(ws, entity)
        place = (entity_of(ws, of).id, at.lower()) if is_uuid(at) else None
        return mentions.suggest(ws, kind_of, text, id.lower() if is_uuid(id) else None, place)

    return json_answer({"data": context.perform(found)})


ROUTES = (Route("/app/-/mention/<entity>", "GET", mention, PAGE),)
