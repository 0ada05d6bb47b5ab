"""Workflows that ask for approvals, and go on when these are settled."""

from __future__ import annotations

import datetime as dt

import pytest

from metadata.problems import Conflict
from runtime import records
from runtime.host import Host
from tests.processing import jobs, runs, work
from tests.signing import WORLD, Firm, firm

ASKING = """
workflows:
  asks:
    entity: quote
    triggers: {made: {created: {}, when: "discount > 10"}}
    steps:
      ask:
        approval:
          approval: discount
          approved: {yes_: {update: {values: {note: "'the run heard yes'"}}}}
          rejected: {no_: {update: {values: {note: "'the run heard no'"}}}}
          withdrawn: {gone: {update: {values: {note: "'the run heard nothing'"}}}}
"""


@pytest.fixture
def f(host: Host) -> Firm:
    made = firm(host, WORLD.replace(", keep_after: {approved: {}}", "") + ASKING)
    made.now = dt.datetime.now(dt.UTC)
    return made


def test_a_run_waits_for_its_approval_and_goes_on(f: Firm) -> None:
    quote = f.quote()
    work(f.host, f.tenant)
    [item] = f.box("bob")
    assert [each["request"] for each in f.box("ida", "started")] == [item["request"]]  # asked for in her name
    f.act("bob", "approve", item["request"])
    work(f.host, f.tenant)
    assert f.values(quote)["note"] is None
    f.act("cleo", "approve", item["request"])
    work(f.host, f.tenant)
    assert f.values(quote)["note"] == "the run heard yes"
    assert [each.state for each in runs(f.host, f.tenant)] == ["done"]


@pytest.mark.parametrize(("who", "verb", "said"), [("bob", "reject", "no"), ("ida", "withdraw", "nothing")])
def test_a_run_hears_how_its_approval_ended(f: Firm, who: str, verb: str, said: str) -> None:
    quote = f.quote()
    work(f.host, f.tenant)
    f.act(who, verb, f.box("ida", "started")[0]["request"], comment="because")
    work(f.host, f.tenant)
    assert f.values(quote)["note"] == f"the run heard {said}"


def test_a_workflow_does_not_write_what_is_locked(host: Host) -> None:
    writes = """
workflows:
  writes:
    entity: account
    triggers: {renamed: {updated: {}, when: "changed('name')"}}
    run_as: {role: keeper}
    steps:
      each:
        for_each: {entity: quote, by: account, do: {mark: {update: {values: {note: "'written'"}}}}}
"""
    f = firm(host, WORLD + writes)
    f.now = dt.datetime.now(dt.UTC)
    with f.as_("ida") as ws:
        account = records.create(ws, "account", {"name": "Quince Ltd"}).id
    quote = f.quote(account=account)
    f.submit(quote)
    with f.as_("ida") as ws:
        records.update(ws, "account", account, {"name": "Quince Inc"})
    work(f.host, f.tenant)
    assert f.values(quote)["note"] is None
    assert [each.state for each in runs(f.host, f.tenant)] != ["done"]
    assert jobs(f.host, f.tenant)
    with f.as_("ida") as ws, pytest.raises(Conflict):
        records.update(ws, "quote", quote, {"note": "x"})
