"""Messages that runs wait for and that start them, and steps with a linked record, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.ids import uuid7
from metadata.problems import Invalid
from runtime.directory import Tenant
from runtime.hooks.receiving import Known, Received, receive
from runtime.hooks.rows import Incoming
from runtime.host import Host
from tests import kit
from tests.processing import found, lines, made, runs, sooner, work, world
from tests.test_runtime_processes_waiting import publish

PAID = """
paying:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    paid:
      wait:
        {message: payments, at: invoice.nr, match: code, timeout: P7D, late: {x: {update: {values: {note: "'late'"}}}}}
    mark: {update: {values: {stage: "'won'"}}}
"""
STARTED = """
refunded:
  entity: deal
  run_as: {role: boss}
  triggers: {back: {message: {name: refunds, at: nr, field: code}, when: "stage == 'open'"}}
  steps: {mark: {update: {values: {stage: "'lost'"}}}}
"""
HOOK = uuid7()


def send(
    host: Host, tenant: Tenant, body: Any, id: str = "msg_1", hook: str = "payments", of: str = "paying"
) -> Received:
    known = Known(Incoming(HOOK, hook, of, "seller"), id)
    with kit.workspace(host, tenant) as ws:
        return receive(ws, known, body)


def stages(host: Host, tenant: Tenant) -> dict[str, str]:
    return {each["code"]: each["stage"] for each in found(host, tenant, "deal")}


def test_a_message_wakes_the_run_about_whose_record_it_is_and_no_other(host: Host) -> None:
    tenant = kit.tenant(host, world(PAID))
    for code in ("A-1", "A-2"):
        made(host, tenant, "deal", name=code, code=code)
    work(host, tenant)
    assert send(host, tenant, {"invoice": {"nr": "A-2"}}) == Received(None)
    work(host, tenant)
    assert stages(host, tenant) == {"A-1": "open", "A-2": "won"}
    assert [each.state for each in runs(host, tenant)] == ["waiting", "done"]


def test_a_message_counts_once_by_its_senders_id(host: Host) -> None:
    tenant = kit.tenant(host, world(PAID))
    made(host, tenant, "deal", name="a", code="A-1")
    work(host, tenant)
    body = {"invoice": {"nr": "A-1"}}
    assert [send(host, tenant, body).repeated, send(host, tenant, body).repeated] == [False, True]
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert [step for step, kind in lines(host, tenant, run.id) if kind == "resumed"] == ["paid"]
    with pytest.raises(Invalid) as refused:
        send(host, tenant, body, "msg_2")
    assert [each.code for each in refused.value.problems] == ["hook.nobody"]


def test_what_came_too_early_may_come_again(host: Host) -> None:
    tenant = kit.tenant(host, world(PAID))
    made(host, tenant, "deal", name="a", code="A-1")
    body = {"invoice": {"nr": "A-1"}}
    with pytest.raises(Invalid):
        send(host, tenant, body)
    work(host, tenant)
    assert not send(host, tenant, body).repeated
    work(host, tenant)
    assert stages(host, tenant) == {"A-1": "won"}


def test_a_message_that_does_not_come_is_late_and_then_nobody_waits_for_it(host: Host) -> None:
    tenant = kit.tenant(host, world(PAID))
    made(host, tenant, "deal", name="a", code="A-1")
    work(host, tenant)
    sooner(host, tenant)
    work(host, tenant)
    assert [each["note"] for each in found(host, tenant, "deal")] == ["late"]
    with pytest.raises(Invalid):
        send(host, tenant, {"invoice": {"nr": "A-1"}})


def test_runs_of_an_earlier_release_hear_the_messages_that_they_wait_for(host: Host) -> None:
    tenant = kit.tenant(host, world(PAID))
    made(host, tenant, "deal", name="a", code="A-1")
    work(host, tenant)
    publish(host, tenant, world(PAID.replace("at: invoice.nr", "at: other.place")))
    assert send(host, tenant, {"invoice": {"nr": "A-1"}}) == Received(None)
    work(host, tenant)
    assert stages(host, tenant) == {"A-1": "won"}


def test_a_message_starts_a_run_for_the_records_that_it_is_about(host: Host) -> None:
    tenant = kit.tenant(host, world(STARTED))
    open_, won = (
        made(host, tenant, "deal", name="a", code="7"),
        made(host, tenant, "deal", name="b", code="8", stage="won"),
    )
    assert send(host, tenant, {"nr": 7}, hook="refunds", of="refunded") == Received(open_)
    for body in ({"nr": 8}, {"nr": "' or true or '"}, {"nr": None}, {}):
        with pytest.raises(Invalid):
            send(host, tenant, body, f"msg {body}", hook="refunds", of="refunded")
    work(host, tenant)
    assert stages(host, tenant) == {"7": "lost", "8": "won"}
    assert [(each.record, each.trigger) for each in runs(host, tenant)] == [(open_, "back")] and won


LINKED = """
linked:
  entity: deal
  run_as: {role: %s}
  triggers: {made: {created: {}}}
  steps:
    up:
      with:
        path: account
        do:
          large: {if: "size > 3", then: {mark: {create: {entity: mark, values: {
            name: "concat('of ', name)", deal: {record: start}, about: {record: record}}}}}}
          grow: {update: {values: {size: "size + 1"}}}
        none: {bare: {update: {values: {note: "'no account'"}}}}
"""


def test_steps_with_a_linked_record_are_about_it(host: Host) -> None:
    tenant = kit.tenant(host, world(LINKED % "boss"))
    account = made(host, tenant, "account", name="Big", size=5)
    deal = made(host, tenant, "deal", name="a", account=account)
    made(host, tenant, "deal", name="b")
    work(host, tenant)
    (mark,) = found(host, tenant, "mark")
    assert (mark["name"], mark["deal"], mark["about"]) == ("of Big", deal, {"entity": "account", "id": account})
    assert [each["size"] for each in found(host, tenant, "account")] == [6]
    assert [each["note"] for each in found(host, tenant, "deal")] == [None, "no account"]


def test_what_is_done_with_a_linked_record_needs_the_rights_of_the_run(host: Host) -> None:
    tenant = kit.tenant(host, world(LINKED % "looker"))
    made(host, tenant, "deal", name="a", account=made(host, tenant, "account", name="Big", size=1))
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.error and run.error["step"]) == ("failed", "grow")
    assert [each["size"] for each in found(host, tenant, "account")] == [1]
