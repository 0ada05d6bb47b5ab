"""Deleting a record on a page of its own, for browsers without scripts, and bringing it back."""

from __future__ import annotations

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.reading import record_of, title_of
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime import records
from runtime.workspace import Workspace


def delete(entity: str, id: str) -> Response:
    """Ask before deleting."""
    return context.perform(lambda ws: _delete_page(ws, entity_of(ws, entity), id))


def _delete_page(ws: Workspace, entity: Entity, id: str, error: PlatformError | None = None) -> Response:
    record = record_of(ws, entity, id)
    lang = context.language()
    return page(
        ws,
        "delete.html",
        error.status if error is not None else 200,
        title=title_of(ws, entity, record, text_context(ws)),
        version=record["version"],
        problems=[each.message(lang) for each in error.problems] if error is not None else [],
        urls={"record": url_for("app.show", entity=entity.key, id=id)},
    )


def delete_post(entity: str, id: str) -> Response:
    """Into the recycle bin. A refusal is told on the page that asked."""
    text = request.form.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        records.delete(ws, found, id, version)
        return found.key

    try:
        key = context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in (409, 422):
            raise
        refused = error
        return context.perform(lambda ws: _delete_page(ws, entity_of(ws, entity), id, refused))
    return make_response(redirect(url_for("app.find", entity=key, done="deleted_note"), 303))


def restore(entity: str, id: str) -> Response:
    """Out of the recycle bin."""

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        records.restore(ws, found, id)
        return found.key

    key = context.perform(command, write=True)
    return make_response(redirect(url_for("app.show", entity=key, id=id, done="restored"), 303))


ROUTES = (
    Route("/app/<entity>/<id>/delete", "GET", delete, PAGE),
    Route("/app/<entity>/<id>/delete", "POST", delete_post, PAGE),
    Route("/app/<entity>/<id>/restore", "POST", restore, PAGE),
)
