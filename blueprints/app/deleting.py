"""The question before records are deleted: what goes along and what forbids it; a page of its own without scripts."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.answers import json_answer
from blueprints.app.reading import record_of, title_of
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime import records
from runtime.workspace import Workspace

_MOST = 100
"""Records that are looked at beforehand; of more each is answered by itself."""


def delete(entity: str, id: str) -> Response:
    """Ask before deleting."""
    return context.perform(lambda ws: _delete_page(ws, entity_of(ws, entity), id))


def _delete_page(ws: Workspace, entity: Entity, id: str, error: PlatformError | None = None) -> Response:
    record = record_of(ws, entity, id)
    lang = context.language()
    foreseen = records.foresee(ws, entity, [id])
    told = error.problems if error is not None else foreseen.problems
    return page(
        ws,
        "delete.html",
        error.status if error is not None else 200,
        title=title_of(ws, entity, record, text_context(ws)),
        version=record["version"],
        problems=[each.message(lang) for each in told],
        possible=not foreseen.problems,
        along=_along(ws, foreseen, Words(lang)),
        plural=Words(lang).label(entity.plural),
        urls={
            "list": url_for("app.find", entity=entity.key),
            "record": url_for("app.show", entity=entity.key, id=id),
        },
    )


def _along(ws: Workspace, foreseen: records.Foreseen, words: Words) -> str:
    """What goes along, as a sentence; what the person may not know of is left out."""
    found = ((ws.model.entity(id), count) for id, count in foreseen.along.items())
    parts = [
        words("recycling_along", count=count, what=words.label(each.label if count == 1 else each.plural))
        for each, count in found
        if each is not None and visibility.may(ws, each, "read")
    ]
    return words("delete_along", what=words.list_comma.join(parts)) if parts else ""


def delete_question(entity: str) -> Response:
    """`?ids=a,b`: what deleting these would take along and what forbids it, in sentences, before anybody is asked."""
    ids = [each for each in request.args.get("ids", "").split(",") if is_uuid(each)][:_MOST]

    def command(ws: Workspace) -> Response:
        return json_answer(_question(ws, entity_of(ws, entity), ids, Words(context.language())))

    return context.perform(command)


def _question(ws: Workspace, entity: Entity, ids: Collection[str], words: Words) -> dict[str, object]:
    foreseen = records.foresee(ws, entity, ids)
    return {
        "title": words("list_bulk_delete", count=len(ids)),
        "along": _along(ws, foreseen, words),
        "blocked": [each.message(words.lang) for each in foreseen.problems],
    }


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
    Route("/app/-/deleting/<entity>", "GET", delete_question, PAGE),
    Route("/app/<entity>/<id>/delete", "GET", delete, PAGE),
    Route("/app/<entity>/<id>/delete", "POST", delete_post, PAGE),
    Route("/app/<entity>/<id>/restore", "POST", restore, PAGE),
)
