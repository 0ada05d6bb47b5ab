"""Who is told what: records that change hands, jobs that are over, and nothing that somebody may not read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from metadata.ids import uuid7
from runtime import notifications, records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.drain import drain
from runtime.queries import Query
from runtime.transfer import export_jobs
from runtime.transfer.exporting import Sheet
from tests import kit

DESK = """
package: {code: desk, version: 1.0.0, requires: {core: '>=1.0'}}
entities:
  case:
    label: {en: Case, zh: 工单}
    plural: {en: Cases, zh: 工单}
    title: name
    owned: true
    fields:
      name: {type: text, max: 80, required: true}
      helper: {type: user, on_delete: clear, label: {en: Helper, zh: 协助人}, inverse: {key: helped_cases}}
      notes: {type: children, of: case_note, by: case}
  case_note:
    title: text
    fields:
      case: {type: link, to: case, on_delete: cascade, inverse: {key: all_notes}}
      text: {type: text, max: 80}
      writer: {type: user, inverse: {key: case_notes}}
  vault:
    label: {en: Safe, zh: 保险箱}
    title: name
    owned: true
    fields: {name: {type: text, max: 80}}
roles:
  agent:
    capabilities: {export: true}
    entities:
      case: {read: own, create: own, update: all}
      notification: {read: own}
      user: {read: all}
  keeper: {entities: {vault: {read: all, create: all, update: all}, notification: {read: own}}}
"""


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host, kit.CONFIGS / "core", DESK)


def told(host: Host, tenant: Tenant, user: str) -> list[tuple[str, str]]:
    with kit.workspace(host, tenant, user=user) as ws:
        return [(each.kind, each.subject) for each in notifications.listing(ws)[0]]


def people(host: Host, tenant: Tenant, *roles: Sequence[str]) -> list[str]:
    return [kit.person(host, tenant, roles=each) for each in roles]


def test_somebody_who_is_given_a_record_is_told_by_whom(host: Host, tenant: Tenant) -> None:
    giver, taker = people(host, tenant, ["agent"], ["agent"])
    with kit.workspace(host, tenant, user=giver) as ws:
        case = records.create(ws, "case", {"name": "Printer"})
        assert notifications.unread(ws) == 0
        records.update(ws, "case", case.id, {"owner": taker})
    with kit.workspace(host, tenant, user=taker) as ws:
        [only] = notifications.listing(ws)[0]
        assert (only.kind, only.entity, only.record, only.read) == ("assigned", "case", case.id, False)
        assert only.who == "Somebody"
        assert only.subject == "Case assigned to you"
        assert notifications.unread(ws) == 1
    assert told(host, tenant, giver) == []


def test_nobody_is_told_of_a_record_that_he_may_not_read(host: Host, tenant: Tenant) -> None:
    giver, blind, helper = people(host, tenant, ["agent", "keeper"], ["agent"], ["agent"])
    with kit.workspace(host, tenant, user=giver) as ws:
        records.create(ws, "vault", {"name": "Gold", "owner": blind})
        records.create(ws, "case", {"name": "Not of his unit", "helper": helper})
    assert told(host, tenant, blind) == []
    assert told(host, tenant, helper) == []


def test_parts_and_what_is_loaded_tell_nobody(host: Host, tenant: Tenant) -> None:
    giver, other = people(host, tenant, ["agent"], ["agent"])
    with kit.workspace(host, tenant, user=giver) as ws:
        records.create(ws, "case", {"name": "With notes", "notes": [{"text": "x", "writer": other}]})
    with kit.workspace(host, tenant, user=giver, channel="import") as ws:
        case = records.create(ws, "case", {"name": "Loaded"})
        records.update(ws, "case", case.id, {"owner": other})
    assert told(host, tenant, other) == []


def test_many_records_are_told_in_one_notification_that_grows(host: Host, tenant: Tenant) -> None:
    giver, taker = people(host, tenant, ["agent"], ["agent"])
    for _ in range(2):
        with kit.workspace(host, tenant, user=giver) as ws:
            made = [records.create(ws, "case", {"name": f"Case {at}"}).id for at in range(5)]
            records.write_many(ws, "case", "update", [{"id": id, "owner": taker} for id in made], ("id",))
    with kit.workspace(host, tenant, user=taker) as ws:
        [only] = notifications.listing(ws)[0]
        assert (only.kind, only.count, only.entity, only.record) == ("assigned_many", 10, "case", None)


def test_only_ones_own_are_read_and_marked(host: Host, tenant: Tenant) -> None:
    giver, taker = people(host, tenant, ["agent"], ["agent"])
    with kit.workspace(host, tenant, user=giver) as ws:
        for name in ("A", "B"):
            case = records.create(ws, "case", {"name": name})
            records.update(ws, "case", case.id, {"owner": taker})
    with kit.workspace(host, tenant, user=taker) as ws:
        ids = [each.id for each in notifications.listing(ws)[0]]
    with kit.workspace(host, tenant, user=giver) as ws:
        assert notifications.mark_read(ws, ids) == 0
    with kit.workspace(host, tenant, user=taker) as ws:
        assert notifications.mark_read(ws, [ids[0], str(uuid7())]) == 1
        assert notifications.unread(ws) == 1
        assert notifications.mark_read(ws) == 1
        assert notifications.unread(ws) == 0
        assert [each.read for each in notifications.listing(ws)[0]] == [True, True]


def test_whoever_wanted_an_export_is_told_when_it_is_ready(host: Host, tenant: Tenant) -> None:
    [wanting] = people(host, tenant, ["agent"])
    with kit.workspace(host, tenant, user=wanting) as ws:
        job = export_jobs.queue(ws, Query("case"), Sheet("csv", "key"))
    drain(host, tenant)
    with kit.workspace(host, tenant, user=wanting) as ws:
        [only] = notifications.listing(ws)[0]
        assert (only.kind, only.job, only.subject) == ("job.export.done", job, "Export is ready")


def test_what_is_undone_tells_nobody(host: Host, tenant: Tenant) -> None:
    giver, taker = people(host, tenant, ["agent"], ["agent"])
    with pytest.raises(RuntimeError), kit.workspace(host, tenant, user=giver) as ws:
        case = records.create(ws, "case", {"name": "Never"})
        records.update(ws, "case", case.id, {"owner": taker})
        raise RuntimeError
    assert told(host, tenant, taker) == []


def test_without_the_core_entity_a_save_is_a_save(host: Host) -> None:
    bare = kit.tenant(host)  # MINI has no notifications
    [somebody] = people(host, bare, ["admin"])
    with kit.workspace(host, bare, user=somebody) as ws:
        assert notifications.unread(ws) == 0
        assert notifications.listing(ws) == ([], None)
        assert records.create(ws, "company", {"name": "One"}).version == 1
