"""The engine: pooled connections that see one schema of PostgreSQL, or one SQLite file."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

THREADS = 8


def open_engine(url: str, schema: str | None) -> sa.Engine:
    """One connection per thread is kept. SQLite is as durable as PostgreSQL: `synchronous=FULL`."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_size=THREADS, max_overflow=0)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    return sa.create_engine(
        url,
        pool_size=THREADS,
        max_overflow=0,
        connect_args={"options": f"-c search_path={schema},public -c timezone=UTC"},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
