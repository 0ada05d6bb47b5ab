"""A transaction on SQLite: the driver's connection, opened so that nothing but us begins or commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection, StaticPool

from runtime.database.db import Db, Params, Row
from runtime.database.errors import OutOfRange, translate


class SqliteDb(Db):
    """A transaction (or, aside, a connection) on one file."""

    __slots__ = ("_engine", "_fairy")

    dialect = "sqlite"

    def __init__(self, engine: sa.Engine, raw: sqlite3.Connection, writing: bool) -> None:
        super().__init__(raw, writing)
        self._engine = engine
        self._fairy: PoolProxiedConnection | None = None

    def fetch(self, sql: str, params: Params = (), *, anew: bool = False) -> list[Row]:
        self.count += 1
        try:
            return list(self.raw.execute(sql, params).fetchall())
        except sqlite3.Error as error:
            raise translate(error, self.raw) from error
        except OverflowError as error:
            raise _too_large(error) from error

    def run(self, sql: str, params: Params = ()) -> int:
        self.count += 1
        try:
            return int(self.raw.execute(sql, params).rowcount)
        except sqlite3.Error as error:
            raise translate(error, self.raw) from error
        except OverflowError as error:
            raise _too_large(error) from error

    def many(self, sql: str, rows: Sequence[Params]) -> int:
        self.count += 1
        try:
            return int(self.raw.executemany(sql, rows).rowcount)
        except sqlite3.Error as error:
            raise translate(error, self.raw) from error
        except OverflowError as error:
            raise _too_large(error) from error

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        names = ", ".join(f'"{each}"' for each in columns)
        marks = ", ".join("?" * len(columns))
        return self.many(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # type: ignore[arg-type]

    def stream(self, sql: str, params: Params = (), chunk: int = 1000) -> Iterator[list[Row]]:
        self.count += 1
        try:
            cursor = self.raw.execute(sql, params)
            while rows := cursor.fetchmany(chunk):
                yield rows
        except sqlite3.Error as error:
            raise translate(error, self.raw) from error

    def command(self, text: str) -> None:
        send(self.raw, text)

    def defer_foreign_keys(self) -> None:
        self.command("PRAGMA defer_foreign_keys = ON")

    def close(self) -> None:
        super().close()
        if self._fairy is not None:
            self._fairy.close()
            self._fairy = None

    def _open_sa(self) -> sa.Connection:
        raw = self.raw
        self._fairy = StaticPool(lambda: raw, dialect=self._engine.dialect, reset_on_return=None).connect()
        return sa.Connection(self._engine, self._fairy)

    def _translated(self, error: BaseException) -> BaseException:
        return translate(error, self.raw)


def _too_large(error: OverflowError) -> BaseException:
    return OutOfRange(str(error))


def send(raw: sqlite3.Connection, text: str) -> None:
    try:
        raw.execute(text)
    except sqlite3.Error as error:
        raise translate(error, raw) from error
