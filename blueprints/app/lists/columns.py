"""The columns of a list: which there are, how wide, what can be done with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from blueprints import visibility
from blueprints.app import cells
from blueprints.app.lists.asked import Asked, address
from blueprints.texts import Words
from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, View
from runtime.saved_views import Shape
from runtime.workspace import Workspace

_FIRST = 8
"""Columns of an entity that has no view."""
_NOT_FIRST = frozenset({"json", "long_text", "rich_text", "signature", "secret"})
_WIDTHS: Mapping[str, int] = {
    "boolean": 96,
    "integer": 110,
    "decimal": 120,
    "percent": 104,
    "money": 148,
    "date": 116,
    "time": 100,
    "datetime": 160,
    "duration": 110,
    "choice": 128,
    "phone": 150,
    "email": 210,
    "url": 200,
    "user": 112,
    "unit": 140,
    "link": 172,
    "sequence": 148,
    "rating": 120,
    "color": 100,
    "long_text": 260,
    "rich_text": 260,
}
_USUAL, _TITLE, _TICK = 164, 200, 44
MEASURES = ("sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True)
class Head:
    """One column's head, in any table of records."""

    label: str
    number: bool = False
    sort_url: str | None = None
    sorted: str | None = None
    """ascending, descending."""
    path: str = ""
    """Dotted, in today's keys."""
    sort: str = ""
    """What to sort by; empty when it cannot be."""
    group: str = ""
    """What to group by; empty when it cannot be."""
    place: int = 0
    """Among several sorted columns: 1, 2, ..."""
    measures: tuple[str, ...] = ()
    total: str = ""
    editable: bool = False
    width: int = 0
    """Pixels; 0 takes what is left."""
    pinned: bool = False
    title: bool = False


def columns_of(ws: Workspace, entity: Entity, view: View | None) -> tuple[cells.Shown, ...]:
    """The columns of a view that the actor may read; without a view the title and the first fields."""
    return chosen(ws, entity, view.columns if view is not None and view.kind == "list" else ())


def chosen(ws: Workspace, entity: Entity, paths: Sequence[str]) -> tuple[cells.Shown, ...]:
    """Columns by dotted path (keys or ids), without what the actor may not read; the usual ones when none are given."""
    key = ("columns", entity.id, tuple(paths))
    return visibility.kept_for(ws, key, lambda: tuple(_columns(ws, entity, paths)))


def _columns(ws: Workspace, entity: Entity, paths: Sequence[str]) -> Iterator[cells.Shown]:
    found = [each for name in paths if (each := cells.shown(ws, entity, name)) is not None]
    yield from found
    if not found:
        yield from _usual(ws, entity)


def _usual(ws: Workspace, entity: Entity) -> Iterator[cells.Shown]:
    plain = [entity.title, *(id for id, each in entity.fields.items() if not each.system and id != entity.title)]
    taken = 0
    for id in plain:
        field = entity.fields[id]
        useful = registry.of(field).stored and field.type not in _NOT_FIRST
        found = cells.shown(ws, entity, id) if useful else None
        if found is not None:
            yield found
            taken += 1
        if taken == _FIRST:
            return


def sort_of(column: cells.Shown) -> str:
    """What to ask the query for to sort by a column; empty when it cannot be sorted."""
    field = column.title or column.field
    if not (registry.of(field).sortable and registry.of(column.field).stored):
        return ""
    return column.asked if column.title is not None else column.path


def group_of(column: cells.Shown) -> str:
    """What to group by for a column; empty when it makes no groups."""
    if column.field.type in ("date", "datetime"):
        return f"{column.path}:month"
    groups = ("choice", "boolean", "link", "user", "unit", "integer", "rating")
    return column.path if column.field.type in groups and registry.of(column.field).groupable else ""


def measures_of(field: Field) -> tuple[str, ...]:
    kind = registry.of(field)
    if kind.summable:
        return MEASURES
    return ("min", "max") if kind.stored and kind.kind in ("date", "datetime") else ()


@dataclass(frozen=True, slots=True)
class Table:
    """What a list's table needs besides its rows."""

    heads: tuple[Head, ...]
    width: int
    """Pixels of all columns together: the table is never narrower."""


def table(ws: Workspace, given: Asked, columns: Sequence[cells.Shown], words: Words) -> Table:
    """The heads of a list."""
    sorted_by = {each.lstrip("-"): (at, each.startswith("-")) for at, each in enumerate(given.sort, 1)}
    widths, look = widths_of(ws, given.entity, given.look), given.look
    writable = editable_ids(ws, given.entity)
    at_title = title_at(given.entity, columns)
    totals = {_today(ws, given.entity, name): measure for name, measure in look.totals.items()}
    heads = []
    for at, column in enumerate(columns):
        sort = sort_of(column)
        place, falling = sorted_by.get(sort) or sorted_by.get(column.path) or sorted_by.get(_ids(column)) or (0, False)
        sized = widths.get(column.path, 0)
        heads.append(
            Head(
                words.label(column.label),
                column.number,
                address(sort=sort if not place or falling else f"-{sort}", after=None) if sort else None,
                ("descending" if falling else "ascending") if place else None,
                column.path,
                sort,
                group_of(column),
                place if len(sorted_by) > 1 else 0,
                measures_of(column.field) if "." not in column.path else (),
                totals.get(column.path, ""),
                column.path == column.field.key and column.field.id in writable,
                sized or (0 if at == at_title else usual_width(column)),
                at < look.pinned,
                at == at_title,
            )
        )
    width = _TICK + sum(each.width or _TITLE for each in heads)
    return Table(tuple(heads), width)


def title_at(entity: Entity, columns: Sequence[cells.Shown]) -> int:
    """The column whose cells lead to the record: the title's, else the first."""
    return next((at for at, each in enumerate(columns) if each.path == entity.fields[entity.title].key), 0)


def usual_width(column: cells.Shown) -> int:
    return _WIDTHS.get(column.field.type, _USUAL)


def widths_of(ws: Workspace, entity: Entity, look: Shape) -> dict[str, int]:
    return {_today(ws, entity, name): width for name, width in look.widths.items()}


def _today(ws: Workspace, entity: Entity, name: str) -> str:
    """A kept path of ids in today's keys; empty for what the actor may not read."""
    found = cells.shown(ws, entity, name)
    return found.path if found is not None else ""


def _ids(column: cells.Shown) -> str:
    return column.field.id if "." not in column.path else ""


def editable_ids(ws: Workspace, entity: Entity) -> frozenset[str]:
    """Fields that the person may change in a cell."""

    def made() -> frozenset[str]:
        if not visibility.may(ws, entity, "update"):
            return frozenset()
        allowed = rights(ws.model, ws.actor, entity)
        fields = visibility.writable(ws, entity)
        return frozenset(each.id for each in fields if allowed.may_write(each.id) and each.type not in NOT_IN_CELLS)

    return visibility.kept_for(ws, ("editable", entity.id), made)


NOT_IN_CELLS = frozenset({"children", "file", "files", "image", "signature", "secret", "json", "rich_text"})
"""Types whose controls need the room of a form."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column that may be chosen."""

    path: str
    label: str
    of: str
    """Label of the link that it is reached over; empty for the record's own."""
    shown: bool
    type: str


def candidates(ws: Workspace, entity: Entity, columns: Sequence[cells.Shown], words: Words) -> list[Candidate]:
    """Every column that may be chosen: those that are shown in their order, then the others."""
    every = {each.path: each for each in choosable(ws, entity)}
    chosen_paths = [each.path for each in columns]
    paths = [*chosen_paths, *(each for each in every if each not in set(chosen_paths))]
    shown = {each.path: each for each in columns}
    return [
        Candidate(
            path,
            words.label((every.get(path) or shown[path]).label),
            link_label(ws, entity, path, words),
            path in shown,
            (every.get(path) or shown[path]).field.type,
        )
        for path in paths
    ]


def choosable(ws: Workspace, entity: Entity) -> tuple[cells.Shown, ...]:
    """The record's own fields, then those of what it links to, as far as the actor may read them."""
    return visibility.kept_for(ws, ("choosable", entity.id), lambda: tuple(_choosable(ws, entity)))


_EARLY = frozenset({"owner"})
"""What the platform keeps comes after what the description says, but for this."""


def _choosable(ws: Workspace, entity: Entity) -> Iterator[cells.Shown]:
    links = []
    for id, field in sorted(entity.fields.items(), key=lambda each: each[1].system and each[0] not in _EARLY):
        found = cells.shown(ws, entity, id) if field.type not in ("children", "secret", "id") else None
        if found is not None:
            yield found
            if field.type in cells.LINKS and found.target is not None and not field.system:
                links.append(found)
    for link in links:
        yield from _beyond(ws, link)


def _beyond(ws: Workspace, link: cells.Shown) -> Iterator[cells.Shown]:
    """The fields of the records that a link leads to, but for their title, which the link itself shows."""
    target, source = link.target, ws.model.entity(link.field.entity)
    for id, field in target.fields.items() if target is not None and source is not None else ():
        fits = not field.system and field.type not in ("children", "links", "secret", "json")
        if fits and target is not None and source is not None and id != target.title:
            found = cells.shown(ws, source, f"{link.field.id}.{id}")
            if found is not None:
                yield found


def link_label(ws: Workspace, entity: Entity, path: str, words: Words) -> str:
    """What a dotted path goes over, for people: `Account › Owner`; empty for a field of the record itself."""
    at: Entity | None = entity
    found = []
    for step in path.split(".")[:-1]:
        field = at.find(step) if at is not None else None
        if field is None:
            return ""
        found.append(words.label(field.label))
        at = ws.model.entity(field.to[0]) if field.to else None
    return " › ".join(found)
