"""What somebody hostile tries against workflows and approvals: narrowed tokens, odd values, loops that never end."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from metadata.problems import Conflict
from runtime import queries, records
from runtime.approvals.asking.submitting import standing
from runtime.approvals.keeping import requests as store
from runtime.host import Host
from runtime.queries import Query
from tests import kit, processing, signing
from tests.doors import Site, codes, site
from tests.signing import Firm, firm

WORKFLOWS = """
press:
  label: {en: Press, zh: 按}
  entity: deal
  triggers: {b: {button: {label: {en: Go, zh: 走}}}}
  steps: {w: {wait: {span: P1D}}}
until:
  label: {en: Until, zh: 到}
  entity: deal
  run_as: {role: boss}
  triggers: {b: {created: {}, when: "name == 'Early'"}}
  steps: {w: {wait: {until: closes}}, u: {update: {values: {note: "'gone on'"}}}}
round:
  label: {en: Round, zh: 环}
  entity: deal
  run_as: {role: boss}
  triggers: {d: {date: {field: meets}}}
  steps: {u: {update: {values: {meets: $now, count: count + 1}}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, "core", processing.world(WORKFLOWS))


# -- tokens


@pytest.mark.parametrize("scope", ["read", "read:deal", "write:mark"])
def test_a_narrowed_token_looks_after_no_runs_and_switches_nothing(here: Site, scope: str) -> None:
    boss = here.person("boss")
    whole, narrow = here.api(person=boss), here.api(person=boss, scopes=(scope,))
    deal = whole.made("deal", name="Anvil")["id"]
    run = whole.post(f"/deal/{deal}/actions/press").get_json()["run"]
    assert narrow.get("/-/runs").status_code == narrow.get("/-/workflows").status_code == 403
    for path in ("/-/workflows/press/off", "/-/workflows/*/off", "/-/workflows/press/on", f"/-/runs/{run}/cancel"):
        assert narrow.post(path).status_code == 403, path
    assert whole.get("/-/workflows").get_json()["data"][0]["off"] is None
    assert whole.get("/-/runs").get_json()["data"][0]["id"] == run


def test_a_narrowed_token_makes_no_webhook_that_may_more_than_itself(here: Site) -> None:
    boss, secret = here.person("boss"), "never guessed by anybody at all"
    taken = {"name": "orders", "workflow": "press", "role": "boss", "secret": secret}
    told = {
        "name": "Out",
        "url": "https://e.example/",
        "about": "account",
        "role": "boss",
        "created": True,
        "secret": secret,
    }
    narrow = here.api(person=boss, scopes=("write:incoming_webhook", "write:webhook"))
    for entity, values in (("incoming_webhook", taken), ("webhook", told)):
        refused = narrow.post(f"/{entity}", values)
        assert (refused.status_code, codes(refused)) == (422, ["webhook.role_beyond"])
        assert here.api(person=boss).post(f"/{entity}", values).status_code == 201


@pytest.fixture
def shop(host: Host) -> tuple[Site, dict[str, str], dict[str, str]]:
    """Ida has asked bob, her manager: the site, tokens by scope, and what they asked about."""
    here = site(host, signing.WORLD)
    bob, ida = here.person("member", "manager", name="Bob"), here.person("member", "seller", name="Ida")
    with kit.workspace(host, here.tenant) as ws:
        records.update(ws, "user", ida.id, {"manager": bob.id})
    seller = here.api(person=ida)
    account = seller.made("account", name="Quince Ltd")["id"]
    values = {"name": "Marmalade", "discount": 20, "amount": "1000", "account": account, "note": "CANARYNOTE"}
    quote = seller.made("quote", **values)["id"]
    request = seller.post(f"/quote/{quote}/approval").get_json()["id"]
    return here, {"bob": bob.id, "login": bob.login}, {"request": request, "quote": quote}


def test_a_token_for_approvals_alone_neither_reads_nor_writes_the_record(
    shop: tuple[Site, dict[str, str], dict[str, str]],
) -> None:
    from tests.doors import Person

    here, bob, made = shop
    person, path = Person(bob["bob"], bob["login"]), f"/approvals/{made['request']}"
    shown = here.api(person=person, scopes=("read:approval_request",)).get(path)
    assert shown.status_code == 200
    assert shown.get_json()["record"]["fields"] == {}
    assert "CANARYNOTE" not in shown.get_data(as_text=True)
    decides = here.api(person=person, scopes=("write:approval_request",))
    refused = decides.post(f"{path}/approve", {"values": {"note": "mine"}})
    assert (refused.status_code, codes(refused)) == (403, ["records.may_not"])
    assert decides.post(f"{path}/approve", {"comment": "Fine."}).status_code == 200
    assert here.api(person=person).get(f"/quote/{made['quote']}").get_json()["note"] == "CANARYNOTE"


# -- values and texts


def test_characters_and_numbers_that_no_table_takes_are_refused_in_words(here: Site) -> None:
    api = here.api("boss")
    odd = api.post("/-/workflows/press/off", {"reason": "a\x00b"})
    assert (odd.status_code, codes(odd)) == (422, ["switch_reason"])
    assert api.post("/deliveries/replay", {"target": "a\x00b"}).status_code == 400
    deal = api.made("deal", name="Anvil")["id"]
    run = api.post(f"/deal/{deal}/actions/press").get_json()["run"]
    far = api.get(f"/deal/{deal}/runs/{run}", after="9" * 18)
    assert (far.status_code, far.get_json()["lines"]) == (200, [])


def _open_world() -> str:
    """Bob may change parts, an amount and what is kept sealed while he decides."""
    told = yaml.safe_load(signing.WORLD)
    told["entities"]["quote"]["fields"]["pin"] = {"type": "text", "max": 40, "encrypted": True}
    boss = told["approvals"]["discount"]["nodes"]["boss"]
    boss["fields"] |= {"lines": "write", "amount": "write", "pin": "write"}
    return yaml.safe_dump(told, allow_unicode=True)


@pytest.fixture
def open_firm(host: Host) -> Firm:
    return firm(host, _open_world())


def test_parts_that_an_approver_sends_leave_the_request_readable(open_firm: Firm) -> None:
    open_firm.submit(open_firm.quote())
    open_firm.act("bob", "approve", values={"lines": [{"what": "Jar"}]})
    shown = open_firm.show("bob")["record"]
    assert [each["what"] for each in shown["fields"]["lines"]] == ["Jar"]
    assert shown["moved"] == {}


def test_what_is_kept_sealed_stays_out_of_the_request(open_firm: Firm) -> None:
    open_firm.submit(open_firm.quote())
    open_firm.act("bob", "approve", values={"pin": "CANARYPIN"})
    held = open_firm.table("", lambda ws: store.find(ws, open_firm.last))
    assert "pin" not in held.snapshot
    assert "CANARYPIN" not in repr(held)
    assert "CANARYPIN" not in repr(open_firm.show("bob")["history"])


def test_another_spelling_of_the_same_value_does_not_spoil_an_approval(open_firm: Firm) -> None:
    told = yaml.safe_load(_open_world())
    assert "amount" in told["approvals"]["discount"]["material"]
    quote = open_firm.quote(amount="1000")
    open_firm.submit(quote)
    open_firm.act("bob", "approve", values={"amount": 1000, "note": "  "})
    assert open_firm.act("cleo", "approve").state == "approved"
    assert open_firm.show("bob")["record"]["moved"] == {}
    with open_firm.as_("ida", write=False) as ws:
        assert standing(ws, "quote", quote).need == "approved"


# -- locks


def test_a_part_does_not_come_back_to_a_locked_record(open_firm: Firm) -> None:
    quote = open_firm.quote(lines=[{"what": "Jar", "price": "1"}, {"what": "Lid", "price": "2"}])
    with open_firm.as_("ida") as ws:
        found = queries.as_json(queries.find(ws, Query("quote_line", "what == 'Lid'")))
        records.delete(ws, "quote_line", found[0]["id"])
    open_firm.submit(quote)
    with pytest.raises(Conflict) as refused, open_firm.as_("ida") as ws:
        records.restore(ws, "quote_line", found[0]["id"])
    assert [each.code for each in refused.value.problems] == ["records.locked"]
    assert str(open_firm.values(quote)["total"]) == "1.00"
    open_firm.act("ida", "withdraw")
    with open_firm.as_("ida") as ws:
        records.restore(ws, "quote_line", found[0]["id"])
    assert str(open_firm.values(quote)["total"]) == "3.00"


# -- time


def test_the_first_day_that_there_is_is_over(here: Site) -> None:
    id = processing.made(here.host, here.tenant, "deal", name="Early", closes="0001-01-01")
    processing.work(here.host, here.tenant)
    assert processing.got(here.host, here.tenant, "deal", id)["note"] == "gone on"


def test_a_run_that_sets_the_date_it_starts_at_does_not_go_round_at_once(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        id = records.create(ws, "deal", {"name": "Anvil", "meets": ws.now.isoformat()}).id
    for _ in range(3):
        processing.work(here.host, here.tenant, 1.0)
    assert processing.got(here.host, here.tenant, "deal", id)["count"] == 1
    (next_,) = processing.jobs(here.host, here.tenant, "workflow_date", "queued")
    assert next_.run_at - next_.created_at >= dt.timedelta(seconds=59)
