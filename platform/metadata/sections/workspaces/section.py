"""Section `workspaces`: menus for roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metadata import grammar
from metadata.compilation import SECTION_LABELS, Compilation
from metadata.documents.marked import Map
from metadata.model import Dashboard, MenuItem, Model, Part, View, WorkspaceMenu
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.dashboards.section import roles_of
from metadata.sections.documenting import heading, table, words

OTHER_ENTITY = kind(
    "workspace_other_entity",
    en="The view “{view}” lists {entity}, not the entity named beside it. Remove one of the two.",
    zh="视图“{view}”列出的是{entity}，与旁边的实体不符。请删除其中之一。",
)
TWO_WAYS = kind(
    "workspace_two_ways",
    en="A line of the menu opens one thing. Remove `dashboard`, or `entity` and `view`.",
    zh="菜单项只能打开一个目标。请删除 `dashboard`，或删除 `entity` 和 `view`。",
)

GRAMMAR = grammar.grammar(grammar.load("workspaces"))


def compile_workspace(element: Element, compilation: Compilation) -> WorkspaceMenu:
    data = element.data
    items = data.get("items")
    return WorkspaceMenu(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        icon=data.get("icon", "apps"),
        roles=tuple(roles_of(element, compilation)),
        items=tuple(
            _item(element, compilation, key, each)
            for key, each in (items.items() if isinstance(items, Map) else ())
            if isinstance(each, Map)
        ),
        home=_dashboard(element, compilation, data.get("home"), "home"),
    )


def _item(element: Element, compilation: Compilation, key: str, data: Map) -> MenuItem:
    path = ("items", key)
    entity = None
    if isinstance(data.get("entity"), str):
        entity = compilation.named_entity(element, data["entity"], *path, "entity")
    view = _view(element, compilation, data.get("view"), *path, "view")
    if view is not None:
        if entity is not None and entity.id != view.entity:
            listed = compilation.entity(view.entity)
            params: dict[str, Any] = {"view": view.key, "entity": listed.plural if listed else view.entity}
            compilation.refuse(OTHER_ENTITY, element, *path, "view", **params)
        entity = compilation.entity(view.entity)
    dashboard = _dashboard(element, compilation, data.get("dashboard"), *path, "dashboard")
    if dashboard is not None and ("entity" in data or "view" in data):
        compilation.refuse(TWO_WAYS, element, *path, "dashboard", at_key=True)
    shown: Dashboard | None = compilation.made["dashboards"].get(dashboard or "")
    if "label" in data:
        label = label_of(data, key)
    elif shown is not None:
        label = shown.label
    else:
        label = view.label if view else entity.plural if entity else label_of(data, key)
    return MenuItem(
        id=said_id(key, data),
        label=label,
        entity=entity.id if entity else None,
        view=view.id if view else None,
        icon=data.get("icon", entity.icon if entity else shown.icon if shown else None),
        dashboard=dashboard,
    )


def _dashboard(element: Element, compilation: Compilation, name: Any, *path: str) -> str | None:
    """The id of the dashboard that a place names; a problem when there is none."""
    if not isinstance(name, str):
        return None
    id = compilation.resolve("dashboards", name)
    if id is None:
        compilation.unknown(element, name, compilation.known("dashboards"), SECTION_LABELS["dashboards"], *path)
    return id


def _view(element: Element, compilation: Compilation, name: Any, *path: str) -> View | None:
    if not isinstance(name, str):
        return None
    id = compilation.resolve("views", name)
    if id is None:
        compilation.unknown(element, name, compilation.known("views"), SECTION_LABELS["views"], *path)
        return None
    found: View | None = compilation.made["views"].get(id)
    return found


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    for each in part.get("roles", ()):
        yield Reference(("roles", each), "roles", each)
    for item in part.get("items", ()):
        if "entity" in item:
            yield Reference(("items", item["id"], "entity"), "entities", item["entity"])
        if "view" in item:
            yield Reference(("items", item["id"], "view"), "views", item["view"])
        if "dashboard" in item:
            yield Reference(("items", item["id"], "dashboard"), "dashboards", item["dashboard"])
    if "home" in part:
        yield Reference(("home",), "dashboards", part["home"])


def document(part: Part, lang: str, model: Model) -> str:
    rows = [
        (say(each["label"], lang), each.get("dashboard") or each.get("view") or each.get("entity"))
        for each in part.get("items", ())
    ]
    head = (words(lang, "Item", "菜单项"), words(lang, "Opens", "打开"))
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(head, rows)


SECTION = Section(
    name="workspaces",
    grammar=GRAMMAR,
    check_grammar=grammar_only("workspaces", GRAMMAR),
    identity=said_id,
    compile=each_element("workspaces", compile_workspace),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
