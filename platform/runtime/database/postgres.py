"""PostgreSQL: one engine for all tenants of a database, a transaction bound to a tenant in one round trip."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import pq, sql
from psycopg.types.string import TextLoader
from sqlalchemy.pool import PoolProxiedConnection

from metadata.problems import Unavailable
from runtime.database import postgres_functions, wall
from runtime.database.db import Bound, Db, Dialect, Entry, LoginKind, TenantGone
from runtime.database.errors import BUSY, ConnectionLost, DatabaseProblem, Refused, translate
from runtime.database.postgres_db import PostgresDb, send

POOL, OVERFLOW = 8, 16
TENANTS_PER_CONNECTION = 200
"""A server process remembers every table it has touched, so a connection that has met this many tenants is closed."""
TABLES_AT_ONCE = 60

_OPTIONS = {
    "timezone": "UTC",
    "search_path": "pg_catalog",
    "synchronous_commit": "on",
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "120s",
    # Our statements are short, and what a rule may cost at most looks long: compiling one takes half a second.
    "jit": "off",
}
_CONNECT = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "metaloom",
    "options": " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
}
_NO_TENANT = ("22023", "42P01", "3F000", "42501")
"""SQLSTATEs of binding to a role, table or schema that is not there (any more)."""
_IDLE = pq.TransactionStatus.IDLE
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _forget_prepared(raw: Any) -> bytes:
    """Statements prepared for one tenant must not serve another, whose columns may have other types."""
    prepared = raw._prepared
    if not prepared.clear():
        return b""
    # Sent with the binding instead of in a round trip of its own.
    prepared._to_flush.clear()
    return b"DEALLOCATE ALL; "


class PostgresServer:
    """One PostgreSQL database full of tenants."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, admin_url: str | None = None) -> None:
        self.url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self.admin_url = sa.make_url(admin_url or url).set(drivername="postgresql")
        self._trigram: list[str | None] = []
        self._lock = threading.Lock()
        self.engine = sa.create_engine(
            self.url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_size=POOL,
            max_overflow=OVERFLOW,
            pool_timeout=10,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            query_cache_size=2000,
            json_deserializer=orjson.loads,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            connect_args=_CONNECT,
        )
        sa.event.listen(self.engine, "connect", _on_connect)

    # -- units of work

    @contextlib.contextmanager
    def bind(self, place: str, *, writing: bool, login: LoginKind = "", secret: str = "") -> Iterator[tuple[Db, Bound]]:
        text = wall.bind_text(place, writing=writing, login=login, secret=secret)
        try:
            fairy, result = self._begin(place, text)
        except Refused as error:
            if error.state in _NO_TENANT:
                raise TenantGone(place) from error
            raise
        db = PostgresDb(self.engine, fairy, writing)
        with self._ending(db):
            head, access, system, restore, found, now = (result.get_value(0, column) for column in range(6))
            if head is None:
                raise TenantGone(place)
            login_row = orjson.loads(found) if found else None
            at = _EPOCH + dt.timedelta(microseconds=int(now))
            yield db, Bound(int(head), int(access), int(system), int(restore), login_row, at)

    @contextlib.contextmanager
    def own(self, place: str, *, lock: bool = True) -> Iterator[Db]:
        fairy, _ = self._begin(place, wall.own_text(place, lock=lock))
        db = PostgresDb(self.engine, fairy, True)
        with self._ending(db):
            yield db

    @contextlib.contextmanager
    def aside(self, place: str) -> Iterator[Db]:
        fairy = self._checkout()
        try:
            send(fairy.dbapi_connection, wall.aside_text(place))
            yield PostgresDb(self.engine, fairy, True)
        finally:
            # Its session has the owner's role: nobody else may get it.
            fairy.invalidate()

    @contextlib.contextmanager
    def shared(self, *, writing: bool = False) -> Iterator[Db]:
        fairy, _ = self._begin("", b"BEGIN" if writing else b"BEGIN READ ONLY")
        db = PostgresDb(self.engine, fairy, writing)
        with self._ending(db):
            yield db

    def _begin(self, place: str, text: bytes) -> tuple[PoolProxiedConnection, Any]:
        """Nothing has happened yet when the first text fails on a dead connection, so another one may be tried."""
        lost: ConnectionLost | None = None
        for _ in range(POOL + OVERFLOW + 1):
            fairy = self._checkout()
            raw: Any = fairy.dbapi_connection
            try:
                return fairy, send(raw, self._turn_to(place, fairy) + text)
            except ConnectionLost as error:
                lost = error
                fairy.invalidate(error)
            except BaseException:
                self._undo(fairy)
                raise
        raise lost or ConnectionLost()

    def _turn_to(self, place: str, fairy: PoolProxiedConnection) -> bytes:
        info = fairy.info
        if info.get("place") == place or not place:
            return b""
        info["place"] = place
        info["places"] = info.get("places", 0) + 1
        return _forget_prepared(fairy.dbapi_connection)

    @contextlib.contextmanager
    def _ending(self, db: PostgresDb) -> Iterator[None]:
        fairy, raw = db.fairy, db.raw
        try:
            yield
            # Reads are committed too: it is the cheapest end, and psycopg keeps its prepared statements.
            if send(raw, b"COMMIT").command_status != b"COMMIT":
                raise DatabaseProblem("a statement of this transaction had failed, so that nothing of it was kept")
        except BaseException:
            self._undo(fairy)
            raise
        finally:
            db.close()
        if fairy.info.get("places", 0) > TENANTS_PER_CONNECTION:
            fairy.invalidate()
        fairy.close()

    def _undo(self, fairy: PoolProxiedConnection) -> None:
        raw: Any = fairy.dbapi_connection
        with contextlib.suppress(Exception):
            if raw.pgconn.transaction_status != _IDLE:
                send(raw, b"ROLLBACK")
        if raw.closed or raw.pgconn.transaction_status != _IDLE:
            fairy.invalidate()
        fairy.close()

    def _checkout(self) -> PoolProxiedConnection:
        try:
            return self.engine.raw_connection()
        except sa.exc.TimeoutError as error:
            raise Unavailable(BUSY()) from error
        except (psycopg.Error, sa.exc.DBAPIError) as error:
            raise translate(error) from error

    # -- what only `tenant create` and `drop` do

    @contextlib.contextmanager
    def administer(self) -> Iterator[Callable[..., Any]]:
        """Run statements as the administrator in one transaction; gives a function that runs one."""
        try:
            connection = psycopg.connect(self.admin_url.render_as_string(hide_password=False), connect_timeout=5)
        except psycopg.Error as error:
            raise translate(error) from error
        try:
            with connection:
                yield connection.execute
        except psycopg.Error as error:
            raise translate(error) from error

    def prepare(self) -> None:
        with self.administer() as run:
            run("SELECT pg_advisory_xact_lock(hashtextextended('metaloom', 0))")
            if self._prepared(run):
                return
            run(wall.ROLES)
            run(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(wall.OWNER)))
            run(wall.SHARED)
            run("SAVEPOINT extension")
            try:
                run("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA platform")
            except psycopg.Error:
                run("ROLLBACK TO SAVEPOINT extension")
            cases = run(postgres_functions.CASES).fetchall()
            functions = postgres_functions.language_functions() + postgres_functions.case_functions(cases)
            run(wall.fold_function({point: lowered for point, lowered, _ in cases}))
            run(f"SET LOCAL ROLE {wall.OWNER};\n{functions}RESET ROLE")
            self._welcome_login(run)
            run(
                "INSERT INTO platform.shared VALUES ('version', %s) ON CONFLICT (name) DO UPDATE SET value = %s",
                (str(wall.VERSION), str(wall.VERSION)),
            )

    def _prepared(self, run: Callable[..., Any]) -> bool:
        if run("SELECT to_regclass('platform.shared')").fetchone() == (None,):
            return False
        found = run("SELECT value FROM platform.shared WHERE name = 'version'").fetchone()
        login = self._login()
        may = "SELECT has_schema_privilege(%s, 'platform', 'USAGE') AND pg_has_role(%s, %s, 'MEMBER')"
        if found is None or int(found[0]) < wall.VERSION:
            return False
        return bool(run(may, (login, login, wall.OWNER)).fetchone()[0])

    def _login(self) -> str:
        if self.url.username:
            return self.url.username
        fairy = self._checkout()
        try:
            return str(cast(Any, fairy.dbapi_connection).info.user)
        finally:
            fairy.close()

    def _welcome_login(self, run: Callable[..., Any]) -> None:
        name = self._login()
        login, owner = sql.Identifier(name), sql.Identifier(wall.OWNER)
        if run("SELECT current_user <> %s", (name,)).fetchone()[0]:
            run(sql.SQL("ALTER ROLE {} NOINHERIT").format(login))
            run(sql.SQL("GRANT {} TO {}").format(owner, login))
        run(sql.SQL("SET LOCAL ROLE {}").format(owner))
        run(sql.SQL("GRANT USAGE ON SCHEMA platform TO {}").format(login))
        run(sql.SQL("GRANT SELECT ON platform.tenant, platform.shared TO {}").format(login))
        run(sql.SQL("GRANT SELECT, DELETE ON platform.wake TO {}").format(login))
        # It lets operators in and out; who is one is decided with the administrator's URL.
        run(sql.SQL("GRANT SELECT ON platform.operator TO {}").format(login))
        desk = "GRANT SELECT, INSERT, UPDATE, DELETE ON platform.operator_session, platform.operator_attempt TO {}"
        run(sql.SQL(desk).format(login))
        run("RESET ROLE")

    def create_place(self, id: str) -> str:
        place = wall.checked_place(f"t_{id}")
        role, login = sql.Identifier(place), sql.Identifier(self._login())
        owner, group = sql.Identifier(wall.OWNER), sql.Identifier(wall.TENANTS)
        with self.administer() as run:
            run(sql.SQL("CREATE ROLE {} NOLOGIN IN ROLE {}").format(role, group))
            run(sql.SQL("GRANT {} TO {}").format(role, login))
            run(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(role, owner))
            run(sql.SQL("SET LOCAL ROLE {}").format(owner))
            run(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(role, role))
            rights = "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}"
            run(sql.SQL(rights).format(role, role))
        return place

    def drop_place(self, place: str) -> None:
        role = sql.Identifier(wall.checked_place(place))
        while self._drop_some_tables(place):
            pass
        with self.administer() as run:
            run(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(role))
            if run("SELECT 1 FROM pg_roles WHERE rolname = %s", (place,)).fetchone():
                run(sql.SQL("DROP OWNED BY {}").format(role))
                run(sql.SQL("DROP ROLE {}").format(role))

    def _drop_some_tables(self, place: str) -> bool:
        """Each table costs a dozen locks, of which a server has a fixed number: a large tenant goes in pieces."""
        with self.administer() as run:
            found = run("SELECT tablename FROM pg_tables WHERE schemaname = %s LIMIT %s", (place, TABLES_AT_ONCE))
            names = [sql.Identifier(place, name) for (name,) in found.fetchall()]
            if names:
                run(sql.SQL("DROP TABLE {} CASCADE").format(sql.SQL(", ").join(names)))
        return len(names) == TABLES_AT_ONCE

    def enter(self, tenant: Entry) -> None:
        with self.administer() as run:
            run(
                "INSERT INTO platform.tenant (id, name, schema, state, label) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, label = excluded.label",
                (tenant.id, tenant.name, tenant.place, tenant.state, tenant.label),
            )

    def leave(self, id: str) -> None:
        with self.administer() as run:
            run("DELETE FROM platform.tenant WHERE id = %s", (id,))

    @property
    def trigram(self) -> str | None:
        """The schema that holds pg_trgm's operator class, None when it is not installed."""
        with self._lock:
            if not self._trigram:
                found = "SELECT n.nspname FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace"
                with self.shared() as db:
                    rows = db.fetch(f"{found} WHERE o.opcname = 'gin_trgm_ops'")
                self._trigram.append(rows[0][0] if rows else None)
            return self._trigram[0]

    def close(self) -> None:
        self.engine.dispose()


def _on_connect(connection: Any, _: object) -> None:
    connection.adapters.register_loader("uuid", TextLoader)
    connection.prepare_threshold = 3
    connection.prepared_max = 200
