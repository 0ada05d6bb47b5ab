"""Rules that only warn, on pages without scripts: what is refused can be confirmed where it was refused."""

from __future__ import annotations

import pytest

from runtime.host import Host
from tests import kit
from tests.doors import Site, site
from tests.pages import Page

RULES = """
package: {code: warned, kind: module}
entities:
  deal:
    rules:
      hasty:
        when: "stage == 'won' and note == null"
        reject: {field: stage, warn: true, message: {en: Nothing was noted., zh: 尚无备注。}}
      priceless:
        when: "stage == 'lost' and amount == null"
        reject: {field: amount, message: {en: Say the amount., zh: 请填写金额。}}
  company:
    rules:
      huge:
        when: "size > 100"
        reject: {field: size, warn: true, message: {en: Is it so big?, zh: 规模是否正确？}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, RULES)


def test_a_step_of_the_stage_bar_is_confirmed(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    deal = api.made("deal", name="First")
    path = f"/app/deal/{deal['id']}/stage"
    sent = {"field": "stage", "value": "won", "version": str(deal["version"])}
    refused = browser.post(path, sent)
    page = Page(refused.get_data(as_text=True))
    assert refused.status_code == 422 and "Nothing was noted." in page.said
    form = page.form("confirm")
    assert form.values["confirm"] == ["hasty"]
    assert browser.post(path, form.values).status_code == 303
    assert api.get(f"/deal/{deal['id']}").get_json()["stage"] == "won"


def test_what_is_forbidden_cannot_be_confirmed(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    deal = api.made("deal", name="First")
    path = f"/app/deal/{deal['id']}/stage"
    refused = browser.post(path, {"field": "stage", "value": "lost", "version": "1", "confirm": ["priceless", "*"]})
    page = Page(refused.get_data(as_text=True))
    assert refused.status_code == 422 and "Say the amount." in page.said
    assert not any("confirm" in each.names for each in page.forms)


def test_a_merge_is_confirmed(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    one = api.made("company", name="Acme", size=3)["id"]
    two = api.post("/company?confirm=huge", {"name": "ACME Inc.", "size": 500}).get_json()["id"]
    form = Page(browser.get("/app/company/merge", ids=f"{one},{two}").get_data(as_text=True)).form("survivor")
    refused = browser.post("/app/company/merge", {**form.values, "survivor": one, "f.size": two})
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "Is it so big?" in text
    assert 'name="confirm" value="huge" form="merge"' in text
    answer = browser.post("/app/company/merge", {**form.values, "survivor": one, "f.size": two, "confirm": "huge"})
    assert answer.status_code == 303
    assert api.get(f"/company/{one}").get_json()["size"] == 500
