"""The page of one record, its related lists and history, and how it is deleted and restored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app import cells, layouts, lists
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.fieldtypes.dates import local
from metadata.ids import is_uuid
from metadata.model import Entity, Field, Relation
from metadata.problems import NotFound, PlatformError
from runtime import queries, records
from runtime.queries.query import not_found
from runtime.workspace import Workspace

_RELATED_ROWS = 5
_RELATED_COLUMNS = 5
_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Value:
    """A labelled value."""

    label: str
    cell: cells.Cell


@dataclass(frozen=True, slots=True)
class Reader:
    """What is needed to show values of one record."""

    ws: Workspace
    words: Words
    context: TextContext
    titles: cells.Titles


def show(entity: str, id: str) -> Response:
    return context.perform(lambda ws: _show(ws, entity_of(ws, entity), id))


def _show(ws: Workspace, entity: Entity, id: str) -> Response:
    reader = _reader(ws)
    plan = layouts.arrangement(ws, entity)
    ids = dict.fromkeys(
        [*plan.highlights, *(id for sheet in plan.sheets for part in sheet.parts for id in part.fields)]
    )
    fields = {each: found for each in ids if (found := cells.shown(ws, entity, each)) is not None}
    record = record_of(ws, entity, id, [each.asked for each in fields.values()])
    reader.titles.read(fields.values(), [record])
    values = {
        each: Value(reader.words.label(found.label), cells.cell(found, record, reader.context, reader.titles))
        for each, found in fields.items()
    }
    may = visibility.actions(ws, entity)  # what to offer; the write path decides again
    tabs = [_tab(ws, entity, id, sheet, values, reader) for sheet in plan.sheets]
    return page(
        ws,
        "record.html",
        title=title_of(ws, entity, record, reader.context),
        plural=reader.words.label(entity.plural),
        highlights=[values[each] for each in plan.highlights if each in values],
        tabs=tabs,
        jumps=[{"id": each["id"], "label": each["label"]} for each in tabs if each["sections"] or each["related"]],
        history=list(_history(ws, entity, id, reader)),
        urls={
            "list": url_for("app.find", entity=entity.key),
            "edit": url_for("app.edit", entity=entity.key, id=id) if "update" in may else None,
            "delete": url_for("app.delete", entity=entity.key, id=id) if "delete" in may else None,
        },
    )


def _reader(ws: Workspace) -> Reader:
    words, reading = Words(context.language()), text_context(ws)
    return Reader(ws, words, reading, cells.Titles(ws, reading, words.file))


def record_of(ws: Workspace, entity: Entity, id: str, fields: Sequence[str] = ()) -> Mapping[str, Any]:
    """One record with its title and version, as far as the actor may read it. Raises NotFound."""
    if not is_uuid(id):
        raise NotFound(not_found(entity=entity.label))
    title = cells.title_of(ws, entity)
    asked = dict.fromkeys([*fields, *([title] if title else []), "version"])
    return queries.get(ws, entity.key, id, tuple(asked))


def title_of(ws: Workspace, entity: Entity, record: Mapping[str, Any], reading: TextContext) -> str:
    key = cells.title_of(ws, entity)
    return (cells.text_of(entity.fields[entity.title], record.get(key), reading) if key else "") or record["id"][:8]


def _tab(
    ws: Workspace, entity: Entity, id: str, sheet: layouts.Sheet, values: Mapping[str, Value], reader: Reader
) -> dict[str, Any]:
    sections = [
        {
            "label": reader.words.label(part.label),
            "columns": part.columns,
            "cells": [values[each] for each in part.fields if each in values],
        }
        for part in sheet.parts
    ]
    related = [found for key in sheet.related if (found := _related(ws, entity, id, key, reader)) is not None]
    sections = [each for each in sections if each["cells"]]
    return {"id": f"tab-{sheet.id}", "label": reader.words.label(sheet.label), "sections": sections, "related": related}


def _related(ws: Workspace, entity: Entity, id: str, key: str, reader: Reader) -> dict[str, Any] | None:
    """The first records of a related list and how many there are; None when the actor may not see it."""
    relation = entity.inverse(key)
    source = ws.model.entity(relation.source) if relation is not None else None
    if relation is None or source is None or not visibility.may(ws, source, "read"):
        return None
    columns = _related_columns(ws, source, relation)
    asked = tuple(dict.fromkeys(each.asked for each in columns))
    found = queries.related(ws, entity.key, id, key, fields=asked, limit=_RELATED_ROWS, count="capped")
    link = source.fields[relation.field]
    adds = relation.through is None and visibility.may(ws, source, "create")
    filters = relation.through is None and link.type in cells.LINKS
    given = f"{entity.key}:{id}" if link.type == "any_link" else id
    return {
        "key": key,
        "label": reader.words.label(relation.inverse_label),
        "what": reader.words.label(source.label),
        "columns": [lists.Head(reader.words.label(each.label), each.number) for each in columns],
        "rows": lists.rows_of(ws, source, columns, found, reader.context, reader.words),
        "count": found.count or 0,
        "capped": found.capped,
        "new_url": f"{url_for('app.new', entity=source.key)}?{link.key}={given}" if adds else None,
        "more_url": _more(source, link.key, id) if found.next and filters else None,
    }


def _more(source: Entity, link: str, id: str) -> str:
    return url_for("app.find", entity=source.key, where=f'{link} == "{id}"')


def _related_columns(ws: Workspace, source: Entity, relation: Relation) -> tuple[cells.Shown, ...]:
    """The first columns of its list, without the link that leads back here."""
    view = next(iter(lists.views_of(ws, source)), None)
    columns = [each for each in lists.columns_of(ws, source, view) if each.field.id != relation.field]
    return tuple(columns[:_RELATED_COLUMNS])


def _history(ws: Workspace, entity: Entity, id: str, reader: Reader) -> Iterator[dict[str, Any]]:
    found = queries.history(ws, entity.key, id, limit=_EVENTS)
    reader.titles.learn(_mentioned(ws, entity, found["data"]))
    for event in found["data"]:
        kind = event["kind"].rsplit(".", 1)[-1]
        at = event["at"]
        yield {
            "iso": at,
            "at": local(dt.datetime.fromisoformat(at), reader.context.timezone).isoformat(" ", "minutes")[:16],
            "who": event.get("actor_name") or "",
            "kind": reader.words(f"kind_{kind}") if kind in _KINDS else kind,
            "changes": list(_changes(entity, event.get("changes") or {}, reader)),
        }


_KINDS = frozenset({"created", "updated", "deleted", "restored", "merged"})


def _changes(entity: Entity, changes: Mapping[str, Any], reader: Reader) -> Iterator[dict[str, str]]:
    for name, values in changes.items():
        field = entity.find(name)
        if field is not None:
            yield {
                "label": reader.words.label(field.label),
                "before": _said(field, values["before"], reader),
                "after": _said(field, values["after"], reader),
            }


def _mentioned(ws: Workspace, entity: Entity, events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(entity key, id) of every record that some events link to."""
    for event in events:
        for name, values in (event.get("changes") or {}).items():
            field = entity.find(name)
            if field is not None:
                for value in (values["before"], values["after"]):
                    yield from _linked(ws, field, value)


def _linked(ws: Workspace, field: Field, value: Any) -> list[tuple[str, str]]:
    if field.type == "any_link" and isinstance(value, Mapping) and "id" in value:
        return [(str(value.get("entity")), str(value["id"]))]
    target = ws.model.entity(field.to[0]) if field.type in {*cells.LINKS, "links"} and field.to else None
    ids = value if isinstance(value, list) else [value]
    return [(target.key, each) for each in ids if isinstance(each, str)] if target is not None else []


def _said(field: Field, value: Any, reader: Reader) -> str:
    """A value of the past: an option or a type of then may be gone by now."""
    linked = _linked(reader.ws, field, value)
    if linked:
        return ", ".join(reader.titles.piece(*each).text for each in linked)
    try:
        return cells.text_of(field, value, reader.context)
    except ValueProblem:
        return str(value)


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
    Route("/app/<entity>/<id>", "GET", show, PAGE),
    Route("/app/<entity>/<id>/delete", "GET", delete, PAGE),
    Route("/app/<entity>/<id>/delete", "POST", delete_post, PAGE),
    Route("/app/<entity>/<id>/restore", "POST", restore, PAGE),
)
