"""Values of a request's record as people read them: what `runtime.approvals` tells in JSON, labelled and linked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints import visibility
from blueprints.addresses import address_at
from blueprints.app import cells
from blueprints.app.reading import WIDE, Reader, Value
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Entity, Field

_NOT_SAID = frozenset({"unit", "pool", "currency"})
"""System fields that say nothing to whoever decides."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a list as they were submitted."""

    label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[cells.Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A field that is different today."""

    label: str
    before: cells.Cell
    now: cells.Cell


def labelled(reader: Reader, entity: Entity, values: Mapping[str, Any], keys: Iterable[str]) -> list[Value]:
    """The values of some fields by today's keys, empty ones left out."""
    found = []
    for key in keys:
        field = entity.find(key)
        if field is None or field.type == "children" or values.get(key) in (None, "", []):
            continue
        cell = cell_of(reader, field, values[key])
        found.append(Value(field.key, reader.words.label(field.label), cell, field.type, field.type in WIDE))
    return found


def rest(entity: Entity, values: Mapping[str, Any], without: Iterable[str]) -> list[str]:
    """The other keys in the order of the entity."""
    left = {*without, *(each.key for each in entity.fields.values() if each.system and each.id in _NOT_SAID)}
    return [each.key for each in entity.fields.values() if each.key in values and each.key not in left]


def lists(reader: Reader, entity: Entity, values: Mapping[str, Any]) -> list[Rows]:
    """The lists of the record that have rows."""
    found = []
    for field in entity.fields.values():
        rows = values.get(field.key)
        target = reader.ws.model.entity(field.to[0]) if field.type == "children" and field.to else None
        if target is not None and rows:
            found.append(_rows(reader, reader.words.label(field.label), target, rows))
    return found


def _rows(reader: Reader, label: str, entity: Entity, rows: Iterable[Mapping[str, Any]]) -> Rows:
    told = list(rows)
    fields = [
        each
        for each in entity.fields.values()
        if not each.system and any(row.get(each.key) not in (None, "", []) for row in told)
    ]
    made = tuple(tuple(cell_of(reader, each, row.get(each.key)) for each in fields) for row in told)
    return Rows(label, tuple(reader.words.label(each.label) for each in fields), made)


def moved(reader: Reader, entity: Entity, told: Mapping[str, Mapping[str, Any]]) -> list[Moved]:
    """What has changed since: `submitted` and `now` of each key."""
    found = []
    for key, both in told.items():
        field = entity.find(key)
        if field is not None and field.type != "children":
            label = reader.words.label(field.label)
            found.append(Moved(label, *(cell_of(reader, field, both[each]) for each in ("submitted", "now"))))
    return found


def cell_of(reader: Reader, field: Field, value: Any) -> cells.Cell:
    """One value; what its type cannot read any more is shown as it was kept."""
    if value is None:
        return cells.EMPTY
    if field.type in {*cells.LINKS, "links", "any_link"}:
        links = value if isinstance(value, list) else [value]
        if any(isinstance(each, Mapping) and each.get("hidden") for each in links):
            return cells.HIDDEN
        return cells.Cell(tuple(_link(reader, each) for each in links))
    try:
        shown = cells.Shown(field.key, field, field.label)
        return cells.cell(shown, {field.key: value}, reader.context, reader.titles)
    except ValueProblem:
        return cells.Cell((cells.Piece(str(value)),))


def _link(reader: Reader, value: Any) -> cells.Piece:
    if not isinstance(value, Mapping):
        return cells.Piece(str(value)[:8])
    entity = reader.ws.model.entity(str(value.get("entity")))
    text = str(value.get("title") or "") or str(value["id"])[:8]
    if entity is None or not visibility.may(reader.ws, entity, "read"):
        return cells.Piece(text)
    return cells.Piece(text, address_at("app.show", entity=entity.key, id=str(value["id"])))
