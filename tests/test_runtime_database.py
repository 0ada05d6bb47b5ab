"""The wall between tenants, the binding of a transaction, and what drivers give and refuse, on both databases."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.folding import fold
from runtime.database import wall
from runtime.database.db import Db, TenantGone
from runtime.database.errors import (
    ConnectionLost,
    DatabaseProblem,
    ForeignKeyViolation,
    LockTimeout,
    OutOfRange,
    Refused,
    UniqueViolation,
)
from runtime.database.postgres import TENANTS_PER_CONNECTION, PostgresServer
from runtime.host import Host
from runtime.system import migrate


@pytest.fixture
def place(host: Host) -> Iterator[str]:
    with new_place(host, "a") as place:
        yield place


class new_place:
    """A place with the system tables and nothing else."""

    numbers = iter(range(1_000_000))

    def __init__(self, host: Host, letter: str) -> None:
        self.host, self.id = host, f"{letter}{next(self.numbers)}test"

    def __enter__(self) -> str:
        self.host.server.prepare()
        self.place = self.host.server.create_place(self.id)
        with self.host.server.own(self.place) as db:
            migrate.create(db)
        return self.place

    def __exit__(self, *_: object) -> None:
        self.host.server.drop_place(self.place)


def param(db: Db, name: str, value: Any) -> tuple[str, Any]:
    return (f"%({name})s", {name: value}) if db.dialect == "postgresql" else ("?", (value,))


def insert_text(db: Db, *hashes: str) -> None:
    mark = "%s" if db.dialect == "postgresql" else "?"
    for each in hashes:
        db.run(f"INSERT INTO _text (hash, body) VALUES ({mark}, {mark})", (each, "body"))


def hashes(host: Host, place: str) -> list[str]:
    with host.server.bind(place, writing=False) as (db, _):
        return [row[0] for row in db.fetch("SELECT hash FROM _text ORDER BY hash")]


def postgres(host: Host) -> PostgresServer:
    assert isinstance(host.server, PostgresServer)
    return host.server


# -- the wall


def test_without_binding_no_table_is_in_sight(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as place:
        for text in ("SELECT 1 FROM _state", f"SELECT 1 FROM {place}._state", "SELECT 1 FROM e_deal"):
            with pytest.raises(Refused, match=r"does not exist|permission denied"), postgres_host.server.shared() as db:
                db.fetch(text)


def test_a_tenants_role_reads_no_other_tenant(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as one, new_place(postgres_host, "w") as two:
        for writing in (False, True):
            with (
                pytest.raises(Refused, match=r"permission denied|must be owner"),
                postgres_host.server.bind(one, writing=writing) as (db, _),
            ):
                db.fetch(f"SELECT 1 FROM {two}._state")


def test_a_tenants_role_changes_no_table(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as place:
        for text in ("CREATE TABLE more (id int)", "DROP TABLE _text", "ALTER TABLE _text ADD COLUMN more text"):
            with (
                pytest.raises(Refused, match=r"permission denied|must be owner"),
                postgres_host.server.bind(place, writing=True) as (db, _),
            ):
                db.run(text)


def test_a_tenants_role_reads_no_directory(postgres_host: Host) -> None:
    with (
        new_place(postgres_host, "w") as place,
        pytest.raises(Refused, match=r"permission denied|must be owner"),
        postgres_host.server.bind(place, writing=False) as (db, _),
    ):
        db.fetch("SELECT name FROM platform.tenant")


def test_the_login_has_no_rights_of_its_own(postgres_host: Host) -> None:
    with postgres_host.server.shared() as db:
        row = db.fetch(
            "SELECT rolinherit, rolsuper, rolbypassrls, current_setting('search_path') "
            "FROM pg_roles WHERE rolname = current_user"
        )[0]
    assert row == (False, False, False, "pg_catalog")


@pytest.mark.parametrize("fails", [False, True])
def test_role_and_path_end_with_the_transaction(postgres_host: Host, fails: bool) -> None:
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as place:
        try:
            with server.bind(place, writing=True) as (db, _):
                assert db.fetch("SELECT current_user::text, current_setting('search_path')") == [
                    (place, f"{place}, platform")
                ]
                pid = db.fetch("SELECT pg_backend_pid()")[0][0]
                if fails:
                    db.fetch("SELECT 1/0")
        except Refused:
            pass
        with server.shared() as db:
            row = db.fetch(
                "SELECT current_user::text = session_user::text, current_setting('search_path'), pg_backend_pid()"
            )
        assert row == [(True, "pg_catalog", pid)]


def test_places_and_secrets_cannot_carry_sql() -> None:
    for place in ("t_a'; DROP", "public", "t_", 't_"a"', "t_A"):
        with pytest.raises(ValueError):
            wall.checked_place(place)
    with pytest.raises(ValueError):
        wall.bind_text("t_a", writing=False, login="session", secret="' OR true --")


def test_a_place_that_is_not_there_is_gone(host: Host) -> None:
    host.server.prepare()
    missing = "t_missing" if host.server.dialect == "postgresql" else "missing.db"
    with pytest.raises(TenantGone), host.server.bind(missing, writing=False):
        pass


def test_a_session_secret_that_nobody_has_finds_nobody(host: Host, place: str) -> None:
    for login in ("session", "token"):
        with host.server.bind(place, writing=False, login=login, secret="abc") as (_, bound):
            assert bound.login is None


# -- one unit of work


def test_leaving_commits_and_raising_rolls_back(host: Host, place: str) -> None:
    with host.server.bind(place, writing=True) as (db, _):
        insert_text(db, "kept")
    with pytest.raises(RuntimeError), host.server.bind(place, writing=True) as (db, _):
        insert_text(db, "lost")
        raise RuntimeError
    assert hashes(host, place) == ["kept"]


def test_reading_never_writes(host: Host, place: str) -> None:
    with pytest.raises(Exception, match=r"read-only|readonly"), host.server.bind(place, writing=False) as (db, _):
        insert_text(db, "x")
    assert hashes(host, place) == []


def test_a_savepoint_undoes_only_what_is_inside(host: Host, place: str) -> None:
    with host.server.bind(place, writing=True) as (db, _):
        insert_text(db, "a")
        with pytest.raises(UniqueViolation), db.savepoint():
            insert_text(db, "b", "a")
        with db.savepoint():
            insert_text(db, "c")
    assert hashes(host, place) == ["a", "c"]


def test_a_failure_that_was_swallowed_is_not_acknowledged(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as place:
        with (
            pytest.raises(DatabaseProblem, match="nothing of it was kept"),
            postgres_host.server.bind(place, writing=True) as (db, _),
        ):
            insert_text(db, "a")
            with pytest.raises(UniqueViolation):
                insert_text(db, "a")
        assert hashes(postgres_host, place) == []


def test_tables_changed_in_a_transaction_that_fails_are_as_before(host: Host, place: str) -> None:
    with pytest.raises(RuntimeError), host.server.own(place) as db:
        db.run("CREATE TABLE more (id TEXT)")
        db.run("ALTER TABLE _text ADD COLUMN more TEXT")
        raise RuntimeError
    with host.server.bind(place, writing=False) as (db, _):
        assert db.fetch("SELECT * FROM _text") == []
        with pytest.raises(Exception, match=r"more"):
            db.fetch("SELECT more FROM _text")
        if db.dialect == "postgresql":
            db.command("ROLLBACK")
            db.command("BEGIN")


def test_statements_are_counted_without_binding_and_commit(host: Host, place: str) -> None:
    with host.server.bind(place, writing=True) as (db, _):
        assert db.count == 0
        db.fetch("SELECT 1")
        db.execute(sa.text("SELECT 1"))
        db.run("DELETE FROM _text")
        with db.savepoint():
            pass
        assert db.count == 3


def test_core_and_driver_text_share_the_transaction(host: Host, place: str) -> None:
    with host.server.bind(place, writing=True) as (db, _):
        insert_text(db, "a")
        assert db.execute(sa.text("SELECT hash FROM _text")).all() == [("a",)]
        db.execute(sa.text("INSERT INTO _text (hash, body) VALUES ('b', 'b')"))
        assert len(db.fetch("SELECT * FROM _text")) == 2
    assert hashes(host, place) == ["a", "b"]


def test_many_copy_and_stream(host: Host, place: str) -> None:
    rows = [(f"{number:05}", "x") for number in range(2500)]
    with host.server.bind(place, writing=True) as (db, _):
        assert db.copy("_text", ("hash", "body"), rows[:2000]) == 2000
        mark = "%s" if db.dialect == "postgresql" else "?"
        assert db.many(f"INSERT INTO _text (hash, body) VALUES ({mark}, {mark})", rows[2000:]) == 500
    with host.server.bind(place, writing=False) as (db, _):
        chunks = list(db.stream("SELECT hash, body FROM _text ORDER BY hash", chunk=1000))
    assert [len(each) for each in chunks] == [1000, 1000, 500]
    assert [row for chunk in chunks for row in chunk] == rows


# -- values


def test_postgres_values_come_as_ours(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as place, postgres_host.server.bind(place, writing=False) as (db, _):
        row = db.fetch(
            "SELECT '01234567-89AB-7def-8123-456789abcdef'::uuid, 1.50::numeric(28,2), "
            "'2026-01-02T03:04:05+08'::timestamptz, '{\"a\": [1]}'::jsonb, ARRAY['x'], date '2026-01-02', true"
        )[0]
    assert row[0] == "01234567-89ab-7def-8123-456789abcdef"
    assert str(row[1]) == "1.50" and isinstance(row[1], Decimal)
    assert row[2] == dt.datetime(2026, 1, 1, 19, 4, 5, tzinfo=dt.UTC) and row[2].utcoffset() == dt.timedelta(0)
    assert row[3:] == ({"a": [1]}, ["x"], dt.date(2026, 1, 2), True)


CASES = ["ΑΣ", "ΣΑΣ ΟΔΟΣ", "İstanbul", "ẞtraße", "ΐ", "ǅ", "Ꭰꭰ", "𐐀", "ⅷⅧ", "１ＡＢ", "ſ", "中文ABC", "", "%_\\"]


def test_fold_is_the_same_in_sql_and_python(host: Host, place: str) -> None:
    with host.server.bind(place, writing=False) as (db, _):
        name = "platform.fold" if db.dialect == "postgresql" else "fold"
        for text in CASES:
            mark, params = param(db, "x", text)
            assert db.fetch(f"SELECT {name}({mark})", params) == [(fold(text),)], text
        assert db.fetch(f"SELECT {name}(NULL)") == [(None,)]


def test_fold_agrees_on_every_character(postgres_host: Host) -> None:
    with new_place(postgres_host, "w") as place, postgres_host.server.bind(place, writing=False) as (db, _):
        rows = db.fetch(
            "SELECT i, platform.fold(chr(i)) FROM generate_series(1, 1114111) AS i WHERE i NOT BETWEEN 55296 AND 57343"
        )
    assert [hex(point) for point, folded in rows if folded != fold(chr(point))] == []


def test_fold_corrects_a_newer_or_older_unicode() -> None:
    # Were ICU not to know Cherokee's small letters, and to know a capital that Python does not.
    lowered = {point: chr(point).lower() for point in range(1, 0x20000) if not 0xD800 <= point < 0xE000}
    lowered[0x13A0], lowered[0xA7DC] = chr(0x13A0), chr(0x19B)
    text = wall.fold_function(lowered)
    before, after = text.split("'")[1], text.split("'")[3]
    assert before == "ςꎀ".replace("ꎀ", chr(0x13A0)) + chr(0x19B) and after == "σ" + chr(0xAB70) + chr(0xA7DC)


# -- refusals


def test_a_violated_unique_index_is_named(host: Host, place: str) -> None:
    with host.server.own(place) as db:
        db.run("CREATE TABLE e_a (id TEXT, x TEXT, y TEXT, deleted_at TEXT)")
        db.run("CREATE UNIQUE INDEX ux_e_a__xy ON e_a (x, y) WHERE deleted_at IS NULL")
    with pytest.raises(UniqueViolation) as caught, host.server.bind(place, writing=True) as (db, _):
        db.run("INSERT INTO e_a (id, x, y) VALUES ('1', 'a', 'b')")
        db.run("INSERT INTO e_a (id, x, y) VALUES ('2', 'a', 'b')")
    assert caught.value.index_name == "ux_e_a__xy"
    with pytest.raises(UniqueViolation), host.server.bind(place, writing=True) as (db, _):
        db.execute(sa.text("INSERT INTO _text (hash, body) VALUES ('a', ''), ('a', '')"))


def test_a_link_to_nowhere_is_refused_at_once_or_at_the_end(host: Host, place: str) -> None:
    with host.server.own(place) as db:
        db.run("CREATE TABLE e_b (id TEXT PRIMARY KEY)")
        db.run("CREATE TABLE e_c (id TEXT, b TEXT REFERENCES e_b (id) DEFERRABLE INITIALLY IMMEDIATE)")
    with pytest.raises(ForeignKeyViolation), host.server.bind(place, writing=True) as (db, _):
        db.run("INSERT INTO e_c VALUES ('1', 'x')")
        raise AssertionError
    with host.server.bind(place, writing=True) as (db, _):
        db.defer_foreign_keys()
        db.run("INSERT INTO e_c VALUES ('1', 'x')")
        db.run("INSERT INTO e_b VALUES ('x')")
    with pytest.raises(ForeignKeyViolation), host.server.bind(place, writing=True) as (db, _):
        db.defer_foreign_keys()
        db.run("INSERT INTO e_c VALUES ('2', 'y')")
    with host.server.bind(place, writing=False) as (db, _):
        assert db.fetch("SELECT id FROM e_c") == [("1",)]


def test_numbers_beyond_the_column_are_out_of_range(host: Host, place: str) -> None:
    with pytest.raises(OutOfRange), host.server.bind(place, writing=True) as (db, _):
        mark, params = param(db, "x", 10**30)
        db.run(f"UPDATE _state SET head = {mark}", params)


def test_a_writer_who_waits_too_long_is_told(host: Host, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.database.sqlite.BUSY_SECONDS", 0.2)
    with host.server.bind(place, writing=True) as (db, _):
        insert_text(db, "a")
        seen: list[BaseException] = []

        def other() -> None:
            try:
                with host.server.own(place):
                    pass
            except BaseException as error:
                seen.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert isinstance(seen[0], LockTimeout) and seen[0].status == 503
    assert hashes(host, place) == ["a"]


# -- connections


def test_one_connection_serves_tenants_whose_columns_differ(postgres_host: Host) -> None:
    """What was prepared for one must not answer for the other: "cached plan must not change result type"."""
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as one, new_place(postgres_host, "w") as two:
        for place, type_, value in ((one, "text", "'x'"), (two, "integer", "7")):
            with server.own(place) as db:
                db.run(f"CREATE TABLE e_a (id text, f_x {type_})")
                db.run(f"INSERT INTO e_a VALUES ('1', {value})")
        sql = "SELECT f_x FROM e_a WHERE id = %(id)s"
        pids = set()
        for _ in range(3):
            for place, expected in ((one, "x"), (two, 7)):
                with server.bind(place, writing=False) as (db, _):
                    pids.add(db.fetch("SELECT pg_backend_pid()")[0][0])
                    for _ in range(8):
                        assert db.fetch(sql, {"id": "1"}) == [(expected,)]
        assert len(pids) == 1


def test_statements_stay_prepared_over_commits_and_rollbacks(postgres_host: Host) -> None:
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as place:
        for fails in (False, True, False):
            try:
                with server.bind(place, writing=True) as (db, _):
                    for _ in range(6):
                        db.fetch("SELECT hash FROM _text WHERE hash = %(x)s", {"x": "1"})
                    if fails:
                        raise RuntimeError
            except RuntimeError:
                pass
        with server.bind(place, writing=False) as (db, _):
            held = db.fetch("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%FROM _text%%'")
        assert held == [(1,)]


def kill(host: Host, pid: int) -> None:
    server = postgres(host)
    with server.administer() as run:
        run("SELECT pg_terminate_backend(%s, 2000)", (pid,))


def test_dead_connections_are_replaced_before_anything_is_lost(postgres_host: Host) -> None:
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as place:
        pids = set()
        with server.bind(place, writing=False) as (db, _), server.bind(place, writing=False) as (other, _):
            pids = {each.fetch("SELECT pg_backend_pid()")[0][0] for each in (db, other)}
        for pid in pids:
            kill(postgres_host, pid)
        with server.bind(place, writing=True) as (db, _):
            insert_text(db, "a")
        assert hashes(postgres_host, place) == ["a"]


def test_a_connection_that_dies_in_the_middle_leaves_nothing(postgres_host: Host) -> None:
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as place:
        with pytest.raises(ConnectionLost) as caught, server.bind(place, writing=True) as (db, _):
            insert_text(db, "a")
            kill(postgres_host, db.fetch("SELECT pg_backend_pid()")[0][0])
            insert_text(db, "b")
        assert caught.value.status == 503
        with pytest.raises(ConnectionLost), server.bind(place, writing=True) as (db, _):
            insert_text(db, "a")
            kill(postgres_host, db.fetch("SELECT pg_backend_pid()")[0][0])
        assert hashes(postgres_host, place) == []


def test_a_connection_is_closed_after_many_tenants(postgres_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.database.postgres.TENANTS_PER_CONNECTION", 3)
    assert TENANTS_PER_CONNECTION > 3
    server = postgres(postgres_host)
    with new_place(postgres_host, "w") as one, new_place(postgres_host, "w") as two:
        pids = set()
        for _ in range(6):
            for place in (one, two):
                with server.bind(place, writing=False) as (db, _):
                    pids.add(db.fetch("SELECT pg_backend_pid()")[0][0])
    assert len(pids) > 1


def test_an_unreachable_server_is_said_so() -> None:
    server = PostgresServer("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(ConnectionLost), server.shared():
        pass


def test_threads_share_the_pool(host: Host, place: str) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                with host.server.bind(place, writing=True) as (db, _):
                    insert_text(db, f"{number}-{turn}")
                with host.server.bind(place, writing=False) as (db, _):
                    db.fetch("SELECT count(*) FROM _text")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert len(hashes(host, place)) == 80


def test_what_was_bound_is_useless_afterwards(host: Host, place: str) -> None:
    with host.server.bind(place, writing=False) as (db, _):
        db.execute(sa.text("SELECT 1"))
    with pytest.raises(AttributeError):
        db.fetch("SELECT 1")
