"""Makes the tables of the hand-written application: the columns and rows of a tenant, with indexes chosen by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

SCHEMA = "handwritten"
TABLES = {
    "e_unit": "id",
    "e_user": "id",
    "e_account": "id",
    "e_opportunity": "id",
    "_account": "id",
    "_token": "id",
    "_event": "id",
}
"""The tables that it needs, with their keys."""

INDEXES = (
    "CREATE UNIQUE INDEX token_hash ON _token (hash)",
    "CREATE INDEX event_record ON _event (entity, record, id)",
    "CREATE INDEX opportunity_stage ON e_opportunity (f_stage, f_close_date, id)",
    "CREATE INDEX opportunity_account ON e_opportunity (f_account)",
    "CREATE INDEX opportunity_owner ON e_opportunity (owner)",
    "CREATE INDEX opportunity_unit ON e_opportunity (unit)",
    "CREATE INDEX account_owner ON e_account (owner)",
    "CREATE INDEX account_unit ON e_account (unit)",
)
_TRIGRAMS = "CREATE INDEX opportunity_name ON e_opportunity USING gin (f_name {}.gin_trgm_ops)"


def copy_postgres(connection: psycopg.Connection[Any], tenant_schema: str, login: str) -> None:
    """A schema of its own in the same database, to which a login has rights."""
    for statement in (
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)),
        sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(SCHEMA), sql.Identifier(login)),
        sql.SQL("SET search_path = {}").format(sql.Identifier(SCHEMA)),
    ):
        connection.execute(statement)
    for table, key in TABLES.items():
        source = sql.Identifier(tenant_schema, table)
        name, id = sql.Identifier(table), sql.Identifier(key)
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS)").format(name, source))
        columns = sql.SQL(", ").join(map(sql.Identifier, _columns(connection, table)))
        copied = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(name, columns, columns, source)
        connection.execute(copied)
        connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(name, id))
    for statement in _foreign_keys(connection, tenant_schema):
        connection.execute(statement)
    for index in INDEXES:
        connection.execute(index.encode())
    home = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'pg_trgm'"
    ).fetchone()
    assert home is not None, "the extension pg_trgm is missing"
    connection.execute(_TRIGRAMS.format(home[0]).encode())
    connection.execute(
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}").format(
            sql.Identifier(SCHEMA), sql.Identifier(login)
        )
    )
    connection.execute("RESET search_path")
    connection.commit()


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        (SCHEMA, table),
    )
    return [name for (name,) in rows]


def _foreign_keys(connection: psycopg.Connection[Any], tenant_schema: str) -> list[sql.Composed]:
    """The links that the tenant's tables have among those that were copied."""
    rows = connection.execute(
        "SELECT source.relname, here.attname, target.relname, there.attname FROM pg_constraint k"
        " JOIN pg_class source ON source.oid = k.conrelid JOIN pg_namespace n ON n.oid = source.relnamespace"
        " JOIN pg_class target ON target.oid = k.confrelid"
        " JOIN pg_attribute here ON here.attrelid = source.oid AND here.attnum = k.conkey[1]"
        " JOIN pg_attribute there ON there.attrelid = target.oid AND there.attnum = k.confkey[1]"
        " WHERE k.contype = 'f' AND n.nspname = %s AND source.relname = ANY(%s) AND target.relname = ANY(%s)",
        (tenant_schema, list(TABLES), list(TABLES)),
    )
    made = sql.SQL("ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({})")
    return [made.format(*map(sql.Identifier, row)) for row in rows]


def copy_sqlite(tenant_file: Path, file: Path) -> None:
    """A copy of the tenant's file without its indexes and search tokens, with indexes chosen by hand."""
    with sqlite3.connect(tenant_file) as source:
        source.execute("VACUUM INTO ?", (str(file),))
    with sqlite3.connect(file) as copy:

        def named(kind: str, pattern: str) -> list[str]:
            found = "SELECT name FROM sqlite_master WHERE type = ? AND name LIKE ? ESCAPE '!' AND sql IS NOT NULL"
            return [name for (name,) in copy.execute(found, (kind, pattern)).fetchall()]

        for name in named("table", "s!_%"):
            copy.execute(f'DROP TABLE "{name}"')
        for name in named("index", "%"):
            copy.execute(f'DROP INDEX "{name}"')
        for index in INDEXES:
            copy.execute(index)
        copy.execute("ANALYZE")
