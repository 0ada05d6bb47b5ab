"""Sharing on the pages: who has a record, giving it to people and units, changing and taking back; and the drawer."""

from __future__ import annotations

import pytest

from runtime import records
from runtime.host import Host
from tests import kit
from tests.doors import Browser, Person, Site, site
from tests.pages import Page

ROLES = """
package: {code: sharing, kind: module}
roles:
  seller:
    entities:
      company: {read: own, create: own, update: own}
      deal: {read: own, create: own, update: own, delete: own}
      user: {read: all}
      unit: {read: all}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, ROLES)


def deal_of(here: Site, owner: Person) -> str:
    id: str = here.api(person=owner).made("deal", name="Big one", amount="10")["id"]
    return id


def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def given(id: str, kind: str = "user", **more: str) -> dict[str, str]:
    return {"do": "give", "with": "X", "with.was": "X", "with.entity": kind, "with.id": id, **more}


def test_a_record_is_shared_changed_and_taken_back_without_scripts(here: Site) -> None:
    ada, bob = here.person("seller", name="Ada"), here.person("seller", name="Bob")
    deal = deal_of(here, ada)
    at, browser = f"/app/deal/{deal}/share", here.browser(person=ada)
    assert any(each.endswith(at) for each in page_of(browser, f"/app/deal/{deal}").links)
    assert "Nobody yet." in page_of(browser, at).said
    answer = browser.post(at, given(bob.id, role="Lawyer", until="2099-01-31 18:00"))
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"{at}?done=share_given")
    page = page_of(browser, at + "?done=share_given")
    assert "Shared." in page.said and "Bob May read · Lawyer · until 2099-01-31 18:00" in page.said
    theirs = here.browser(person=bob)
    assert "Big one" in page_of(theirs, f"/app/deal/{deal}").said
    assert here.api(person=bob).patch(f"/deal/{deal}", {"name": "Bigger"}).status_code == 403
    # The form of a share holds what was given: sent with another right it changes that and nothing else.
    [form] = [each for each in page.forms if "share" in each.values and each.values["do"] == ["give"]]
    sent = {name: values[-1] for name, values in form.values.items()}
    assert browser.post(at, {**sent, "write": "1"}).status_code == 303
    said = page_of(browser, at).said
    assert "Bob May read and change · Lawyer · until 2099-01-31 18:00" in said
    assert here.api(person=bob).patch(f"/deal/{deal}", {"name": "Bigger"}).status_code == 200
    answer = browser.post(at, {"do": "end", "share": sent["share"]})
    assert answer.status_code == 303 and "Nobody yet." in page_of(browser, at).said
    page_of(theirs, f"/app/deal/{deal}", 404)


def test_nobody_makes_a_person_on_the_way_to_sharing_with_him(here: Site) -> None:
    id = here.api("admin").made("deal", name="Big one", amount="10")["id"]
    page = here.browser("admin").get(f"/app/deal/{id}/share").get_data(as_text=True)
    finder = page.split("<ml-finder")[1].split("</ml-finder>")[0]
    assert "data-new=" not in finder and "autofocus" in finder


def test_a_unit_is_chosen_like_a_person(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        unit = records.create(ws, "unit", {"name": "Legal"}).id
    ada, bob = here.person("seller"), here.person("seller", unit=unit)
    deal = deal_of(here, ada)
    browser, at = here.browser(person=ada), f"/app/deal/{deal}/share"
    assert browser.post(at, given(unit, "unit")).status_code == 303
    assert "Legal May read · Unit, with everybody in it and below" in page_of(browser, at).said
    page_of(here.browser(person=bob), f"/app/deal/{deal}")


def test_only_who_may_share_is_offered_it_and_who_was_given_a_record_may_give_it_back(here: Site) -> None:
    ada, bob, eve = (here.person("seller") for _ in range(3))
    deal = deal_of(here, ada)
    at = f"/app/deal/{deal}/share"
    here.browser(person=ada).post(at, given(bob.id, write="1"))
    browser = here.browser(person=bob)
    assert not any(each.endswith(at) for each in page_of(browser, f"/app/deal/{deal}").links)
    page = page_of(browser, at)
    assert "with" not in {name for form in page.forms for name in form.names}
    assert browser.post(at, given(eve.id)).status_code == 403
    [share] = [form.values["share"][0] for form in page.forms if form.values.get("do") == ["end"]]
    page_of(here.browser(person=eve), at, 404)
    assert here.browser(person=eve).post(at, {"do": "end", "share": share}).status_code == 404
    answer = browser.post(at, {"do": "end", "share": share})
    assert answer.headers["Location"].endswith("/app/deal?done=share_ended")
    page_of(browser, f"/app/deal/{deal}", 404)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"with": "", "with.entity": "user", "with.id": ""}, "Say with whom"),
        ({"until": "2001-01-01 10:00"}, "cannot end before it begins"),
        ({"until": "<b>never</b>"}, "&lt;b&gt;never&lt;/b&gt;"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_entered_stays(here: Site, sent: dict[str, str], said: str) -> None:
    ada, bob = here.person("seller"), here.person("seller")
    deal = deal_of(here, ada)
    browser, at = here.browser(person=ada), f"/app/deal/{deal}/share"
    answer = browser.post(at, {**given(bob.id, role="Lawyer", write="1"), **sent})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in text and 'value="Lawyer"' in text and Page(text).wrong == []
    assert "Nobody yet." in text
    # In the drawer the same is told in its place.
    answer = browser.post(at + "?part=1", {**given(bob.id), **sent})
    assert answer.status_code == 200 and said in answer.get_data(as_text=True)


def test_the_drawer_answers_with_its_body_in_both_languages(here: Site) -> None:
    ada, bob = here.person("seller"), here.person("seller", name="Bob")
    deal = deal_of(here, ada)
    browser, at = here.browser(person=ada), f"/app/deal/{deal}/share"
    answer = browser.post(at + "?part=1", given(bob.id))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "<html" not in text and "Bob" in text and 'hx-target="#sharing"' in text
    browser.get("/app/-/language/zh")
    assert "可查看" in page_of(browser, at).said
