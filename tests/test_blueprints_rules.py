"""Rules in forms: asked while typing, nothing written, shown only to whom they may be, and confirmed with a tick."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from runtime import queries, records
from runtime.host import Host
from runtime.queries import Query
from tests import kit
from tests.doors import Browser, Site, site
from tests.pages import Page
from tests.ruling import WORLD


@pytest.fixture(scope="module", params=["sqlite_host", "postgres_host"])
def here(request: pytest.FixtureRequest) -> Site:
    host: Host = request.getfixturevalue(request.param)
    return site(host, "core", WORLD)


@pytest.fixture(scope="module")
def browser(here: Site) -> Browser:
    return here.browser("seller")


def asked(browser: Browser, path: str, **typed: Any) -> dict[str, Any]:
    """What the rules say of a form with these values typed into it."""
    form = Page(browser.get(path).get_data(as_text=True)).form("name")
    id = "new" if path.endswith("/new") else path.split("/")[-2]
    answer = browser.post(f"/app/-/rules/deal/{id}", {**form.values, **typed})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def held(here: Site, **values: Any) -> str:
    with kit.workspace(here.host, here.tenant) as ws:
        return kit.insert(ws, "deal", name="held", **values)


def test_a_form_opens_as_its_rules_want_it(browser: Browser) -> None:
    page = browser.get("/app/deal/new").get_data(as_text=True)
    assert 'data-rules="' in page
    found = asked(browser, "/app/deal/new")
    assert (found["hidden"], found["required"], found["closed"], found["options"], found["said"]) == (
        ["rival"], [], [], {}, [],
    )  # fmt: skip
    assert 'data-rules="' not in browser.get("/app/account/new").get_data(as_text=True)


def test_rules_follow_what_is_typed_and_write_nothing(here: Site, browser: Browser) -> None:
    found = asked(browser, "/app/deal/new", name="typed", stage="lost", amount="-1", kind="service")
    assert (found["hidden"], found["required"], found["options"]) == ([], ["reason"], {"way": ["fetch", "online"]})
    assert found["set"] == {"chance": "0"}
    assert found["said"] == [
        {"field": "amount", "message": "-1.00 is below zero. Enter 0 or more.", "warn": False, "about": ["amount"]}
    ]
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        assert queries.find(ws, Query("deal", "name == 'typed'")).rows == []


def test_a_record_that_is_there_is_asked_with_what_changes(here: Site, browser: Browser) -> None:
    path = f"/app/deal/{held(here, code='A', stage='open')}/edit"
    found = asked(browser, path)
    assert (found["closed"], found["said"], found["set"]) == (["code"], [], {})
    assert [each["warn"] for each in asked(browser, path, amount="5000000")["said"]] == [True]


def test_an_address_changes_what_the_form_of_a_record_begins_with(here: Site, browser: Browser) -> None:
    id = held(here, stage="open")
    path = f"/app/deal/{id}/edit"
    page = browser.get(f"{path}?stage=lost&amount=nonsense&.focus=reason").get_data(as_text=True)
    form = Page(page).form("name")
    assert form.values["stage"][-1] == "lost"
    ruled = json.loads(html.unescape(page.split('data-ruled="')[1].split('"')[0]))
    assert ruled["required"] == ["reason"] and ruled["set"] == {"chance": "0"}
    assert "autofocus" in page.split('name="reason"')[1].split(">")[0]
    answer = browser.post(path, {**form.values, "reason": "price"})
    assert answer.status_code == 303, Page(answer.get_data(as_text=True)).said
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        assert queries.get(ws, "deal", id, ("stage", "reason")) == {"id": id, "stage": "lost", "reason": "price"}


def test_what_only_warns_is_not_told_as_a_mistake(here: Site, browser: Browser) -> None:
    path = f"/app/deal/{held(here, stage='open')}/edit"
    form = Page(browser.get(path).get_data(as_text=True)).form("name")
    warned = browser.post(path, {**form.values, "amount": "5000000"}).get_data(as_text=True)
    assert 'class="notice warn" role="alert" data-summary' in warned and "Please look at this" in Page(warned).said
    wrong = browser.post(path, {**form.values, "amount": "-1"}).get_data(as_text=True)
    assert 'class="notice bad" role="alert" data-summary' in wrong


def test_messages_of_a_form_keep_what_the_reader_may_not_know(here: Site, browser: Browser) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        account = records.create(ws, "account", {"name": "Tiny", "limit": "5"}).id
    typed = {"account": "Tiny", "account.id": account, "account.was": "Tiny", "amount": "6"}
    (said,) = asked(browser, "/app/deal/new", **typed)["said"]
    assert said["message"] == "More than …, the limit of Tiny."


def test_who_may_not_write_is_told_nothing(here: Site) -> None:
    stranger = here.browser("member")
    assert stranger.post("/app/-/rules/deal/new", {"name": "x"}).status_code == 404
    known = held(here, stage="open")
    assert stranger.post(f"/app/-/rules/deal/{known}", {"name": "x"}).status_code == 404


def test_a_warning_has_a_tick_that_saves_all_the_same(browser: Browser) -> None:
    path = "/app/deal/new"
    form = Page(browser.get(path).get_data(as_text=True)).form("name")
    filled = {**form.values, "name": "Large", "amount": "2000000", "stage": "open"}
    answer = browser.post(path, filled)
    assert answer.status_code == 422
    again = Page(answer.get_data(as_text=True))
    assert again.wrong == []
    assert "Save anyway" in again.said and "confirm" in again.form("name").names
    # What was confirmed stays so while something else is put right.
    other = Page(browser.post(path, {**filled, "confirm": "large", "stage": "lost"}).get_data(as_text=True))
    assert other.form("name").values["confirm"] == ["large"]
    assert browser.post(path, {**filled, "confirm": "large"}).status_code == 303


def test_how_a_form_opens_is_said_in_its_page(browser: Browser) -> None:
    page = browser.get("/app/deal/new").get_data(as_text=True)
    start = page.index('data-ruled="') + len('data-ruled="')
    state = page[start : page.index('"', start)]
    assert json.loads(state.replace("&#34;", '"'))["hidden"] == ["rival"]
