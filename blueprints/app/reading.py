"""What is needed to show values of one record: the record itself, its title, labelled values, values of the past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from blueprints import context, visibility
from blueprints.app import cells
from blueprints.app.shell import text_context
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.fieldtypes.dates import local
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.problems import NotFound
from runtime import queries
from runtime.queries.query import not_found
from runtime.workspace import Workspace

WIDE = frozenset({"long_text", "rich_text", "json", "address", "children", "links", "files", "image", "signature"})


@dataclass(frozen=True, slots=True)
class Value:
    """A labelled value on a page. `editable`: the person may change it where it stands."""

    key: str
    label: str
    cell: cells.Cell
    type: str = "text"
    wide: bool = False
    editable: bool = False

    @property
    def empty(self) -> bool:
        return not self.cell.pieces and self.cell.kind != "hidden"


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom values are shown: language, time zone, and the names of linked records found so far."""

    ws: Workspace
    words: Words
    context: TextContext
    titles: cells.Titles

    def moment(self, iso: str) -> dt.datetime:
        """A time of the API in the person's zone."""
        return local(dt.datetime.fromisoformat(iso), self.context.timezone)


def reader_of(ws: Workspace) -> Reader:
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


def values_of(
    reader: Reader, entity: Entity, id: str, ids: Iterable[str], more: Sequence[str] = ()
) -> tuple[Mapping[str, Any], dict[str, Value]]:
    """The record and, by field id, the values of these fields, as far as the actor may read them. Raises NotFound."""
    ws = reader.ws
    shown = {each: found for each in ids if (found := cells.shown(ws, entity, each)) is not None}
    record = record_of(ws, entity, id, [*(each.asked for each in shown.values()), *more])
    reader.titles.read(shown.values(), [record])
    editable = editable_in(ws, entity, id)
    return record, {
        each: Value(
            found.field.key,
            reader.words.label(found.label),
            cells.cell(found, record, reader.context, reader.titles),
            found.field.type,
            found.field.type in WIDE,
            each in editable,
        )
        for each, found in shown.items()
    }


def editable_in(ws: Workspace, entity: Entity, id: str) -> frozenset[str]:
    """The same of one record: none when the actor may only look at it."""
    found = editable_ids(ws, entity)
    return found if found and visibility.may_with(ws, entity, "update", id) else frozenset()


def editable_ids(ws: Workspace, entity: Entity) -> frozenset[str]:
    """Ids of the fields whose control may stand in place of the value."""

    def make() -> frozenset[str]:
        if not visibility.may(ws, entity, "update"):
            return frozenset()
        return frozenset(each.id for each in visibility.writable(ws, entity) if each.type != "children")

    return visibility.kept_for(ws, ("editable", entity.id), make)


def prefix_of(entity: Entity) -> str:
    """The address of an entity's records up to their id: many addresses are made on one page."""
    return url_for("app.show", entity=entity.key, id="-")[:-1]


def said(reader: Reader, field: Field, value: Any) -> str:
    """A value of the past: an option or a type of then may be gone by now."""
    linked = linked_by(reader.ws, field, value)
    if linked:
        return ", ".join(reader.titles.piece(*each).text for each in linked)
    try:
        return cells.text_of(field, value, reader.context)
    except ValueProblem:
        return str(value)


def linked_by(ws: Workspace, field: Field, value: Any) -> list[tuple[str, str]]:
    """(entity key, id) of the records that a value links to."""
    if field.type == "any_link" and isinstance(value, Mapping) and "id" in value:
        return [(str(value.get("entity")), str(value["id"]))]
    target = ws.model.entity(field.to[0]) if field.type in {*cells.LINKS, "links"} and field.to else None
    ids = value if isinstance(value, list) else [value]
    return [(target.key, each) for each in ids if isinstance(each, str)] if target is not None else []


def files_in(field: Field, value: Any) -> Iterator[str]:
    """Ids of the files that a JSON value names."""
    if value is None or isinstance(value, Mapping):
        return
    kind = registry.of(field)
    try:
        yield from kind.files(kind.parse(field, value))
    except ValueProblem:
        return
