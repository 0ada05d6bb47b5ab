"""A transaction on PostgreSQL: psycopg's cursor for statements, simple text past its cache for transaction control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg import errors as refusals
from psycopg import pq, sql
from sqlalchemy.pool import PoolProxiedConnection

from runtime.database.db import Db, Params, Row
from runtime.database.errors import ConnectionLost, translate


class PostgresDb(Db):
    """A transaction (or, aside, a session) on PostgreSQL."""

    __slots__ = ("_engine", "fairy")

    dialect = "postgresql"

    def __init__(self, engine: sa.Engine, fairy: PoolProxiedConnection, writing: bool) -> None:
        super().__init__(fairy.dbapi_connection, writing)
        self._engine, self.fairy = engine, fairy

    def fetch(self, sql: str, params: Params = (), *, anew: bool = False) -> list[Row]:
        self.count += 1
        try:
            cursor = self.raw.cursor()
            cursor.execute(sql, params, prepare=False if anew else None)
            return cast(list[Row], cursor.fetchall())
        except psycopg.Error as error:
            raise translate(error) from error

    def run(self, sql: str, params: Params = ()) -> int:
        self.count += 1
        try:
            return int(self.raw.cursor().execute(sql, params).rowcount)
        except psycopg.Error as error:
            raise translate(error) from error

    def many(self, sql: str, rows: Sequence[Params]) -> int:
        self.count += 1
        cursor = self.raw.cursor()
        try:
            cursor.executemany(sql, rows)
        except psycopg.Error as error:
            raise translate(error) from error
        return int(cursor.rowcount)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        self.count += 1
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        text = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        written = 0
        try:
            with self.raw.cursor().copy(text) as copy:
                for row in rows:
                    copy.write_row(row)
                    written += 1
        except psycopg.Error as error:
            raise translate(error) from error
        return written

    def stream(self, sql: str, params: Params = (), chunk: int = 1000) -> Iterator[list[Row]]:
        self.count += 1
        try:
            with self.raw.cursor(name="stream") as cursor:
                cursor.execute(sql, params)
                while rows := cursor.fetchmany(chunk):
                    yield rows
        except psycopg.Error as error:
            raise translate(error) from error

    def command(self, text: str) -> None:
        send(self.raw, text.encode())

    def defer_foreign_keys(self) -> None:
        self.command("SET CONSTRAINTS ALL DEFERRED")

    def _open_sa(self) -> sa.Connection:
        return sa.Connection(self._engine, self.fairy)


def send(raw: Any, text: bytes) -> Any:
    """Send simple text past psycopg's statement cache, which would forget everything at each ROLLBACK."""
    try:
        result = raw.pgconn.exec_(text)
    except psycopg.Error as error:
        raise translate(error) from error
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    refusal = refusals.error_from_result(result)
    if raw.pgconn.status != pq.ConnStatus.OK:
        raise ConnectionLost() from refusal
    raise translate(refusal) from refusal
