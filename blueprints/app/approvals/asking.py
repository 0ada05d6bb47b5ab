"""Asking for an approval from a record's page: the way that it would take, whom to choose, what to say."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.approvals import fields, way
from blueprints.app.approvals.speaking import speaking
from blueprints.app.reading import reader_of, record_of, title_of
from blueprints.app.shell import entity_of, page
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime import approvals
from runtime.workspace import Workspace

_REFUSED = (400, 409, 422)


def approval_asked(entity: str, id: str) -> Response:
    """The way, and the form that asks for it."""
    return context.perform(lambda ws: _shown(ws, entity_of(ws, entity), id))


def approval_submit(entity: str, id: str) -> Response:
    """Make the request. A refusal is told on the form."""
    address = request.remote_addr

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        picks = fields.read_picks(reader_of(ws), found)
        comment = request.form.get("comment", "").strip()
        approvals.check_submission({"comment": comment, "picks": picks})
        return approvals.submit(ws, found, id, picks, comment, _version(), address=address).id

    try:
        made = context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in _REFUSED:
            raise
        refused = error
        return context.perform(lambda ws: _shown(ws, entity_of(ws, entity), id, refused))
    return make_response(redirect(url_for("app.approval", id=made, did="submit"), 303))


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _shown(ws: Workspace, entity: Entity, id: str, error: PlatformError | None = None) -> Response:
    ws = speaking(ws)
    reader, record = reader_of(ws), record_of(ws, entity, id)
    words = reader.words
    told: dict[str, Any] | None = None
    try:
        told = approvals.preview(ws, entity, id)
    except PlatformError as refused:
        if error is None and refused.status not in _REFUSED:
            raise
        error = error or refused  # it runs already, or needs none: the page says so and leads back
    sent = request.method == "POST"
    return page(
        ws,
        "approval_submit.html",
        error.status if error is not None else 200,
        record=record,
        title=title_of(ws, entity, record, reader.context),
        plural=words.label(entity.plural),
        told=told,
        stops=way.to_come(reader, way.foreseen(told)) if told else [],
        picks=fields.picks(reader, entity, told["pick"], True, sent) if told else (),
        unclear=bool(told and not told["complete"]),
        said=request.form.get("comment", "")[: approvals.LONGEST],
        messages=[each.message(words.lang) for each in error.problems] if error is not None else [],
        calm=error is not None and error.status == 409,
        urls={
            "list": url_for("app.find", entity=entity.key),
            "record": url_for("app.show", entity=entity.key, id=id),
        },
    )


ROUTES = (
    Route("/app/<entity>/<id>/approval", "GET", approval_asked, PAGE),
    Route("/app/<entity>/<id>/approval", "POST", approval_submit, PAGE),
)
