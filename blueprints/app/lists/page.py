"""The page of a list: views, filter, table, more rows on demand. Boards and calendars are shown from here, too."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.addresses import address_of
from blueprints.app.lists import columns as columns_
from blueprints.app.lists import filters, groups, rows
from blueprints.app.lists.asked import Asked, address, asked, quick_fields, views_of
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.model import Entity, Field
from metadata.pools import opened_to
from metadata.problems import BadRequest
from runtime import queries, saved_views
from runtime.queries import Page
from runtime.records import MOST_MERGED
from runtime.workspace import Workspace

_QUICK = 4
_TABS = 8

KINDS: Mapping[str, str] = {
    "board": "blueprints.app.boards:show",
    "calendar": "blueprints.app.calendars:show",
}
"""What shows the views that are no lists: `(ws, entity, view, saved views) -> Response`. Named by text: they import
lists."""


def find(entity: str) -> Response:
    """One page of a list. A filter that is not understood leaves the page standing and says why."""
    return context.perform(lambda ws: _find(ws, entity_of(ws, entity)))


def _find(ws: Workspace, entity: Entity) -> Response:
    given = asked(ws, entity)
    if given.view is not None and given.saved is None and not given.deleted and given.view.kind in KINDS:
        module, _, function = KINDS[given.view.kind].partition(":")
        shown: Response = getattr(import_module(module), function)(ws, entity, given.view, given.mine)
        return shown
    return _list(ws, given)


def _list(ws: Workspace, given: Asked) -> Response:
    entity, words, reading = given.entity, Words(context.language()), text_context(ws)
    shown = columns_.chosen(ws, entity, given.look.columns)
    table = columns_.table(ws, given, shown, words)
    writer = rows.Writer(ws, entity, shown, table.heads, reading, words, given.deleted)
    found: Page | None = None
    grouped: groups.Grouped | None = None
    written = ""
    problems = [each.message(words.lang) for each in given.problems]
    try:
        if not problems and given.group:
            grouped = groups.grouped(ws, given, writer)
        elif not problems:
            found = queries.find(ws, given.query([each.asked for each in shown], count="capped", after=given.after))
            written = writer.rows(queries.as_json(found))
    except BadRequest as error:
        problems = [each.message(words.lang) for each in error.problems]
    views = [*_views(ws, given, words)]
    return page(
        ws,
        "list.html",
        422 if problems else 200,
        heading=words.deleted if given.deleted else _heading(given, words),
        entity_label=words.label(entity.label),
        entity_plural=words.label(entity.plural),
        entity_icon=entity.icon,
        entity_key=entity.key,
        views=views[:_TABS],
        further=views[_TABS:],
        view=_current(ws, given, words),
        asked=given,
        heads=table.heads,
        width=table.width,
        rows=written,
        grouped=grouped,
        filters=[_filter(each, given, words) for each in quick_fields(ws, entity, given.view, _QUICK)],
        bar=filters.bar(ws, given, words, reading),
        kept=_kept(),
        searchable=bool(entity.search),
        example=_example(entity),
        problems=problems,
        count=found.count if found is not None else grouped.count if grouped is not None else None,
        capped=found.capped if found is not None else False,
        totals=any(each.total for each in table.heads),
        groupings=_groupings(ws, given, words),
        may=_may(ws, entity),
        most_merged=MOST_MERGED,
        urls=_urls(ws, given, found),
    )


def _heading(given: Asked, words: Words) -> str:
    if given.saved is not None:
        return given.saved.name
    return words.label(given.view.label if given.view is not None else given.entity.plural)


def _views(ws: Workspace, given: Asked, words: Words) -> list[dict[str, Any]]:
    """The views of the description, then the person's own and the shared ones."""
    entity, found = given.entity, []
    for each in views_of(ws, entity):
        current = given.saved is None and given.view is not None and each.id == given.view.id and not given.deleted
        icon = {"board": "layout-kanban", "calendar": "calendar"}.get(each.kind, "")
        found.append(_tab(entity, words.label(each.label), each.key, icon, current))
    for saved in given.mine:
        current = given.saved is not None and saved.id == given.saved.id and not given.deleted
        icon = "users" if saved.shared else "user"
        found.append(_tab(entity, saved.name, saved.id, icon, current))
    if not found:
        found.append(_tab(entity, words.label(entity.plural), None, "", not given.deleted))
    # The one that is shown stays within reach when there are many.
    at = next((at for at, tab in enumerate(found) if tab["current"]), 0)
    if at >= _TABS:
        found.insert(_TABS - 1, found.pop(at))
    return found


def _tab(entity: Entity, label: str, key: str | None, icon: str, current: bool) -> dict[str, Any]:
    url = address_of("app.find", entity=entity.key, view=key)
    return {"label": label, "url": url, "icon": icon, "current": current}


def _current(ws: Workspace, given: Asked, words: Words) -> dict[str, Any]:
    """What may be done with the view that is shown."""
    saved = given.saved
    changed = bool({"where", "sort", "group", "q"} & request.args.keys()) or any(given.chosen.values())
    return {
        "id": given.id,
        "name": given.name,
        "label": _heading(given, words),
        "saved": saved is not None,
        "shared": saved is not None and saved.shared,
        "mine": saved is not None and saved_views.may_change(ws, saved),
        "version": saved.version if saved is not None else None,
        "changed": changed or given.own_look,
        "default": bool(given.id) and given.default == given.id,
    }


def _filter(field: Field, given: Asked, words: Words) -> dict[str, Any]:
    """A quick filter of one field."""
    chosen = given.chosen.get(field.key, "")
    if field.type == "boolean":
        options = [(value, label) for value, label in (("true", words.yes), ("false", words.no))]
    else:
        options = [(each.key, words.label(each.label)) for each in field.options if not each.retired]
    return {
        "key": field.key,
        "label": words.label(field.label),
        "chosen": chosen,
        "options": [{"value": value, "label": label, "chosen": value == chosen} for value, label in options],
    }


def _kept() -> list[tuple[str, str]]:
    """The arguments that a form of the page has to send on."""
    return [
        (key, value) for key, value in request.args.items() if key in ("view", "sort", "group", "deleted") and value
    ]


def _groupings(ws: Workspace, given: Asked, words: Words) -> list[dict[str, Any]]:
    """What the rows may be grouped by."""
    found = []
    for each in columns_.choosable(ws, given.entity):
        by = columns_.group_of(each) if "." not in each.path and each.field.type != "integer" else ""
        if by:
            current = given.group.partition(":")[0] in (each.path, each.field.id)
            url = address(group=by, after=None)
            found.append({"label": words.label(each.label), "by": by, "current": current, "url": url})
    return found


def _may(ws: Workspace, entity: Entity) -> dict[str, bool]:
    """What to offer; the write path decides again."""
    may = visibility.actions(ws, entity)
    return {
        "create": "create" in may,
        "update": bool(columns_.editable_ids(ws, entity)),
        "delete": "delete" in may,
        "import": visibility.has_capability(ws, "import") and ("create" in may or "update" in may),
        "export": visibility.has_capability(ws, "export"),
        "claim": bool(opened_to(ws.model, entity, ws.actor.roles)),
    }


def _urls(ws: Workspace, given: Asked, found: Page | None) -> dict[str, str | None]:
    key = given.entity.key
    return {
        "new": address_of("app.new", entity=key),
        "deleted": address_of("app.find", entity=key, deleted="true"),
        "living": address_of("app.find", entity=key),
        "import_": address_of("app.import", entity=key),
        "clear": address_of("app.find", entity=key, view=given.name or None, deleted="true" if given.deleted else None),
        "all": address("app.find", **_unfiltered(given)),
        "ungrouped": address(group="", after=None),
        "next": address(after=found.next) if found is not None and found.next else None,
        "first": address(after=None) if given.after else None,
        "totals": address("app.list_totals", after=None),
        "export": address("app.list_export", view=given.name or "-", after=None),
    }


def _unfiltered(given: Asked) -> dict[str, str | None]:
    """What takes the person's own filter off an address; a saved view's condition is such a filter, too."""
    found: dict[str, str | None] = dict.fromkeys(key for key in request.args if key.startswith("f."))
    return {**found, "q": None, "after": None, "where": "" if given.saved is not None else None}


def _example(entity: Entity) -> str:
    for field in entity.fields.values():
        if field.type == "choice" and field.options:
            return f"{field.key} == '{field.options[0].key}'"
    title = entity.fields[entity.title]
    return f"contains({title.key}, 'a')"


ROUTES = (Route("/app/<entity>", "GET", find, PAGE),)
