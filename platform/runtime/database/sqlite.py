"""SQLite: one file per tenant in a folder, and the connections to them. Good for a team on one machine."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from runtime.database import sqlite_functions
from runtime.database.db import Bound, Db, Dialect, Entry, LoginKind, TenantGone
from runtime.database.errors import LockTimeout, translate
from runtime.database.sqlite_db import SqliteDb, send

BUSY_SECONDS = 10.0
IDLE_PER_FILE, IDLE_FILES = 16, 64


_SESSION = """
SELECT json_object(
    'kind', 'session', 'hash', s.hash, 'account', s.account, 'created_at', s.created_at, 'expires_at', s.expires_at,
    'seen_at', s.seen_at, 'csrf', s.csrf, 'agent', s.agent, 'login', a.login, 'disabled_at', a.disabled_at,
    'password_changed_at', a.password_changed_at)
FROM _session s JOIN _account a ON a.id = s.account WHERE s.hash = ?
"""
_TOKEN = """
SELECT json_object(
    'kind', 'token', 'id', t.id, 'account', t.account, 'created_at', t.created_at, 'expires_at', t.expires_at,
    'seen_at', t.seen_at, 'name', t.name, 'role', t.role, 'scopes', json(t.scopes), 'revoked_at', t.revoked_at,
    'login', a.login, 'disabled_at', a.disabled_at)
FROM _token t JOIN _account a ON a.id = t.account WHERE t.hash = ?
"""
_STATE = "SELECT head, access_epoch, system_version, restore_epoch FROM _state WHERE id = 1"
_DIRECTORY = """
CREATE TABLE IF NOT EXISTS tenant (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, schema TEXT NOT NULL UNIQUE, server TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), state TEXT NOT NULL, label TEXT NOT NULL DEFAULT ''
)
"""
_OPERATORS = """
CREATE TABLE IF NOT EXISTS operator (
  id TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, password TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS operator_session (
  hash TEXT PRIMARY KEY, operator TEXT NOT NULL REFERENCES operator (id), csrf TEXT NOT NULL, agent TEXT NOT NULL,
  created_at TEXT NOT NULL, expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS operator_attempt (key TEXT PRIMARY KEY, count INTEGER NOT NULL, until TEXT NOT NULL)
"""


class _File:
    """The idle connections to one file, and the turn to write it within this process.

    SQLite itself makes writers poll for their turn; a lock of our own wakes the next one at once.
    """

    def __init__(self) -> None:
        self.readers: list[sqlite3.Connection] = []
        self.writers: list[sqlite3.Connection] = []
        self.turn = threading.Lock()

    def close(self) -> None:
        for idle in (self.readers, self.writers):
            while idle:
                idle.pop().close()


class SqliteServer:
    """A folder with `directory.db` and `tenants/<id>.db`."""

    dialect: Dialect = "sqlite"
    trigram: str | None = None

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable`: false for what is thrown away anyway: nothing waits until it is on the disk."""
        self.folder = folder
        self._durable = durable
        self.tenants = folder / "tenants"
        self._files: dict[str, _File] = {}
        self._warm: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._directory_made = False
        # Only compiles statements and wraps our connections; its first connect finds out what this SQLite can do.
        self.engine = sa.create_engine(
            "sqlite://",
            poolclass=NullPool,
            query_cache_size=2000,
            json_deserializer=orjson.loads,
            json_serializer=lambda value: orjson.dumps(value).decode(),
        )
        self.engine.connect().close()

    # -- units of work

    @contextlib.contextmanager
    def bind(self, place: str, *, writing: bool, login: LoginKind = "", secret: str = "") -> Iterator[tuple[Db, Bound]]:
        with self._transaction(self.tenants / place, writing) as db:
            try:
                state = db.raw.execute(_STATE).fetchone()
                found = None
                if login:
                    found = db.raw.execute(_SESSION if login == "session" else _TOKEN, (secret,)).fetchone()
            except sqlite3.Error as error:
                if "no such table" in str(error):
                    raise TenantGone(place) from error
                raise translate(error, db.raw) from error
            if state is None:
                raise TenantGone(place)
            head, access, system, restore = state
            yield db, Bound(head, access, system, restore, orjson.loads(found[0]) if found else None)

    @contextlib.contextmanager
    def own(self, place: str, *, lock: bool = True) -> Iterator[Db]:
        with self._transaction(self.tenants / place, True, patience=3.0) as db:
            yield db

    @contextlib.contextmanager
    def aside(self, place: str) -> Iterator[Db]:
        with contextlib.closing(self._open(self.tenants / place, True)) as raw:
            yield SqliteDb(self.engine, raw, True)

    @contextlib.contextmanager
    def shared(self, *, writing: bool = False) -> Iterator[Db]:
        self.prepare()
        with self._transaction(self.folder / "directory.db", writing) as db:
            yield db

    @contextlib.contextmanager
    def _transaction(self, path: Path, writing: bool, patience: float = BUSY_SECONDS) -> Iterator[Db]:
        file = self._file(path)
        with _turn(file, patience) if writing else contextlib.nullcontext():
            raw = self._take(file, path, writing)
            try:
                send(raw, "BEGIN IMMEDIATE" if writing else "BEGIN")
                with _ending(SqliteDb(self.engine, raw, writing), raw) as db:
                    yield db
            finally:
                self._give(file, raw, writing)

    def _file(self, path: Path) -> _File:
        name = str(path)
        with self._lock:
            self._warm[name] = None
            self._warm.move_to_end(name)
            if len(self._warm) > IDLE_FILES:
                self._files[self._warm.popitem(last=False)[0]].close()
            return self._files.setdefault(name, _File())

    def _take(self, file: _File, path: Path, writing: bool) -> sqlite3.Connection:
        idle = file.writers if writing else file.readers
        with self._lock:
            if idle:
                return idle.pop()
        return self._open(path, writing)

    def _give(self, file: _File, raw: sqlite3.Connection, writing: bool) -> None:
        idle = file.writers if writing else file.readers
        with self._lock:
            if not raw.in_transaction and len(idle) < IDLE_PER_FILE:
                idle.append(raw)
                return
        raw.close()

    def _open(self, path: Path, writing: bool) -> sqlite3.Connection:
        if not path.exists():
            raise TenantGone(path.name)
        raw = _connect(path)
        if not self._durable:
            raw.execute("PRAGMA synchronous = OFF")
        if not writing:
            raw.execute("PRAGMA query_only = ON")
        return raw

    # -- places and the directory

    def prepare(self) -> None:
        path = self.folder / "directory.db"
        if self._directory_made and path.exists():
            return
        self.tenants.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(_connect(path)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute(_DIRECTORY)
            for statement in _OPERATORS.split(";"):
                raw.execute(statement)
        self._directory_made = True

    def create_place(self, id: str) -> str:
        self.prepare()
        place = f"{id}.db"
        with contextlib.closing(_connect(self.tenants / place)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
        return place

    def drop_place(self, place: str) -> None:
        path = self.tenants / place
        with self._lock:
            file = self._files.pop(str(path), None)
            self._warm.pop(str(path), None)
        if file is not None:
            file.close()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def enter(self, tenant: Entry) -> None:
        with self.shared(writing=True) as db:
            db.run(
                "INSERT INTO tenant (id, name, schema, state, label) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, label = excluded.label",
                (tenant.id, tenant.name, tenant.place, tenant.state, tenant.label),
            )

    def leave(self, id: str) -> None:
        with self.shared(writing=True) as db:
            db.run("DELETE FROM tenant WHERE id = ?", (id,))

    def close(self) -> None:
        with self._lock:
            files = list(self._files.values())
            self._files.clear()
            self._warm.clear()
        for file in files:
            file.close()


def _connect(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA cache_size = -8000")
    raw.execute("PRAGMA temp_store = MEMORY")
    # Pages that one bulk after the other changes are written back once for many of them (32 MB of log at most).
    raw.execute("PRAGMA wal_autocheckpoint = 8000")
    sqlite_functions.register(raw)
    return raw


@contextlib.contextmanager
def _turn(file: _File, patience: float) -> Iterator[None]:
    if not file.turn.acquire(timeout=patience):
        raise LockTimeout()
    try:
        yield
    finally:
        file.turn.release()


@contextlib.contextmanager
def _ending(db: SqliteDb, raw: sqlite3.Connection) -> Iterator[SqliteDb]:
    try:
        yield db
        send(raw, "COMMIT")
    except BaseException:
        if raw.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                raw.execute("ROLLBACK")
        raise
    finally:
        db.close()
