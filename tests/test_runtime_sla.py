"""Clocks of SLAs as records are saved, on both databases: when they run, stand still and end, and what they do."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from runtime import records, schema
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table
from runtime.scenarios import opened
from runtime.scenarios.play import play_all
from runtime.sla import alerting, clocks, timing
from runtime.sla.clocks import Row
from runtime.workspace import Workspace
from tests import kit
from tests.processing import found, got, jobs, runs, sooner, work
from workflow.sla import status_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
Place = tuple[Host, Tenant]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(dt.UTC)


def made(host: Host, tenant: Tenant, now: dt.datetime | None = None, user: str | None = None, **values: Any) -> str:
    with kit.workspace(host, tenant, user=user, now=now) as ws:
        return records.create(ws, "ticket", {"subject": "Broken", **values}).id


def changed(host: Host, tenant: Tenant, id: str, now: dt.datetime | None = None, **values: Any) -> None:
    with kit.workspace(host, tenant, now=now) as ws:
        records.update(ws, "ticket", id, values)


def rows(host: Host, tenant: Tenant, record: str) -> list[Row]:
    with kit.workspace(host, tenant, write=False) as ws:
        return clocks.of_records(ws, [record], lock=False)


def clock(host: Host, tenant: Tenant, record: str, target: str = "resolution") -> Row:
    """The latest cycle."""
    return [each for each in rows(host, tenant, record) if each.target == target][-1]


def passed(host: Host, tenant: Tenant, record: str, now: dt.datetime, target: str = "resolution") -> int:
    """Have the job look at a clock at a moment."""
    with kit.workspace(host, tenant, now=now) as ws:
        return timing.look(ws, clock(host, tenant, record, target).id)


@lru_cache
def desk(host: Host) -> Tenant:
    """One for all tests that let no job run."""
    return kit.tenant(host, "support")


@pytest.fixture
def place(host: Host) -> Place:
    return host, desk(host)


def test_b4_2_a_ticket_has_its_clocks_in_the_transaction_that_makes_it(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-06 16:00"), priority="urgent")
    kept = {each.target: each for each in rows(host, tenant, ticket)}
    assert {name: each.clock.due_at for name, each in kept.items()} == {
        "first_response": at("2026-03-09 10:00"),
        "resolution": at("2026-03-09 16:00"),
    }
    assert (kept["resolution"].clock.policy, kept["resolution"].clock.level) == ("usual", "urgent")
    values = got(host, tenant, "ticket", ticket)
    assert dt.datetime.fromisoformat(values["resolution_due"]) == at("2026-03-09 16:00")
    assert values["late_days"] == 1  # computed from what the clock keeps


def test_b4_2_national_day_and_its_make_up_day(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-09-30 16:00"), priority="urgent")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-10-08 16:00")
    slow = made(host, tenant, at("2026-10-08 16:00"))
    assert clock(host, tenant, slow).clock.due_at == at("2026-10-10 16:00")  # a Saturday that is worked


def test_b4_2_the_resolution_stands_still_while_it_waits_and_the_response_does_not(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    changed(host, tenant, ticket, at("2026-03-04 10:00"), status="pending")
    assert got(host, tenant, "ticket", ticket)["resolution_due"] is None
    changed(host, tenant, ticket, at("2026-03-04 12:00"), status="open")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-04 17:00") + dt.timedelta(hours=16 + 2)
    assert clock(host, tenant, ticket, "first_response").clock.due_at == at("2026-03-04 11:00")


def test_b4_2_reopening_resumes_and_closing_changes_nothing(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    changed(host, tenant, ticket, at("2026-03-04 10:00"), status="resolved")
    done = clock(host, tenant, ticket)
    assert (status_of(done.clock, at("2026-04-01 09:00")), done.clock.state) == ("met", "stopped")
    changed(host, tenant, ticket, at("2026-03-05 10:00"), status="closed")
    assert clock(host, tenant, ticket) == done
    changed(host, tenant, ticket, at("2026-03-06 09:00"), status="open")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-06 16:00")


def test_b4_2_another_priority_counts_from_the_original_start(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"))
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-05 17:00")
    changed(host, tenant, ticket, at("2026-03-04 16:00"), priority="urgent")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-04 17:00")
    changed(host, tenant, ticket, at("2026-03-04 16:30"), note="nothing that a clock looks at")
    changed(host, tenant, ticket, at("2026-03-05 09:00"), priority="normal")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-05 17:00")


def test_cd_17_a_gold_client_gets_the_gold_clock(place: Place) -> None:
    host, tenant = place
    with kit.workspace(host, tenant) as ws:
        client = records.create(ws, "client", {"name": "Ada", "tier": "gold"}).id
    ticket = made(host, tenant, at("2026-03-07 12:00"), client=client)  # a Saturday, around the clock
    gold = clock(host, tenant, ticket).clock
    assert (gold.policy, gold.due_at) == ("gold", at("2026-03-07 16:00"))
    changed(host, tenant, ticket, at("2026-03-07 13:00"), client=None)
    usual = clock(host, tenant, ticket).clock
    assert (usual.policy, usual.due_at) == ("usual", at("2026-03-10 17:00"))


def test_a_link_that_is_emptied_by_a_deletion_is_a_change_like_any_other(place: Place) -> None:
    host, tenant = place
    with kit.workspace(host, tenant) as ws:
        client = records.create(ws, "client", {"name": "Ada", "tier": "gold"}).id
    ticket = made(host, tenant, at("2026-03-07 12:00"), client=client)
    with kit.workspace(host, tenant, now=at("2026-03-07 13:00")) as ws:
        records.delete(ws, "client", client)
    assert clock(host, tenant, ticket).clock.policy == "usual"


def test_what_is_outside_the_sla_has_no_clock_and_what_leaves_it_stands_still(place: Place) -> None:
    host, tenant = place
    assert rows(host, tenant, made(host, tenant, category="internal")) == []
    assert rows(host, tenant, made(host, tenant, status="resolved", first_reply_at="2026-03-04T09:00:00Z")) == []
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    changed(host, tenant, ticket, at("2026-03-04 10:00"), category="internal")
    assert clock(host, tenant, ticket).clock.state == "away"
    changed(host, tenant, ticket, at("2026-03-04 11:00"), category="problem")
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-05 10:00")


def test_a_clock_counts_from_the_moment_of_a_field(place: Place) -> None:
    host, tenant = place
    received = at("2026-03-04 09:00").isoformat()
    ticket = made(host, tenant, at("2026-03-04 12:00"), received_at=received, priority="urgent")
    assert clock(host, tenant, ticket, "first_response").clock.due_at == at("2026-03-04 11:00")
    assert clock(host, tenant, ticket).clock.started_at == at("2026-03-04 12:00")


def test_in_the_recycle_bin_a_clock_stands_still_and_goes_on_when_the_record_is_back(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    with kit.workspace(host, tenant, now=at("2026-03-04 10:00")) as ws:
        records.delete(ws, "ticket", ticket)
    assert clock(host, tenant, ticket).clock.state == "away"
    assert passed(host, tenant, ticket, at("2026-04-01 10:00")) == 0
    with kit.workspace(host, tenant, now=at("2026-03-05 10:00")) as ws:
        back = records.restore(ws, "ticket", ticket)
    assert clock(host, tenant, ticket).clock.due_at == at("2026-03-05 17:00")
    values = got(host, tenant, "ticket", ticket)
    assert (back.version, dt.datetime.fromisoformat(values["resolution_due"])) == (
        values["version"],
        at("2026-03-05 17:00"),
    )


def test_many_at_once_and_imports_have_clocks_too(place: Place) -> None:
    host, tenant = place
    tickets = [{"subject": f"T{n}", "priority": "urgent"} for n in range(30)]
    with kit.workspace(host, tenant, now=at("2026-03-04 09:00"), channel="import") as ws:
        ids = [each.id for each in records.write_many(ws, "ticket", "insert", tickets) if each.id]
    assert len(ids) == 30
    with kit.workspace(host, tenant, now=at("2026-03-04 10:00")) as ws:
        changes = [{"id": id, "status": "pending"} for id in ids]
        records.write_many(ws, "ticket", "update", changes, ("id",))
    assert {clock(host, tenant, id).clock.state for id in ids[::7]} == {"paused"}


def test_nobody_else_can_write_what_the_clock_keeps(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent", resolution_due="2030-01-01T00:00:00Z")
    due = at("2026-03-04 17:00")
    assert dt.datetime.fromisoformat(got(host, tenant, "ticket", ticket)["resolution_due"]) == due
    changed(host, tenant, ticket, at("2026-03-04 10:00"), resolution_due="2030-01-01T00:00:00Z")
    assert dt.datetime.fromisoformat(got(host, tenant, "ticket", ticket)["resolution_due"]) == due
    assert [each["subject"] for each in found(host, tenant, "ticket", "resolution_due > '2029-01-01T00:00:00Z'")] == []


def test_an_entity_without_an_sla_pays_nothing_and_one_with_an_sla_a_look(host: Host) -> None:
    body = yaml.safe_load((kit.PACKAGES / "support" / "package.yaml").read_text("utf-8"))
    plain = yaml.safe_dump({key: each for key, each in body.items() if key != "sla"}, allow_unicode=True)
    costs = []
    for source in ("support", plain):
        tenant = kit.tenant(host, source)
        ticket = made(host, tenant, priority="urgent")
        names = iter("abcdefgh")
        costs.append(
            (
                _statements(host, tenant, lambda ws: records.create(ws, "remark", {"text": next(names)})),  # noqa: B023
                _statements(host, tenant, lambda ws: records.update(ws, "ticket", ticket, {"note": next(names)})),  # noqa: B023
                _statements(host, tenant, lambda ws: records.create(ws, "ticket", {"subject": next(names)})),  # noqa: B023
            )
        )
    (remark, note, new), (plain_remark, plain_note, plain_new) = costs
    assert remark == plain_remark
    assert note == plain_note + 1
    assert new <= plain_new + 3  # the clocks, their job, the call for somebody to do it


def _statements(host: Host, tenant: Tenant, do: Callable[[Workspace], Any]) -> int:
    with kit.workspace(host, tenant) as ws:
        do(ws)  # what is made ready once is not counted
    with kit.workspace(host, tenant) as ws:
        before = ws.db.count
        do(ws)
        return ws.db.count - before


# -- in time


def test_b4_2_alerts_come_once_although_the_job_runs_twice(host: Host) -> None:
    tenant = kit.tenant(host, "support")
    boss = kit.person(host, tenant, "Boss", roles=["lead"])
    agent = kit.person(host, tenant, "Agent", roles=["agent"])
    with kit.workspace(host, tenant) as ws:
        records.update(ws, "user", agent, {"manager": boss})
    now = dt.datetime.now(dt.UTC)
    with kit.workspace(host, tenant) as ws:
        client = records.create(ws, "client", {"name": "Ada", "tier": "gold"}).id
    ticket = made(host, tenant, now - dt.timedelta(hours=2, minutes=5), user=agent, client=client)
    assert len(jobs(host, tenant, "sla_timer")) == 1
    work(host, tenant)
    assert [each["subject"] for each in notices(host, tenant, agent)] == ["Half of the time is over: Broken"]
    assert clock(host, tenant, ticket).clock.fired == ("half",)
    passed(host, tenant, ticket, now)
    sooner(host, tenant, "sla_timer")
    work(host, tenant)
    assert len(notices(host, tenant, agent)) == 1
    # Three hours later all is over; whoever looked twice finds nothing new.
    for _ in range(2):
        passed(host, tenant, ticket, now + dt.timedelta(hours=3))
        sooner(host, tenant, "sla_alert")
        work(host, tenant)
    assert clock(host, tenant, ticket).clock.fired == ("half", "most", "breach")
    values = got(host, tenant, "ticket", ticket)
    assert (values["escalated"], values["owner"]) == (True, boss)
    (task,) = found(host, tenant, "task")
    assert (task["title"], task["assignee"], task["source"]) == ("Resolve Broken", agent, "sla")
    assert [each.state for each in runs(host, tenant, "raise")] == ["done"]
    assert [each["text"] for each in found(host, tenant, "remark")] == ["raised Broken"]
    assert {each.state for each in jobs(host, tenant, "sla_alert")} == {"done"}


def notices(host: Host, tenant: Tenant, user: str) -> list[dict[str, Any]]:
    return [
        each for each in found(host, tenant, "notification", f"owner == '{user}'") if each["kind"].startswith("sla")
    ]


def test_an_alert_that_a_save_finds_late_comes_once(host: Host) -> None:
    tenant = kit.tenant(host, "support")
    lead = kit.person(host, tenant, "Boss", roles=["lead"])
    ticket = made(host, tenant, at("2026-03-04 09:00"), user=lead, priority="urgent")
    changed(host, tenant, ticket, at("2026-03-04 16:00"), status="resolved")  # nobody had worked for hours
    assert clock(host, tenant, ticket).clock.fired == ("half", "most")
    work(host, tenant)
    work(host, tenant)
    assert len(notices(host, tenant, lead)) == 1 and len(found(host, tenant, "task")) == 1
    assert got(host, tenant, "ticket", ticket)["escalated"] is False


def test_an_alert_that_cannot_be_done_waits_for_somebody_and_the_clock_goes_on(host: Host) -> None:
    tenant = kit.tenant(host, "support")  # where nobody is whom it could tell
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    passed(host, tenant, ticket, at("2026-03-05 09:00"))
    work(host, tenant)
    assert {each.state for each in jobs(host, tenant, "sla_alert")} == {"failed"}
    assert clock(host, tenant, ticket).clock.breached_at == at("2026-03-04 17:00")
    assert got(host, tenant, "ticket", ticket)["escalated"] is False  # all of an alert, or nothing
    boss = kit.person(host, tenant, "Boss", roles=["lead"])
    with kit.workspace(host, tenant) as ws:
        for each in table.listing(ws, "failed"):
            table.retry(ws, each.id)
    work(host, tenant)
    assert got(host, tenant, "ticket", ticket)["owner"] == boss


def test_a_record_that_is_gone_is_told_nothing(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, "support")
    ticket = made(sqlite_host, tenant, at("2026-03-04 09:00"), priority="urgent")
    passed(sqlite_host, tenant, ticket, at("2026-03-05 09:00"))
    with kit.workspace(sqlite_host, tenant) as ws:
        records.delete(ws, "ticket", ticket)
    work(sqlite_host, tenant)
    assert {each.state for each in jobs(sqlite_host, tenant, "sla_alert")} == {"done"}
    with kit.workspace(sqlite_host, tenant) as ws:
        assert alerting.do(ws, clocks.of_records(ws, [ticket])[0], "no_longer_there") == 0


def test_two_changes_at_once_leave_one_course(host: Host) -> None:
    tenant = kit.tenant(host, "support")
    ticket = made(host, tenant, priority="urgent")
    start = threading.Barrier(2)

    def change(status: str) -> None:
        start.wait(60)
        for _ in range(5):
            changed(host, tenant, ticket, status=status)

    threads = [threading.Thread(target=change, args=(each,)) for each in ("pending", "open")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    (row,) = [each for each in rows(host, tenant, ticket) if each.target == "resolution"]
    wanted = "paused" if got(host, tenant, "ticket", ticket)["status"] == "pending" else "running"
    assert row.clock.state == wanted
    moments = [each.began for each in row.clock.segments]
    assert moments == sorted(moments)


def test_a_worker_that_dies_in_the_middle_leaves_nothing_half_done(place: Place) -> None:
    host, tenant = place
    ticket = made(host, tenant, at("2026-03-04 09:00"), priority="urgent")
    before = clock(host, tenant, ticket)
    with pytest.raises(RuntimeError), kit.workspace(host, tenant, now=at("2026-03-04 14:00")) as ws:
        assert timing.look(ws, before.id) == 1
        raise RuntimeError("killed")
    assert clock(host, tenant, ticket) == before
    assert passed(host, tenant, ticket, at("2026-03-04 14:00")) == 1
    assert passed(host, tenant, ticket, at("2026-03-04 14:00")) == 0
    keys = [each.key for each in jobs(host, tenant, "sla_alert") if each.payload["clock"] == before.id]
    assert len(keys) == 1


def described(**changes: Any) -> str:
    """The package with parts of the calendar and of the resolution replaced."""
    body = yaml.safe_load((kit.PACKAGES / "support" / "package.yaml").read_text("utf-8"))
    body["calendars"]["desk"]["holidays"] |= changes.get("holidays", {})
    body["sla"]["support"]["targets"]["resolution"] |= changes.get("resolution", {})
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def release(host: Host, tenant: Tenant, text: str) -> None:
    plan = schema.plan(host, tenant, kit.layer(text))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    work(host, tenant)


def test_b4_2_open_clocks_are_counted_anew_when_the_calendar_changes_and_others_stay(host: Host) -> None:
    tenant = kit.tenant(host, "support")
    kit.person(host, tenant, "Boss", roles=["lead"])
    open_, done = (made(host, tenant, at("2027-03-05 16:00"), priority="urgent") for _ in range(2))
    changed(host, tenant, done, at("2027-03-05 16:30"), status="resolved")
    before = clock(host, tenant, done)
    holiday = {"monday": {"label": "Holiday", "from": "2027-03-08"}}
    release(host, tenant, described(holidays=holiday, resolution={"reopen": "new_cycle"}))
    assert clock(host, tenant, open_).clock.due_at == at("2027-03-09 16:00")
    due = got(host, tenant, "ticket", open_)["resolution_due"]
    assert dt.datetime.fromisoformat(due) == at("2027-03-09 16:00")
    assert clock(host, tenant, done).clock == before.clock
    # What was met stays met beside the new round.
    changed(host, tenant, done, at("2027-03-09 09:00"), status="open")
    cycles = [each.clock for each in rows(host, tenant, done) if each.target == "resolution"]
    assert [(each.cycle, status_of(each, at("2027-03-09 10:00"))) for each in cycles] == [(1, "met"), (2, "running")]
    assert cycles[1].due_at == at("2027-03-09 17:00")


def test_an_sla_that_comes_later_measures_from_the_next_save(sqlite_host: Host) -> None:
    body = yaml.safe_load(described())
    sla = body.pop("sla")
    tenant = kit.tenant(sqlite_host, yaml.safe_dump(body, allow_unicode=True))
    ticket = made(sqlite_host, tenant, at("2026-03-04 09:00"), priority="urgent")
    release(sqlite_host, tenant, yaml.safe_dump({**body, "sla": sla}, sort_keys=False, allow_unicode=True))
    assert rows(sqlite_host, tenant, ticket) == []
    changed(sqlite_host, tenant, ticket, at("2026-03-05 09:00"), status="open")
    assert clock(sqlite_host, tenant, ticket).clock.due_at == at("2026-03-05 17:00")


JOURNEY = """
late_over_national_day:
  now: "2026-09-30T16:00"
  given:
    people:
      ann: {roles: {agent: {}}, values: {manager: bob, language: en}}
      bob: {roles: {lead: {}}}
  steps:
    ask:
      by: ann
      create: {entity: ticket, values: {subject: Broken, priority: urgent}}
      expect: {holds: {ask: "resolution_due != null and not escalated"}}
    holidays: {wait: {span: P7D}, expect: {holds: {ask: "not escalated"}}}
    pause: {by: ann, update: {record: ask, values: {status: pending}}, expect: {holds: {ask: "resolution_due == null"}}}
    still: {wait: {span: P1D}, expect: {holds: {ask: "not escalated"}}}
    on: {by: ann, update: {record: ask, values: {status: open}}}
    over:
      wait: {span: P4D}
      expect:
        holds: {ask: "escalated"}
        records: {ask: {owner: bob}}
        tasks: {do_it: {to: ann, subject: Resolve Broken}}
        runs: {raise: {}}
"""


def test_sv_14_a_ticket_over_national_day_with_a_clock_that_moves() -> None:
    body = yaml.safe_load(described()) | {"scenarios": yaml.safe_load(JOURNEY)}
    with opened(kit.layers(yaml.safe_dump(body, sort_keys=False, allow_unicode=True))) as stage:
        (result,) = play_all(stage)
    assert [(each.path, each.message("en")) for each in result.problems] == []
