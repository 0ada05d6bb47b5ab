"""Why a record was given to its owner: the decisions of assignments about it."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from metadata.problems import say
from runtime import assigning
from runtime.assigning.showing import SKIPPED
from runtime.workspace import Workspace


def assignments(entity: str, id: str) -> Response:
    """`{"data": [{at, assignment, rule, fallback, owner, tried}]}`, the newest first."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        told = assigning.explained(ws, entity_of(ws, entity), id)
        return json_answer({"data": [_said(each, context.language()) for each in told]})

    return context.perform(found)


def _said(value: Any, lang: str) -> Any:
    """Labels in the language of the reader, and reasons in words."""
    if isinstance(value, list):
        return [_said(each, lang) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: say(each, lang) if key == "label" else _said(each, lang) for key, each in value.items()}
    if found.get("skipped") is not None:
        found["message"] = say(SKIPPED[found["skipped"]], lang)
    return found
