"""What happened around a record as one stream, newest first: records of its timeline's lists, and its own changes.

Every source is read from a cursor of its own and no further than one page; the cursor of the stream holds all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints import visibility
from blueprints.app import cells, histories, layouts, reading, relating, streams
from blueprints.app.reading import Reader
from blueprints.app.streams import Run
from metadata.model import Entity, Field
from runtime import queries
from runtime.queries.build import Build
from runtime.queries.names import find_list
from runtime.workspace import Workspace

PAGE_SIZE = 20
CHANGES = "changes"
_MOST_SOURCES = 8
_MOST_ROUNDS = 5
_FACTS = 6
_BODIES = frozenset({"long_text", "rich_text"})
_FACT_TYPES = frozenset(
    {"choice", "date", "datetime", "time", "duration", "money", "integer", "decimal", "percent", "user", "rating"}
)


@dataclass(frozen=True, slots=True)
class Source:
    """One list of the timeline as the actor may read it. `time`: the field that says when; `kind`: what sort of it."""

    key: str
    entity: Entity
    time: Field
    kind: Field | None
    title: cells.Shown | None
    body: cells.Shown | None
    author: cells.Shown | None
    facts: tuple[cells.Shown, ...]
    files: tuple[Field, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        shown = [each.asked for each in (self.title, self.body, self.author, *self.facts) if each is not None]
        plain = [self.time.key, *(each.key for each in self.files), *([self.kind.key] if self.kind else [])]
        return tuple(dict.fromkeys([*plain, *shown, "created_at"]))


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    cell: cells.Cell


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened: a record of a list, or (`told`) a change of the record itself."""

    source: str
    at: dt.datetime
    iso: str
    icon: str
    who: str = ""
    what: str = ""
    color: str = ""
    title: str = ""
    url: str = ""
    body: cells.Cell = cells.EMPTY
    facts: tuple[Fact, ...] = ()
    files: tuple[str, ...] = ()
    told: histories.Told | None = None

    @property
    def day(self) -> str:
        return self.at.date().isoformat()

    @property
    def time(self) -> str:
        return self.at.strftime("%H:%M")


@dataclass(frozen=True, slots=True)
class Stream:
    """A page of the stream and the cursor of what follows, if anything does."""

    items: tuple[Item, ...]
    next: str | None


def sources(ws: Workspace, entity: Entity, keys: Sequence[str]) -> tuple[Source, ...]:
    """The lists of a timeline that the actor may read."""
    return visibility.kept_for(
        ws,
        ("timeline", entity.id, tuple(keys)),
        lambda: tuple(found for key in keys[:_MOST_SOURCES] if (found := _source(ws, entity, key)) is not None),
    )


def _source(ws: Workspace, entity: Entity, key: str) -> Source | None:
    listed = find_list(Build(ws.model, ws.actor, ws.db.dialect), entity, key)
    if listed is None or not visibility.may(ws, listed.entity, "read"):
        return None
    target = listed.entity
    readable = {each.id: each for each in visibility.readable(ws, target)}
    time = _time_of(target, readable)
    quick = [id for id in layouts.quick_fields(ws, target) if id in readable]
    ids = dict.fromkeys([*quick, *(id for id, each in readable.items() if not each.system)])
    fields = [readable[id] for id in ids]
    kind = relating.kind_of(ws, target)
    kind = kind if kind is not None and kind.id in readable else None
    body = next((each for each in fields if each.type in _BODIES), None)
    said = {time.id, listed.link.id, *([kind.id] if kind is not None else [])}
    facts = [each for each in fields if each.type in _FACT_TYPES and each.id not in said]
    return Source(
        key,
        target,
        time,
        kind,
        cells.shown(ws, target, target.title),
        cells.shown(ws, target, body.id) if body is not None else None,
        cells.shown(ws, target, "owner" if "owner" in readable else "created_by"),
        tuple(found for each in facts[:_FACTS] if (found := cells.shown(ws, target, each.id)) is not None),
        tuple(each for each in fields if each.type in ("file", "image", "files")),
    )


def _time_of(entity: Entity, readable: Mapping[str, Field]) -> Field:
    """When it happened, if the description sorts by such a field and every record has it; else when it was written."""
    for name in entity.default_sort:
        field = readable.get(name.lstrip("-"))
        if field is not None and field.type == "datetime" and field.required:
            return field
    return entity.fields["created_at"]


Make = Callable[[Sequence[int]], list[Item]]
"""The items of a run at some positions: only what is shown is made."""


def stream(
    reader: Reader, entity: Entity, id: str, keys: Sequence[str], shown: str = "", after: str | None = None
) -> Stream:
    """The next items. `shown`: one list's key or `changes` alone. Raises NotFound, and BadRequest for a bad cursor."""
    readable = {each.key: each for each in sources(reader.ws, entity, keys)}
    wanted = [*readable, CHANGES] if entity.history else list(readable)
    if shown:
        wanted = [each for each in wanted if each == shown]
    places = streams.places_of(after, wanted)
    for _ in range(_MOST_ROUNDS):
        runs = [
            _changes(reader, entity, id, place)
            if key == CHANGES
            else _records(reader, entity, id, readable[key], place)
            for key, place in places.items()
        ]
        taken, places = streams.merge([run for run, _ in runs], PAGE_SIZE)
        if taken or not places:
            break  # else a page of events that say nothing to this reader
    made = [
        iter(make([position for which, position in taken if which == number])) for number, (_, make) in enumerate(runs)
    ]
    return Stream(tuple(next(made[number]) for number, _ in taken), streams.cursor_text(places) if places else None)


def _records(reader: Reader, entity: Entity, id: str, source: Source, after: str | None) -> tuple[Run, Make]:
    page = queries.related(
        reader.ws,
        entity.key,
        id,
        source.key,
        fields=source.asked,
        sort=(f"-{source.time.key}",),
        limit=PAGE_SIZE,
        after=after,
    )
    records = queries.as_json(page)
    moments = [each.get(source.time.key) or each["created_at"] for each in records]

    def make(positions: Sequence[int]) -> list[Item]:
        read = source.facts if source.body is None else (*source.facts, source.body)
        reader.titles.read(read, [records[at] for at in positions])
        prefix = reading.prefix_of(source.entity)
        return [_item(reader, source, records[at], moments[at], prefix) for at in positions]

    times = [dt.datetime.fromisoformat(each) for each in moments]
    return Run(source.key, times, page.cursor, after, page.next is not None), make


def _item(reader: Reader, source: Source, record: Mapping[str, Any], iso: str, prefix: str) -> Item:
    entity, words = source.entity, reader.words
    option = source.kind.option(record.get(source.kind.key) or "") if source.kind is not None else None
    facts = []
    for each in source.facts:
        if cells.value_at(record, each.path) is not None:
            cell = cells.cell(each, record, reader.context, reader.titles)
            facts.append(Fact(words.label(each.label), cell))
    body = source.body
    return Item(
        source.key,
        reader.moment(iso),
        iso,
        relating.KIND_ICONS.get(option.key, entity.icon) if option is not None else entity.icon,
        _text(reader, source.author, record),
        words.label(option.label if option is not None else entity.label),
        (option.color or "") if option is not None else "",
        _text(reader, source.title, record) or record["id"][:8],
        prefix + record["id"],
        cells.cell(body, record, reader.context, reader.titles) if body is not None else cells.EMPTY,
        tuple(facts),
        tuple(file for each in source.files for file in reading.files_in(each, record.get(each.key))),
    )


def _text(reader: Reader, shown: cells.Shown | None, record: Mapping[str, Any]) -> str:
    """What a field says, or what the record that it links to is called."""
    if shown is None:
        return ""
    value = cells.value_at(record, shown.asked)
    return cells.text_of(shown.title or shown.field, value, reader.context)


def _changes(reader: Reader, entity: Entity, id: str, after: str | None) -> tuple[Run, Make]:
    """Events of the record. One of which the reader may see nothing is passed over."""
    found = queries.history(reader.ws, entity.key, id, after=after, limit=PAGE_SIZE)
    events = found["data"]

    def make(positions: Sequence[int]) -> list[Item]:
        told = histories.told(reader, entity, [events[at] for at in positions])
        return [
            Item(CHANGES, reader.moment(each.iso), each.iso, each.icon, each.who, each.kind, told=each) for each in told
        ]

    times = [dt.datetime.fromisoformat(each["at"]) if says_something(each) else None for each in events]
    return Run(CHANGES, times, lambda at: str(events[at]["id"]), after, found["next"] is not None), make


def says_something(event: Mapping[str, Any]) -> bool:
    """Whether an event tells this reader more than that something was changed."""
    return bool(event.get("changes")) or not str(event["kind"]).endswith("updated")


def by_day(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """(ISO date in the reader's zone, its items), in the order of the items."""
    day: list[Item] = []
    for each in items:
        if day and day[0].day != each.day:
            yield day[0].day, day
            day = []
        day.append(each)
    if day:
        yield day[0].day, day
