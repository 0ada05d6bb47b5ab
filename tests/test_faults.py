"""The faults F1-F27 that the platform has to survive: each has a named test, here or where its part is tested."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql

from metadata.cron import parse
from metadata.problems import Conflict, Unavailable
from runtime import jobs, records, schema
from runtime import workspace as workspaces
from runtime.database import db as databases
from runtime.database.errors import ConnectionLost, DiskFull, translate
from runtime.database.postgres import PostgresServer
from runtime.host import Host
from runtime.jobs import table
from runtime.jobs.kinds import KINDS
from runtime.jobs.runner import Runner
from runtime.jobs.work import Kind, Outcome, Step
from tests import kit
from tests.doors import Api, site
from tests.processing import found, made, runs, sooner, work, world

TESTS = Path(__file__).resolve().parent
ELSEWHERE: dict[int, tuple[str, ...]] = {
    3: ("test_runtime_jobs:test_killed_workers_and_a_flushed_redis_lose_and_double_nothing",),
    4: ("test_runtime_deliveries:test_a_sender_that_dies_sends_again_under_the_same_key",),
    5: ("test_runtime_jobs:test_a_ring_never_fails_when_redis_is_away",),
    6: ("test_runtime_jobs:test_killed_workers_and_a_flushed_redis_lose_and_double_nothing",),
    7: ("test_chaos:test_f03_f06_f07_what_was_acknowledged_is_there_once_whatever_was_killed",),
    13: ("test_runtime_schema:test_a_process_killed_at_any_statement_leaves_everything_as_it_was",),
    14: ("test_runtime_schema:test_a_failure_at_any_statement_leaves_everything_as_it_was",),
    17: ("test_runtime_processes:test_loops_end_and_say_through_what",),
    18: ("test_runtime_deliveries:test_targets_that_hang_hold_up_nobody_else",),
    19: ("test_runtime_transfer_import:test_an_import_killed_in_the_middle_goes_on_without_doubles",),
    20: ("test_runtime_processes_waiting:test_runs_of_earlier_releases_are_woken_too",),
    21: ("test_runtime_deliveries:test_what_a_backup_held_is_not_sent_again_by_itself",),
    24: ("test_runtime_jobs:test_a_zombie_cannot_finish_what_another_took_over",),
    25: ("test_runtime_upgrade:test_two_tenants_are_upgraded_while_they_are_served",),
    26: ("test_runtime_transfer_reading:test_a_zip_bomb_that_lies_about_its_size_costs_only_the_child",),
}
"""Fault -> tests of other files."""
NOT_YET = {22, 27}
"""They are about backups of one tenant and of the whole, which the platform does not make."""


def test_every_fault_has_its_test() -> None:
    here = {int(name[6:8]) for name in globals() if name.startswith("test_f") and name[6:8].isdigit()}
    assert here | ELSEWHERE.keys() | NOT_YET == set(range(1, 28))
    for name in (each for some in ELSEWHERE.values() for each in some):
        file, _, function = name.partition(":")
        assert f"def {function}(" in (TESTS / f"{file}.py").read_text("utf-8"), name


# -- processes that die


class Killed(BaseException):
    """The process is gone: nothing after this is done."""


@contextlib.contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The process dies before it sends the statement with this number."""
    sent = [0]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any, **more: Any) -> Any:
            sent[0] += 1
            if sent[0] == number:
                raise Killed
            return real(self, *arguments, **more)

        return call

    with monkeypatch.context() as patched:
        for kind in (databases.Db, *databases.Db.__subclasses__()):
            for name in ("execute", "fetch", "run", "many", "copy"):
                if name in vars(kind):
                    patched.setattr(kind, name, counting(vars(kind)[name]))
        yield sent


def everything(host: Host, tenant: Any) -> dict[str, list[Any]]:
    """All rows of all tables of a tenant, of the platform's own as well."""
    with kit.workspace(host, tenant, write=False) as ws:
        if host.server.dialect == "postgresql":
            query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            names = [row[0] for row in ws.db.fetch(query)]
            return {name: sorted(r[0] for r in ws.db.fetch(f'SELECT t::text FROM "{name}" t')) for name in names}
        names = [row[0] for row in ws.db.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, ws.db.fetch(f'SELECT * FROM "{name}"'))) for name in names}


FLOW = """
follow:
  entity: deal
  triggers: {made: {created: {}}, changed: {updated: {}, when: "changed('stage')"}}
  steps: {mark: {create: {entity: mark, values: {name: name}}}}
"""


def test_f01_a_process_killed_at_any_statement_leaves_no_trace(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host, world(FLOW))
    deal, other, gone = (made(host, tenant, "deal", name=name) for name in "abc")
    with kit.workspace(host, tenant) as ws:
        records.delete(ws, "deal", gone)
    commands: dict[str, Callable[[Any], Any]] = {
        "create": lambda ws: records.create(ws, "deal", {"name": "d", "lines": [{"what": "x"}]}),
        "update": lambda ws: records.update(ws, "deal", deal, {"stage": "won", "note": "n"}),
        "delete": lambda ws: records.delete(ws, "deal", deal),
        "restore": lambda ws: records.restore(ws, "deal", gone),
        "merge": lambda ws: records.merge(ws, "deal", deal, [other]),
        "job": lambda ws: jobs.enqueue(ws, "tidy", {}, key="once"),
    }
    before = everything(host, tenant)
    for name, command in commands.items():
        for number in range(1, 200):
            with killed_at(number, monkeypatch) as sent:
                _tried(host, tenant, command, sent, number)
            assert everything(host, tenant) == before, (name, number)
            if sent[0] < number:
                break
        assert number > 1, name


def _tried(host: Host, tenant: Any, command: Callable[[Any], Any], sent: list[int], number: int) -> None:
    with contextlib.suppress(Killed, _Undone), kit.workspace(host, tenant) as ws:
        command(ws)
        if sent[0] < number:
            raise _Undone


class _Undone(Exception):
    """The command is through: what it has done is not wanted."""


def test_f02_who_heard_no_answer_asks_again_and_gets_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    api = site(host).api("seller")
    headers = {"Idempotency-Key": "k"}

    def die(tenant_id: str) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(host, "bell", die)  # the first thing after the commit
        with pytest.raises(Killed):
            api.post("/company", {"name": "Quince"}, headers=headers)
    again = api.post("/company", {"name": "Quince"}, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert [each["id"] for each in api.get("/company").get_json()["data"]] == [again.get_json()["id"]]
    assert api.post("/company", {"name": "Other"}, headers=headers).status_code == 422


def test_f09_what_is_sent_several_times_at_once_is_done_once(host: Host) -> None:
    here = site(host, world(FLOW))
    api = here.api("seller")
    chance = random.Random(9)
    messages = [f"m{n}" for n in range(12) for _ in range(chance.randint(1, 5))]
    chance.shuffle(messages)
    answers: dict[str, set[str]] = {}

    def send(some: list[str]) -> None:
        client = Api(here.app.test_client(), api.prefix, api.headers)
        for name in some:
            answer = client.post("/deal", {"name": name}, headers={"Idempotency-Key": name})
            assert answer.status_code == 201
            answers.setdefault(name, set()).add(answer.get_json()["id"])

    crew = [threading.Thread(target=send, args=(messages[at::4],)) for at in range(4)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    work(host, here.tenant)
    assert all(len(ids) == 1 for ids in answers.values()) and len(answers) == 12
    assert Counter(each["name"] for each in found(host, here.tenant, "mark")) == dict.fromkeys(answers, 1)


# -- the database and its connections


def test_f07_a_server_that_dies_while_it_is_written_to_is_known_to_be_away() -> None:
    assert isinstance(translate(psycopg.DatabaseError("server closed the connection unexpectedly")), ConnectionLost)


def test_f08_a_connection_that_is_silently_dead_is_noticed_within_half_a_minute(postgres_host: Host) -> None:
    server = postgres_host.server
    assert isinstance(server, PostgresServer)
    with contextlib.closing(server.engine.raw_connection()) as held:
        raw: Any = held.dbapi_connection
        given = raw.info.get_parameters()
    assert int(given["tcp_user_timeout"]) <= 30_000 and int(given["connect_timeout"]) <= 10
    idle, pause, tries = (int(given[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert given["keepalives"] == "1" and idle + pause * tries <= 60


@pytest.mark.parametrize("hours", [2, -2, 400 * 24])
def test_f10_a_worker_whose_clock_is_wrong_does_nothing_early_and_nothing_late(
    postgres_host: Host, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    host = postgres_host
    waiting = "steps: {pause: {wait: {span: PT1S}}, mark: {create: {entity: mark, values: {name: name}}}}"
    flow = f"follow:\n  entity: deal\n  triggers: {{made: {{created: {{}}}}}}\n  {waiting}\n"
    tenant = kit.tenant(host, world(flow))
    real = dt.datetime

    class Wrong(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + dt.timedelta(hours=hours)

    skewed = SimpleNamespace(datetime=Wrong, UTC=dt.UTC, timedelta=dt.timedelta)
    monkeypatch.setattr(workspaces, "dt", skewed)
    monkeypatch.setattr("runtime.host.dt", skewed)
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")
    until = time.monotonic() + 30
    while not found(host, tenant, "mark") and time.monotonic() < until:
        work(host, tenant)
        time.sleep(0.1)
    (run,) = runs(host, tenant)
    assert run.state == "done" and run.finished_at is not None
    assert dt.timedelta(seconds=1) <= run.finished_at - run.started_at < dt.timedelta(seconds=30)
    assert abs(run.finished_at - real.now(dt.UTC)) < dt.timedelta(seconds=60)


ZONES = (
    "Europe/Berlin Europe/London America/New_York America/Sao_Paulo America/Havana Australia/Lord_Howe Pacific/Apia "
    "Asia/Tehran Africa/Cairo America/St_Johns Asia/Shanghai UTC"
).split()


@pytest.mark.parametrize("zone", ZONES)
def test_f11_a_daily_time_comes_once_on_each_local_day(zone: str) -> None:
    place = ZoneInfo(zone)
    for quarter in range(0, 96, 5):
        daily = parse(f"{quarter % 4 * 15} {quarter // 4} * * *")
        for year in (2026, 2027):
            for day in _days_of_change(year, place):
                at = dt.datetime.combine(day - dt.timedelta(days=2), dt.time(12), place)
                shown = []
                for _ in range(4):
                    at = daily.next(at, place)
                    shown.append(at.astimezone(place).date())
                assert shown == [shown[0] + dt.timedelta(days=n) for n in range(4)], (zone, quarter, day)


def _days_of_change(year: int, place: ZoneInfo) -> list[dt.date]:
    days = [dt.date(year, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    offsets = [dt.datetime.combine(each, dt.time(), place).utcoffset() for each in days]
    return [days[n] for n in range(1, 365) if offsets[n] != offsets[n - 1]] or [days[60]]


def test_f12_of_two_who_publish_at_once_one_is_told_that_the_other_did(host: Host) -> None:
    tenant = kit.tenant(host)
    for number in range(4):
        plans = [schema.plan(host, tenant, kit.layer(_with_field(f"r{number}{who}"))) for who in "ab"]
        outcomes: list[str] = []

        def publish(plan: Any, outcomes: list[str] = outcomes) -> None:
            try:
                schema.apply(host, tenant, plan.id)
                outcomes.append("ok")
            except Conflict as refused:
                outcomes.append(refused.problems[0].code)

        both = [threading.Thread(target=publish, args=(plan,)) for plan in plans]
        for each in both:
            each.start()
        for each in both:
            each.join()
        assert sorted(outcomes) == ["ok", "plan.moved_on"]
        with kit.workspace(host, tenant) as ws:
            assert ws.release == 2 + number


def _with_field(name: str) -> str:
    return kit.MINI.replace(
        "      note: {type: long_text}", f"      note: {{type: long_text}}\n      {name}: {{type: text}}"
    )


def test_f15_a_full_disk_of_a_file_refuses_writes_in_words_and_goes_on_when_there_is_room(sqlite_host: Host) -> None:
    here = site(sqlite_host)
    api = here.api("seller")
    api.made("company", name="before")
    file = sqlite_host.server.tenants / here.tenant.place  # type: ignore[attr-defined]
    limits = {"full": True}
    server: Any = type(sqlite_host.server)
    real = server._take

    def limited(self: Any, *arguments: Any) -> Any:
        raw = real(self, *arguments)
        size = raw.execute("PRAGMA page_count").fetchone()[0] if limits["full"] else 1_000_000_000
        raw.execute(f"PRAGMA max_page_count = {size}")
        return raw

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(server, "_take", limited)
        _fills_up(api, limits)
    assert file.exists()


@pytest.mark.skipif(shutil.which("mount") is None or not Path("/proc/mounts").exists(), reason="needs mount")
def test_f15_a_full_disk_of_the_server_refuses_writes_in_words_and_goes_on_when_there_is_room(
    postgres: str, fresh_database: str, tmp_path: Path
) -> None:
    with _small_disk() as disk, kit.postgres_urls(fresh_database) as (url, admin):
        plain = admin.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain, autocommit=True) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
            os.chown(disk, Path(data).stat().st_uid, -1)
            try:
                connection.execute(
                    sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(disk.name), str(disk))
                )
            except psycopg.Error as problem:
                pytest.skip(f"the server of this run cannot reach a disk of ours: {problem}")
        try:
            with kit.open_host(url, admin, files_url=f"file:{tmp_path}") as host:
                here = site(host)
                api = here.api("seller")
                limits = {"full": True}
                filler = disk / "filler"
                with psycopg.connect(plain, autocommit=True) as connection:
                    tables = connection.execute(
                        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename NOT LIKE 'pg_%%'",
                        (here.tenant.place,),
                    ).fetchall()
                    for (name,) in tables:
                        if name in ("_event", "_idempotency"):
                            table_ = sql.Identifier(here.tenant.place, name)
                            connection.execute(
                                sql.SQL("ALTER TABLE {} SET TABLESPACE {}").format(table_, sql.Identifier(disk.name))
                            )
                _fill(filler)
                _fills_up(api, limits, filler.unlink)
        finally:
            with psycopg.connect(plain, autocommit=True) as connection:
                for (name,) in connection.execute(
                    "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n "
                    "ON n.oid = c.relnamespace JOIN pg_tablespace t ON t.oid = c.reltablespace "
                    "WHERE t.spcname = %s AND c.relkind = 'r'",
                    (disk.name,),
                ).fetchall():
                    connection.execute(f"DROP TABLE {name} CASCADE")
                connection.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(disk.name)))


@contextlib.contextmanager
def _small_disk() -> Iterator[Path]:
    disk = Path(tempfile.mkdtemp(prefix="metaloom_disk_", dir="/tmp"))
    options = ["-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", str(disk)]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        disk.rmdir()
        pytest.skip("no right to mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], capture_output=True)
        disk.rmdir()


def _fill(filler: Path) -> None:
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(8192))


def _fills_up(api: Api, limits: dict[str, bool], make_room: Callable[[], None] = lambda: None) -> None:
    acknowledged, refused = [], None
    for n in range(400):
        answer = api.post("/company", {"name": f"c{n} " + "x" * 100}, headers={"Idempotency-Key": f"k{n}"})
        if answer.status_code != 201:
            refused = answer
            break
        acknowledged.append(answer.get_json()["id"])
    assert refused is not None and refused.status_code == 507, refused and refused.get_data(as_text=True)
    assert [each["code"] for each in refused.get_json()["problems"]] == ["database.full"]
    listed = {each["id"] for each in api.get("/company", limit=200).get_json()["data"]}
    assert set(acknowledged[-100:]) <= listed
    limits["full"] = False
    make_room()
    assert api.post("/company", {"name": "after"}).status_code == 201


def test_f15_every_way_of_being_full_is_the_same_answer() -> None:
    found = translate(psycopg.errors.DiskFull("could not extend file"))
    assert isinstance(found, DiskFull) and isinstance(found, Unavailable) and found.status == 507


# -- jobs


def poison(step: Step) -> Outcome:
    raise RuntimeError("poison")


def test_f16_a_poisoned_job_stops_after_its_tries_and_holds_up_no_other(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "poison", Kind("tests.test_faults:poison", attempts=3))
    tenant = kit.tenant(host, world(FLOW))
    seller = kit.person(host, tenant, roles=["seller"])
    with kit.workspace(host, tenant) as ws:
        bad = table.enqueue(ws, "poison", {})
    with kit.workspace(host, tenant, user=seller) as ws:
        for n in range(20):
            records.create(ws, "deal", {"name": f"d{n}"})
    for _ in range(4):
        work(host, tenant)
        sooner(host, tenant, "poison")
    with kit.workspace(host, tenant) as ws:
        over = table.get(ws, bad)
        others = {each.state for each in table.listing(ws, limit=500) if each.kind == "workflow"}
    assert (over.state, over.attempt, others) == ("dead", 3, {"done"}) and over.error
    assert len(found(host, tenant, "mark")) == 20


def test_f23_a_tenant_with_much_to_do_does_not_keep_another_waiting(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker alone serves both: the busy tenant's turn ends although its work does not."""
    monkeypatch.setattr("runtime.jobs.runner._SLICE", 0.5)
    busy, other = kit.tenant(host, world(FLOW)), kit.tenant(host, world(FLOW))
    seller = kit.person(host, other, roles=["seller"])
    with kit.workspace(host, busy) as ws:
        table.enqueue_many(ws, "tidy", [{}] * 2_000)
    with Runner.start(host, threads=1, poll=0.1) as runner:
        runner.ring(busy.id)
        time.sleep(0.3)
        made(host, other, "deal", seller, name="the only one")
        begun = time.monotonic()
        while not found(host, other, "mark") and time.monotonic() - begun < 30:
            time.sleep(0.05)
        waited = time.monotonic() - begun
        with kit.workspace(host, busy) as ws:
            left = len([1 for each in table.listing(ws, "queued", 5_000)])
    host.bell = lambda tenant_id: None
    assert found(host, other, "mark") and waited < 15
    assert left > 0, "the busy tenant was through before: nothing is proved"
