"""Whatever crashes, a run does each thing once: workers killed in the middle, several at a time, jobs told twice."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from runtime import records
from runtime.host import Host
from runtime.jobs import drain, retry, table
from runtime.processes import instances, trace
from runtime.processes.performing import PERFORMERS
from tests import kit
from tests.processing import found, jobs, lines, made, runs, work, world
from workflow import engine

STEPS = """
steps:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    a: {create: {entity: mark, values: {name: "concat('a ', name)"}}}
    b: {update: {values: {count: "count + 1"}}}
    c: {create: {entity: mark, values: {name: "concat('c ', name)"}}}
    pause: {wait: {span: PT1H}}
    d: {create: {entity: mark, values: {name: "concat('d ', name)"}}}
"""


class Killed(BaseException):
    """The worker is gone: nothing after this is done, not even by whoever catches errors."""


def _give_up_leases(host: Host, tenant: Any) -> None:
    with kit.workspace(host, tenant) as ws:
        over = sa.update(table.JOB).where(table.JOB.c.state.in_(("running", "queued")), table.JOB.c.key.is_(None))
        past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)
        ws.db.execute(over.values(lease_until=past, run_at=past))


@pytest.mark.parametrize("at", range(6))
def test_a_worker_killed_between_any_two_steps_leaves_each_done_once(
    host: Host, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    tenant = kit.tenant(host, world(STEPS))
    seller = kit.person(host, tenant, roles=["seller"])
    deal = made(host, tenant, "deal", seller, name="d")
    points = [0]

    def point() -> None:
        points[0] += 1
        if points[0] == at + 1:
            raise Killed

    with monkeypatch.context() as patched:
        for kind, perform in dict(PERFORMERS).items():

            def dying(moving: Any, effect: Any, perform: Any = perform) -> Any:
                result = perform(moving, effect)
                point()
                return result

            patched.setitem(PERFORMERS, kind, dying)
        patched.setattr(trace, "put", _then(point, trace.put))
        patched.setattr(instances, "keep", _then(point, instances.keep))
        with pytest.raises(Killed):
            work(host, tenant)
    assert found(host, tenant, "mark") == []
    _give_up_leases(host, tenant)
    work(host, tenant)
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["a d", "c d"]
    (run,) = runs(host, tenant)
    assert (run.state, run.record) == ("waiting", deal)
    told = lines(host, tenant, run.id)
    assert [told.count((step, "performed")) for step in "abc"] == [1, 1, 1]
    assert len([each for each in jobs(host, tenant) if each.key is not None]) == 1


def _then(point: Any, function: Any) -> Any:
    def called(*arguments: Any) -> Any:
        result = function(*arguments)
        point()
        return result

    return called


def test_several_workers_move_a_run_once(host: Host) -> None:
    tenant = kit.tenant(host, world(STEPS))
    seller = kit.person(host, tenant, roles=["seller"])
    with kit.workspace(host, tenant, user=seller) as ws:
        for at in range(12):
            records.create(ws, "deal", {"name": f"d{at}"})
    failures: list[BaseException] = []

    def drained() -> None:
        try:
            for _ in range(3):
                drain(host, tenant, 20.0)
        except BaseException as error:
            failures.append(error)

    crew = [threading.Thread(target=drained) for _ in range(4)]
    for each in crew:
        each.start()
    for each in crew:
        each.join(60)
    work(host, tenant)
    assert failures == []
    names = [each["name"] for each in found(host, tenant, "mark")]
    assert sorted(names) == sorted(f"{step} d{at}" for at in range(12) for step in "ac")
    assert {each["count"] for each in found(host, tenant, "deal")} == {1}
    assert {each.state for each in runs(host, tenant)} == {"waiting"}


def test_what_is_told_twice_changes_nothing(host: Host) -> None:
    tenant = kit.tenant(host, world(STEPS))
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")
    work(host, tenant)
    (run,) = runs(host, tenant)
    (timer,) = jobs(host, tenant, state="queued")
    with kit.workspace(host, tenant) as ws:
        due = {"instance": run.id, "happening": timer.payload["happening"]}
        begin = {"instance": run.id, "happening": {"kind": "begin"}}
        gone = {"instance": timer.id, "happening": {"kind": "begin"}}
        table.enqueue_many(ws, "workflow", [begin, due, due, begin, gone])
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["a d", "c d", "d d"]
    assert {each.state for each in jobs(host, tenant)} == {"done", "queued"} or runs(host, tenant)[0].state == "done"


def test_a_bug_leaves_nothing_half_done_and_can_be_retried(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host, world(STEPS))
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")

    def broken(moving: Any, effect: Any) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patched:
        patched.setitem(PERFORMERS, engine.UpdateRecord, broken)
        for _ in range(5):
            work(host, tenant)
            _give_up_leases(host, tenant)
    (run,) = runs(host, tenant)
    (job,) = jobs(host, tenant)
    assert (job.state, run.state, run.error and run.error["code"]) == ("dead", "failed", "run.job_dead")
    assert found(host, tenant, "mark") == []
    with kit.workspace(host, tenant) as ws:
        retry(ws, job.id)
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["a d", "c d"]
    assert (runs(host, tenant)[0].state, runs(host, tenant)[0].error) == ("waiting", None)
