"""Views that people save, rename, share, show first and delete."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.lists import looks
from blueprints.app.lists.asked import asked, views_of
from blueprints.app.shell import entity_of
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import NotFound
from runtime import saved_views
from runtime.workspace import Workspace


def list_view_create(entity: str) -> Response:
    """Keep the list of this address (filter, order, groups, columns) under a name."""
    form = request.form

    def command(ws: Workspace) -> str:
        given = asked(ws, entity_of(ws, entity))
        made = saved_views.create(
            ws, given.entity, form.get("name", ""), looks.shape_now(given), form.get("shared") == "true"
        )
        if form.get("first") == "true":
            looks.show_first(ws, given.entity, made.id)
        return _address(given.entity, made.id)

    return _done(command)


def list_view_update(entity: str, id: str) -> Response:
    """`do`: keep (what the address shows now), rename (with name and shared)."""
    form = request.form

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        changes: dict[str, Any] = {}
        if form.get("do") == "keep":
            changes["shape"] = looks.shape_now(asked(ws, found))
        else:
            changes |= {"name": form.get("name", ""), "shared": form.get("shared") == "true"}
        version = form.get("version", "")
        counts = version.isascii() and version.isdigit() and len(version) < 19
        saved = saved_views.update(ws, found, id, version=int(version) if counts else None, **changes)
        if form.get("do") == "keep":
            looks.forget(ws, found, id)
        return _address(found, saved.id if saved.shared or saved.owner == ws.actor.user else None)

    return _done(command)


def list_view_first(entity: str) -> Response:
    """Show a view first from now on, of the description or saved; none: the first of all."""
    name = request.form.get("view", "")

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        if name and name not in _known(ws, found):
            raise NotFound(saved_views.UNKNOWN())
        looks.show_first(ws, found, name)
        return _address(found, request.form.get("back") or None)

    return _done(command)


def _known(ws: Workspace, entity: Entity) -> set[str]:
    """Names of the views that may be shown first."""
    described = (name for each in views_of(ws, entity) for name in (each.id, each.key))
    return {*described, *(each.id for each in saved_views.listing(ws, entity))}


def list_view_delete(entity: str, id: str) -> Response:
    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        saved_views.delete(ws, found, id)
        looks.forget(ws, found, id)
        return _address(found, None)

    return _done(command)


def _address(entity: Entity, view: str | None) -> str:
    return url_for("app.find", entity=entity.key, view=view)


def _done(command: Any) -> Response:
    return make_response(redirect(context.perform(command, write=True), 303))


ROUTES: tuple[Route, ...] = (
    Route("/app/-/views/<entity>", "POST", list_view_create, PAGE),
    Route("/app/-/views/<entity>/first", "POST", list_view_first, PAGE),
    Route("/app/-/views/<entity>/<id>", "POST", list_view_update, PAGE),
    Route("/app/-/views/<entity>/<id>/delete", "POST", list_view_delete, PAGE),
)
