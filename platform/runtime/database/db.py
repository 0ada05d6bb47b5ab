"""`Db`: one open transaction. Raw driver text on the hot paths, SQLAlchemy Core where comfort matters more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, CursorResult, Executable

from runtime.database.errors import translate

Dialect = Literal["postgresql", "sqlite"]
Params = Mapping[str, Any] | Sequence[Any]
Row = tuple[Any, ...]


class Db:
    """One open transaction on one tenant. Whoever opened it ends it; nobody else commits.

    Parameters are driver style: `%(name)s` with a mapping on PostgreSQL, `?` with a sequence on SQLite.
    Every refusal of the database is raised as a `DatabaseProblem`.
    """

    __slots__ = ("_sa", "_savepoints", "count", "notes", "raw", "writing")

    dialect: Dialect

    def __init__(self, raw: Any, writing: bool) -> None:
        self.raw = raw
        """The driver's connection."""
        self.writing = writing
        self.count = 0
        """Statements sent so far, without BEGIN, the binding and COMMIT."""
        self.notes: dict[str, Any] = {}
        """What parts of one unit of work tell each other (`ring`: work was queued)."""
        self._sa: Connection | None = None
        self._savepoints = 0

    @property
    def sa(self) -> Connection:
        """The same transaction as a SQLAlchemy connection. Never begin, commit or close it."""
        if self._sa is None:
            self._sa = self._open_sa()
        return self._sa

    def execute(self, statement: Executable, params: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement."""
        self.count += 1
        try:
            return self.sa.execute(statement, params)
        except Exception as error:
            found = self._translated(error)
            if found is error:
                raise
            raise found from error

    def fetch(self, sql: str, params: Params = (), *, anew: bool = False) -> list[Row]:
        """Run driver text and give every row. `anew`: planned for these very values, not for any (PostgreSQL)."""
        raise NotImplementedError

    def run(self, sql: str, params: Params = ()) -> int:
        """Run driver text that gives no rows; how many rows it touched."""
        raise NotImplementedError

    def many(self, sql: str, rows: Sequence[Params]) -> int:
        """Run driver text once for each row of parameters; how many rows were touched."""
        raise NotImplementedError

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert many rows the fastest way there is; how many."""
        raise NotImplementedError

    def stream(self, sql: str, params: Params = (), chunk: int = 1000) -> Iterator[list[Row]]:
        """Run driver text and give its rows in chunks, without holding them all."""
        raise NotImplementedError

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails inside is undone alone, and the transaction goes on; the error passes through."""
        self._savepoints += 1
        name = f"s{self._savepoints}"
        self.command(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.command(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        self.command(f"RELEASE SAVEPOINT {name}")

    def command(self, text: str) -> None:
        """A statement of transaction control: not counted, no parameters."""
        raise NotImplementedError

    def defer_foreign_keys(self) -> None:
        """From here to the end of the transaction, links are checked when it ends: for writes in any order."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing more can be done with this; called by whoever opened it."""
        self.raw = self._sa = None

    def _open_sa(self) -> Connection:
        raise NotImplementedError

    def _translated(self, error: BaseException) -> BaseException:
        return translate(error)


@dataclass(frozen=True, slots=True)
class Bound:
    """What binding a transaction to a tenant has read: the tenant's state and the session or token asked for."""

    head: int
    access_epoch: int
    system_version: int
    restore_epoch: int
    login: dict[str, Any] | None
    now: dt.datetime | None = None
    """The server's time, where it is another machine's: programs whose clocks differ agree on it."""


LoginKind = Literal["", "session", "token"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A tenant's row in the directory."""

    id: str
    name: str
    place: str
    """Schema (PostgreSQL) or file name (SQLite)."""
    state: str
    label: str


class Server(Protocol):
    """A place where tenants live: a PostgreSQL database or a folder of SQLite files."""

    dialect: Dialect

    def bind(
        self, place: str, *, writing: bool, login: LoginKind = "", secret: str = ""
    ) -> AbstractContextManager[tuple[Db, Bound]]:
        """One transaction bound to the tenant at `place` (schema or file). Committed on leaving, else rolled back.

        Raises TenantGone when there is no such tenant, ConnectionLost, LockTimeout.
        """
        ...

    def own(self, place: str, *, lock: bool = True) -> AbstractContextManager[Db]:
        """One transaction with the right to change tables, alone with the tenant (`lock`). LockTimeout after 3 s."""
        ...

    def aside(self, place: str) -> AbstractContextManager[Db]:
        """As the owner but without a transaction: each statement stands for itself (CREATE INDEX CONCURRENTLY)."""
        ...

    def prepare(self) -> None:
        """Make what all tenants share, or bring it up to date."""
        ...

    def create_place(self, id: str) -> str:
        """An empty place for a tenant; its name."""
        ...

    def drop_place(self, place: str) -> None: ...

    def shared(self, *, writing: bool = False) -> AbstractContextManager[Db]:
        """A transaction on what all tenants share, with the application's own rights."""
        ...

    def enter(self, tenant: Entry) -> None:
        """Write a tenant into the directory, or change its entry."""
        ...

    def leave(self, id: str) -> None:
        """Take a tenant out of the directory."""
        ...

    @property
    def trigram(self) -> str | None:
        """PostgreSQL: the schema of pg_trgm's operator class. None where there is none."""
        ...

    def close(self) -> None: ...


class TenantGone(Exception):
    """Binding found no tenant at this place."""
