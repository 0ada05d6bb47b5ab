"""Why somebody may or may not do something with a record or a field, and who may."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from metadata.access_explaining import Explained, Ground
from runtime import explaining
from runtime.workspace import Workspace


def explain(entity: str, id: str) -> Response:
    """`?user=&action=&field=`: yourself and `read` if not given. `?who=true&after=`: everybody who may, by pages."""
    given = arguments.read(request, "user", "action", "field", "who", "after")
    action = given.get("action") or "read"

    def found(ws: Workspace) -> Response:
        kind_of, lang = entity_of(ws, entity), context.language()
        if given.get("who") == "true":
            page = explaining.who(ws, kind_of, id, action, given.get("after") or None)
            people = [{"user": each.user, "name": each.name, **told(each.ground, lang)} for each in page["data"]]
            return json_answer({"data": people, "next": page["next"]})
        answer = explaining.why(ws, kind_of, id, given.get("user") or None, action, given.get("field") or None)
        return json_answer(explained(answer, lang))

    return context.perform(found)


def explained(answer: Explained, lang: str) -> dict[str, Any]:
    right = {} if answer.right is None else {"right": answer.right}
    return {"allowed": answer.allowed, **right, "grounds": [told(each, lang) for each in answer.grounds]}


def told(ground: Ground, lang: str) -> dict[str, Any]:
    text = ground.text
    return {"granted": ground.granted, "role": ground.role, "code": text.code, "message": text.message(lang)}
