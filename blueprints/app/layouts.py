"""How a record is laid out for one person: the layout's tabs and sections, or what follows from the fields."""

from __future__ import annotations

from dataclasses import dataclass

from blueprints import visibility
from metadata.model import Entity, Field, Layout, Relation
from metadata.problems import Label
from runtime.workspace import Workspace

_LISTS = 8
_DETAILS: Label = {"en": "Details", "zh": "详细信息"}
_SYSTEM: Label = {"en": "About this record", "zh": "记录信息"}


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of fields."""

    label: Label
    fields: tuple[str, ...]
    columns: int = 2


@dataclass(frozen=True, slots=True)
class Sheet:
    """A tab: its parts, and the related lists below them."""

    id: str
    label: Label
    parts: tuple[Part, ...]
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrangement:
    highlights: tuple[str, ...]
    sheets: tuple[Sheet, ...]


def arrangement(ws: Workspace, entity: Entity) -> Arrangement:
    return visibility.kept_for(ws, ("arrangement", entity.id), lambda: _arrangement(ws, entity))


def _arrangement(ws: Workspace, entity: Entity) -> Arrangement:
    layout = next((each for each in ws.model.all("layouts") if each.entity == entity.id), None)
    sheets = _by_layout(layout) if layout is not None else (_by_fields(ws, entity),)
    return Arrangement(layout.highlights if layout is not None else (), (*sheets, _about(entity)))


def _by_layout(layout: Layout) -> tuple[Sheet, ...]:
    return tuple(
        Sheet(
            tab.id, tab.label, tuple(Part(each.label, each.fields, each.columns) for each in tab.sections), tab.related
        )
        for tab in layout.tabs
    )


def _by_fields(ws: Workspace, entity: Entity) -> Sheet:
    """Every field of the description in one part, and the first related lists."""
    own = tuple(id for id, each in entity.fields.items() if not each.system or id in ("owner", "unit", "currency"))
    lists = tuple(each.inverse for each in entity.inverses if _may_see(ws, each))
    return Sheet("details", _DETAILS, (Part(_DETAILS, own),), lists[:_LISTS])


def _may_see(ws: Workspace, relation: Relation) -> bool:
    source = ws.model.entity(relation.source)
    return source is not None and not source.generated and visibility.may(ws, source, "read")


def _about(entity: Entity) -> Sheet:
    kept = ("created_at", "created_by", "updated_at", "updated_by")
    return Sheet("about", _SYSTEM, (Part(_SYSTEM, tuple(each for each in kept if each in entity.fields)),))


def form_parts(ws: Workspace, entity: Entity) -> tuple[Part, ...]:
    """The parts of a form: the layout's, with only what the person may write, and what the layout forgot if needed."""
    return visibility.kept_for(ws, ("form", entity.id), lambda: _form_parts(ws, entity))


def _form_parts(ws: Workspace, entity: Entity) -> tuple[Part, ...]:
    fields: dict[str, Field] = {each.id: each for each in visibility.writable(ws, entity) if each.type != "children"}
    found: list[Part] = []
    placed: set[str] = set()
    for sheet in arrangement(ws, entity).sheets:
        for part in sheet.parts:
            ids = tuple(id for id in part.fields if id in fields and id not in placed)
            placed.update(ids)
            if ids:
                found.append(Part(part.label, ids, part.columns))
    forgotten = tuple(id for id, each in fields.items() if id not in placed and (each.required or not each.system))
    if forgotten:
        found.append(Part(_DETAILS, forgotten))
    return tuple(found)
