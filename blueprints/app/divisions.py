"""The divisions of China, a step at a time: what the control of a region offers."""

from __future__ import annotations

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.policies import PAGE, Route
from metadata import divisions as table
from runtime.workspace import Workspace


def divisions() -> Response:
    """`?under=44`: the divisions below one (the provinces without it), and of `?of=` the path that leads to it."""
    language = context.language()
    under, of = request.args.get("under", "")[:6], request.args.get("of", "")[:60]

    def read(ws: Workspace) -> dict[str, object]:
        found = table.find(of) if of else ()
        path = table.above(found[0]) if len(found) == 1 else ()
        steps = ("", *path) if of else (under,)
        return {
            "path": [_told(each, language) for each in path],
            "steps": [[_told(each, language) for each in table.under(step)] for step in steps],
        }

    return json_answer(context.perform(read))


def _told(code: str, language: str) -> dict[str, str]:
    return {"code": code, "name": table.name(code, language), "path": table.path(code, language)}


ROUTES = (Route("/app/-/divisions", "GET", divisions, PAGE),)
