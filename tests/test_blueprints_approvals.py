"""Approvals as people meet them on pages: boxes, the decision, asking for one from a record; without any script."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from runtime import records
from runtime.host import Host
from tests import kit
from tests.doors import Browser, Person, Site, site
from tests.pages import Page
from tests.signing import WORLD

LANGUAGES = {"en": "en", "zh": "zh-CN"}


@dataclass
class Office:
    """The tenant of `tests.signing` behind the whole application, its people signed in."""

    here: Site
    people: dict[str, Person]
    signed_in: dict[str, Browser] = field(default_factory=dict)

    def browser(self, name: str, lang: str = "en") -> Browser:
        if name not in self.signed_in:
            self.signed_in[name] = self.here.browser(person=self.people[name])
        found = self.signed_in[name]
        return replace(found, headers={**found.headers, "Accept-Language": LANGUAGES[lang]})

    def quote(self, **values: Any) -> str:
        api = self.here.api(person=self.people["ida"])
        account = api.made("account", name="Quince Ltd")["id"]
        given = {"name": "Marmalade", "discount": 20, "amount": "1000", "account": account, **values}
        id: str = api.made("quote", **given)["id"]
        return id

    def submitted(self, **values: Any) -> tuple[str, str]:
        """A quote and its request, asked for from the record's page."""
        quote = self.quote(**values)
        answer = self.browser("ida").post(f"/app/quote/{quote}/approval", {"comment": "Please & thanks"})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return quote, re.findall(r"/approvals/([0-9a-f-]{36})", answer.headers["Location"])[0]

    def act(self, name: str, request: str, verb: str, form: dict[str, Any] | None = None) -> Any:
        return self.browser(name).post(f"/app/-/approvals/{request}/{verb}", form or {})


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NAMES = {
    "ida": ("seller",),
    "sid": ("seller",),
    "bob": ("manager",),
    "dora": ("director",),
    "dan": ("director",),
    "carl": ("cfo",),
    "cleo": ("clerk",),
    "olga": ("ops",),
    "kay": ("keeper",),
}


def opened(host: Host, source: str = WORLD, names: Iterable[str] = NAMES) -> Office:
    here = site(host, source)
    people = {name: here.person("member", *NAMES[name], name=name.capitalize()) for name in names}
    with kit.workspace(host, here.tenant, channel="command") as ws:
        for name in {"ida", "sid"} & people.keys() if "bob" in people else ():
            records.update(ws, "user", people[name].id, {"manager": people["bob"].id})
    return Office(here, people)


@pytest.fixture
def office(host: Host) -> Office:
    return opened(host)


def page_of(browser: Browser, path: str, status: int = 200, **arguments: Any) -> Page:
    answer = browser.get(path, **arguments)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-2000:])
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def actions(page: Page) -> set[str]:
    return {form.action.rsplit("/", 1)[-1] for form in page.forms if "/approvals/" in form.action}


def test_a_request_is_asked_for_decided_and_ends_by_plain_forms(office: Office) -> None:
    quote = office.quote()
    ida, bob, cleo = office.browser("ida"), office.browser("bob"), office.browser("cleo")
    record = page_of(ida, f"/app/quote/{quote}")
    assert "Needs approval: Discount approval" in record.said
    assert any(each.endswith(f"/app/quote/{quote}/approval") for each in record.links)
    ask = page_of(ida, f"/app/quote/{quote}/approval")
    assert "Bob" in ask.said and "Cleo" in ask.said and "Marmalade: 20% for Quince Ltd" in ask.said
    answer = ida.post(f"/app/quote/{quote}/approval", {"comment": "Please"})
    place = answer.headers["Location"].removeprefix("http://localhost").removeprefix(ida.prefix)
    page = page_of(ida, place)
    assert "Submitted for approval." in page.said and "Waiting for Bob (Manager)" in page.said
    assert "approve" not in actions(page)
    record = page_of(ida, f"/app/quote/{quote}")
    assert "In approval: Discount approval" in record.said and "Waiting for Bob (Manager)" in record.said
    assert "Locked" in record.said and not any(each.endswith(f"{quote}/edit") for each in record.links)

    place = place.split("?")[0]
    page = page_of(bob, place)
    assert {"approve"} <= actions(page) and "Your decision" in page.said and "Finance" in page.said
    form = next(each for each in page.forms if each.action.endswith("/approve"))
    answer = bob.post(f"{place}/approve", {"task": form.values["task"][-1], "comment": "Fine <b>by</b> me"})
    assert answer.status_code == 303
    page = page_of(bob, f"{place}?did=approve")
    assert "You approved it." in page.said and "Fine <b>by</b> me" in page.said
    page = page_of(cleo, place)
    assert cleo.post(f"{place}/approve").status_code == 303
    page = page_of(ida, place)
    assert "Approved" in page.said and "approve" not in actions(page)
    assert "Approved: Discount approval" in page_of(ida, f"/app/quote/{quote}").said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_speaks_both_languages(office: Office, lang: str) -> None:
    quote, request = office.submitted()
    said = {"en": ("To approve", "Approve", "Route", "In approval"), "zh": ("待我审批", "同意", "审批流程", "审批中")}[
        lang
    ]
    bob = office.browser("bob", lang)
    assert said[0] in page_of(bob, "/app/-/approvals").said
    page = page_of(bob, f"/app/-/approvals/{request}")
    assert all(each in page.said for each in said[1:])
    for box in ("waiting", "done", "started", "copied", "given"):
        page_of(bob, "/app/-/approvals", box=box)
        page_of(bob, "/app/-/approvals", box=box, q="zzzz", overdue="1", approval="discount")
    ida = office.browser("ida", lang)
    assert said[3] in page_of(ida, f"/app/quote/{quote}").said
    page_of(office.browser("kay", lang), f"/app/-/approvals/{request}")
    page_of(ida, f"/app/quote/{office.quote()}/approval")
    page_of(ida, f"/app/quote/{quote}/approval", 409)


def test_the_badge_counts_what_the_list_shows(office: Office) -> None:
    for at in range(3):
        office.submitted(name=f"Jam {'abc'[at]}")
    bob = office.browser("bob")
    page = page_of(bob, "/app/-/approvals")
    shown = [each for each in set(page.links) if "/app/-/approvals/" in each and "task=" in each]
    assert len(shown) == 3
    assert bob.get("/app/-/approvals/count").get_data(as_text=True) == "3"
    assert office.browser("sid").get("/app/-/approvals/count").get_data(as_text=True) == ""
    for word, found in (("Jam b", 1), ("nothing like it", 0)):
        links = set(page_of(bob, "/app/-/approvals", q=word).links)
        assert len([each for each in links if "task=" in each]) == found, word


def test_a_list_tells_the_summary_as_far_as_one_may_read_it(office: Office) -> None:
    office.submitted(amount="8765.40")
    bob = page_of(office.browser("bob"), "/app/-/approvals").said
    assert "8,765.40" in bob or "8765.40" in bob
    assert "Quince Ltd" in bob and "Discount approval" in bob and "Ida" in bob


def test_what_somebody_has_nothing_to_do_with_is_not_there(office: Office) -> None:
    quote, request = office.submitted()
    for name in ("sid", "cleo", "olga", "carl"):
        browser = office.browser(name)
        assert browser.get(f"/app/-/approvals/{request}").status_code == 404
        assert browser.post(f"/app/-/approvals/{request}/approve").status_code == 404
        assert "Marmalade" not in page_of(browser, "/app/-/approvals").said
    assert office.browser("sid").get(f"/app/quote/{quote}/approval").status_code == 404
    assert office.browser("bob").get("/app/-/approvals/no-id").status_code == 404


def test_a_field_that_the_node_hides_is_on_no_page_of_its_approver(office: Office) -> None:
    quote = office.quote()
    with kit.workspace(office.here.host, office.here.tenant) as ws:
        records.update(ws, "quote", quote, {"note": "visiblequail", "wage": "opulentquail", "cost": "700"})
    answer = office.browser("ida").post(f"/app/quote/{quote}/approval")
    request = re.findall(r"/approvals/([0-9a-f-]{36})", answer.headers["Location"])[0]
    text = office.browser("bob").get(f"/app/-/approvals/{request}").get_data(as_text=True)
    assert "visiblequail" in text and "opulentquail" not in text
    assert 'data-field="cost"' not in text and 'data-field="discount"' in text


def test_who_comes_too_late_is_told_calmly_where_it_stands(office: Office) -> None:
    _, request = office.submitted(amount="600000")
    office.act("bob", request, "approve")
    dan, dora = office.browser("dan"), office.browser("dora")
    place = f"/app/-/approvals/{request}"
    task = next(e for e in page_of(dan, place).forms if e.action.endswith("/approve")).values["task"][-1]
    assert office.act("dora", request, "approve").status_code == 303
    late = dan.post(f"{place}/approve", {"task": task, "comment": "me too"})
    page = Page(late.get_data(as_text=True))
    assert late.status_code == 409 and page.wrong == []
    assert "Dora has already decided" in page.said and "Here is where it stands now" in page.said
    assert "Finance" in page.said and "approve" not in actions(page)
    swapped = dan.post(f"{place}/approve", {"task": task}, headers={"HX-Request": "true"})
    assert swapped.status_code == 200 and "Dora has already decided" in swapped.get_data(as_text=True)
    assert dora.get(place).status_code == 200


def test_the_other_verbs_go_through_their_forms(office: Office) -> None:
    _, request = office.submitted()
    place = f"/app/-/approvals/{request}"
    bob = office.browser("bob")
    page = page_of(bob, place)
    assert {"return", "add_signer", "transfer", "delegate", "comment"} <= actions(page)
    assert "withdraw" not in actions(page) and "terminate" not in actions(page)
    task = next(each for each in page.forms if each.action.endswith("/transfer")).values["task"][-1]
    # Nobody needs a script to name people: their names are typed.
    assert bob.post(f"{place}/delegate", {"delegate.to": "Sid", "comment": "Look?"}).status_code == 303
    page = page_of(office.browser("sid"), place)
    assert "Your opinion" in page.said and "transfer" not in actions(page)
    assert office.act("sid", request, "approve", {"comment": "Looks right"}).status_code == 303
    assert "Looks right" in page_of(bob, place).said
    assert bob.post(f"{place}/add_signer", {"how": "before", "add_signer.people": "Carl"}).status_code == 303
    page = page_of(office.browser("carl"), place)
    assert "added before" in page.said and office.act("carl", request, "approve").status_code == 303
    refused = bob.post(f"{place}/transfer", {"task": task, "transfer.to": "", "comment": "x"})
    assert refused.status_code == 422 and "Name at least one person" in refused.get_data(as_text=True)
    refused = bob.post(f"{place}/transfer", {"task": task, "transfer.to": "Nobody Known", "comment": "x"})
    page = Page(refused.get_data(as_text=True))
    assert refused.status_code == 422 and page.wrong == [] and "Nobody Known" in page.said
    assert re.search(r'<details class="approval-act"[^>]* open', refused.get_data(as_text=True))
    assert bob.post(f"{place}/return", {"to": "initiator", "comment": "Too much"}).status_code == 303
    page = page_of(office.browser("ida"), place)
    assert "Bob returned it: Too much" in page.said and "resubmit" in actions(page)
    assert office.act("ida", request, "resubmit").status_code == 303
    assert office.act("ida", request, "urge").status_code == 303
    assert office.act("ida", request, "urge").status_code in (409, 422)
    assert office.act("ida", request, "comment", {"comment": "Soon please"}).status_code == 303
    assert "Soon please" in page_of(bob, place).said
    assert office.act("ida", request, "withdraw").status_code == 303
    assert "Withdrawn" in page_of(office.browser("ida"), place).said


def test_an_administrator_has_verbs_of_his_own(office: Office) -> None:
    _, request = office.submitted()
    kay = office.browser("kay")
    place = f"/app/-/approvals/{request}"
    page = page_of(kay, place)
    assert {"reassign", "jump", "terminate"} <= actions(page)
    task = next(each for each in page.forms if each.action.endswith("/reassign")).values["task"][-1]
    form = {"task": task, "reassign.to": "Sid", "comment": "Bob is away"}
    assert kay.post(f"{place}/reassign", form).status_code == 303
    assert "Your decision" in page_of(office.browser("sid"), place).said
    assert kay.post(f"{place}/terminate", {"comment": ""}).status_code == 422
    assert kay.post(f"{place}/terminate", {"comment": "No longer wanted"}).status_code == 303
    assert "No longer wanted" in page_of(office.browser("ida"), place).said


def test_fields_that_the_node_opens_are_filled_in_with_the_decision(office: Office) -> None:
    quote, request = office.submitted()
    place = f"/app/-/approvals/{request}"
    bob = office.browser("bob")
    form = next(each for each in page_of(bob, place).forms if each.action.endswith("/approve"))
    assert {"set.note", "set.price_note"} <= form.names
    refused = bob.post(f"{place}/approve", {"set.price_note": "never", "set.note": "kept quail"})
    page = Page(refused.get_data(as_text=True))
    assert refused.status_code == 422 and "Not that." in page.said and "kept quail" in refused.get_data(as_text=True)
    assert bob.post(f"{place}/approve", {"set.price_note": "thrice", "set.note": ""}).status_code == 303
    assert office.here.api(person=office.people["ida"]).get(f"/quote/{quote}").get_json()["price_note"] == "thrice"


def test_several_are_approved_together_and_the_others_are_told(office: Office) -> None:
    made = [office.submitted(name=f"Jam {each}")[1] for each in "abc"]
    bob = office.browser("bob")
    page = page_of(bob, "/app/-/approvals")
    tasks = re.findall(r'name="task" value="([0-9a-f-]{36})"', bob.get("/app/-/approvals").get_data(as_text=True))
    assert len(tasks) == 3 and any("task" in form.names or form.action.endswith("box=waiting") for form in page.forms)
    assert bob.post("/app/-/approvals").status_code == 422
    office.act("bob", made[0], "reject", {"comment": "No"})
    answer = bob.post("/app/-/approvals", {"task": tasks, "comment": "All fine"})
    said = Page(answer.get_data(as_text=True)).said
    assert answer.status_code == 200 and "2 approved." in said
    assert bob.get("/app/-/approvals/count").get_data(as_text=True) == ""
    again = office.submitted()[1]
    assert again in bob.get("/app/-/approvals").get_data(as_text=True)


def test_what_was_voided_can_be_changed_and_submitted_again(office: Office) -> None:
    quote, request = office.submitted()
    office.act("bob", request, "approve")
    office.act("cleo", request, "approve")
    ida = office.browser("ida")
    assert not any(each.endswith("/edit") for each in page_of(ida, f"/app/quote/{quote}").links)
    assert office.act("kay", request, "void", {"comment": "Prices changed"}).status_code == 303
    said = page_of(ida, f"/app/quote/{quote}")
    assert "It was voided" in said.said and any(each.endswith("/edit") for each in said.links)
    assert any(each.endswith(f"{quote}/approval") for each in said.links)


def test_what_has_changed_since_is_shown_beside_what_was_submitted(host: Host) -> None:
    world = WORLD.replace("sum: price}", "sum: price}\n      town: {type: lookup, path: account.name}")
    office = opened(host, world, ("ida", "bob", "cleo"))
    quote, request = office.submitted()
    ida = office.here.api(person=office.people["ida"])
    account = ida.get(f"/quote/{quote}").get_json()["account"]
    assert "Changed since" not in page_of(office.browser("bob"), f"/app/-/approvals/{request}").said
    assert ida.patch(f"/account/{account}", {"name": "Medlar Ltd"}).status_code == 200
    text = office.browser("bob").get(f"/app/-/approvals/{request}").get_data(as_text=True)
    assert "Changed since it was submitted" in text
    assert "<del>Quince Ltd</del> → <ins>Medlar Ltd</ins>" in text


def test_approved_but_changed_in_what_mattered_needs_another_approval(host: Host) -> None:
    world = WORLD.replace(", keep_after: {approved: {}}", "")
    office = opened(host, world, ("ida", "bob", "cleo"))
    quote, request = office.submitted()
    office.act("bob", request, "approve")
    office.act("cleo", request, "approve")
    ida = office.browser("ida")
    record = page_of(ida, f"/app/quote/{quote}")
    assert "Approved: Discount approval" in record.said and any(each.endswith("/edit") for each in record.links)
    changed = office.here.api(person=office.people["ida"]).patch(f"/quote/{quote}", {"amount": "1500"})
    assert changed.status_code == 200
    record = page_of(ida, f"/app/quote/{quote}")
    assert "Needs approval again: Discount approval" in record.said
    assert any(each.endswith(f"{quote}/approval") for each in record.links)


def test_copies_are_read_and_decide_nothing(office: Office) -> None:
    _, request = office.submitted()
    office.act("bob", request, "approve")
    office.act("cleo", request, "approve")
    olga = office.browser("olga")
    assert "unread" in page_of(olga, "/app/-/approvals", box="copied").said
    page = page_of(olga, f"/app/-/approvals/{request}")
    assert "read" in actions(page) and "approve" not in actions(page)
    assert olga.post(f"/app/-/approvals/{request}/read").status_code == 303
    assert "read" not in actions(page_of(olga, f"/app/-/approvals/{request}"))


def test_a_form_from_elsewhere_does_nothing(office: Office) -> None:
    _, request = office.submitted()
    bob = office.browser("bob")
    bob.csrf = ""
    assert bob.post(f"/app/-/approvals/{request}/approve").status_code == 403
    assert office.browser("bob").get("/app/-/approvals/count").get_data(as_text=True) == "1"


def test_where_nothing_needs_approval_nothing_is_said_of_it(host: Host) -> None:
    browser = site(host).browser("admin")
    assert "/app/-/approvals" not in browser.get("/app/company").get_data(as_text=True)


PICKING = """
package: {code: picking, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  plan:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
approvals:
  plan:
    label: {en: Plan approval, zh: 计划审批}
    entity: plan
    nodes:
      first:
        type: approve
        label: {en: Reader, zh: 审阅}
        who: {some: {by: initiator_picks, most: 2, among: {reader: {}}}}
        empty: admin
        comment_on: {approve: {}}
      last:
        type: approve
        label: {en: Signer, zh: 签字}
        who: {some: {by: approver_picks}}
        empty: admin
        sign: true
roles:
  seller: {entities: {plan: {read: own, create: own, update: own}}}
  reader: {entities: {}}
  manager: {entities: {}}
  director: {entities: {}}
  cfo: {entities: {}}
  clerk: {entities: {}}
  ops: {entities: {}}
  keeper: {entities: {}}
"""


def test_people_are_picked_comments_and_signatures_are_asked_for(host: Host) -> None:
    office = opened(host, PICKING, ("ida", "sid", "carl"))
    reader = office.here.person("member", "reader", name="Rae")
    ida = office.browser("ida")
    plan = office.here.api(person=office.people["ida"]).made("plan", name="Autumn")["id"]
    page = page_of(ida, f"/app/plan/{plan}/approval")
    assert "Who decides: Reader" in page.said and "Rae" in page.said and "Carl" not in page.said
    refused = ida.post(f"/app/plan/{plan}/approval")
    assert refused.status_code == 422 and Page(refused.get_data(as_text=True)).wrong == []
    answer = ida.post(f"/app/plan/{plan}/approval", {"pick.first": reader.id})
    request = re.findall(r"/approvals/([0-9a-f-]{36})", answer.headers["Location"])[0]
    place = f"/app/-/approvals/{request}"
    rae = office.here.browser(person=reader)
    page = page_of(rae, place)
    assert "Who decides next: Signer" in page.said
    refused = rae.post(f"{place}/approve", {"pick.last": "Sid"})
    assert refused.status_code == 422 and "a comment is needed" in refused.get_data(as_text=True)
    assert rae.post(f"{place}/approve", {"pick.last": "Sid", "comment": "Read it"}).status_code == 303
    sid = office.browser("sid")
    assert "signature" in next(e for e in page_of(sid, place).forms if e.action.endswith("/approve")).names
    assert sid.post(f"{place}/approve").status_code == 422
    signed = {"signature.file": (io.BytesIO(PICTURE), "sid.png", "image/png")}
    assert sid.post(f"{place}/approve", signed).status_code == 303
    assert "Approved" in page_of(ida, place).said


def test_standing_proxies_are_applied_to_what_waits_already(office: Office) -> None:
    _, request = office.submitted()
    bob = office.browser("bob")
    assert "Your standing proxies" not in page_of(bob, "/app/-/approvals").said
    now = dt.datetime.now(dt.UTC)
    window = {"from": (now - dt.timedelta(days=1)).isoformat(), "until": (now + dt.timedelta(days=1)).isoformat()}
    office.here.api(person=office.people["bob"]).made(
        "proxy", reason="Holidays", proxy=office.people["dora"].id, **window
    )
    page = page_of(bob, "/app/-/approvals")
    assert "Your standing proxies have changed since 1 of these were asked." in page.said
    answer = bob.post("/app/-/approvals/represent?box=waiting")
    assert answer.status_code == 303
    place = answer.headers["Location"].removeprefix("http://localhost").removeprefix(bob.prefix)
    assert "Brought in line with your proxies: 1." in page_of(bob, place).said
    assert "Marmalade" in page_of(office.browser("dora"), "/app/-/approvals").said
    told = page_of(office.browser("ida"), f"/app/-/approvals/{request}").said
    assert "went by a standing proxy to Dora" in told
    dora = office.here.api(person=office.people["dora"])
    assert dora.post("/approvals/represent", {"principal": office.people["bob"].id}).get_json() == {"changed": 0}
    assert dora.post("/approvals/represent", {"principal": 1}).status_code == 400


def test_times_are_shown_to_who_looks_after_approvals(office: Office) -> None:
    _, request = office.submitted()
    office.act("bob", request, "approve")
    kay = office.browser("kay")
    assert any(each.endswith("/app/-/approvals/times") for each in page_of(kay, "/app/-/approvals").links)
    page = page_of(kay, "/app/-/approvals/times")
    assert "Discount approval" in page.said and "Manager" in page.said and "Finance" in page.said
    assert "审批用时" in page_of(office.browser("kay", "zh"), "/app/-/approvals/times").said
    assert "Nobody was asked" in page_of(kay, "/app/-/approvals/times?from=2020-01-01&until=2020-01-02").said
    page_of(kay, "/app/-/approvals/times?from=x", 400)
    page_of(office.browser("bob"), "/app/-/approvals/times", 403)
    api = office.here.api(person=office.people["kay"])
    [told] = api.get("/approvals/times").get_json()["approvals"]
    assert {each["node"]: each["count"] for each in told["nodes"]}["boss"] == 1
    assert office.here.api(person=office.people["bob"]).get("/approvals/times").status_code == 403


def test_a_title_is_said_in_the_language_of_its_reader(office: Office) -> None:
    _, request = office.submitted()
    for lang, title in (("en", "Marmalade: 20% for Quince Ltd"), ("zh", "Marmalade：20%")):
        assert title in page_of(office.browser("bob", lang), "/app/-/approvals").said
        assert title in page_of(office.browser("bob", lang), f"/app/-/approvals/{request}").said
