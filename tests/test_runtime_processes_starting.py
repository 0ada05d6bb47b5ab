"""What a save costs that workflows follow, on both databases: one job, whatever their number, and nothing is lost."""

from __future__ import annotations

import pytest

from runtime import records
from runtime.host import Host
from runtime.jobs import table
from runtime.processes import queued, running
from tests import kit
from tests.processing import changed, got, jobs, made, runs, work, world
from tests.test_runtime_processes_waiting import publish


def many(count: int) -> str:
    return "".join(
        f"""
w{at}:
  entity: deal
  priority: {count - at}
  run_as: {{role: boss}}
  triggers: {{made: {{created: {{}}, when: "amount > {at}"}}}}
  steps: {{mark{at}: {{create: {{entity: mark, values: {{name: "'{at}'", deal: {{record: record}}}}}}}}}}
"""
        for at in range(count)
    )


def test_ten_workflows_that_follow_a_save_cost_it_one_job(host: Host) -> None:
    tenant = kit.tenant(host, world(many(10)))
    counts = []
    for amount in ("0", "0", "1", "100"):  # the first make ready what the others use
        with kit.workspace(host, tenant) as ws:
            before = ws.db.count
            records.create(ws, "deal", {"name": "a", "amount": amount})
            counts.append(ws.db.count - before)
    assert counts[2] == counts[3] == counts[1] + 1
    assert len(jobs(host, tenant)) == 2
    work(host, tenant)
    assert len(runs(host, tenant)) == 11


def test_runs_of_one_save_begin_in_the_order_of_their_priority(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, world(many(4)))
    made(sqlite_host, tenant, "deal", name="a", amount="100")
    work(sqlite_host, tenant)
    begun = sorted(runs(sqlite_host, tenant), key=lambda each: each.id)
    assert [each.workflow for each in begun] == ["w3", "w2", "w1", "w0"]


def test_more_runs_than_one_job_holds_begin_all(sqlite_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued, "MOST", 3)
    tenant = kit.tenant(sqlite_host, world(many(10)))
    made(sqlite_host, tenant, "deal", name="a", amount="100")
    assert len(jobs(sqlite_host, tenant)) == 4
    work(sqlite_host, tenant)
    assert {each.workflow for each in runs(sqlite_host, tenant)} == {f"w{at}" for at in range(10)}


def test_a_run_that_cannot_even_begin_is_there_to_be_seen_and_tried_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = kit.tenant(host, world(many(1)))
    deal = made(host, tenant, "deal", name="a", amount="100")

    def broken(*given: object, **more: object) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(running, "_moved", broken)
        patched.setattr(table, "clock", lambda ws, seconds=0.0: table._clock_of(ws.db.dialect, min(seconds, 0.0)))
        work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.record, run.error and run.error["code"]) == ("failed", deal, "run.job_dead")
    (job,) = jobs(host, tenant)
    with kit.workspace(host, tenant) as ws:
        table.retry(ws, job.id)
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert run.state == "done"


def test_what_was_read_after_a_write_is_what_was_written(host: Host) -> None:
    steps = "\n".join(
        f'    s{at}: {{update: {{values: {{count: "count + 1", note: "concat(note, \'{at}\')"}}}}}}' for at in range(4)
    )
    tenant = kit.tenant(
        host,
        world(f"""
counted:
  entity: deal
  run_as: {{role: boss}}
  triggers: {{made: {{updated: {{}}, when: "changed('stage')"}}}}
  steps:
{steps}
"""),
    )
    deal = made(host, tenant, "deal", name="a", note="n", count=1)
    changed(host, tenant, "deal", deal, stage="won")
    work(host, tenant)
    assert [got(host, tenant, "deal", deal)[each] for each in ("count", "note", "version")] == [5, "n0123", 6]


def test_a_run_that_is_to_begin_knows_the_release_it_was_wanted_under(host: Host) -> None:
    tenant = kit.tenant(host, world(many(2)))
    made(host, tenant, "deal", name="a", amount="100")
    publish(host, tenant, world(many(1)))
    work(host, tenant)
    assert {(each.workflow, each.release, each.state) for each in runs(host, tenant)} == {
        ("w0", 1, "done"),
        ("w1", 1, "done"),
    }


def test_a_run_that_began_after_its_release_was_replaced_is_woken(host: Host) -> None:
    waiting = """
waits:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps: {pause: {wait: {event: updated}}}
"""
    tenant = kit.tenant(host, world(waiting))
    deal = made(host, tenant, "deal", name="a")
    publish(host, tenant, world())
    changed(host, tenant, "deal", made(host, tenant, "deal", name="other"), stage="won")
    work(host, tenant)
    changed(host, tenant, "deal", deal, stage="won")
    work(host, tenant)
    assert [each.state for each in runs(host, tenant)] == ["done"]
