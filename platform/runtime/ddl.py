"""From one model to the next in SQL: tables, columns, indexes and foreign keys, as Alembic operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity, Index, Model, StorageMap
from metadata.storage import foreign_key_name, index_name
from runtime.dialects import adding_column
from runtime.tables import DELETED_AT, SEARCH, EntityTable, table_of

if TYPE_CHECKING:
    from alembic.operations import Operations

TRIGRAM_TYPES = frozenset("text long_text rich_text email url sequence person_name address barcode".split())
NO_FOREIGN_KEY = frozenset({"created_by", "updated_by"})
"""Who touched a record last is a trace, no link to follow; checking it would lock the rows of the busiest users."""


@dataclass(frozen=True, slots=True)
class IndexDef:
    """One index of an entity's table. Equal definitions need no change."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    """SQL of a partial index."""
    gin: str | None = None
    """PostgreSQL: `tsvector`, or the schema of pg_trgm's operator class."""

    @property
    def statistics(self) -> str | None:
        """SQL to run after it is built. With its usual hundred samples PostgreSQL takes a rare word for a common one,
        and reads the whole list in its order instead of this index."""
        trigram = self.gin is not None and self.gin != "tsvector"
        return f'ALTER INDEX "{self.name}" ALTER COLUMN 1 SET STATISTICS 1000' if trigram else None

    def build(self, table: sa.Table) -> sa.Index:
        where = sa.text(self.where) if self.where else None
        if self.gin is None:
            parts: list[Any] = [table.c[each] for each in self.columns]
            return sa.Index(
                self.name, *parts, unique=self.unique, postgresql_where=where, sqlite_where=where, _table=table
            )
        column: Any = table.c[self.columns[0]]
        if self.gin != "tsvector":
            column = sa.text(f'platform.fold("{column.name}") {self.gin}.gin_trgm_ops')
        return sa.Index(self.name, column, postgresql_using="gin", postgresql_where=where, _table=table)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done to the tables."""

    what: str
    run: Callable[[Operations], None]
    index: IndexDef | None = None
    """The index that it builds."""
    fresh: bool = False
    """The table is new and empty."""


@dataclass(frozen=True, slots=True)
class Move:
    """From the model and storage that are there to those that shall be."""

    current: Model
    target: Model
    storage: StorageMap
    """What is there, trash included."""
    dialect: str
    trigram: str | None
    where_sql: Callable[[Model, Entity, Index], str | None]


def new_tables(move: Move, entities: Sequence[str]) -> list[str]:
    """Ids of the entities that have no table yet."""
    return [each for each in entities if each not in move.storage and each in move.target.index.get("entities", EMPTY)]


def steps(move: Move, entities: Iterable[str]) -> Iterator[Step]:
    """Everything that must be done for these entities, in order; the tables first, so that links find them."""
    living = [each for each in entities if each in move.target.index.get("entities", EMPTY)]
    fresh = new_tables(move, living)
    yield from create_tables(move, fresh)
    yield from link_tables(move, fresh)
    for id in living:
        if id not in fresh:
            yield from _alter(move, _entity(move, id))


def create_tables(move: Move, fresh: Iterable[str]) -> Iterator[Step]:
    """New tables with their indexes."""
    for id in fresh:
        yield from _create(move, _entity(move, id))


def link_tables(move: Move, fresh: Iterable[str]) -> Iterator[Step]:
    """The foreign keys of new tables; SQLite takes them with the table only, but then even of one still to come."""
    if move.dialect == "postgresql":
        for id in fresh:
            yield from _foreign_keys(move, _entity(move, id))


def drop_leftovers(move: Move, fresh: Iterable[str]) -> Iterator[Step]:
    """Tables that an attempt left behind which ended before its release."""
    for id in fresh:
        table = move.target.storage[id].table
        cascade = " CASCADE" if move.dialect == "postgresql" else ""
        for name in (table, f"s_{id}"):
            yield Step(f"drop {name}", _executing(f'DROP TABLE IF EXISTS "{name}"{cascade}'))


def _executing(text: str) -> Callable[[Operations], None]:
    return lambda op: op.execute(sa.text(text))


def _entity(move: Move, id: str) -> Entity:
    found = move.target.entity(id)
    assert found is not None
    return found


# -- new tables


def _create(move: Move, entity: Entity) -> Iterator[Step]:
    held = table_of(move.target, entity, move.dialect)
    parts: list[Any] = [_copy(each) for each in held.table.columns]
    if move.dialect == "sqlite":
        parts += [_constraint(*each) for each in _links(move, entity)]
    if move.dialect == "postgresql":
        made = sa.Table(held.table.name, sa.MetaData(), *parts)
        yield Step(f"create {made.name}", lambda op: op.execute(sa.schema.CreateTable(made)))
    else:
        # Alembic knows how to name a table in a foreign key that is not there yet.
        yield Step(f"create {held.table.name}", lambda op: _ignore(op.create_table(held.table.name, *parts)))
    if held.tokens is not None:
        yield _create_tokens(held)
    for index in indexes(move, move.target, entity):
        yield _create_index(index, fresh=True)


def _create_tokens(held: EntityTable) -> Step:
    tokens = held.tokens
    assert tokens is not None
    parts: list[Any] = [_copy(each) for each in tokens.columns]

    def run(op: Operations) -> None:
        op.create_table(tokens.name, *parts, if_not_exists=True, sqlite_with_rowid=False)
        op.create_index(f"ix_{tokens.name}", tokens.name, ["id"], if_not_exists=True)

    return Step(f"create {tokens.name}", run)


def _create_index(index: IndexDef, fresh: bool = False) -> Step:
    def run(op: Operations) -> None:
        made = index.build(sa.Table(index.table, sa.MetaData(), *(sa.Column(each) for each in index.columns)))
        op.get_bind().execute(sa.schema.CreateIndex(made, if_not_exists=True))
        if index.statistics is not None:
            op.execute(index.statistics)

    return Step(f"index {index.name}", run, index, fresh)


def _foreign_keys(move: Move, entity: Entity) -> Iterator[Step]:
    table = move.target.storage[entity.id].table
    for column, target in _links(move, entity):
        yield Step(f"link {table}.{column}", _adding_key(table, column, target))


def _adding_key(table: str, column: str, target: str) -> Callable[[Operations], None]:
    name = foreign_key_name(table, column)
    return _executing(
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY ("{column}") REFERENCES "{target}" (id)'
        " DEFERRABLE INITIALLY IMMEDIATE"
    )


def _links(move: Move, entity: Entity) -> Iterator[tuple[str, str]]:
    """(column, target table) of every link that the database itself checks."""
    places = move.target.storage[entity.id].fields
    for relation in entity.relations:
        field = entity.fields.get(relation.field)
        if field is None or relation.field in NO_FOREIGN_KEY or len(relation.targets) != 1:
            continue
        if not registry.of(field).stored or field.type == "any_link":
            continue
        yield places[field.id].columns[0], move.target.storage[relation.targets[0]].table


def _constraint(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], deferrable=True, initially="IMMEDIATE")


# -- tables that are there


def _alter(move: Move, entity: Entity) -> Iterator[Step]:
    held = table_of(move.target, entity, move.dialect)
    before = move.storage[entity.id].fields
    there = {name for place in before.values() for name in place.columns}
    links = dict(_links(move, entity))
    for columns in held.fields.values():
        for column in columns.columns:
            if column.name not in there:
                yield _add_column(held.table.name, column, links.get(column.name), move.dialect)
    old = move.current.entity(entity.id)
    if entity.search and (old is None or not old.search):
        yield _add_search(held)
    yield from _reindex(move, entity, old)


def _add_column(table: str, column: sa.Column[object], target: str | None, dialect: str) -> Step:
    """Empty values only, so that neither the table nor the link has to be read: it takes no time."""

    made = _copy(column)
    made.nullable = True
    text = adding_column(table, made, dialect)
    if target is not None:
        # Alembic would add the key by itself, and PostgreSQL then read the whole table to check it.
        name = foreign_key_name(table, column.name)
        text += f' CONSTRAINT "{name}" REFERENCES "{target}" (id) DEFERRABLE INITIALLY IMMEDIATE'
    return Step(f"add {table}.{column.name}", _executing(text))


def _add_search(held: EntityTable) -> Step:
    if held.tokens is not None:
        return _create_tokens(held)
    name = held.table.name
    return Step(
        f"add {name}.{SEARCH}",
        lambda op: op.add_column(name, sa.Column(SEARCH, postgresql.TSVECTOR()), if_not_exists=True),
    )


def _reindex(move: Move, entity: Entity, old: Entity | None) -> Iterator[Step]:
    before = {each.name: each for each in indexes(move, move.current, old)} if old is not None else {}
    after = {each.name: each for each in indexes(move, move.target, entity)}
    for name, index in before.items():
        if after.get(name) != index:
            yield Step(f"drop index {name}", _dropping(name, index.table))
    for name, index in after.items():
        if before.get(name) != index:
            yield _create_index(index)


def _dropping(name: str, table: str) -> Callable[[Operations], None]:
    return lambda op: op.drop_index(name, table, if_exists=True)


# -- indexes


def indexes(move: Move, model: Model, entity: Entity) -> list[IndexDef]:
    """Every index that an entity's table should have."""
    storage = model.storage[entity.id]
    found: list[IndexDef] = []
    for each in entity.indexes:
        columns = [name for field in each.fields for name in _indexed(entity, storage.fields, field)]
        name = index_name(storage.table, each.id, each.unique)
        living = f"{DELETED_AT} IS NULL"
        if each.unique:
            extra = move.where_sql(model, entity, each) if each.where else None
            where = f"{living} AND ({extra})" if extra else living
            found.append(IndexDef(name, storage.table, tuple(columns), True, where))
        else:
            # The id makes every order total, which is what a cursor goes by.
            where = f'{living} AND "{columns[0]}" IS NOT NULL' if _is_link(entity, each) else living
            found.append(IndexDef(name, storage.table, tuple(dict.fromkeys((*columns, "id"))), False, where))
    if move.dialect == "postgresql":
        found += _text_indexes(move, entity, storage.table, {id: each.columns for id, each in storage.fields.items()})
    return list({each.name: each for each in found}.values())


def _is_link(entity: Entity, index: Index) -> bool:
    """A link is looked up by its target, never by its absence: empty ones are left out of its index."""
    first = index.fields[0]
    alone = len(index.fields) == 1 or index.id == f"{first}__link"
    return alone and entity.fields[first].type in ("link", "user", "unit", "any_link")


def _indexed(entity: Entity, places: Any, field_id: str) -> Sequence[str]:
    """Amounts are compared in the tenant's currency; a link to anything is found by kind and id."""
    names: Sequence[str] = places[field_id].columns
    field = entity.fields[field_id]
    if field.type == "money":
        return names[1:2]
    return names if field.type == "any_link" else names[(at := registry.of(field).compared) : at + 1]


def _text_indexes(move: Move, entity: Entity, table: str, columns: dict[str, tuple[str, ...]]) -> Iterator[IndexDef]:
    if entity.search:
        yield IndexDef(index_name(table, "search"), table, (SEARCH,), gin="tsvector")
    if move.trigram is None:
        return
    for id in dict.fromkeys((entity.title, *entity.search)):
        field = entity.fields.get(id)
        if field is not None and field.type in TRIGRAM_TYPES and id in columns:
            at = registry.of(field).compared
            yield IndexDef(index_name(table, f"{id}__trgm"), table, columns[id][at : at + 1], gin=move.trigram)


def _copy(column: sa.Column[Any]) -> sa.Column[Any]:
    return sa.Column(column.name, column.type, primary_key=column.primary_key, nullable=column.nullable)


def _ignore(_: object) -> None:
    """Operations that give their table back are used for their effect."""
