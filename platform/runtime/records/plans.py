"""How one kind of record is written: everything that follows from its description, worked out once per content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec, FieldType, ValueProblem
from metadata.fieldtypes.choices import Choice, MultiChoice
from metadata.fieldtypes.dates import Date, DateTime
from metadata.fieldtypes.defaults import WORDS
from metadata.fieldtypes.links import AnyLink
from metadata.fieldtypes.numbers import Number
from metadata.fieldtypes.texts import Tags
from metadata.model import Entity, Field, Model
from metadata.money import CURRENCIES, Money, amount_text, minor_units
from runtime import events
from runtime.codecs import Codec, array_text, encoder, json_text, moment_text
from runtime.prepared import Prepared, prepare
from runtime.tables import SEARCH, EntityTable, FieldColumns, table_of

BASE = "__base"
"""Beside the amount of a money field, under `<field id>__base`, lies its value in the tenant's base currency; beside
a telephone number what was typed."""

KEPT = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})
"""Fields that the platform alone writes. They are the event's envelope, so they are not among its changes."""

LINKS = frozenset({"link", "user", "unit"})
"""Types that hold the id of one record of a known entity."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its value lies in a record's values and how it goes to the driver."""

    name: str
    key: str
    encode: Codec | None


@dataclass(frozen=True, slots=True)
class WritePlan:
    """The description of an entity as its writers need it. Shared by every tenant that has the same content."""

    entity: Entity
    table: EntityTable
    dialect: str
    types: Mapping[str, FieldType]
    columns: tuple[Column, ...]
    readers: tuple[tuple[str, int, int, Codec | None, bool], ...]
    """Field id, position of its columns in a selected row, how many values they are, decoder, whether it is an
    any_link."""
    dumps: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    """Field id -> the JSON value of the field out of a record's values."""
    keeps: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    """The same as events keep it: by ids."""
    required: tuple[Field, ...]
    defaults: tuple[tuple[str, Any], ...]
    """Field id and value of the defaults that are the same for every record."""
    words: tuple[Field, ...]
    """Fields whose default depends on who writes and when (`me`, `now`, `today`)."""
    links: tuple[Field, ...]
    any_links: tuple[Field, ...]
    files: tuple[Field, ...]
    secrets: tuple[Field, ...]
    encrypted: tuple[tuple[str, str], ...]
    """Field id and key in a record's values of every text that is sealed in the row; see `runtime.sealing`."""
    dependent: tuple[Field, ...]
    """Choices whose options depend on another choice of the record."""
    lists: tuple[Field, ...]
    children: tuple[Field, ...]
    money: tuple[Field, ...]
    typed: tuple[Field, ...]
    """Fields that keep what was typed beside the value."""
    sequences: tuple[Field, ...]
    told: tuple[tuple[str, Codec | None], ...]
    """The fields that the event of a new record tells, money not among them: id, and how its value becomes what the
    JSON writer takes."""
    insert: Prepared
    """INSERT of the row; on PostgreSQL together with its event, one round trip for both."""
    insert_alone: Prepared
    copied: tuple[str, ...]
    """Names of the columns of a COPY, in the order of `copy_row`."""
    encoders: tuple[tuple[int, Codec], ...]
    """Position and codec of the columns that the driver does not take as they are, or takes slowly."""

    def __hash__(self) -> int:
        return hash(self.table.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WritePlan) and self.table.key == other.table.key

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A record's values as the driver takes them, by parameter."""
        found = {}
        for column in self.columns:
            value = values.get(column.key)
            if value is not None and column.encode is not None:
                value = column.encode(value)
            found[column.name] = value
        return found

    def copy_row(self, values: Mapping[str, Any]) -> list[Any]:
        """A record's values in the order of `copied`, for many rows at once."""
        get = values.get
        row = [get(column.key) for column in self.columns]
        for at, encode in self.encoders:
            value = row[at]
            if value is not None:
                row[at] = encode(value)
        return row

    def values(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row of `selected` as a record's values."""
        found = {}
        for field, at, width, decode, any_link in self.readers:
            value = row[at]
            if value is not None:
                if any_link:
                    value = AnyLink(entity=row[at + 1], id=value)
                elif decode is not None:
                    value = decode(value)
            found[field] = value
            if width == 2:
                base = row[at + 1]
                found[field + BASE] = decode(base) if base is not None and decode is not None else base
        return found

    @property
    def selected(self) -> tuple[sa.Column[object], ...]:
        """The columns of a row that `values` understands, in its order."""
        return tuple(column for held in self.table.fields.values() for column in held.columns)


def plan_of(model: Model, entity: Entity, dialect: str) -> WritePlan:
    """The write plan of an entity of a loaded model."""
    kept = _OF_MODELS.get(model)
    if kept is None:
        kept = _OF_MODELS.setdefault(model, {})
    found = kept.get((entity.id, dialect))
    if found is None:
        found = kept[entity.id, dialect] = _plan(table_of(model, entity, dialect), dialect, _Carrier(entity))
    return found


_OF_MODELS: WeakKeyDictionary[Model, dict[tuple[str, str], WritePlan]] = WeakKeyDictionary()


class _Carrier:
    """Carries the entity into the cached function without being part of its key: the table's key says it all."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carrier)


@lru_cache(maxsize=4_000)
def _plan(table: EntityTable, dialect: str, carrier: _Carrier) -> WritePlan:
    entity = carrier.entity
    fields = tuple(entity.fields.values())
    types = {each.id: registry.of(each) for each in fields}
    dumps = {each.id: _dump(each, types[each.id], types[each.id].dump) for each in fields}
    keeps = {each.id: _dump(each, types[each.id], types[each.id].keep) for each in fields}
    columns = tuple(column for each in fields if each.id in table.fields for column in _columns(each, table))
    return WritePlan(
        entity=entity,
        table=table,
        dialect=dialect,
        types=types,
        columns=columns,
        readers=_readers(table, entity),
        dumps=dumps,
        keeps=keeps,
        required=tuple(each for each in fields if each.required and not each.system and each.type != "sequence"),
        defaults=tuple(_constant_defaults(fields, types)),
        words=tuple(each for each in fields if _is_word(each)),
        links=tuple(each for each in fields if each.type in LINKS and each.id not in KEPT),
        any_links=_of_type(fields, "any_link"),
        files=tuple(each for each in fields if type(types[each.id]).files is not FieldType.files),
        secrets=tuple(each for each in fields if types[each.id].concealed),
        encrypted=tuple(_encrypted(fields, columns)),
        dependent=tuple(each for each in fields if each.options and "depends_on" in each.props),
        lists=_of_type(fields, "links"),
        children=_of_type(fields, "children"),
        money=_of_type(fields, "money"),
        typed=tuple(each for each in fields if types[each.id].as_typed and len(table.fields[each.id].columns) == 2),
        sequences=_of_type(fields, "sequence"),
        told=tuple(_told(each, types[each.id]) for each in fields if _is_told(each, table)),
        insert=_insert(table, dialect, with_event=dialect == "postgresql"),
        insert_alone=_insert(table, dialect, with_event=False),
        copied=tuple(each.name for each in columns),
        encoders=tuple(_copy_encoders(columns, table, dialect)),
    )


_COPIED: Mapping[str, Codec] = {
    "list": array_text,
    "json": json_text,
    "decimal": str,
    "date": moment_text,
    "datetime": moment_text,
}
"""Text takes the place of what psycopg would write in Python, value by value."""


def _copy_encoders(columns: tuple[Column, ...], table: EntityTable, dialect: str) -> Iterator[tuple[int, Codec]]:
    specs = {column.name: spec for held in table.fields.values() for column, spec in _specs(held)}
    for at, column in enumerate(columns):
        spec, encode = specs[column.name], column.encode
        if dialect == "postgresql" and encode is encoder(spec, dialect):
            encode = _COPIED.get(spec.kind, encode)
        if encode is not None:
            yield at, encode


def _specs(held: FieldColumns) -> Iterator[tuple[sa.Column[object], ColumnSpec]]:
    return zip(held.columns, held.specs, strict=True)


def _is_word(field: Field) -> bool:
    return field.default is not None and field.default == WORDS.get(field.type)


def _constant_defaults(fields: tuple[Field, ...], types: Mapping[str, FieldType]) -> Iterator[tuple[str, Any]]:
    for each in fields:
        if each.default is not None and not _is_word(each):
            try:
                yield each.id, types[each.id].parse(each, each.default)
            except ValueProblem:
                # An option that is gone since: the field stays empty, and says so itself where it is required.
                continue


def _encrypted(fields: tuple[Field, ...], columns: tuple[Column, ...]) -> Iterator[tuple[str, str]]:
    ids = {each.id for each in fields if each.encrypted}
    for column in columns:
        if column.key.removesuffix(BASE) in ids:
            yield column.key.removesuffix(BASE), column.key


def _of_type(fields: tuple[Field, ...], name: str) -> tuple[Field, ...]:
    return tuple(each for each in fields if each.type == name)


def _columns(field: Field, table: EntityTable) -> list[Column]:
    held = table.fields[field.id]
    if field.type == "any_link":
        parts = (attrgetter("id"), attrgetter("entity"))
        return [Column(each.name, field.id, part) for each, part in zip(held.columns, parts, strict=True)]
    type_ = registry.of(field)
    if type_.compared:
        encodes = (held.encode[0], _encoded(type_.comparable, held.encode[1]))
        return [Column(each.name, field.id, encode) for each, encode in zip(held.columns, encodes, strict=True)]
    keys = [field.id, field.id + BASE]
    return [Column(each.name, keys[at], held.encode[at]) for at, each in enumerate(held.columns)]


def _encoded(comparable: Codec, encode: Codec | None) -> Codec:
    return comparable if encode is None else lambda value: encode(comparable(value))


def _readers(table: EntityTable, entity: Entity) -> tuple[tuple[str, int, int, Codec | None, bool], ...]:
    found, at = [], 0
    for id, held in table.fields.items():
        beside = entity.fields[id].type == "money" or registry.of(entity.fields[id]).as_typed
        width = 2 if beside and len(held.columns) == 2 else 1
        found.append((id, at, width, held.decode[0], entity.fields[id].type == "any_link"))
        at += len(held.columns)
    return tuple(found)


def _dump(field: Field, type_: FieldType, dump: Callable[[Field, Any], Any]) -> Callable[[Mapping[str, Any]], Any]:
    if field.type == "money":
        return partial(_dump_money, field, type_)
    return partial(_dump_value, field.id, partial(dump, field))


def _is_told(field: Field, table: EntityTable) -> bool:
    return field.id in table.fields and field.id not in KEPT and field.type != "money"


def _told(field: Field, type_: FieldType) -> tuple[str, Codec | None]:
    made = type(type_)
    if made.keep is FieldType.keep and made.dump is Number.dump:
        return field.id, "{:f}".format
    if made.keep is FieldType.keep and made.dump is DateTime.dump:
        return field.id, partial(_told_moment, partial(made.dump, type_, field))
    plain = made.keep in _KEEPS or (made.keep is FieldType.keep and made.dump in _DUMPS)
    return field.id, None if plain else partial(type_.keep, field)


_KEEPS = frozenset({Choice.keep, MultiChoice.keep})
_DUMPS = frozenset({FieldType.dump, Date.dump, Tags.dump})
"""Ways of writing a value that the JSON writer knows itself."""


def _told_moment(dump: Codec, value: dt.datetime) -> Any:
    return value if value.tzinfo is dt.UTC else dump(value)


def _dump_value(id: str, dump: Codec, values: Mapping[str, Any]) -> Any:
    value = values.get(id)
    return None if value is None else dump(value)


_CENTS = frozenset(code for code in CURRENCIES if minor_units(code) == 2)


def told_money(amount: Decimal, currency: str | None) -> dict[str, str | None]:
    """Money as `dump` gives it; whole cents, held with four decimals, by a short way."""
    text = str(amount)
    if amount and text[-2:] == "00" and text[-5:-4] == "." and currency in _CENTS:
        return {"amount": text[:-2], "currency": currency}
    return {"amount": amount_text(amount, currency), "currency": currency}


def _dump_money(field: Field, type_: FieldType, values: Mapping[str, Any]) -> Any:
    amount = values.get(field.id)
    if amount is None:
        return None
    return type_.dump(field, Money(amount, field.props.get("currency") or values.get("currency")))


def _insert(table: EntityTable, dialect: str, *, with_event: bool) -> Prepared:
    columns: dict[Any, Any] = {
        column: sa.bindparam(column.name, type_=column.type)
        for held in table.fields.values()
        for column in held.columns
    }
    if SEARCH in table.table.c:
        columns[table.table.c[SEARCH]] = sa.cast(sa.bindparam(SEARCH, type_=sa.Text()), table.table.c[SEARCH].type)
    statement = sa.insert(table.table).values(columns)
    if with_event:
        return prepare(events.insertion(dialect).add_cte(statement.cte("written")), dialect)
    return prepare(statement, dialect)
