"""What surrounds every page: the menu of the person's roles, who is signed in, the secret for forms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints import context, security, visibility
from blueprints.addresses import address_of
from blueprints.app import tiles
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, MenuItem, WorkspaceMenu
from metadata.problems import NotFound
from runtime.inbox import has as has_inbox
from runtime.queries.query import unknown_entity
from runtime.workspace import Workspace

_WITHOUT_WORKSPACES = 40
_MOST_NEW = 12
WORKSPACE_COOKIE = "ml_workspace"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the menu: what it says and what it opens."""

    label: str
    entity: str
    view: str | None = None
    icon: str = "table"
    dashboard: str | None = None
    """Then `entity` is empty."""
    taken: frozenset[str] = frozenset()
    """Views that lines of the same menu open; the others belong to the line of their entity."""

    @property
    def url(self) -> str:
        if self.dashboard is not None:
            return address_of("app.dashboard", key=self.dashboard)
        return address_of("app.find", entity=self.entity, view=self.view)

    @property
    def current(self) -> bool:
        arguments = request.view_args or {}
        if self.dashboard is not None:
            return request.endpoint == "app.dashboard" and arguments.get("key") == self.dashboard
        if arguments.get("entity") != self.entity:
            return False
        view = request.args.get("view")
        return "id" in arguments or view == self.view or (self.view is None and view not in self.taken)


@dataclass(frozen=True, slots=True)
class Group:
    """One workspace of the person: a menu of its own."""

    label: str
    items: tuple[Line, ...]
    key: str = ""
    icon: str = "apps"
    home: str | None = None
    """Key of the dashboard that it begins with."""

    @property
    def url(self) -> str:
        """Where it begins."""
        return address_of("app.dashboard", key=self.home) if self.home is not None else self.items[0].url


@dataclass(frozen=True, slots=True)
class New:
    """Something that the person may create from anywhere."""

    label: str
    entity: str
    icon: str

    @property
    def url(self) -> str:
        return address_of("app.new", entity=self.entity)


@dataclass(frozen=True, slots=True)
class Zone:
    name: str
    chosen: bool

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Shell:
    menu: tuple[Group, ...]
    """Every workspace of the person."""
    group: Group | None
    """The workspace whose menu is shown."""
    new: tuple[New, ...]
    person: str
    csrf: str
    tenant: str
    notice: str
    zones: tuple[Zone, ...]
    """Time zones at hand: the person's own and the organisation's."""
    configures: bool = False
    """Whether the pages for people who configure are shown."""
    processes: bool = False
    """Whether the pages for people who look after workflows are shown."""
    approves: bool = False
    """Whether there is anything here that needs approval."""
    inbox: bool = False
    """Whether work can wait for the person here."""


NOTICES: tuple[str, ...] = ("saved", "restored", "deleted_note", "form_merged", "recycling_merged", "recycling_led")
NOTICES += ("pool_claimed", "pool_returned", "pool_given", "pool_moved", "share_given", "share_ended")
NOTICES += ("notice_settings_saved",)


def page(ws: Workspace, template: str, status: int = 200, **values: Any) -> Response:
    """A page inside the shell. Rendered while the workspace is open, so that everything on it is of one moment."""
    return make_response(render_template(template, shell=shell_of(ws), **values), status)


def shell_of(ws: Workspace) -> Shell:
    """The frame of a page as the actor sees it."""
    words = Words(context.language())
    done = request.args.get("done", "")
    name = ws.model.settings.get("name")
    groups = menu(ws, words.lang)
    return Shell(
        menu=groups,
        group=current_group(groups),
        new=visibility.kept_for(ws, ("new", words.lang), lambda: _new(ws, groups)),
        person=ws.actor.name,
        csrf=security.masked(ws.session.csrf) if ws.session is not None else "",
        tenant=words.label(name) if name else ws.tenant.label or ws.tenant.name,
        notice=words(done) if done in NOTICES else "",
        zones=_zones(ws),
        configures=visibility.has_capability(ws, "configure"),
        processes=any(visibility.has_capability(ws, each) for each in ("jobs", "configure")),
        approves=_approves(ws),
        inbox=visibility.kept_for(ws, ("inbox",), lambda: has_inbox(ws)),
    )


def _approves(ws: Workspace) -> bool:
    """Approvals have their line in the menu where some are described and the person's roles let him see his own."""
    task = ws.model.entity("approval_task")
    return task is not None and bool(ws.model.index.get("approvals")) and visibility.may(ws, task, "read")


def _zones(ws: Workspace) -> tuple[Zone, ...]:
    own, usual = ws.actor.timezone, str(ws.model.settings.get("timezone", "UTC"))
    return tuple(Zone(name, name == own) for name in dict.fromkeys((own, usual)))


def current_group(groups: tuple[Group, ...]) -> Group | None:
    """The workspace that the person chose, unless the page is of another one only."""
    if not groups:
        return None
    chosen = request.cookies.get(WORKSPACE_COOKIE)
    # Without a choice a workspace with a home comes first: who administers a business also works in it.
    first = next((each for each in groups if each.home), groups[0])
    group = next((each for each in groups if each.key == chosen), first)
    at = request.view_args or {}
    entity, dashboard = at.get("entity"), at.get("key") if request.endpoint == "app.dashboard" else None
    if (entity or dashboard) and len(groups) > 1 and not _within(group, entity, dashboard):
        return next((each for each in groups if _within(each, entity, dashboard)), group)
    return group


def _within(group: Group, entity: str | None, dashboard: str | None) -> bool:
    """Whether a line of the menu is about the entity or opens the dashboard."""
    return any(line.dashboard == dashboard if dashboard else line.entity == entity for line in group.items)


def menu(ws: Workspace, lang: str) -> tuple[Group, ...]:
    return visibility.kept_for(ws, ("menu", lang), lambda: _menu(ws, Words(lang)))


def _menu(ws: Workspace, words: Words) -> tuple[Group, ...]:
    found = []
    for each in ws.model.all("workspaces"):
        if may_use(ws, each):
            lines = tuple(line for item in each.items if (line := _line(ws, item, words)))
            taken = frozenset(line.view for line in lines if line.view is not None)
            lines = tuple(replace(line, taken=taken) for line in lines)
            if lines:
                found.append(Group(words.label(each.label), lines, each.key, each.icon, _home(ws, each)))
    return tuple(found) or _plain_menu(ws, words)


def may_use(ws: Workspace, workspace: WorkspaceMenu) -> bool:
    """Whether a workspace is meant for one of the actor's roles."""
    return not workspace.roles or bool(set(workspace.roles) & set(ws.actor.roles)) or ws.actor.platform


def _home(ws: Workspace, workspace: WorkspaceMenu) -> str | None:
    found = ws.model.get("dashboards", workspace.home) if workspace.home else None
    return found.key if found is not None and tiles.may_open(ws, found) else None


def _line(ws: Workspace, item: MenuItem, words: Words) -> Line | None:
    if item.dashboard is not None:
        found = ws.model.get("dashboards", item.dashboard)
        if found is None or not tiles.may_open(ws, found):
            return None
        return Line(words.label(item.label), "", None, item.icon or found.icon, found.key)
    view = ws.model.get("views", item.view) if item.view else None
    entity = ws.model.entity(view.entity if view is not None else item.entity or "")
    if entity is None or not visibility.may(ws, entity, "read"):
        return None
    icon = item.icon or entity.icon
    return Line(words.label(item.label), entity.key, view.key if view is not None else None, icon)


def _plain_menu(ws: Workspace, words: Words) -> tuple[Group, ...]:
    """For a description without workspaces: what stands on its own, in its order."""
    lines: list[Line] = []
    for id in ws.model.index.get("entities", {}):
        if len(lines) == _WITHOUT_WORKSPACES:
            break
        entity = ws.model.entity(id)
        if entity is not None and not entity.generated and entity.parent is None and visibility.may(ws, entity, "read"):
            lines.append(Line(words.label(entity.plural), entity.key, icon=entity.icon))
    return (Group(words.menu, tuple(lines)),) if lines else ()


def _new(ws: Workspace, groups: tuple[Group, ...]) -> tuple[New, ...]:
    """What the menus name and the actor may create, in the order of the menus."""
    words = Words(context.language())
    found: dict[str, New] = {}
    for line in (line for group in groups for line in group.items):
        entity = ws.model.entity(line.entity)
        if entity is not None and entity.key not in found and visibility.may(ws, entity, "create"):
            found[entity.key] = New(words.label(entity.label), entity.key, entity.icon)
    return tuple(found.values())[:_MOST_NEW]


def entity_of(ws: Workspace, name: str) -> Entity:
    """The entity of a page. Raises NotFound, the same when the actor may not know of it."""
    found = ws.model.entity(name)
    if found is None or not visibility.may(ws, found, "read"):
        raise NotFound(unknown_entity(name=name[:60]))
    return found


def text_context(ws: Workspace) -> TextContext:
    """How the person reads and writes values."""
    return TextContext(context.language(), ws.actor.timezone, str(ws.model.settings.get("currency", "")))
