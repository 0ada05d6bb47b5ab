"""An approval over the REST interface: looked at beforehand, asked for, decided, refused, voided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from runtime import records
from runtime.host import Host
from tests import doors, kit
from tests.doors import Api, codes
from tests.signing import WORLD


@dataclass
class Firm:
    site: doors.Site
    ida: Api
    bob: Api
    cleo: Api
    zoe: Api
    kay: Api


@pytest.fixture
def firm(host: Host) -> Iterator[Firm]:
    site = doors.site(host, WORLD)
    people = {
        name: site.person("member", *roles, name=name.capitalize())
        for name, roles in (
            ("ida", ("seller",)),
            ("bob", ("manager",)),
            ("cleo", ("clerk",)),
            ("zoe", ()),
            ("kay", ("keeper",)),
        )
    }
    with kit.workspace(host, site.tenant) as ws:
        records.update(ws, "user", people["ida"].id, {"manager": people["bob"].id})
    yield Firm(site, *(site.api(person=each) for each in people.values()))


def test_a_quote_is_approved(firm: Firm) -> None:
    account = firm.ida.made("account", name="Quince Ltd")["id"]
    quote = firm.ida.made("quote", name="Marmalade", discount=20, amount="1000", account=account)
    address = f"/quote/{quote['id']}/approval"

    standing = firm.ida.get(address).get_json()
    assert (standing["state"], standing["may_submit"]) == ("needs_approval", True)
    seen = firm.ida.get(f"{address}/preview").get_json()
    assert [each["node"] for each in seen["route"]] == ["boss", "size", "money", "inform"]

    assert codes(firm.ida.post(address, {"nonsense": 1})) == ["key_unknown"]
    assert firm.ida.post(address, {"version": 99}).status_code == 409
    assert firm.zoe.post(address).status_code == 404
    made = firm.ida.post(address, {"comment": "please", "version": quote["version"]})
    assert made.status_code == 201
    request = made.get_json()
    assert [each["assignee"]["name"] for each in request["asked"]] == ["Bob"]
    assert made.headers["Location"].endswith(f"/api/v1/approvals/{request['id']}")
    assert codes(firm.ida.post(address)) == ["approval_runs_already"]

    locked = firm.ida.patch(f"/quote/{quote['id']}", {"amount": "1"})
    assert (locked.status_code, codes(locked)) == (409, ["records.locked"])
    assert codes(firm.ida.delete(f"/quote/{quote['id']}")) == ["records.locked"]

    box = firm.bob.get("/approvals").get_json()
    assert box["counts"] == {"waiting": 1, "unread": 0}
    [item] = box["data"]
    assert item["request"] == request["id"]
    assert item["title"].startswith("Marmalade")
    assert firm.zoe.get("/approvals").get_json()["data"] == []
    assert firm.bob.get("/approvals", box="nowhere").status_code == 400

    shown = firm.bob.get(f"/approvals/{request['id']}").get_json()
    assert shown["record"]["fields"]["amount"] == "1000.00"
    assert "cost" not in shown["record"]["fields"]
    approve = next(each for each in shown["verbs"] if each["verb"] == "approve")
    assert approve["write"] == ["note", "price_note"]
    for stranger in (firm.zoe, firm.cleo):
        assert stranger.get(f"/approvals/{request['id']}").status_code == 404
        assert stranger.post(f"/approvals/{request['id']}/approve").status_code == 404
    assert firm.bob.get("/approvals/nonsense").status_code == 404
    assert firm.ida.post(f"/approvals/{request['id']}/approve").status_code == 422
    assert codes(firm.bob.post(f"/approvals/{request['id']}/dance")) == ["approval_verb_unknown"]
    assert firm.bob.post(f"/approvals/{request['id']}/approve", {"values": {"amount": "1"}}).status_code == 422

    body = {"task": item["task"], "comment": "fine", "values": {"note": "ok"}, "version": shown["version"]}
    headers = {"Idempotency-Key": "once"}
    decided = firm.bob.post(f"/approvals/{request['id']}/approve", body, headers=headers)
    assert decided.status_code == 200, decided.get_data(as_text=True)
    again = firm.bob.post(f"/approvals/{request['id']}/approve", body, headers=headers)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true")
    late = firm.bob.post(f"/approvals/{request['id']}/approve", {"task": item["task"]})
    assert (late.status_code, codes(late)) == (409, ["approval_task_decided"])

    [task] = firm.cleo.get("/approvals").get_json()["data"]
    bulk = firm.cleo.post("/approvals/bulk", {"tasks": [task["task"]]}).get_json()
    assert bulk["data"][0]["problems"][0]["code"] == "approval_not_in_bulk"
    ended = firm.cleo.post(f"/approvals/{request['id']}/approve").get_json()
    assert (ended["state"], ended["asked"]) == ("approved", [])
    assert firm.ida.get(f"/quote/{quote['id']}").get_json()["status"] == "approved"
    assert firm.ida.get(address).get_json()["state"] == "approved"
    kinds = [each["kind"] for each in firm.ida.get(f"/quote/{quote['id']}/history").get_json()["data"]]
    assert {"approval_submitted", "approval_approved"} <= set(kinds)

    assert codes(firm.ida.patch(f"/quote/{quote['id']}", {"amount": "1"})) == ["records.locked_for_good"]
    assert firm.kay.post(f"/approvals/{request['id']}/void", {"comment": "wrong price"}).status_code == 200
    assert firm.ida.patch(f"/quote/{quote['id']}", {"amount": "1"}).status_code == 200


def test_a_token_that_may_only_read_decides_nothing(firm: Firm) -> None:
    quote = firm.ida.made("quote", name="Marmalade", discount=20, amount="1000")
    request = firm.ida.post(f"/quote/{quote['id']}/approval").get_json()
    person = firm.site.person("member", "keeper", name="Kim")
    reading = firm.site.api(person=person, scopes=("read",))
    assert reading.get(f"/approvals/{request['id']}").get_json()["verbs"] == []
    assert reading.post(f"/approvals/{request['id']}/terminate", {"comment": "x"}).status_code == 403
    elsewhere = firm.site.api(person=person, scopes=("read:account",))
    assert elsewhere.get(f"/approvals/{request['id']}").status_code == 404
    assert elsewhere.get("/approvals").status_code == 403


def test_an_administrator_changes_what_is_locked_by_confirming_it(firm: Firm) -> None:
    quote = firm.ida.made("quote", name="Marmalade", discount=20, amount="1000")
    firm.ida.post(f"/quote/{quote['id']}/approval")
    refused = firm.kay.patch(f"/quote/{quote['id']}", {"amount": "2"})
    assert (refused.status_code, codes(refused)) == (409, ["records.locked_but"])
    assert firm.kay.open("PATCH", f"/quote/{quote['id']}?confirm=lock", {"amount": "2"}).status_code == 200


def test_openapi_tells_of_approvals_where_there_are_some(firm: Firm) -> None:
    paths = firm.ida.get("/openapi.json").get_json()["paths"]
    assert {"/approvals", "/approvals/bulk", "/approvals/{id}", "/approvals/{id}/add_signer"} <= paths.keys()
    assert "/quote/{id}/approval/preview" in paths
    assert "/account/{id}/approval" not in paths
