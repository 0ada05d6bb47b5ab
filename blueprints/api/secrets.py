"""Secrets of records over REST: who may change one may have it shown, and that it was shown is written down."""

from __future__ import annotations

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from blueprints.limits import json_object
from metadata.problems import Invalid, kind
from runtime import vault

NO_FIELD = kind(
    "secrets.no_field",
    en='Name the field whose value you want to see: {{"field": "..."}}.',
    zh='请指明要查看的字段：{{"field": "..."}}。',
)


def reveal(entity: str, id: str) -> Response:
    """`{"value": text}` of one secret, null when there is none. No cache and no key for repetition keeps it."""
    arguments.read(request)
    body, _ = json_object(request)
    name = body.get("field")
    if not isinstance(name, str) or set(body) != {"field"}:
        raise Invalid(NO_FIELD("field"))
    found = context.perform(lambda ws: vault.reveal(ws, entity_of(ws, entity), id, name), write=True)
    response = json_answer({"value": found})
    response.headers["Cache-Control"] = "no-store"
    return response
