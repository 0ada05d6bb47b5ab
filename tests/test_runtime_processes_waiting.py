"""Runs that wait, on both databases: timers, events, human tasks, sub-workflows, dates and schedules."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime import records, schema
from runtime.directory import Tenant
from runtime.host import Host
from runtime.processes import instances
from runtime.processes.timing import planning
from tests import kit
from tests.processing import changed, found, jobs, lines, made, runs, sooner, work, world

WAITS = """
waits:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    first: {create: {entity: mark, values: {name: "'first'"}}}
    pause: {wait: {span: P2D}}
    second: {create: {entity: mark, values: {name: "concat('second ', note)"}}}
"""


def names(host: Host, tenant: Tenant) -> list[str]:
    return [each["name"] for each in found(host, tenant, "mark")]


def publish(host: Host, tenant: Tenant, package: str) -> None:
    plan = schema.plan(host, tenant, kit.layers(package))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)


def test_a_timer_is_a_job_that_fires_once_however_late(host: Host) -> None:
    tenant = kit.tenant(host, world(WAITS))
    deal = made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")
    work(host, tenant)
    (run,) = runs(host, tenant)
    (timer,) = jobs(host, tenant, state="queued")
    assert (run.state, names(host, tenant)) == ("waiting", ["first"])
    assert dt.timedelta(days=1, hours=23) < timer.run_at - dt.datetime.now(dt.UTC) < dt.timedelta(days=2, hours=1)
    work(host, tenant)
    assert names(host, tenant) == ["first"]
    changed(host, tenant, "deal", deal, note="late")
    assert sooner(host, tenant) == 1
    work(host, tenant)
    work(host, tenant)
    assert names(host, tenant) == ["first", "second late"]
    assert runs(host, tenant)[0].state == "done"


def test_a_run_finishes_as_it_began_whatever_its_workflow_says_now(host: Host) -> None:
    tenant = kit.tenant(host, world(WAITS))
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="old")
    work(host, tenant)
    new = world(WAITS.replace("'second '", "'new '"))
    publish(host, tenant, new)
    made(host, tenant, "deal", seller, name="new")
    work(host, tenant)
    publish(host, tenant, world())
    sooner(host, tenant)
    work(host, tenant)
    assert sorted(names(host, tenant)) == ["first", "first", "new", "second"]
    assert {each.state for each in runs(host, tenant)} == {"done"}


EVENT = """
event:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    won:
      wait:
        event: updated
        when: "changed('stage') and stage == 'won' and old.stage == 'open'"
        timeout: P1D
        late: {late: {create: {entity: mark, values: {name: "'late'"}}}}
    after: {create: {entity: mark, values: {name: "concat('after ', name)"}}}
"""


def test_an_event_that_meets_the_condition_wakes_a_run(host: Host) -> None:
    tenant = kit.tenant(host, world(EVENT))
    seller = kit.person(host, tenant, roles=["seller"])
    deal, other = (made(host, tenant, "deal", seller, name=name) for name in ("a", "b"))
    work(host, tenant)
    changed(host, tenant, "deal", deal, stage="lost")
    changed(host, tenant, "deal", deal, stage="won")
    changed(host, tenant, "deal", deal, stage="open")
    assert jobs(host, tenant, state="queued") and not [
        each for each in jobs(host, tenant, state="queued") if "record" in each.payload["happening"]
    ]
    changed(host, tenant, "deal", deal, stage="won")
    changed(host, tenant, "deal", deal, stage="lost")  # by then it is another, but what happened has happened
    work(host, tenant)
    assert names(host, tenant) == ["after a"]
    assert {each.record: each.state for each in runs(host, tenant)} == {deal: "done", other: "waiting"}
    assert sooner(host, tenant) == 1  # the timeout of the one that has gone on is void
    work(host, tenant)
    assert names(host, tenant) == ["after a", "late", "after b"]


def test_runs_of_earlier_releases_are_woken_too(host: Host) -> None:
    tenant = kit.tenant(host, world(EVENT))
    deal = made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="a")
    work(host, tenant)
    publish(host, tenant, world())
    changed(host, tenant, "deal", deal, stage="won")
    work(host, tenant)
    assert names(host, tenant) == ["after a"]


def test_a_deletion_wakes_who_waits_for_it(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
gone:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    gone: {wait: {event: deleted}}
    after: {create: {entity: mark, values: {name: "concat('gone ', name)"}}}
"""),
    )
    deal = made(host, tenant, "deal", name="a")
    work(host, tenant)
    with kit.workspace(host, tenant) as ws:
        records.delete(ws, "deal", deal)
    work(host, tenant)
    assert names(host, tenant) == ["gone a"]


TASK = """
task:
  entity: account
  triggers: {made: {created: {}}}
  steps:
    call:
      task:
        title: {en: "Call {name}", zh: "致电 {name}"}
        to: {who: {path: owner}}
        due: P1D
        done: {done: {create: {entity: mark, values: {name: "'done'"}}}}
        dropped: {dropped: {create: {entity: mark, values: {name: "'dropped'"}}}}
        timeout: P3D
        late: {late: {create: {entity: mark, values: {name: "'late'"}}}}
    after: {create: {entity: mark, values: {name: "'after'"}}}
"""


def test_a_human_task_is_a_record_whose_end_wakes_the_run(host: Host) -> None:
    tenant = kit.tenant(host, world(TASK))
    seller = kit.person(host, tenant, roles=["seller"])
    for name, outcome in (("Ada", "done"), ("Bob", "dropped")):
        made(host, tenant, "account", seller, name=name)
        work(host, tenant)
        (task,) = found(host, tenant, "task", "status == 'open'")
        assert (task["title"], task["assignee"], task["owner"]) == (f"Call {name}", seller, seller)
        assert (task["source"], task["due"] is not None) == ("workflow", True)
        changed(host, tenant, "task", task["id"], seller, priority="high")
        changed(host, tenant, "task", task["id"], seller, status=outcome)
        changed(host, tenant, "task", task["id"], seller, priority="low")
        work(host, tenant)
    assert names(host, tenant) == ["done", "after", "dropped", "after"]
    assert [each.state for each in runs(host, tenant)] == ["done", "done"]
    assert jobs(host, tenant, state="queued") == []


def test_a_task_that_nobody_does_is_dropped_when_its_time_is_over(host: Host) -> None:
    tenant = kit.tenant(host, world(TASK))
    made(host, tenant, "account", kit.person(host, tenant, roles=["seller"]), name="Ada")
    work(host, tenant)
    sooner(host, tenant)
    work(host, tenant)
    assert (names(host, tenant), [each["status"] for each in found(host, tenant, "task")]) == (
        ["late", "after"],
        ["dropped"],
    )


SUB = """
outer:
  entity: deal
  triggers: {made: {created: {}, when: "code == 'outer'"}}
  steps:
    safe:
      try:
        do: {inner: {run: {workflow: inner}}}
        catch: {bad: {create: {entity: mark, values: {name: "'bad'"}}}}
    after: {create: {entity: mark, values: {name: "'after'"}}}
inner:
  entity: deal
  triggers: {sub: {called: {}}}
  steps:
    mark: {create: {entity: mark, values: {name: "concat('inner ', note)"}}}
    pause: {wait: {span: PT1H}}
    end: {if: "note == 'fail'", then: {stopped: {stop: {failed: true, reason: {en: Failed}}}}}
"""


def test_a_run_waits_for_the_end_of_another(host: Host) -> None:
    tenant = kit.tenant(host, world(SUB))
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="d", code="outer", note="good")
    work(host, tenant)
    outer, inner = runs(host, tenant)
    assert (outer.state, inner.state, inner.parent, inner.depth) == ("waiting", "waiting", outer.id, 1)
    assert (inner.initiator, list(inner.chain), inner.root) == (seller, ["outer"], outer.id)
    assert names(host, tenant) == ["inner good"]
    sooner(host, tenant)
    work(host, tenant)
    assert names(host, tenant) == ["inner good", "after"]
    assert [each.state for each in runs(host, tenant)] == ["done", "done"]


def test_a_run_whose_sub_workflow_fails_goes_its_other_way(host: Host) -> None:
    tenant = kit.tenant(host, world(SUB))
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d", code="outer", note="fail")
    work(host, tenant)
    sooner(host, tenant)
    work(host, tenant)
    assert names(host, tenant) == ["inner fail", "bad", "after"]
    assert [each.state for each in runs(host, tenant)] == ["done", "failed"]


DATE = """
soon:
  entity: deal
  run_as: {role: boss}
  triggers: {soon: {date: {field: meets, offset: -PT1H}, when: "stage == 'open'"}}
  steps: {mark: {create: {entity: mark, values: {name: "concat('soon ', name)"}}}}
day:
  entity: deal
  run_as: {role: boss}
  triggers: {day: {date: {field: closes, offset: P1D, at: "00:30"}}}
  steps: {mark: {create: {entity: mark, values: {name: "concat('day ', name)"}}}}
"""


def test_a_date_that_is_reached_starts_a_run_once(host: Host) -> None:
    tenant = kit.tenant(host, world(DATE))
    now = dt.datetime.now(dt.UTC)
    near, far = (now + dt.timedelta(hours=hours) for hours in (2, 30))
    a, b, c, _ = (
        made(host, tenant, "deal", name=name, meets=moment.isoformat())
        for name, moment in (("a", near), ("b", near), ("c", near), ("far", far))
    )
    assert len(jobs(host, tenant, "workflow_date")) == 3
    changed(host, tenant, "deal", b, stage="won")
    changed(host, tenant, "deal", c, meets=(now + dt.timedelta(hours=3)).isoformat())
    with kit.workspace(host, tenant) as ws:
        assert planning.plan(ws) >= 3 and planning.plan(ws) >= 3
    assert len(jobs(host, tenant, "workflow_date")) == 4
    sooner(host, tenant, "workflow_date")
    work(host, tenant)
    work(host, tenant)
    assert sorted(names(host, tenant)) == ["soon a", "soon c"]
    assert {each.record for each in runs(host, tenant)} == {a, c}


def test_dates_that_came_while_nobody_worked_are_found_and_others_are_not(host: Host) -> None:
    tenant = kit.tenant(host, world(DATE))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=10)
    before = later - dt.timedelta(hours=5)
    deal = made(host, tenant, "deal", name="missed", meets=before.isoformat())
    with kit.workspace(host, tenant, now=later) as ws:
        records.create(ws, "deal", {"name": "past", "meets": before.isoformat()})
        assert planning.plan(ws) == 1
    (job,) = jobs(host, tenant, "workflow_date")
    assert job.payload["record"] == deal


def test_a_schedule_starts_a_run_for_each_record_that_meets_its_condition(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
weekly:
  entity: deal
  run_as: {role: boss}
  triggers: {weekly: {schedule: {cron: "0 9 * * 1", zone: Asia/Shanghai}, when: "stage == 'open'"}}
  steps: {mark: {create: {entity: mark, values: {name: "name"}}}}
"""),
    )
    for at in range(5):
        made(host, tenant, "deal", name=f"d{at}", stage="open" if at else "won")
    work(host, tenant)
    (job,) = jobs(host, tenant, "workflow_schedule")
    local = job.run_at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert (local.weekday(), local.hour, local.minute, job.run_at > dt.datetime.now(dt.UTC)) == (0, 9, 0, True)
    with kit.workspace(host, tenant) as ws:
        planning.plan(ws)
    assert len(jobs(host, tenant, "workflow_schedule")) == 1
    sooner(host, tenant, "workflow_schedule")
    work(host, tenant)
    assert sorted(names(host, tenant)) == ["d1", "d2", "d3", "d4"]
    states = sorted(each.state for each in jobs(host, tenant, "workflow_schedule"))
    assert states in (["done"], ["done", "queued"])


def test_parallel_branches_join_when_both_are_over(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
both:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    both:
      parallel:
        branches:
          x: {wait_x: {wait: {span: PT1H}}, x: {create: {entity: mark, values: {name: "'x'"}}}}
          y: {wait_y: {wait: {event: updated}}, y: {create: {entity: mark, values: {name: "'y'"}}}}
    after: {create: {entity: mark, values: {name: "'after'"}}}
"""),
    )
    seller = kit.person(host, tenant, roles=["seller"])
    deal = made(host, tenant, "deal", seller, name="d")
    work(host, tenant)
    changed(host, tenant, "deal", deal, seller, note="n")
    work(host, tenant)
    assert names(host, tenant) == ["y"]
    sooner(host, tenant)
    work(host, tenant)
    assert names(host, tenant) == ["y", "x", "after"]
    (run,) = runs(host, tenant)
    assert lines(host, tenant, run.id)[-1] == ("", "ended")


def test_old_runs_are_forgotten_with_their_traces(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host, world(WAITS))
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="over")
    work(host, tenant)
    sooner(host, tenant)
    work(host, tenant)
    made(host, tenant, "deal", seller, name="open")
    work(host, tenant)
    monkeypatch.setattr(planning, "KEPT_DAYS", -1)
    with kit.workspace(host, tenant) as ws:
        assert planning.forget(ws) == 1
        assert [each.state for each in instances.listing(ws)] == ["waiting"]
    assert [each.kind for each in jobs(host, tenant, state="queued")] == ["workflow"]
