"""The lists of other records on a record's page: their first rows, how many there are, and how one is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from blueprints import visibility
from blueprints.addresses import address_at, address_of
from blueprints.app import cells, layouts, lists
from blueprints.app.reading import Reader, prefix_of
from metadata.model import Entity, Field
from metadata.problems import Label
from runtime import queries
from runtime.queries.build import Build
from runtime.queries.names import Listed, find_list
from runtime.workspace import Workspace

_ROWS = 6
_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    url: str
    cells: tuple[cells.Cell, ...]

    @property
    def title(self) -> str:
        """What the record is called: its title, else the first thing that is known of it."""
        return next((each.text for each in self.cells if each.text), self.id[:8])


@dataclass(frozen=True, slots=True)
class RelatedList:
    """One list. `add_url` opens the short form, `new_url` is the whole form for browsers without scripts."""

    key: str
    label: str
    what: str
    icon: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    count: int
    capped: bool
    add_url: str | None = None
    new_url: str | None = None
    more_url: str | None = None


@dataclass(frozen=True, slots=True)
class Adding:
    """How a record of a list is made: of which entity, and which link leads back with which value."""

    key: str
    entity: Entity
    link: str
    given: Mapping[str, Any] | str
    text: str
    """The value as an address has it."""


@dataclass(frozen=True, slots=True)
class Starter:
    """A button of the composer: one kind of thing to add. `url`: its short form; `new_url`: the whole one."""

    list: str
    value: str
    """The option that the button stands for, if the list has kinds."""
    label: str
    icon: str
    color: str
    url: str
    new_url: str


KIND_ICONS = {
    "call": "phone",
    "mail": "mail",
    "email": "mail",
    "visit": "map-pin",
    "meeting": "users",
    "wechat": "brand-wechat",
    "note": "note",
    "sms": "message",
}
"""What an option is called by habit says which icon it gets; any other has that of its entity."""
_MOST_KINDS = 8


def kind_of(ws: Workspace, entity: Entity) -> Field | None:
    """The choice that says what sort of thing a record is: the first of its short form."""
    quick = (entity.fields[id] for id in layouts.quick_fields(ws, entity))
    return next((each for each in quick if each.type == "choice" and each.required), None)


def starters(reader: Reader, entity: Entity, id: str, keys: Sequence[str]) -> tuple[Starter, ...]:
    """What the person may add to the lists of a timeline: a button for each kind, or one for the list."""
    found: list[Starter] = []
    for key in keys:
        add = adding(reader.ws, entity, id, key)
        if add is None:
            continue
        url = address_at("app.compose", entity=entity.key, id=id, of=add.key)
        given: dict[str, Any] = {add.link: add.text}
        new_url = url_for("app.new", entity=add.entity.key, **given)
        kind = kind_of(reader.ws, add.entity)
        options = [each for each in kind.options if not each.retired] if kind is not None else []
        if kind is None or not 0 < len(options) <= _MOST_KINDS:
            label = reader.words.label(add.entity.label)
            found.append(Starter(add.key, "", label, add.entity.icon, "", url, new_url))
            continue
        for each in options:
            label, choice = reader.words.label(each.label), f"&{kind.key}={each.key}"
            icon = KIND_ICONS.get(each.key, add.entity.icon)
            found.append(Starter(add.key, each.key, label, icon, each.color or "", url + choice, new_url + choice))
    return _without_twins(tuple(found))


def _without_twins(found: tuple[Starter, ...]) -> tuple[Starter, ...]:
    """A kind that is called as another list is (a note among the activities) gives way to that list."""
    lists = {each.label for each in found if not each.value}
    return tuple(each for each in found if not (each.value and each.label in lists))


@dataclass(frozen=True, slots=True)
class Attaching:
    """Where a file that is dropped on the page goes: into a new record of a list, or into the record itself."""

    url: str
    method: str
    field: str
    title: str
    """The field that gets the file's name, if there is one."""
    several: bool
    given: Mapping[str, Any]


def attaching(ws: Workspace, entity: Entity, id: str, keys: Sequence[str]) -> Attaching | None:
    """The first list of the timeline whose records hold a file and may be made with nothing but it and a title."""
    for key in keys:
        add = adding(ws, entity, id, key)
        field = _holder(ws, add.entity, {add.link}) if add is not None else None
        if add is not None and field is not None:
            title = add.entity.fields[add.entity.title]
            named = title.key if title.type == "text" and title in visibility.writable(ws, add.entity) else ""
            return Attaching(
                address_of("api.create", entity=add.entity.key),
                "POST",
                field.key,
                named,
                field.type == "files",
                {add.link: add.given},
            )
    return None


def _holder(ws: Workspace, entity: Entity, given: set[str]) -> Field | None:
    """The file field of an entity, when nothing else is needed than the title and what is given."""
    writable = {each.id: each for each in visibility.writable(ws, entity)}
    known = {*given, entity.fields[entity.title].key}
    if any(
        each.required and each.default is None and not each.system and each.key not in known
        for each in writable.values()
    ):
        return None
    return next((each for each in writable.values() if each.type in ("file", "files")), None)


@dataclass(frozen=True, slots=True)
class Addition:
    """A line of the menu: a new record of a list."""

    label: str
    icon: str
    url: str
    new_url: str


def additions(reader: Reader, entity: Entity, id: str, keys: Sequence[str]) -> tuple[Addition, ...]:
    """What can be added to the record's lists."""
    found = []
    for key in dict.fromkeys(keys):
        add = adding(reader.ws, entity, id, key)
        if add is not None:
            found.append(
                Addition(
                    reader.words("new", what=reader.words.label(add.entity.label)),
                    add.entity.icon,
                    address_at("app.compose", entity=entity.key, id=id, of=key),
                    f"{address_of('app.new', entity=add.entity.key)}?{add.link}={add.text}",
                )
            )
    return tuple(found)


def listed_of(ws: Workspace, entity: Entity, key: str) -> Listed | None:
    """The list by its key, when the actor may ever read a record of it."""
    found = find_list(Build(ws.model, ws.actor, ws.db.dialect), entity, key)
    return found if found is not None and visibility.may(ws, found.entity, "read") else None


def adding(ws: Workspace, entity: Entity, id: str, key: str) -> Adding | None:
    """How to add to a list; None where the actor may not, or where a record of the list is linked in another way."""
    listed = listed_of(ws, entity, key)
    if listed is None or listed.through is not None or not visibility.may(ws, listed.entity, "create"):
        return None
    if all(each.id != listed.link.id for each in visibility.writable(ws, listed.entity)):
        return None
    if listed.link.type == "any_link":
        given = {"entity": entity.key, "id": id}
        return Adding(listed.key, listed.entity, listed.link.key, given, f"{entity.key}:{id}")
    return Adding(listed.key, listed.entity, listed.link.key, id, id)


def related(reader: Reader, entity: Entity, id: str, key: str) -> RelatedList | None:
    """The first records of a list and how many there are; None when the actor may not see it."""
    ws, words = reader.ws, reader.words
    listed = listed_of(ws, entity, key)
    if listed is None:
        return None
    columns = columns_of(ws, listed)
    asked = tuple(dict.fromkeys(each.asked for each in columns))
    found = queries.related(ws, entity.key, id, key, fields=asked, limit=_ROWS, count="capped")
    add = adding(ws, entity, id, key)
    return RelatedList(
        key,
        words.label(label_of(ws, entity, key)),
        words.label(listed.entity.label),
        listed.entity.icon,
        tuple(Column(words.label(each.label), each.number) for each in columns),
        rows_of(reader, listed.entity, columns, queries.as_json(found)),
        found.count or 0,
        found.capped,
        address_at("app.compose", entity=entity.key, id=id, of=key) if add is not None else None,
        new_url(ws, entity, id, key),
        _more(entity, listed, id) if found.next else None,
    )


def new_url(ws: Workspace, entity: Entity, id: str, key: str) -> str | None:
    """The whole form of a new record of a list; None where the actor may not add one."""
    add = adding(ws, entity, id, key)
    return f"{address_of('app.new', entity=add.entity.key)}?{add.link}={add.text}" if add is not None else None


def label_of(ws: Workspace, entity: Entity, key: str) -> Label:
    """What a list is called."""
    field, relation = entity.find(key), entity.inverse(key)
    return field.label if field is not None else relation.inverse_label if relation is not None else {"*": key}


def rows_of(
    reader: Reader, entity: Entity, columns: Sequence[cells.Shown], records: Sequence[Mapping[str, Any]]
) -> tuple[Row, ...]:
    reader.titles.read(columns, records)
    prefix = prefix_of(entity)
    return tuple(
        Row(
            each["id"],
            prefix + each["id"],
            tuple(_cell(reader, column, each) for column in columns),
        )
        for each in records
    )


def _cell(reader: Reader, column: cells.Shown, record: Mapping[str, Any]) -> cells.Cell:
    """As everywhere, but a number without the zeros that only a column of numbers needs."""
    cell = cells.cell(column, record, reader.context, reader.titles)
    if column.field.type != "decimal" or not cell.pieces or "." not in cell.text:
        return cell
    return cells.Cell((cells.Piece(cell.text.rstrip("0").rstrip(".")),))


def _more(entity: Entity, listed: Listed, id: str) -> str:
    """The list of them all where a condition can say which they are, else a page of their own."""
    if listed.through is not None or listed.link.type not in cells.LINKS:
        return address_at("app.related", entity=entity.key, id=id, key=listed.key)
    return url_for("app.find", entity=listed.entity.key, where=f'{listed.link.key} == "{id}"')


def columns_of(ws: Workspace, listed: Listed) -> tuple[cells.Shown, ...]:
    """The first columns of its list, without the link that leads back here; the record's name comes first."""
    return visibility.kept_for(
        ws, ("related columns", listed.entity.id, listed.link.id), lambda: _choose_columns(ws, listed)
    )


def _choose_columns(ws: Workspace, listed: Listed) -> tuple[cells.Shown, ...]:
    entity = listed.entity
    view = next((each for each in lists.views_of(ws, entity) if each.kind == "list"), None)
    back = None if listed.through is not None else listed.link.id
    found = [each for each in lists.columns_of(ws, entity, view) if each.field.id != back]
    named = [each for each in found if each.path == entity.fields[entity.title].key]
    title = named[:1] or [each for each in (cells.shown(ws, entity, entity.title),) if each is not None]
    return tuple([*title, *(each for each in found if each not in title)][:_COLUMNS])
