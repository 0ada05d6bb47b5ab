"""Running requests moved to another description of their approval, by a map of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from metadata.problems import BadRequest, Forbidden, Invalid, NotFound
from runtime import approvals, record_locks, records, schema
from runtime.approvals.migrating import Migrated
from runtime.host import Host
from runtime.jobs.drain import drain
from tests import kit
from tests.signing import WORLD, Firm, firm

RENAMED = WORLD.replace("      boss:\n        type: approve", "      chief:\n        type: approve").replace(
    "        bulk: true", "        bulk: true\n        timeout: {after: PT8H, then: remind}"
)


def _publish(f: Firm, source: str) -> None:
    plan = schema.plan(f.host, f.tenant, kit.layer(source))
    schema.apply(f.host, f.tenant, str(plan.id))


def _migrate(f: Firm, by: str = "kay", **body: Any) -> Migrated:
    with f.as_(by) as ws:
        return approvals.migrate(ws, approvals.migration({"approval": "discount", "reason": "New rules", **body}))


def _nodes(f: Firm, name: str, id: str) -> list[str]:
    return [each["node"] for each in f.show(name, id)["route"]]


def test_migrate_with_mapping(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    first, second = f.submit(quote), f.submit(f.quote(amount="600000"))
    f.act("bob", "approve", second.id)
    _publish(f, RENAMED)
    assert f.asked(f.act("bob", "comment", first.id, comment="still as it began")) == ["bob"]
    refused = _migrate(f)
    assert refused.moved == (second.id,)  # it is past the node that is called otherwise
    assert [each.code for each in refused.refused[first.id]] == ["approval_migrate_no_node"]
    dry = _migrate(f, nodes={"boss": "chief"}, dry=True)
    assert (dry.moved, dry.refused) == ((first.id,), {})
    assert _nodes(f, "bob", first.id) == ["boss"]
    moved = _migrate(f, nodes={"boss": "chief"})
    assert (moved.moved, moved.refused) == ((first.id,), {})
    assert _nodes(f, "bob", first.id) == ["chief"]
    assert [each["node"]["id"] for each in f.box("bob")] == ["chief"]
    line = f.show("ida", first.id)["history"][-1]
    assert (line["verb"], line["actor"]["name"], line["comment"]) == ("migrate", "Kay", "New rules")
    assert line["detail"]["nodes"] == {"boss": "chief"}
    with f.as_(None, write=False) as ws:
        assert record_locks.held(ws, "quote", [quote])[quote].request == first.id
    assert f.asked(f.act("bob", "approve", first.id)) == ["cleo"]
    assert f.act("cleo", "approve", first.id).state == "approved"
    assert f.act("dora", "approve", second.id).running
    assert f.act("carl", "approve", second.id).state == "approved"
    assert _migrate(f).moved == ()


@pytest.mark.parametrize(
    ("change", "nodes", "code"),
    [
        ({"boss:\n        type: approve": "boss:\n        type: handle"}, {}, "approval_migrate_other_kind"),
        ({}, {"boss": "inform"}, "approval_migrate_other_kind"),
        ({}, {"boss": "director"}, "approval_migrate_other_place"),
        ({}, {"boss": "nowhere"}, "approval_migrate_no_node"),
    ],
)
def test_what_does_not_fit_stays_as_it_is(
    sqlite_host: Host, change: Mapping[str, str], nodes: Mapping[str, str], code: str
) -> None:
    f = firm(sqlite_host)
    request = f.submit(f.quote())
    source = WORLD
    for old, new in change.items():
        source = source.replace(old, new)
    _publish(f, source.replace("admins: {keeper: {}}", "admins: {keeper: {}}\n    priority: 90"))
    found = _migrate(f, nodes=dict(nodes))
    assert found.moved == () and [each.code for each in found.refused[request.id]] == [code]
    assert f.asked(f.act("bob", "comment", request.id, comment="on")) == ["bob"]


def test_only_who_looks_after_an_approval_moves_its_requests_and_says_why(sqlite_host: Host) -> None:
    f = firm(sqlite_host)
    f.submit(f.quote())
    _publish(f, RENAMED)
    for stranger in ("bob", "ida", "zoe"):
        with pytest.raises(Forbidden):
            _migrate(f, stranger)
    with pytest.raises(Invalid):
        _migrate(f, reason=" ")
    with pytest.raises(NotFound):
        _migrate(f, approval="nothing")
    wrong: dict[str, Any]
    for wrong in ({"nodes": []}, {"nodes": {"a": 1}}, {"requests": ["x"]}, {"dry": 1}, {"reason": "\0"}):
        with pytest.raises(BadRequest):
            _migrate(f, **wrong)
    other = "00000000-0000-7000-8000-000000000000"
    assert [each.code for each in _migrate(f, requests=[other]).refused[other]] == [
        "approval_migration_not_its_request"
    ]


def test_a_node_that_is_gone_keeps_its_history(sqlite_host: Host) -> None:
    f = firm(sqlite_host)
    request = f.submit(f.quote())
    f.act("bob", "approve")
    start, end = WORLD.index("      boss:\n        type"), WORLD.index("      size:\n        type: branch")
    _publish(f, WORLD[:start] + WORLD[end:])
    assert _migrate(f).moved == (request.id,)
    shown = f.show("ida")
    boss = shown["route"][0]
    assert (boss["node"], boss["undone"], boss["tasks"][0]["state"]) == ("boss", True, "approved")
    assert "take_back" not in {each["verb"] for each in f.show("bob")["verbs"]}
    assert f.act("cleo", "approve").state == "approved"


def test_requests_end_with_the_approval_that_they_are_of_and_the_plan_says_how_many(host: Host) -> None:
    f = firm(host)
    running, kept = f.quote(), f.quote()
    first = f.submit(kept)
    f.act("bob", "approve")
    f.act("cleo", "approve", first.id)  # it stays locked since it was approved
    request = f.submit(running)
    start, end = WORLD.index("approvals:\n"), WORLD.index("roles:\n")
    plan = schema.plan(f.host, f.tenant, kit.layer(WORLD[:start] + WORLD[end:]))
    [change] = [each for each in plan.changes if each.section == "approvals"]
    assert (change.kind, change.path, change.rows) == ("removed", "approvals.discount", 1)
    schema.apply(f.host, f.tenant, str(plan.id))
    drain(f.host, f.tenant)
    assert f.show("ida", request.id)["state"] == "terminated"
    for each in (running, kept):
        with f.as_("ida") as ws:
            records.update(ws, "quote", each, {"amount": "5"})
            assert record_locks.held(ws, "quote", [each]) == {}
