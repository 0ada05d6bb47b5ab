"""What a trace keeps of each step, on both databases, and what of that its reader may read."""

from __future__ import annotations

from typing import Any

import yaml

from runtime.directory import Tenant
from runtime.host import Host
from runtime.processes import reading
from tests import kit
from tests.processing import made, runs, work, world

WRITES = """
writes:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    set: {update: {values: {note: "'so'", amount: "amount * 2", closes: "'2026-05-01'"}}}
    new: {create: {entity: mark, values: {name: "concat('for ', name)", deal: {record: record}}}}
    up: {with: {path: account, do: {grow: {update: {values: {size: 7, secret: "'hush'"}}}}}}
    done: {wait: {span: P1D}}
"""


def told(host: Host, tenant: Tenant, user: str | None = None) -> dict[str, dict[str, Any]]:
    """Step -> what its trace says that was done, as somebody reads it."""
    (run,) = runs(host, tenant)
    with kit.workspace(host, tenant, user=user, write=False) as ws:
        shown = reading.any_run(ws, run.id)
        assert shown is not None
        found = reading.lines_of(ws, shown)
    return {each.step: dict(each.detail) for each in found if each.kind == "performed"}


def test_a_trace_keeps_what_was_given_to_fields_what_came_of_it_and_how_long_it_took(host: Host) -> None:
    tenant = kit.tenant(host, world(WRITES))
    account = made(host, tenant, "account", name="Big")
    deal = made(host, tenant, "deal", name="a", amount="2.50", account=account)
    work(host, tenant)
    seen = told(host, tenant)
    assert seen["set"]["values"] == {"note": "so", "amount": "5.00", "closes": "2026-05-01"}
    assert (seen["set"]["entity"], seen["set"]["record"]) == ("deal", deal)
    assert seen["new"]["values"] == {"name": "for a", "deal": deal} and seen["new"]["result"] == seen["new"]["record"]
    assert seen["grow"]["values"] == {"size": 7, "secret": "hush"}
    assert all(each["ms"] >= 0 for each in seen.values())


def test_a_reader_of_a_trace_sees_the_values_of_fields_that_he_may_read(host: Host) -> None:
    tenant = kit.tenant(host, world(WRITES))
    made(host, tenant, "deal", name="a", amount="2.50", account=made(host, tenant, "account", name="Big"))
    work(host, tenant)
    seller = kit.person(host, tenant, roles=["seller"])
    assert "secret" not in told(host, tenant, seller)["grow"]["values"]
    assert told(host, tenant, seller)["set"]["values"]["note"] == "so"
    looker = kit.person(host, tenant, roles=["looker"])
    assert told(host, tenant, looker)["new"]["values"] == {}


def test_secrets_are_not_kept_in_a_trace(host: Host) -> None:
    body = yaml.safe_load(world(WRITES))
    body["entities"]["account"]["fields"]["secret"] |= {"encrypted": True, "sensitivity": "secret"}
    body["roles"]["boss"]["clearance"] = "secret"
    tenant = kit.tenant(host, kit.CONFIGS / "core", yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
    made(host, tenant, "deal", name="a", amount="1", account=made(host, tenant, "account", name="Big"))
    work(host, tenant)
    assert set(told(host, tenant)["grow"]["values"]) == {"size"}
