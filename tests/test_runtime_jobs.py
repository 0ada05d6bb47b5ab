"""Jobs are done once, whatever crashes: claims, fences, retries, cancelling, workers killed in the middle."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from metadata.problems import Conflict, NotFound
from runtime import jobs, queries, records, tokens
from runtime.account_tables import ACCOUNT
from runtime.accounts import digest
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import redis as rings
from runtime.jobs import table, tidy
from runtime.jobs.doorbell import attached
from runtime.jobs.kinds import KINDS
from runtime.jobs.runner import Runner
from runtime.jobs.work import Done, Job, Kind, More
from runtime.workspace import AsUser, ByToken, open_workspace
from tests import kit, working

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _kinds() -> None:
    working.register()


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host)


def queue(host: Host, tenant: Tenant, kind: str = "effects", **more: Any) -> str:
    payload = {"name": "job", "parts": 1, "pause": 0} | more.pop("payload", {})
    with kit.workspace(host, tenant) as ws:
        return jobs.enqueue(ws, kind, payload, **more)


def job(host: Host, tenant: Tenant, id: str) -> Job:
    with kit.workspace(host, tenant, write=False) as ws:
        return jobs.get(ws, id)


def companies(host: Host, tenant: Tenant) -> Counter[str]:
    with kit.workspace(host, tenant, write=False) as ws:
        asked = queries.Query("company", fields=("name",))
        return Counter(row[0] for rows in queries.stream(ws, asked) for row in rows)


def expire(host: Host, tenant: Tenant, id: str) -> None:
    """As if the worker had been away longer than its lease, or the pause before the next try were over."""
    with kit.workspace(host, tenant) as ws:
        past = kit.moment(ws, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        mark = "%(past)s" if ws.dialect == "postgresql" else ":past"
        key = "%(id)s" if ws.dialect == "postgresql" else ":id"
        ws.db.run(f"UPDATE _job SET lease_until = {mark}, run_at = {mark} WHERE id = {key}", {"past": past, "id": id})


def test_a_job_is_done_and_its_effect_is_there(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant, payload={"parts": 3})
    assert jobs.drain(host, tenant) is None
    done = job(host, tenant, id)
    assert (done.state, done.attempt, done.result) == ("done", 1, {"parts": 3})
    assert companies(host, tenant) == Counter(["job-0", "job-1", "job-2"])


def test_a_job_of_a_transaction_that_is_undone_never_was(host: Host, tenant: Tenant) -> None:
    with contextlib.suppress(ZeroDivisionError), kit.workspace(host, tenant) as ws:
        jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
        raise ZeroDivisionError
    jobs.drain(host, tenant)
    assert not companies(host, tenant)


def test_queueing_rings_after_the_commit(host: Host, tenant: Tenant) -> None:
    heard: list[str] = []
    host.bell = heard.append
    try:
        with kit.workspace(host, tenant) as ws:
            jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
            assert heard == []
        assert heard == [tenant.id]
    finally:
        host.bell = lambda tenant_id: None


def test_a_key_is_used_once(host: Host, tenant: Tenant) -> None:
    first = queue(host, tenant, key="order-7")
    jobs.drain(host, tenant)
    assert queue(host, tenant, key="order-7") == first
    jobs.drain(host, tenant)
    assert companies(host, tenant) == Counter(["job-0"])


def test_a_job_waits_for_its_time(host: Host, tenant: Tenant) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    id = queue(host, tenant, run_at=later)
    due = jobs.drain(host, tenant)
    assert due is not None and 3_500 < due <= 3_600
    assert job(host, tenant, id).state == "queued"


def test_a_failing_job_leaves_nothing_is_tried_again_and_dies_at_last(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant, "broken")
    states = []
    for _ in range(3):
        jobs.drain(host, tenant)
        found = job(host, tenant, id)
        states.append((found.state, found.attempt))
        expire(host, tenant, id)
    assert states == [("queued", 1), ("queued", 2), ("dead", 3)]
    assert found.error is not None and "broken on purpose" in found.error["error"]
    assert not companies(host, tenant)


def test_the_pause_between_tries_grows(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant, "broken")
    pauses = []
    for _ in range(2):
        pauses.append(jobs.drain(host, tenant) or 0)
        expire(host, tenant, id)
    assert 0.4 < pauses[0] < 3.1 and 1.9 < pauses[1] < 6.1


def test_progress_begins_the_count_of_failures_anew(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant, payload={"parts": 2})
    with kit.workspace(host, tenant) as ws:
        claimed = table.claim(ws)
        assert claimed is not None
        after = table.keep(ws, claimed, More({"part": 1}))
        assert after is not None and after.max_attempts == claimed.attempt + 20
    expire(host, tenant, id)
    jobs.drain(host, tenant)
    assert job(host, tenant, id).state == "done"
    assert companies(host, tenant) == Counter(["job-1"])


def test_a_job_that_kills_its_workers_dies(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant, "deadly")
    for _ in range(3):
        with kit.workspace(host, tenant) as ws:
            assert table.claim(ws) is not None
        expire(host, tenant, id)
    jobs.drain(host, tenant)
    assert job(host, tenant, id).state == "dead"


def test_a_refusal_of_the_input_is_not_tried_again(host: Host, tenant: Tenant) -> None:
    KINDS["refused"] = Kind("tests.test_runtime_jobs:refused")
    id = queue(host, tenant, "refused")
    jobs.drain(host, tenant)
    found = job(host, tenant, id)
    assert found.state == "failed" and found.error is not None
    assert found.error["problems"][0]["message"]["zh"]


def refused(step: Any) -> Done:
    raise NotFound(table.UNKNOWN_JOB(id="x"))


def test_a_zombie_cannot_finish_what_another_took_over(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant)
    with kit.workspace(host, tenant) as ws:
        first = table.claim(ws)
        assert first is not None and table.claim(ws) is None
    expire(host, tenant, id)
    with kit.workspace(host, tenant) as ws:
        second = table.claim(ws)
    assert second is not None and second.attempt == 2
    with contextlib.suppress(table.Fenced), kit.workspace(host, tenant) as ws:
        records.create(ws, "company", {"name": "by the zombie"})
        table.keep(ws, first, Done())
    with kit.workspace(host, tenant) as ws:
        records.create(ws, "company", {"name": "by the second"})
        table.keep(ws, second, Done())
    assert companies(host, tenant) == Counter(["by the second"])
    with pytest.raises(table.Fenced), kit.workspace(host, tenant) as ws:
        table.keep(ws, second, Done())


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_after_its_step(host: Host, tenant: Tenant) -> None:
    waiting, running = queue(host, tenant), queue(host, tenant, payload={"parts": 3})
    with kit.workspace(host, tenant) as ws:
        jobs.cancel(ws, waiting)
        claimed = table.claim(ws)
        assert claimed is not None and claimed.id == running
    with kit.workspace(host, tenant) as ws:
        jobs.cancel(ws, running)
        assert not table.wanted(ws, claimed)
    expire(host, tenant, running)
    jobs.drain(host, tenant)
    assert job(host, tenant, waiting).state == job(host, tenant, running).state == "cancelled"
    assert not companies(host, tenant)
    with pytest.raises(Conflict), kit.workspace(host, tenant) as ws:
        jobs.cancel(ws, waiting)


def test_what_was_cancelled_or_died_can_be_taken_up_again(host: Host, tenant: Tenant) -> None:
    id = queue(host, tenant)
    with kit.workspace(host, tenant) as ws:
        jobs.cancel(ws, id)
        jobs.retry(ws, id)
    jobs.drain(host, tenant)
    assert job(host, tenant, id).state == "done"
    with pytest.raises(Conflict), kit.workspace(host, tenant) as ws:
        jobs.retry(ws, id)


def test_people_see_their_own_jobs_and_who_may_sees_all(host: Host, tenant: Tenant) -> None:
    seller, other = (kit.person(host, tenant, roles=["seller"]) for _ in range(2))
    admin = kit.person(host, tenant, roles=["admin"])
    with kit.workspace(host, tenant, user=seller) as ws:
        id = jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
        assert [each.id for each in jobs.listing(ws)] == [id]
    with kit.workspace(host, tenant, user=other) as ws:
        assert jobs.listing(ws) == []
        for forbidden in (jobs.get, jobs.cancel, jobs.retry):
            with pytest.raises(NotFound):
                forbidden(ws, id)
    with kit.workspace(host, tenant, user=admin) as ws:
        assert [each.id for each in jobs.listing(ws, "queued")] == [id]
        assert jobs.listing(ws, "done") == []


def test_a_job_acts_as_the_person_who_wanted_it(host: Host, tenant: Tenant) -> None:
    reader = kit.person(host, tenant, roles=["reader"])
    with kit.workspace(host, tenant, user=reader) as ws:
        id = jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
    jobs.drain(host, tenant)
    assert job(host, tenant, id).state == "failed"
    assert not companies(host, tenant)


@pytest.mark.parametrize(("role", "scopes"), [("reader", ["write"]), (None, ["read"]), (None, ["write:unit"])])
def test_a_job_wanted_by_a_token_may_no_more_than_the_token(
    host: Host, tenant: Tenant, role: str | None, scopes: list[str]
) -> None:
    admin = kit.person(host, tenant, roles=["admin", "reader"])
    with kit.workspace(host, tenant) as ws:
        ws.db.execute(ACCOUNT.insert().values(id=admin, login="a", password="x", created_at=ws.now))
        issued = tokens.create(ws, admin, "x", scopes, role=role)
    with open_workspace(host, tenant, ByToken(digest(issued.secret)), write=True) as ws:
        id = jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
    jobs.drain(host, tenant)
    assert job(host, tenant, id).state == "failed"
    assert not companies(host, tenant)


def test_a_narrow_token_does_not_see_what_its_owner_had_done_without_it(host: Host, tenant: Tenant) -> None:
    admin = kit.person(host, tenant, roles=["admin"])
    with kit.workspace(host, tenant) as ws:
        ws.db.execute(ACCOUNT.insert().values(id=admin, login="b", password="x", created_at=ws.now))
        narrow, other, whole = (
            tokens.create(ws, admin, "x", scopes).secret for scopes in (["read:company"], ["read:deal"], ["write"])
        )
    with open_workspace(host, tenant, AsUser(admin), write=True) as ws:
        by_hand = jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
    with open_workspace(host, tenant, ByToken(digest(narrow)), write=True) as ws:
        own = jobs.enqueue(ws, "effects", {"name": "x", "parts": 1})
        assert [each.id for each in jobs.listing(ws)] == [own] == [jobs.get(ws, own).id]
        with pytest.raises(NotFound):
            jobs.get(ws, by_hand)
    with open_workspace(host, tenant, ByToken(digest(other))) as ws:
        assert jobs.listing(ws) == []
    with open_workspace(host, tenant, ByToken(digest(whole))) as ws:
        assert {each.id for each in jobs.listing(ws)} == {by_hand, own}


def test_no_job_has_what_is_no_id(host: Host, tenant: Tenant) -> None:
    with kit.workspace(host, tenant) as ws:
        for asked in (jobs.get, jobs.cancel, jobs.retry):
            with pytest.raises(NotFound):
                asked(ws, "zz")


def test_a_long_job_gives_others_a_turn(host: Host, tenant: Tenant) -> None:
    long = queue(host, tenant, payload={"name": "long", "parts": 4, "pause": 0.01})
    assert jobs.drain(host, tenant, seconds=0.001) == pytest.approx(0, abs=1)
    found = job(host, tenant, long)
    assert found.state == "queued" and found.progress["part"] >= 1
    while jobs.drain(host, tenant, seconds=0.001) is not None:
        pass
    assert companies(host, tenant) == Counter(f"long-{part}" for part in range(4))


def test_draining_gives_events_their_place_in_the_feed(host: Host, tenant: Tenant) -> None:
    queue(host, tenant)
    jobs.drain(host, tenant)
    with kit.workspace(host, tenant, write=False) as ws:
        rows = ws.db.fetch("SELECT count(*), count(position) FROM _event")
    assert rows[0][0] == rows[0][1] > 0


def test_calls_are_answered_and_one_stays_for_what_comes_next(postgres_host: Host) -> None:
    tenant = kit.tenant(postgres_host)
    for _ in range(3):
        queue(postgres_host, tenant)
    queue(postgres_host, tenant, run_at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    jobs.drain(postgres_host, tenant)
    with postgres_host.server.shared() as db:
        waits = db.fetch(
            "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM platform.wake WHERE tenant = %(t)s",
            {"t": tenant.id},
        )
    assert all(wait > 0 for (wait,) in waits) and any(wait > 3_000 for (wait,) in waits)


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def all_over(host: Host, tenant: Tenant) -> bool:
    with kit.workspace(host, tenant, write=False) as ws:
        return not any(each.state in ("queued", "running") for each in jobs.listing(ws, limit=1_000))


def test_the_runner_answers_a_ring_and_finds_what_others_leave(host: Host, tenant: Tenant) -> None:
    unheard = queue(host, tenant)
    with Runner.start(host, poll=0.05):
        wait_until(lambda: job(host, tenant, unheard).state == "done")
        heard = queue(host, tenant)
        wait_until(lambda: job(host, tenant, heard).state == "done")
    host.bell = lambda tenant_id: None


def test_one_runner_of_several_works_on_a_folder(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host)
    with Runner.start(sqlite_host, poll=0.05) as first:
        wait_until(first._lease.held)
        with Runner.start(sqlite_host, poll=0.05) as second:
            assert not second._lease.held()
            id = queue(sqlite_host, tenant)
            wait_until(lambda: job(sqlite_host, tenant, id).state == "done")
            first.stop()
            wait_until(second._lease.held)
            id = queue(sqlite_host, tenant)
            wait_until(lambda: job(sqlite_host, tenant, id).state == "done")
    sqlite_host.bell = lambda tenant_id: None


def test_a_tenant_is_tidied_once_an_hour(host: Host, tenant: Tenant) -> None:
    old = queue(host, tenant)
    jobs.drain(host, tenant)
    with kit.workspace(host, tenant) as ws:
        mark = "%(at)s" if ws.dialect == "postgresql" else ":at"
        ws.db.run(f"UPDATE _job SET finished_at = {mark}", {"at": kit.moment(ws, ws.now - dt.timedelta(days=40))})
    for _ in range(2):
        tidy.queue(host, tenant)
    jobs.drain(host, tenant)
    with kit.workspace(host, tenant, write=False) as ws:
        (tidied,) = jobs.listing(ws, "done")
        assert tidied.result is not None
        assert {what: number for what, number in tidied.result.items() if number} == {"jobs": 1}
        with pytest.raises(NotFound):
            jobs.get(ws, old)


# -- killing


def environment(host: Host, **more: str) -> Mapping[str, str]:
    settings = host.settings
    found = {
        "METALOOM_DATABASE_URL": settings.database_url,
        "METALOOM_FILES_URL": settings.files_url,
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        **more,
    }
    return os.environ | found


@contextlib.contextmanager
def started(role: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.working", role], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        for pid in family(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found += family(int(stat.parent.name))
    return found


def queue_many(host: Host, tenant: Tenant, number: int) -> set[str]:
    """Acknowledged jobs: their effects must all be there in the end, once each."""
    for each in range(number):
        queue(host, tenant, payload={"name": f"j{each}", "parts": 2, "pause": 0.03})
    return {f"j{each}-{part}" for each in range(number) for part in range(2)}


def moves_on(host: Host, tenant: Tenant) -> None:
    """Wait until something has been done since now."""
    before = companies(host, tenant).total()
    wait_until(lambda: companies(host, tenant).total() > before or all_over(host, tenant))


def check_effects(host: Host, tenant: Tenant, wanted: set[str]) -> None:
    found = companies(host, tenant)
    assert {name for name, number in found.items() if number > 1} == set(), "doubled"
    assert wanted - set(found) == set(), "lost"
    with kit.workspace(host, tenant, write=False) as ws:
        assert {each.state for each in jobs.listing(ws, limit=1_000)} == {"done"}


JOBS, KILLS, SEED = 60, 4, 42


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_killed_runners_lose_and_double_nothing(tmp_path: Path) -> None:
    with kit.open_host(f"sqlite:///{tmp_path}", files_url=f"file:{tmp_path / 'files'}") as host:
        tenant = kit.tenant(host)
        wanted = queue_many(host, tenant, JOBS)
        chance = random.Random(SEED)
        for _ in range(KILLS):
            with started("runner", environment(host)) as worker:
                wait_until(lambda: bool(companies(host, tenant)))
                time.sleep(chance.uniform(0.1, 0.5))
                worker.kill()
        with started("runner", environment(host)):
            wait_until(lambda: all_over(host, tenant), 60)
        check_effects(host, tenant, wanted)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_killed_workers_and_a_flushed_redis_lose_and_double_nothing(postgres_host: Host, redis_url: str) -> None:
    tenant = kit.tenant(postgres_host)
    wanted = queue_many(postgres_host, tenant, JOBS)
    chance = random.Random(SEED)
    where = environment(postgres_host, METALOOM_REDIS_URL=redis_url)
    with redis_client.Redis.from_url(redis_url) as connection, contextlib.ExitStack() as running:
        supervisor = running.enter_context(started("serve", where))
        for _ in range(KILLS):
            moves_on(postgres_host, tenant)
            victim = chance.choice(family(supervisor.pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            connection.flushdb()
            if victim == supervisor.pid:
                supervisor.wait()
                supervisor = running.enter_context(started("serve", where))
        wait_until(lambda: all_over(postgres_host, tenant), 60)
    check_effects(postgres_host, tenant, wanted)


def test_a_tenant_is_rung_for_once_until_somebody_looks(redis_url: str) -> None:
    with rings.connect(redis_url) as connection:
        connection.flushdb()
        for _ in range(5):
            rings.ring(connection, "one")
        rings.ring(connection, "two")
        assert rings._queue(connection).count == 2


def test_a_ring_never_fails_when_redis_is_away(tmp_path: Path) -> None:
    with kit.open_host(f"sqlite:///{tmp_path}", redis_url=f"unix://{tmp_path}/nobody.sock") as host:
        tenant = kit.tenant(host)
        begun = time.monotonic()
        with attached(host):
            id = queue(host, tenant)
        assert time.monotonic() - begun < 10
        jobs.drain(host, tenant)
        assert job(host, tenant, id).state == "done"
