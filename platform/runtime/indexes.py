"""Builds indexes of big tables after a change, while people read and write; taken up again when interrupted."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex

from metadata.model import EMPTY
from runtime import ddl
from runtime.database.db import Db
from runtime.directory import Tenant
from runtime.host import Host
from runtime.unique_where import where_sql
from runtime.workspace import PlatformActor, open_workspace

BIG = 10_000
"""A table with more rows gets new indexes after the change, so that nobody waits for them."""


def must_wait(db: Db, index: ddl.IndexDef) -> bool:
    """A unique index is a rule, which must hold from the first moment; the others only make things faster."""
    if index.unique:
        return False
    rows = db.fetch(f'SELECT count(*) FROM (SELECT 1 FROM "{index.table}" LIMIT {BIG + 1}) AS rows')
    return bool(rows[0][0] > BIG)


def build(tenant: Tenant, wanted: Iterable[ddl.IndexDef]) -> None:
    """Build indexes one by one: on PostgreSQL nobody waits, on SQLite those who write do."""
    for index in wanted:
        if tenant.server.dialect == "sqlite":
            with tenant.server.own(tenant.place) as db:
                db.execute(_statement(index))
            continue
        with tenant.server.aside(tenant.place) as db:
            if _remains(db, index.name):
                db.run(f'DROP INDEX CONCURRENTLY IF EXISTS "{index.name}"')
            db.execute(_statement(index, concurrently=True))
            if index.statistics is not None:
                db.run(index.statistics)


def build_missing(host: Host, tenant: Tenant) -> list[str]:
    """Build every index that the model asks for and the tables lack; their names. What `apply` did not finish."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        trigram = tenant.server.trigram
        move = ddl.Move(ws.model, ws.model, ws.model.storage, ws.dialect, trigram, where_sql(ws.dialect))
        wanted = [
            index
            for id in ws.model.index.get("entities", EMPTY)
            if (entity := ws.model.entity(id)) is not None
            for index in ddl.indexes(move, ws.model, entity)
        ]
        there = _names(ws.db)
    missing = [each for each in wanted if each.name not in there]
    build(tenant, missing)
    return [each.name for each in missing]


def _names(db: Db) -> set[str]:
    if db.dialect == "sqlite":
        return {name for (name,) in db.fetch("SELECT name FROM sqlite_master WHERE type = 'index'")}
    return {
        name
        for (name,) in db.fetch(
            "SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND i.indisvalid"
        )
    }


def _remains(db: Db, name: str) -> bool:
    """An interrupted build leaves an index behind that nothing uses."""
    found = db.fetch("SELECT to_regclass(%(name)s)", {"name": f'"{name}"'})
    return bool(found[0][0] is not None)


def _statement(index: ddl.IndexDef, concurrently: bool = False) -> CreateIndex:
    made = index.build(sa.Table(index.table, sa.MetaData(), *(sa.Column(each) for each in index.columns)))
    made.dialect_options["postgresql"]["concurrently"] = concurrently
    return CreateIndex(made, if_not_exists=True)
