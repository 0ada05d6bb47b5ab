"""What surrounds every page: the menu of the person's roles, who is signed in, the secret for forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context, visibility
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, MenuItem
from metadata.problems import NotFound
from runtime.queries.query import unknown_entity
from runtime.workspace import Workspace

_WITHOUT_WORKSPACES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the menu: what it says and what it opens."""

    label: str
    entity: str
    view: str | None = None

    @property
    def url(self) -> str:
        return url_for("app.find", entity=self.entity, view=self.view)

    @property
    def current(self) -> bool:
        arguments = request.view_args or {}
        return arguments.get("entity") == self.entity and request.args.get("view") == self.view


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    menu: tuple[Group, ...]
    person: str
    csrf: str
    tenant: str
    notice: str


NOTICES = ("saved", "restored", "deleted_note")


def page(ws: Workspace, template: str, status: int = 200, **values: Any) -> Response:
    """A page inside the shell. Rendered while the workspace is open, so that everything on it is of one moment."""
    words = Words(context.language())
    done = request.args.get("done", "")
    name = ws.model.settings.get("name")
    shell = Shell(
        menu=menu(ws, words.lang),
        person=ws.actor.name,
        csrf=ws.session.csrf if ws.session is not None else "",
        tenant=words.label(name) if name else ws.tenant.name,
        notice=words(done) if done in NOTICES else "",
    )
    return make_response(render_template(template, shell=shell, **values), status)


def menu(ws: Workspace, lang: str) -> tuple[Group, ...]:
    return visibility.kept_for(ws, ("menu", lang), lambda: _menu(ws, Words(lang)))


def _menu(ws: Workspace, words: Words) -> tuple[Group, ...]:
    found = []
    for each in ws.model.all("workspaces"):
        if not each.roles or set(each.roles) & set(ws.actor.roles) or ws.actor.platform:
            lines = tuple(line for item in each.items if (line := _line(ws, item, words)))
            if lines:
                found.append(Group(words.label(each.label), lines))
    return tuple(found) or _plain_menu(ws, words)


def _line(ws: Workspace, item: MenuItem, words: Words) -> Line | None:
    view = ws.model.get("views", item.view) if item.view else None
    entity = ws.model.entity(view.entity if view is not None else item.entity or "")
    if entity is None or not visibility.may(ws, entity, "read"):
        return None
    return Line(words.label(item.label), entity.key, view.key if view is not None else None)


def _plain_menu(ws: Workspace, words: Words) -> tuple[Group, ...]:
    """For a description without workspaces: what stands on its own, in its order."""
    lines: list[Line] = []
    for id in ws.model.index.get("entities", {}):
        if len(lines) == _WITHOUT_WORKSPACES:
            break
        entity = ws.model.entity(id)
        if entity is not None and not entity.generated and entity.parent is None and visibility.may(ws, entity, "read"):
            lines.append(Line(words.label(entity.plural), entity.key))
    return (Group(words.menu, tuple(lines)),) if lines else ()


def entity_of(ws: Workspace, name: str) -> Entity:
    """The entity of a page. Raises NotFound, the same when the actor may not know of it."""
    found = ws.model.entity(name)
    if found is None or not visibility.may(ws, found, "read"):
        raise NotFound(unknown_entity(name=name[:60]))
    return found


def text_context(ws: Workspace) -> TextContext:
    """How the person reads and writes values."""
    return TextContext(context.language(), ws.actor.timezone, str(ws.model.settings.get("currency", "")))
