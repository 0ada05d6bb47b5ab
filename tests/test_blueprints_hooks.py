"""Webhooks both ways: other systems are told of what happens here, and what they tell becomes records here, once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from channels import signing
from runtime import jobs
from runtime.host import Host
from tests import doors, kit, outside
from tests.doors import Api, Site
from tests.outside import Elsewhere

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
CORE = kit.CONFIGS / "core" / "entities"


def package() -> str:
    """MINI beside the three entities of core that are about webhooks, and a workflow that takes messages."""
    lines = ["package: {code: hooked, version: 1.0.0, kind: module, requires: {mini: '>=1.0'}}", "entities:"]
    for name in ("webhook", "incoming_webhook", "shared_secret"):
        lines.append(f"  {name}:")
        lines += [f"    {each}" for each in Path(CORE / f"{name}.yaml").read_text("utf-8").splitlines()]
    return "\n".join(lines) + WORKFLOWS


WORKFLOWS = """
workflows:
  order_came:
    label: Order came
    entity: deal
    triggers:
      hook: {webhook: {values: {name: order.number, note: lines.0.text, stage: state}}, when: "stage != 'lost'"}
    steps:
      mark: {update: {values: {note: "'seen by the workflow'"}}}
roles:
  partner:
    label: Partner
    entities:
      deal: {read: all, create: all, fields: {'*': write, amount: hidden}}
      company: {read: all, fields: {'*': hidden, name: read}}
  manager:
    label: Manager
    entities:
      webhook: {read: all, create: all, update: all}
      deal: {read: all}
"""


@pytest.fixture
def site(host: Host, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(host, "settings", replace(host.settings, egress_allow="127.0.0.0/8"))
    return doors.site(host, kit.MINI, package())


@pytest.fixture
def place() -> Iterator[Elsewhere]:
    with outside.web_server() as found:
        yield found


def drained(site: Site) -> None:
    for _ in range(10):
        due = jobs.drain(site.host, site.tenant)
        if due is None or due > 0:
            return


def hooked(api: Api, place: Elsewhere, **values: Any) -> dict[str, Any]:
    given = {"name": "ERP", "url": place.url("/hook"), "about": "deal", "role": "partner", "secret": SECRET}
    return api.made("webhook", **{**given, **values})


def told(place: Elsewhere) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in place.heard]


# -- outgoing


def test_what_happens_to_a_record_is_told_signed_and_in_order(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    api.made("deal", name="before")
    hook = hooked(api, place)
    drained(site)
    deal = api.made("deal", name="canaryname", amount={"amount": "7.00", "currency": "CNY"})
    drained(site)
    api.patch(f"/deal/{deal['id']}", {"stage": "won", "version": 1})
    drained(site)
    api.delete(f"/deal/{deal['id']}?version=2")
    drained(site)
    messages = told(place)
    assert [each["type"] for each in messages] == ["deal.created", "deal.updated", "deal.deleted"]
    assert messages[0]["data"]["record"]["name"] == "canaryname"
    assert messages[1]["data"]["changed"] == ["stage"] and messages[1]["data"]["record"]["stage"] == "won"
    assert messages[2]["data"] == {"entity": "deal", "id": deal["id"], "changed": [], "record": None}
    for heard in place.heard:
        assert signing.verified(SECRET, heard.headers, heard.body, time.time()) == heard.headers["webhook-id"]
        assert signing.verified(OTHER, heard.headers, heard.body, time.time()) is None
    assert len(set(place.ids())) == 3
    listed = api.get("/deliveries", state="done").get_json()["data"]
    assert {each["webhook"] for each in listed} == {hook["id"]} and len(listed) == 3


def test_messages_hold_what_the_role_may_read_and_nothing_else(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hooked(api, place)
    hooked(api, place, name="companies", about="company")
    deal = api.made("deal", name="a", amount={"amount": "7.00", "currency": "CNY"})
    api.made("company", name="canarycompany", size=12)
    drained(site)
    by_type = {each["type"]: each["data"] for each in told(place)}
    assert "amount" not in by_type["deal.created"]["record"] and "amount" not in by_type["deal.created"]["changed"]
    assert {*by_type["company.created"]["record"]} == {"id", "name"}
    place.heard.clear()
    api.patch(f"/deal/{deal['id']}", {"amount": {"amount": "8.00", "currency": "CNY"}})
    drained(site)
    assert place.heard == []  # that something hidden was changed is not told either


def test_conditions_and_kinds_choose(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hooked(api, place, condition="stage == 'won'", created=False, deleted=False)
    first = api.made("deal", name="a")
    api.made("deal", name="b", stage="won")
    drained(site)
    api.patch(f"/deal/{first['id']}", {"note": "x"})
    drained(site)
    assert place.heard == []
    api.patch(f"/deal/{first['id']}", {"stage": "won"})
    drained(site)
    assert [each["data"]["id"] for each in told(place)] == [first["id"]]


def test_many_records_of_one_write_are_all_told_once(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hooked(api, place)
    operations = [{"action": "create", "values": {"name": f"d{n}"}} for n in range(250)]
    answer = api.post("/deal/bulk", {"operations": operations})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    for _ in range(20):
        drained(site)
        if len(place.heard) >= 250:
            break
    assert sorted(each["data"]["record"]["name"] for each in told(place)) == sorted(f"d{n}" for n in range(250))
    assert len(set(place.ids())) == 250


def test_a_webhook_that_is_off_is_told_nothing_of_that_time(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hook = hooked(api, place)
    api.patch(f"/webhook/{hook['id']}", {"active": False})
    api.made("deal", name="a")
    drained(site)
    api.patch(f"/webhook/{hook['id']}", {"active": True})
    drained(site)
    api.made("deal", name="b")
    drained(site)
    assert [each["data"]["record"]["name"] for each in told(place)] == ["b"]


def test_a_webhook_is_checked_before_it_is_kept(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    given = {"name": "x", "url": place.url(), "about": "deal", "role": "partner", "secret": SECRET}
    for change, code in (
        ({"role": "nobody"}, "webhook.unknown_role"),
        ({"about": "nothing"}, "webhook.unknown_entity"),
        ({"about": "webhook"}, "webhook.unknown_entity"),
        ({"condition": "nothing == 1"}, None),
        ({"condition": "amount > 1"}, None),  # its role may not read that
        ({"secret": "short"}, "webhook.short_secret"),
        ({"url": "http://user@example.com/"}, None),
    ):
        answer = api.post("/webhook", {**given, **change})
        assert answer.status_code == 422, change
        assert code is None or doors.codes(answer) == [code]
    assert api.get("/webhook").get_json()["data"] == []


def test_nobody_gives_a_webhook_rights_that_he_lacks(site: Site, place: Elsewhere) -> None:
    api = site.api("manager")
    given = {"name": "x", "url": place.url(), "about": "deal", "secret": SECRET}
    assert doors.codes(api.post("/webhook", {**given, "role": "admin"})) == ["webhook.role_beyond"]
    made = api.post("/webhook", {**given, "role": "manager"})
    assert made.status_code == 201
    hook = hooked(site.api("admin"), place, role="admin")
    assert api.patch(f"/webhook/{hook['id']}", {"url": "https://example.com/"}).status_code == 422


def test_a_secret_is_never_told(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hook = hooked(api, place)
    texts = [api.get(path).get_data(as_text=True) for path in (f"/webhook/{hook['id']}", "/webhook", "/events")]
    assert not any(SECRET in each or SECRET[6:] in each for each in texts)


def test_deliveries_are_for_those_who_look_after_them(site: Site, place: Elsewhere) -> None:
    api = site.api("admin")
    hooked(api, place)
    place.answers = lambda heard: (410, {}, b"")
    api.made("deal", name="a")
    drained(site)
    (found,) = api.get("/deliveries", state="failed").get_json()["data"]
    assert (found["status"], found["error"], found["about"]) == (410, "status_410", f"POST 127.0.0.1:{place.port}")
    assert "payload" not in found and "key" not in found
    seller = site.api("seller")
    for answer in (seller.get("/deliveries"), seller.get(f"/deliveries/{found['id']}")):
        assert answer.status_code == 403
    assert seller.post(f"/deliveries/{found['id']}/replay").status_code == 403
    assert seller.post("/deliveries/replay", {"target": found["target"]}).status_code == 403
    place.answers = lambda heard: (200, {}, b"")
    assert api.post(f"/deliveries/{found['id']}/replay").get_json()["state"] == "queued"
    drained(site)
    assert api.get(f"/deliveries/{found['id']}").get_json()["state"] == "done"
    assert len(set(place.ids())) == 1 and len(place.heard) == 2
    assert api.post("/deliveries/replay", {"target": found["target"]}).get_json() == {"count": 0}
    assert api.get("/deliveries/nothing").status_code == 404
    assert api.get("/deliveries", state="x").status_code == 400


# -- incoming


ORDER = {"order": {"number": "N-7"}, "lines": [{"text": "screws"}], "state": "open", "more": 1}


def send(
    site: Site, body: Any, secret: str = SECRET, id: str = "msg_1", name: str = "shop", **more: Any
) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int(more.pop("at", time.time()))
    headers: Mapping[str, str] = {**signing.headers(secret, id, at, data), **more.pop("headers", {})}
    return site.app.test_client().post(
        f"{site.prefix}/hooks/{name}", data=data, headers=headers, content_type=more.pop("kind", "application/json")
    )


def taking(site: Site, **values: Any) -> Api:
    api = site.api("admin")
    given = {"name": "shop", "workflow": "order_came", "role": "partner", "secret": SECRET}
    api.made("incoming_webhook", **{**given, **values})
    return api


def test_a_signed_message_becomes_a_record_and_starts_the_workflow(site: Site) -> None:
    api = taking(site)
    answer = send(site, ORDER)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    deal = api.get(f"/deal/{answer.get_json()['id']}").get_json()
    assert (deal["name"], deal["note"], deal["stage"]) == ("N-7", "screws", "open")
    drained(site)
    with kit.workspace(site.host, site.tenant) as ws:
        (run,) = ws.db.fetch("SELECT workflow, record, trigger FROM _workflow_instance")
    assert (run[0], str(run[1]), run[2]) == ("order_came", deal["id"], "hook")


def test_a_message_is_taken_once(site: Site) -> None:
    api = taking(site)
    first, second = send(site, ORDER), send(site, ORDER)
    third = send(site, ORDER, at=time.time() - 200)
    assert (first.status_code, second.status_code, third.status_code) == (201, 200, 200)
    assert second.get_json() == {"id": first.get_json()["id"], "repeated": True}
    assert len(api.get("/deal").get_json()["data"]) == 1
    assert send(site, ORDER, id="msg_2").status_code == 201
    assert len(api.get("/deal").get_json()["data"]) == 2


@pytest.mark.parametrize("what", ["secret", "old", "future", "body", "id", "none", "version", "name", "off"])
def test_what_is_not_signed_rightly_and_lately_changes_nothing(site: Site, what: str) -> None:
    api = taking(site, **({"active": False} if what == "off" else {}))
    now, data = int(time.time()), json.dumps(ORDER).encode()
    right = signing.headers(SECRET, "msg_1", now, data)
    changes: dict[str, dict[str, Any]] = {
        "secret": {"secret": OTHER},
        "old": {"at": now - 301},
        "future": {"at": now + 305},
        "body": {"headers": right, "id": "msg_1"},
        "id": {"headers": {**right, "webhook-id": "msg_2"}},
        "none": {"headers": {"webhook-signature": ""}},
        "version": {"headers": {**right, "webhook-signature": right["webhook-signature"].replace("v1,", "v2,")}},
        "name": {"name": "nowhere"},
        "off": {},
    }
    body = {**ORDER, "state": "won"} if what == "body" else ORDER
    answer = send(site, body, **changes[what])
    assert answer.status_code == 401 and doors.codes(answer) == ["hook.refused"]
    assert api.get("/deal").get_json()["data"] == []


def test_one_of_several_signatures_is_enough(site: Site) -> None:
    taking(site)
    data, now = json.dumps(ORDER).encode(), int(time.time())
    both = f"{signing.sign(OTHER, 'msg_1', now, data)} {signing.sign(SECRET, 'msg_1', now, data)}"
    assert send(site, ORDER, at=now, headers={"webhook-signature": both}).status_code == 201


def test_a_message_that_cannot_become_a_record_is_refused_and_may_come_again(site: Site) -> None:
    api = taking(site)
    for body in ({}, {"order": {"number": "x" * 500}}, {"order": {"number": "a"}, "state": "nothing"}):
        assert send(site, body).status_code == 422
    for data in (b"[]", b"{", b'{"a": 1, "a": 2}', b"\xff"):
        assert send(site, data).status_code == 400
    assert send(site, ORDER, kind="text/plain").status_code == 400
    assert api.get("/deal").get_json()["data"] == []
    assert send(site, ORDER).status_code == 201


def test_a_large_message_is_not_read(site: Site) -> None:
    taking(site)
    assert send(site, {"a": "x" * 300_000}).status_code == 413


def test_a_role_without_the_right_creates_nothing(site: Site) -> None:
    api = taking(site, role="reader")
    assert send(site, ORDER).status_code == 403
    assert api.get("/deal").get_json()["data"] == []


def test_a_condition_of_the_trigger_keeps_the_workflow_from_starting(site: Site) -> None:
    taking(site)
    assert send(site, {**ORDER, "state": "lost"}).status_code == 201
    with kit.workspace(site.host, site.tenant) as ws:
        assert ws.db.fetch("SELECT 1 FROM _workflow_instance") == []


def test_a_message_for_a_workflow_that_there_is_not_may_come_again(site: Site) -> None:
    api = taking(site, workflow="x_later")
    answer = send(site, ORDER)
    assert answer.status_code == 409 and doors.codes(answer) == ["hook.not_now"]
    assert api.get("/deal").get_json()["data"] == []


def test_an_incoming_webhook_is_checked_before_it_is_kept(site: Site) -> None:
    api = site.api("admin")
    given = {"name": "shop", "workflow": "order_came", "role": "partner", "secret": SECRET}
    for change, code in (
        ({"name": "Shop/1"}, "webhook.bad_name"),
        ({"role": "nobody"}, "webhook.unknown_role"),
        ({"secret": "short"}, "webhook.short_secret"),
    ):
        assert doors.codes(api.post("/incoming_webhook", {**given, **change})) == [code]


# -- signatures


def test_signatures_agree_with_the_published_example() -> None:
    """The example of the Standard Webhooks specification and of its reference libraries."""
    signed = signing.sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_without_prefix_is_its_own_key() -> None:
    assert signing.key_of("a plain secret of some length") == b"a plain secret of some length"
    assert signing.key_of("whsec_no base64!") == b"whsec_no base64!"
    assert signing.key_of("whsec_AAEC") == b"\x00\x01\x02"
