"""How a list looks to one person: which columns, in which order, how wide, which stay, which have totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app.lists import columns as columns_
from blueprints.app.lists.asked import Asked, asked
from blueprints.app.shell import entity_of, page, shell_of
from blueprints.limits import json_object, require_keys
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.model import EMPTY, Entity
from metadata.problems import BadRequest, Problem, kind
from runtime import preferences, saved_views
from runtime.saved_views import Shape
from runtime.workspace import Workspace

_MOST_VIEWS = 40
_LOOK = ("columns", "widths", "pinned", "totals")

NOT_A_LOOK = kind(
    "list_look",
    en="{key} cannot be kept like this. Load the list again and repeat what you did.",
    zh="无法保存 {key}。请重新加载列表后再操作。",
)


def list_columns(entity: str) -> Response:
    """Columns to choose, as a drawer for a script or as a page."""
    return context.perform(lambda ws: _drawer(ws, asked(ws, entity_of(ws, entity))))


def _drawer(ws: Workspace, given: Asked) -> Response:
    words = Words(context.language())
    shown = columns_.chosen(ws, given.entity, given.look.columns)
    values: dict[str, Any] = {
        "candidates": columns_.candidates(ws, given.entity, shown, words),
        "pinned": given.look.pinned,
        "changed": given.own_look,
        "action": url_for("app.list_columns_post", entity=given.entity.key, view=given.name or "-"),
        "back": url_for("app.find", entity=given.entity.key, view=given.name or None),
    }
    if request.headers.get("X-Fragment"):
        return make_response(render_template("list_columns.html", shell=shell_of(ws), **values))
    return page(ws, "list_columns_page.html", entity_plural=words.label(given.entity.plural), **values)


def list_columns_post(entity: str) -> Response:
    """Keep what a form chose, or forget it, and go back to the list."""
    form = request.form

    def command(ws: Workspace) -> str:
        given = asked(ws, entity_of(ws, entity))
        if form.get("reset"):
            forget(ws, given.entity, given.id)
        else:
            pinned = form.get("pinned", "")
            chosen = tuple(dict.fromkeys(form.getlist("columns")))
            counts = pinned.isascii() and pinned.isdigit() and len(pinned) < 3
            keep(ws, given, columns=chosen, pinned=int(pinned) if counts else 0)
        return url_for("app.find", entity=given.entity.key, view=given.name or None)

    return make_response(redirect(context.perform(command, write=True), 303))


def list_look(entity: str) -> Response:
    """Keep some of `{"columns": [...], "widths": {...}, "pinned": 1, "totals": {...}}`; the rest stays."""
    body, _ = json_object(request)
    require_keys(body, *_LOOK)
    changes = _checked(body)

    def command(ws: Workspace) -> None:
        keep(ws, asked(ws, entity_of(ws, entity)), **changes)

    context.perform(command, write=True)
    return json_answer({})


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a look that were sent. Raises BadRequest for what has another form."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for key, value in body.items():
        match key, value:
            case "columns", list() if all(isinstance(each, str) for each in value):
                found[key] = tuple(value)
            case "widths", dict() if all(type(each) is int for each in value.values()):
                found[key] = value
            case "totals", dict() if all(isinstance(each, str) for each in value.values()):
                found[key] = value
            case "pinned", int() if type(value) is int:
                found[key] = value
            case _:
                problems.append(NOT_A_LOOK(key, key=key))
    if problems:
        raise BadRequest(problems)
    return found


def keep(ws: Workspace, given: Asked, **changes: Any) -> None:
    """Keep how the list looks to the actor: what is changed now, and the rest as it is. Raises BadRequest."""
    shown = columns_.chosen(ws, given.entity, given.look.columns)
    own = tuple(each.path for each in shown) if given.look.columns else ()
    look = replace(given.look, where=None, sort=(), group=None, view=None, columns=own)
    shape = saved_views.by_ids(ws, given.entity, replace(look, **changes))
    views = _views(ws, given.entity)
    views.pop(given.id, None)
    views[given.id] = {name: value for name, value in asdict(shape).items() if name in _LOOK}
    while len(views) > _MOST_VIEWS:
        del views[next(iter(views))]
    _put(ws, given.entity, views=views)


def forget(ws: Workspace, entity: Entity, view: str) -> None:
    """Let a view look to the actor as it does to everybody."""
    views = _views(ws, entity)
    if views.pop(view, None) is not None:
        _put(ws, entity, views=views)


def show_first(ws: Workspace, entity: Entity, view: str) -> None:
    """The view that the actor sees first here; empty for the first of all."""
    _put(ws, entity, default=view)


def _views(ws: Workspace, entity: Entity) -> dict[str, Any]:
    return dict((preferences.get(ws, _name(entity)) or EMPTY).get("views", EMPTY))


def _put(ws: Workspace, entity: Entity, **changes: Any) -> None:
    held = {**(preferences.get(ws, _name(entity)) or {}), **changes}
    preferences.put(ws, _name(entity), {name: value for name, value in held.items() if value} or None)


def _name(entity: Entity) -> str:
    return saved_views.arrangement(entity)


def shape_now(given: Asked) -> Shape:
    """Everything that a list shows now, as a view keeps it."""
    return replace(
        given.look,
        where=given.condition,
        sort=given.sort,
        group=given.group or None,
        view=given.view.id if given.view is not None else None,
    )


ROUTES = (
    Route("/app/-/columns/<entity>", "GET", list_columns, PAGE),
    Route("/app/-/columns/<entity>", "POST", list_columns_post, PAGE),
    Route("/app/-/columns/<entity>/look", "POST", list_look, PAGE),
)
