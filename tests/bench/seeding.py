"""Writes the records of the bench straight into a tenant's tables, as the write path would have left them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from metadata.model import Entity, Model
from runtime import search
from runtime.tables import SEARCH, EntityTable, table_of
from tests.bench.records import Values, accounts, opportunities


def fill_postgres(connection: psycopg.Connection[Any], schema: str, model: Model, rows: int, owner: str) -> None:
    """Copy the accounts and opportunities into a tenant's schema."""
    for name, records in (("account", accounts(owner)), ("opportunity", opportunities(rows, owner))):
        entity = _entity(model, name)
        table = table_of(model, entity, "postgresql")
        columns = [*_columns(table), SEARCH]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(schema, table.table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for values in records:
                tokens = search.tsvector_text(search.index_values(entity, values))
                copy.write_row([*_encoded(table, values), tokens])
    connection.commit()


def fill_sqlite(connection: sqlite3.Connection, model: Model, rows: int, owner: str) -> None:
    """Insert the accounts and opportunities into a tenant's file."""
    for name, records in (("account", accounts(owner)), ("opportunity", opportunities(rows, owner))):
        entity = _entity(model, name)
        table = table_of(model, entity, "sqlite")
        columns = _columns(table)
        holes = ", ".join("?" * len(columns))
        names = ", ".join(f'"{each}"' for each in columns)
        assert table.tokens is not None
        for batch in _batches(records, 5_000):
            rows_of_batch = [_encoded(table, values) for values in batch]
            connection.executemany(f'INSERT INTO "{table.table.name}" ({names}) VALUES ({holes})', rows_of_batch)
            tokens = [
                (token, field, values["id"])
                for values in batch
                for field, found in search.index_values(entity, values).items()
                for token in found
            ]
            connection.executemany(f'INSERT INTO "{table.tokens.name}" (token, field, id) VALUES (?, ?, ?)', tokens)
    connection.commit()


def _entity(model: Model, name: str) -> Entity:
    entity = model.entity(name)
    assert entity is not None
    return entity


def _columns(table: EntityTable) -> list[str]:
    return [column.name for held in table.fields.values() for column in held.columns]


def _encoded(table: EntityTable, values: Values) -> list[Any]:
    """The values of one row in the order of `_columns`. The base currency is the only one, so both amounts agree."""
    found = []
    for field, held in table.fields.items():
        value = values.get(field)
        for encode in held.encode:
            found.append(value if encode is None or value is None else encode(value))
    return found


def _batches(records: Iterator[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    batch = []
    for each in records:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
