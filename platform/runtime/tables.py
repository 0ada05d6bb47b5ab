"""An entity and its storage -> the SQLAlchemy table, made once per content and shared by all tenants that have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec
from metadata.model import EMPTY, Entity, EntityStorage, Field, Model
from metadata.storage import ENCRYPTED
from runtime.codecs import Codec, column_type, decoder, encoder

DELETED_AT = "deleted_at"
DELETION = "deletion"
MERGED_INTO = "merged_into"
SEARCH = "search"
"""PostgreSQL only: tsvector of prefixed tokens. On SQLite the tokens lie in the side table `s_<entity id>`."""


@dataclass(frozen=True, slots=True)
class FieldColumns:
    """The columns of one field with their specs and the codecs of the first (the value) column."""

    columns: tuple[sa.Column[object], ...]
    specs: tuple[ColumnSpec, ...]
    encode: tuple[Codec | None, ...]
    decode: tuple[Codec | None, ...]

    @property
    def value(self) -> sa.Column[object]:
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class EntityTable:
    """The table of an entity: `fields` by field id, those that are stored only."""

    table: sa.Table
    fields: Mapping[str, FieldColumns]
    tokens: sa.Table | None
    """SQLite only: the side table of search tokens."""
    key: tuple[str, str, str]
    """Equal keys mean equal tables: what compiled statements are cached by."""
    timed: Mapping[str, FieldColumns] = EMPTY
    """What formulas that depend on the time are like; the columns are in no table. See `queries.timed`."""

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntityTable) and self.key == other.key

    def held(self, field_id: str) -> FieldColumns:
        """What the values of a field are like, be they computed when they are read."""
        return self.fields.get(field_id) or self.timed[field_id]

    def column(self, field_id: str) -> sa.Column[object]:
        return self.fields[field_id].value


def table_of(model: Model, entity: Entity, dialect: str) -> EntityTable:
    """The table of an entity of a loaded model (one with a storage map)."""
    kept = _OF_MODELS.get(model)
    if kept is None:
        kept = _OF_MODELS.setdefault(model, {})
    found = kept.get((entity.id, dialect))
    if found is None:
        storage = model.storage[entity.id]
        carrier = _Carrier(entity, storage)
        found = _table(model.digest("entities", entity.id), _storage_key(storage), dialect, carrier)
        kept[entity.id, dialect] = found
    return found


_OF_MODELS: WeakKeyDictionary[Model, dict[tuple[str, str], EntityTable]] = WeakKeyDictionary()


def _storage_key(storage: EntityStorage) -> str:
    # Physical names follow from ids but for the generations, and for columns that a type did not have in former days.
    return storage.table + "".join(
        f",{each}:{held.generation}:{len(held.columns)}"
        for each, held in storage.fields.items()
        if held.generation > 1 or (held.type.removeprefix(ENCRYPTED) in _AS_TYPED and len(held.columns) == 1)
    )


_AS_TYPED = frozenset(name for name, type_ in registry.TYPES.items() if type_.as_typed)


class _Carrier:
    """Carries what the cached function builds from without being part of its key."""

    def __init__(self, entity: Entity, storage: EntityStorage) -> None:
        self.entity, self.storage = entity, storage

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carrier)


@lru_cache(maxsize=4_000)
def _table(digest: str, storage_key: str, dialect: str, carrier: _Carrier) -> EntityTable:
    entity, storage = carrier.entity, carrier.storage
    metadata = sa.MetaData()
    fields: dict[str, FieldColumns] = {}
    timed: dict[str, FieldColumns] = {}
    columns: list[sa.Column[object]] = []
    for each in entity.fields.values():
        type_ = registry.of(each)
        if not registry.stored(each):
            if type_.stored:
                timed[each.id] = _timed(each, dialect)
            continue
        # A release of former days may have fewer columns than the type has now, a retyped field more.
        specs = type_.columns(each)[: len(storage.fields[each.id].columns)]
        names = storage.fields[each.id].columns[: len(specs)]
        made = tuple(
            sa.Column(
                name,
                column_type(spec, dialect),
                primary_key=each.id == "id",
                nullable=each.id not in ("id", "version", "created_at", "updated_at"),
            )
            for name, spec in zip(names, specs, strict=True)
        )
        columns.extend(made)
        fields[each.id] = FieldColumns(
            made,
            specs,
            tuple(encoder(spec, dialect) for spec in specs),
            tuple(decoder(spec, dialect) for spec in specs),
        )
    columns += [
        sa.Column(DELETED_AT, column_type(ColumnSpec("datetime"), dialect)),
        sa.Column(DELETION, column_type(ColumnSpec("uuid"), dialect)),
        sa.Column(MERGED_INTO, column_type(ColumnSpec("uuid"), dialect)),
    ]
    if dialect == "postgresql" and entity.search:
        columns.append(sa.Column(SEARCH, postgresql.TSVECTOR()))
    tokens = None
    if dialect == "sqlite" and entity.search:
        tokens = sa.Table(
            f"s_{entity.id}",
            metadata,
            sa.Column("token", sa.Text, primary_key=True),
            sa.Column("field", sa.Text, primary_key=True),
            sa.Column("id", sa.Text, primary_key=True),
            sqlite_with_rowid=False,
        )
    table = sa.Table(storage.table, metadata, *columns)
    return EntityTable(table, fields, tokens, (digest, storage_key, dialect), timed)


def _timed(field: Field, dialect: str) -> FieldColumns:
    """What a value that no column holds is like: as if one did."""
    specs = registry.of(field).columns(field)
    made = tuple(sa.Column(f"{field.id}{spec.suffix}", column_type(spec, dialect)) for spec in specs)
    encode, decode = (tuple(of(spec, dialect) for spec in specs) for of in (encoder, decoder))
    return FieldColumns(made, specs, encode, decode)
