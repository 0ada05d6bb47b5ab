"""`/hooks/<name>`: a signed message of another system becomes a record, once however often it is sent."""

from __future__ import annotations

from flask import Flask, Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.limits import NOT_AN_OBJECT, NOT_JSON_TYPE, read_json
from blueprints.policies import HOOK, Route
from blueprints.policies import mount as mount_routes
from metadata.problems import BadRequest
from runtime.hooks import receiving
from runtime.workspace import PlatformActor, open_workspace


def receive(name: str) -> Response:
    """`{"id": ..., "repeated": false}` when it was taken. Its signature is looked at before it is read as JSON."""
    data = request.get_data(cache=False)
    headers = {key.lower(): value for key, value in request.headers.items()}
    host, tenant = context.host(), context.tenant()
    message = receiving.known(host, tenant, name, headers, data)
    if request.mimetype != "application/json":
        raise BadRequest(NOT_JSON_TYPE())
    body = read_json(data)
    if not isinstance(body, dict):
        raise BadRequest(NOT_AN_OBJECT())
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="workflow") as ws:
        taken = receiving.receive(ws, message, body)
    return json_answer({"id": taken.record, "repeated": taken.repeated}, 200 if taken.repeated else 201)


ROUTES = (Route("/hooks/<name>", "POST", receive, HOOK),)


def mount(app: Flask) -> None:
    mount_routes(app, "hooks", "", ROUTES)
