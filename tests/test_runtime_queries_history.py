"""What happened to a record, and the change feed, as far as the reader may see."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.problems import BadRequest, NotFound
from runtime import events, feed, records, schema
from runtime.host import Host
from runtime.queries import Query, as_json, find, get, history
from runtime.queries import feed as changes
from tests import kit

WITH_CLERKS = f"""{kit.MINI}
  clerk:
    label: Clerk
    entities:
      deal: {{read: own, create: own, update: own, fields: {{note: hidden}}}}
      company: {{read: own}}
      user: {{read: all}}
"""


def test_history_tells_what_the_reader_may_read(host: Host) -> None:
    tenant = kit.tenant(host, WITH_CLERKS)
    clerk = kit.person(host, tenant, "Clerk", roles=["clerk"])
    other = kit.person(host, tenant, "Other", roles=["clerk"])
    with kit.workspace(host, tenant) as ws:
        company = records.create(ws, "company", {"name": "ACME", "industry": "it"}).id
        raw: dict[str, Any] = {"name": "One", "company": company, "owner": clerk, "note": "secret", "amount": "12.50"}
        deal = records.create(ws, "deal", raw).id
    with kit.workspace(host, tenant) as ws:
        records.update(ws, "deal", deal, {"stage": "won", "note": "more", "closes": "2026-05-01"})
        records.update(ws, "deal", deal, {"name": "Two"})
    with kit.workspace(host, tenant) as ws:
        told = history(ws, "deal", deal)
        assert [event["kind"] for event in told["data"]] == ["updated", "updated", "created"] and told["next"] is None
        assert told["data"][0]["changes"] == {"name": {"before": "One", "after": "Two"}}
        assert told["data"][1]["changes"]["stage"] == {"before": "open", "after": "won"}
        assert "note" in told["data"][1]["changes"]
        assert told["data"][2]["changes"]["company"] == {"before": None, "after": company}
        assert told["data"][0]["at"].endswith("Z") and told["data"][0]["entity"] == "deal"
        first = history(ws, "deal", deal, limit=2)
        assert first["next"] == first["data"][1]["id"]
        assert history(ws, "deal", deal, after=first["next"])["data"] == told["data"][2:]
        for bad in ("x", "'"):
            with pytest.raises(BadRequest):
                history(ws, "deal", deal, after=bad)
    with kit.workspace(host, tenant, user=clerk, write=False) as ws:
        told = history(ws, "deal", deal)
        assert set(told["data"][1]["changes"]) == {"stage", "closes"}
        assert told["data"][2]["changes"]["company"]["after"] == {"hidden": True}
        assert get(ws, "deal", deal, ["company"])["company"] == {"hidden": True}
        assert "note" not in as_json(find(ws, Query("deal")))[0]
        for id in (company, "x", clerk):
            with pytest.raises(NotFound):
                history(ws, "company", id)
    with kit.workspace(host, tenant, user=other, write=False) as ws, pytest.raises(NotFound):
        history(ws, "deal", deal)


WITH_NOTES = """
  note:
    owned: true
    title: name
    fields:
      name: {type: text}
      about: {type: any_link, to: {company: {}, unit: {}}, inverse: {key: notes}}
roles:"""


def test_history_hides_what_an_any_link_named_even_where_its_other_targets_are_open(host: Host) -> None:
    opened = "note: {read: own}\n      unit: {read: all}\n      company: {read: own}"
    described = WITH_CLERKS.replace("\nroles:", WITH_NOTES).replace("company: {read: own}", opened)
    tenant = kit.tenant(host, described)
    clerk = kit.person(host, tenant, "Clerk", roles=["clerk"])
    with kit.workspace(host, tenant) as ws:
        company, unit = (records.create(ws, each, {"name": "N"}).id for each in ("company", "unit"))
        raw = {"owner": clerk, "about": {"entity": "company", "id": company}}
        note = records.create(ws, "note", raw).id
        records.update(ws, "note", note, {"about": {"entity": "unit", "id": unit}})
    with kit.workspace(host, tenant, user=clerk, write=False) as ws:
        updated, created = history(ws, "note", note)["data"]
        hidden = {"hidden": True}
        assert created["changes"]["about"] == {"before": None, "after": hidden}
        assert updated["changes"]["about"] == {"before": hidden, "after": {"entity": "unit", "id": unit}}


def test_the_feed_gives_positions_in_order_and_leaves_out_what_is_hidden(host: Host) -> None:
    tenant = kit.tenant(host, WITH_CLERKS)
    clerk = kit.person(host, tenant, "Clerk", roles=["clerk"])
    with kit.workspace(host, tenant) as ws:
        mine = records.create(ws, "deal", {"name": "Mine", "owner": clerk, "note": "secret"}).id
        records.create(ws, "deal", {"name": "Theirs", "note": "secret"})
        records.create(ws, "company", {"name": "ACME"})
    with kit.workspace(host, tenant) as ws:
        feed.assign(ws)
    with kit.workspace(host, tenant) as ws:
        told = changes(ws)
        assert [each["position"] for each in told["data"]] == sorted(each["position"] for each in told["data"])
        seen = [each for each in told["data"] if each["entity"] in ("deal", "company")]
        assert len(seen) == 3
        assert changes(ws, told["next"]) == {"data": [], "next": told["next"]}
        assert len(changes(ws, 0, 1)["data"]) <= 1
    with kit.workspace(host, tenant, user=clerk, write=False) as ws:
        told = changes(ws)
        assert [each["record"] for each in told["data"]] == [mine]
        assert "note" not in told["data"][0]["changes"] and told["data"][0]["changes"]["name"]["after"] == "Mine"


def test_what_events_keep_survives_renaming_and_old_events_are_read_too(host: Host) -> None:
    described = WITH_CLERKS.replace("\nroles:", WITH_NOTES).replace(
        "name: {type: text}\n      about",
        "name: {type: text}\n      mood: {type: choice, options: {bad: {}}}\n      about",
    )
    tenant = kit.tenant(host, described)
    with kit.workspace(host, tenant) as ws:
        company = records.create(ws, "company", {"name": "N"}).id
        note = records.create(ws, "note", {"mood": "bad", "about": {"entity": "company", "id": company}}).id
        now = described.replace("options: {bad: {}}", "options: {sad: {id: bad}}")
        now = now.replace("  company:\n    label", "  firm:\n    id: company\n    label")
    plan = schema.plan(host, tenant, kit.layer(now))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    with kit.workspace(host, tenant) as ws:
        records.update(ws, "note", note, {"about": None, "mood": None})
        stored = [str(row) for row in ws.db.fetch("SELECT changes FROM _event WHERE entity = 'note'")]
        assert all("company" in each and "bad" in each and "firm" not in each for each in stored)
        updated, created = history(ws, "note", note)["data"]
        about = {"entity": "firm", "id": company}
        assert created["changes"]["about"]["after"] == updated["changes"]["about"]["before"] == about
        assert created["changes"]["mood"]["after"] == updated["changes"]["mood"]["before"] == "sad"
        # An event of former days holds the key that the entity had then.
        former = {"about": [None, {"entity": "client", "id": company}]}
        events.append(ws, "updated", "note", note, former)
    with kit.workspace(host, tenant, roles=["reader"], write=False) as ws:
        assert history(ws, "note", note)["data"][0]["changes"]["about"]["after"] == about
