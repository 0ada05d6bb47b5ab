"""The list of an entity's records: a view's columns, filters, sorting, search, pages, the recycle bin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from blueprints import context, visibility
from blueprints.app import cells
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field, View
from metadata.problems import BadRequest
from runtime import queries
from runtime.queries import Page, Query
from runtime.workspace import Workspace

_ROWS = 50
_COLUMNS = 8
_FILTERS = 6


@dataclass(frozen=True, slots=True)
class Head:
    """One column's head."""

    label: str
    number: bool = False
    sort_url: str | None = None
    sorted: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    url: str | None
    cells: tuple[cells.Cell, ...]
    restore_url: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A quick filter of one field."""

    key: str
    label: str
    options: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of a list."""

    view: View | None
    where: str
    q: str
    sort: tuple[str, ...]
    after: str | None
    deleted: bool
    chosen: Mapping[str, str]


def find(entity: str) -> Response:
    """One page of a list. A filter that is not understood leaves the page standing and says why."""
    return context.perform(lambda ws: _list(ws, entity_of(ws, entity)))


def _list(ws: Workspace, entity: Entity) -> Response:
    words, reading = Words(context.language()), text_context(ws)
    views = views_of(ws, entity)
    asked = _asked(entity, views)
    columns = columns_of(ws, entity, asked.view)
    try:
        found, problems = _found(ws, entity, asked, columns), []
    except BadRequest as error:
        found, problems = None, [each.message(words.lang) for each in error.problems]
    rows = rows_of(ws, entity, columns, found, reading, words, asked.deleted) if found is not None else ()
    filtered = bool(asked.where or asked.q or any(asked.chosen.values()))
    return page(
        ws,
        "list.html",
        422 if problems else 200,
        heading=words.deleted if asked.deleted else words.label(asked.view.label if asked.view else entity.plural),
        entity_label=words.label(entity.label),
        views=[_view_link(entity, each, asked, words) for each in views] if len(views) > 1 else [],
        columns=[_head(each, asked, words) for each in columns],
        rows=rows,
        filters=[_filter(each, asked, words) for each in _filter_fields(ws, entity, asked.view)],
        kept=[(key, request.args[key]) for key in ("view", "sort", "deleted") if request.args.get(key)],
        where=asked.where,
        q=asked.q,
        searchable=bool(entity.search),
        example=_example(entity),
        problems=problems,
        filtered=filtered,
        deleted=asked.deleted,
        count=found.count if found is not None else None,
        capped=found.capped if found is not None else False,
        urls=_urls(ws, entity, asked, found),
    )


def views_of(ws: Workspace, entity: Entity) -> list[View]:
    """The views of an entity, in the order of the description."""
    return visibility.kept_for(
        ws, ("views", entity.id), lambda: [each for each in ws.model.all("views") if each.entity == entity.id]
    )


def _asked(entity: Entity, views: Sequence[View]) -> Asked:
    arguments = request.args
    view = next((each for each in views if each.key == arguments.get("view")), views[0] if views else None)
    sort = tuple(each for each in arguments.get("sort", "").split(",") if each)
    chosen = {key[2:]: value for key, value in arguments.items() if key.startswith("f.")}
    return Asked(
        view,
        arguments.get("where", "").strip(),
        arguments.get("q", "").strip(),
        sort,
        arguments.get("after") or None,
        arguments.get("deleted") == "true",
        chosen,
    )


def columns_of(ws: Workspace, entity: Entity, view: View | None) -> tuple[cells.Shown, ...]:
    """The columns that the actor may read; without a view the title and the first fields."""
    key = ("columns", entity.id, view.id if view is not None else "")
    return visibility.kept_for(ws, key, lambda: tuple(_columns(ws, entity, view)))


def _columns(ws: Workspace, entity: Entity, view: View | None) -> Iterator[cells.Shown]:
    if view is not None and view.columns:
        yield from (found for name in view.columns if (found := cells.shown(ws, entity, name)))
        return
    plain = [entity.title, *(id for id, each in entity.fields.items() if not each.system and id != entity.title)]
    taken = 0
    for id in plain:
        field = entity.fields[id]
        found = (
            cells.shown(ws, entity, id)
            if registry.of(field).stored and field.type not in ("json", "long_text")
            else None
        )
        if found is not None:
            yield found
            taken += 1
        if taken == _COLUMNS:
            return


def _found(ws: Workspace, entity: Entity, asked: Asked, columns: Sequence[cells.Shown]) -> Page:
    view_sort = [] if asked.view is None else [each for each in asked.view.sort if _known(ws, entity, each)]
    query = Query(
        entity.key,
        where=_where(entity, asked),
        sort=asked.sort or tuple(view_sort),
        fields=tuple(dict.fromkeys(each.asked for each in columns)),
        limit=_ROWS,
        after=asked.after,
        count="capped",
        q=asked.q or None,
        deleted=asked.deleted,
    )
    return queries.find(ws, query)


def _known(ws: Workspace, entity: Entity, sort: str) -> bool:
    """A view may sort by what this person may not read; then it is shown without that."""
    return cells.shown(ws, entity, sort.lstrip("-")) is not None


def _where(entity: Entity, asked: Asked) -> str | None:
    """The view's condition, the person's and the quick filters, all of them."""
    parts = [asked.view.where] if asked.view is not None and asked.view.where and not asked.deleted else []
    if asked.where:
        parts.append(asked.where)
    for name, value in asked.chosen.items():
        field = entity.find(name)
        if field is None or not value:
            continue
        if field.type == "boolean":
            parts.append(f"{field.key} == {'true' if value == 'true' else 'false'}")
        elif (option := field.option(value)) is not None:
            quoted = f'"{option.key}"'
            parts.append(
                f"contains({field.key}, {quoted})" if field.type == "multi_choice" else f"{field.key} == {quoted}"
            )
    return " and ".join(f"({each})" for each in parts) if len(parts) > 1 else parts[0] if parts else None


def rows_of(
    ws: Workspace,
    entity: Entity,
    columns: Sequence[cells.Shown],
    found: Page,
    reading: TextContext,
    words: Words,
    deleted: bool = False,
) -> tuple[Row, ...]:
    records = queries.as_json(found)
    titles = cells.Titles(ws, reading, words.file)
    titles.read(columns, records)
    made = []
    for record in records:
        id = record["id"]
        made.append(
            Row(
                id,
                None if deleted else url_for("app.show", entity=entity.key, id=id),
                tuple(cells.cell(each, record, reading, titles) for each in columns),
                url_for("app.restore", entity=entity.key, id=id) if deleted else None,
            )
        )
    return tuple(made)


def _head(column: cells.Shown, asked: Asked, words: Words) -> Head:
    label = words.label(column.label)
    sort_path = column.asked if column.title is not None else column.path
    sortable = registry.of(column.title or column.field).sortable and registry.of(column.field).stored
    if not sortable:
        return Head(label, column.number)
    current = asked.sort or (tuple(asked.view.sort) if asked.view is not None else ())
    first = current[0] if current else ""
    rising, falling = first in (sort_path, column.field.id), first in (f"-{sort_path}", f"-{column.field.id}")
    url = _address(sort=f"-{sort_path}" if rising else sort_path, after=None)
    return Head(label, column.number, url, "ascending" if rising else "descending" if falling else None)


def _filter_fields(ws: Workspace, entity: Entity, view: View | None) -> list[Field]:
    """Quick filters: those of the view, else the entity's first choices."""
    ids = view.filters if view is not None and view.filters else tuple(entity.fields)
    fields = [entity.fields[id] for id in ids if id in entity.fields]
    useful = [each for each in fields if each.type in ("choice", "multi_choice", "boolean")]
    readable = {each.id for each in visibility.readable(ws, entity)}
    return [each for each in useful if each.id in readable][:_FILTERS]


def _filter(field: Field, asked: Asked, words: Words) -> Filter:
    chosen = asked.chosen.get(field.key, "")
    if field.type == "boolean":
        options = tuple(
            Choice(value, label, chosen == value) for value, label in (("true", words.yes), ("false", words.no))
        )
    else:
        options = tuple(Choice(each.key, words.label(each.label), chosen == each.key) for each in field.options)
    return Filter(field.key, words.label(field.label), options)


def _view_link(entity: Entity, view: View, asked: Asked, words: Words) -> dict[str, Any]:
    current = asked.view is not None and view.id == asked.view.id and not asked.deleted
    url = url_for("app.find", entity=entity.key, view=view.key)
    return {"label": words.label(view.label), "url": url, "current": current}


def _urls(ws: Workspace, entity: Entity, asked: Asked, found: Page | None) -> dict[str, str | None]:
    view = asked.view.key if asked.view is not None and request.args.get("view") else None
    may = visibility.actions(ws, entity)
    importing = visibility.has_capability(ws, "import") and ("create" in may or "update" in may)
    return {
        "new": url_for("app.new", entity=entity.key) if "create" in may else None,
        "deleted": url_for("app.find", entity=entity.key, deleted="true") if "delete" in may else None,
        "living": url_for("app.find", entity=entity.key),
        "import_": url_for("app.import", entity=entity.key) if importing else None,
        "clear": url_for("app.find", entity=entity.key, view=view, deleted="true" if asked.deleted else None),
        "next": _address(after=found.next) if found is not None and found.next else None,
        "first": _address(after=None) if asked.after else None,
    }


def _address(**changes: str | None) -> str:
    """This page's address with some arguments changed."""
    kept: dict[str, Any] = {key: value for key, value in request.args.items() if key != "done" and value}
    kept.update(changes)
    arguments = {key: value for key, value in kept.items() if value is not None}
    return url_for("app.find", **(request.view_args or {}), **arguments)


def _example(entity: Entity) -> str:
    for field in entity.fields.values():
        if field.type == "choice" and field.options:
            return f'{field.key} == "{field.options[0].key}"'
    title = entity.fields[entity.title]
    return f'contains({title.key}, "a")'


ROUTES = (Route("/app/<entity>", "GET", find, PAGE),)
