"""Where the values of every entity and field lie: physical names that follow from ids and outlive every rename."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from metadata.fieldtypes import registry
from metadata.model import Entity, EntityStorage, Field, FieldStorage, Model, StorageMap

LONGEST_NAME = 63
"""PostgreSQL cuts longer names without a word."""


def extend(storage: StorageMap, model: Model, changed: Iterable[str] | None = None) -> StorageMap:
    """The map after the model: new things get a place, gone ones are trashed, returning ones get theirs back.

    `changed`: ids of the entities that may differ from those the map was made for (None: all of them).
    """
    held = dict(_entries(storage))
    living = model.index.get("entities", {})
    for id in living if changed is None else changed:
        entity = model.entity(id) if id in living else None
        if entity is not None:
            held[id] = _entity(storage.get(id), entity)
    for id in [each for each in held if each not in living]:
        held[id] = replace(storage[id], trashed=True)
    return Stored(held)


def _entity(held: EntityStorage | None, entity: Entity) -> EntityStorage:
    before: Mapping[str, FieldStorage] = held.fields if held else {}
    fields = dict(before)
    for each in entity.fields.values():
        if registry.stored(each):
            fields[each.id] = _field(before.get(each.id), each)
    for id, place in before.items():
        living = id in entity.fields and registry.stored(entity.fields[id])
        if not living and not place.trashed:
            fields[id] = replace(place, trashed=True)
    return EntityStorage(held.table if held else table_name(entity.id), fields)


def _field(held: FieldStorage | None, field: Field) -> FieldStorage:
    if held is None:
        return FieldStorage(columns(field, 1), _form(field), 1)
    wanted = columns(field, held.generation)
    shorter, longer = sorted((held.columns, wanted), key=len)
    if same_place(held.type, field) and longer[: len(shorter)] == shorter:
        # A type that keeps more than it did gets a further column; one that keeps less leaves it where it is.
        return replace(held, columns=longer, type=_form(field), trashed=False)
    generation = held.generation + 1
    return FieldStorage(columns(field, generation), _form(field), generation)


def same_place(before: str, field: Field) -> bool:
    """Whether values of the type before can stay where they are when the field has its type of now.

    Open texts become encrypted where they lie; what is encrypted stays so.
    """
    if is_encrypted(before) and not field.encrypted:
        return False
    plain = before.removeprefix(ENCRYPTED)
    return plain == field.type or (plain in TEXTS and field.type in TEXTS)


ENCRYPTED = "encrypted "
"""Before the type in a storage map: what lies there can be read with a key only."""


def is_encrypted(form: str) -> bool:
    """Whether what a storage map calls a field's type says that its values are encrypted."""
    return form.startswith(ENCRYPTED)


def _form(field: Field) -> str:
    return f"{ENCRYPTED}{field.type}" if field.encrypted else field.type


TEXTS = frozenset({"text", "long_text", "email", "phone", "url"})
"""Types that hold plain text in one column."""


def columns(field: Field, generation: int) -> tuple[str, ...]:
    """Physical column names of a field. System fields are called by their id, all others begin with `f_`."""
    name = field.id if field.system else f"f_{field.id}"
    if generation > 1:
        name = f"{name}__{generation}"
    return tuple(name + spec.suffix for spec in registry.of(field).columns(field))


def table_name(entity_id: str) -> str:
    return shortened(f"e_{entity_id}", LONGEST_NAME)


def index_name(table: str, index_id: str, unique: bool = False) -> str:
    """The name of an index of an entity's table; what a `UniqueViolation` carries."""
    return shortened(f"{'ux' if unique else 'ix'}_{table}__{index_id}", LONGEST_NAME)


def foreign_key_name(table: str, column: str) -> str:
    return shortened(f"fk_{table}__{column}", LONGEST_NAME)


def shortened(name: str, longest: int) -> str:
    """A name of bounded length: what is too long keeps its beginning and gets a digest of the whole."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Stored(Mapping[str, EntityStorage]):
    """A storage map whose entries are made from data when they are first asked for: 500 entities cost nothing."""

    def __init__(self, entries: Mapping[str, EntityStorage | Mapping[str, Any]]) -> None:
        self._entries: dict[str, EntityStorage | Mapping[str, Any]] = dict(entries)

    def __getitem__(self, id: str) -> EntityStorage:
        entry = self._entries[id]
        if not isinstance(entry, EntityStorage):
            entry = self._entries[id] = _from_data(entry)
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def data(self) -> dict[str, Any]:
        """As JSON data; entries that nobody asked for pass through as they are."""
        return {id: _data(entry) if isinstance(entry, EntityStorage) else entry for id, entry in self._entries.items()}


def _entries(storage: StorageMap) -> Mapping[str, EntityStorage | Mapping[str, Any]]:
    return storage._entries if isinstance(storage, Stored) else storage


def dump(storage: StorageMap) -> dict[str, Any]:
    """The map as JSON data."""
    return storage.data() if isinstance(storage, Stored) else Stored(storage).data()


def load(data: Mapping[str, Any]) -> StorageMap:
    """The map that `dump` wrote."""
    return Stored(data)


def _data(entry: EntityStorage) -> dict[str, Any]:
    fields = {id: [each.type, list(each.columns), each.generation, each.trashed] for id, each in entry.fields.items()}
    return {"table": entry.table, "fields": fields, "trashed": entry.trashed}


def _from_data(data: Mapping[str, Any]) -> EntityStorage:
    fields = {
        id: FieldStorage(tuple(names), type_, generation, trashed)
        for id, (type_, names, generation, trashed) in data["fields"].items()
    }
    return EntityStorage(data["table"], fields, data["trashed"])
