"""Pools as people use them: what lies in one says so, is claimed by a click, given back with a reason; and the API."""

from __future__ import annotations

import pytest

from runtime.host import Host
from tests.doors import Browser, Site, site
from tests.pages import Page


@pytest.fixture
def sales(host: Host) -> Site:
    return site(host, "sales")


def lead(here: Site, name: str = "Ren") -> str:
    id: str = here.api("admin").made("lead", name=name, phone="13800001111", owner=None)["id"]
    return id


def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def test_a_record_in_a_pool_says_so_and_is_claimed_by_a_click(sales: Site) -> None:
    id, rep = lead(sales), sales.person("sales_rep")
    browser = sales.browser(person=rep)
    page = page_of(browser, f"/app/lead/{id}")
    assert "In the pool Open leads" in page.said and "Claim" in page.said and "Give to somebody" not in page.said
    assert not any(each.endswith(f"{id}/edit") for each in page.links)  # what he may not do is not offered
    answer = browser.post(f"/app/lead/{id}/claim")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("done=pool_claimed")
    page = page_of(browser, f"/app/lead/{id}?done=pool_claimed")
    assert "It is yours now" in page.said and "In the pool" not in page.said
    assert any(each.endswith(f"{id}/edit") for each in page.links)
    assert sales.api(person=rep).get(f"/lead/{id}").get_json()["owner"] == rep.id


def test_giving_back_asks_why_and_the_next_one_reads_it(sales: Site) -> None:
    id, rep = lead(sales), sales.person("sales_rep", name="Ada")
    browser = sales.browser(person=rep)
    browser.post(f"/app/lead/{id}/claim")
    assert any(each.endswith(f"/app/lead/{id}/pool/return") for each in page_of(browser, f"/app/lead/{id}").links)
    refused = browser.post(f"/app/lead/{id}/pool/return", {"reason": " "})
    assert refused.status_code == 422 and "Say why" in refused.get_data(as_text=True)
    answer = browser.post(f"/app/lead/{id}/pool/return", {"reason": "No budget <b>", "pool": ""})
    assert answer.status_code == 303
    other = sales.browser(person=sales.person("sales_rep"))
    assert "Ada: No budget <b>" in page_of(other, f"/app/lead/{id}").said
    assert "returned to a pool" in page_of(other, f"/app/lead/{id}?tab=history").said


def test_managers_give_to_somebody(sales: Site) -> None:
    id, rep, boss = lead(sales), sales.person("sales_rep"), sales.person("sales_manager")
    browser = sales.browser(person=boss)
    page = page_of(browser, f"/app/lead/{id}/pool/give")
    assert any("owner" in form.names for form in page.forms)
    assert browser.post(f"/app/lead/{id}/pool/give", {"owner": rep.id}).status_code == 303
    assert sales.api(person=rep).get(f"/lead/{id}").get_json()["owner"] == rep.id
    assert sales.browser(person=rep).post(f"/app/lead/{id}/pool/give", {"owner": boss.id}).status_code in (403, 422)


def test_selected_rows_of_a_list_are_claimed_with_a_verdict_for_each(sales: Site) -> None:
    mine, taken = lead(sales, "One"), lead(sales, "Two")
    rep, other = sales.person("sales_rep"), sales.person("sales_rep")
    sales.api(person=other).post("/lead/pool", {"action": "claim", "ids": [taken]})
    browser = sales.browser(person=rep)
    assert 'data-bulk="claim"' in browser.get("/app/lead").get_data(as_text=True)
    answer = browser.post("/app/-/pool/lead", {"ids": f"{mine},{taken}"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "1 claimed" in text and "1 refused" in text


def test_the_api_answers_a_verdict_for_each_and_refuses_what_it_does_not_understand(sales: Site) -> None:
    ids, api = [lead(sales, "One"), lead(sales, "Two")], sales.api("sales_rep")
    found = api.post("/lead/pool", {"action": "claim", "ids": [*ids, "nonsense"]}).get_json()["data"]
    assert [each["verdict"] for each in found] == ["updated", "updated", "refused"]
    given_back = api.post("/lead/pool", {"action": "return", "ids": ids[:1], "reason": "moved"}).get_json()["data"]
    assert [each["verdict"] for each in given_back] == ["updated"]
    for wrong in (
        {"action": "take", "ids": ids},
        {"action": "claim"},
        {"action": "claim", "ids": []},
        {"action": "claim", "ids": "x"},
        {"action": "give", "ids": ids},
        {"action": "claim", "ids": ids, "owner": "x"},
        {"action": "claim", "ids": ids, "reason": 5},
    ):
        assert api.post("/lead/pool", wrong).status_code == 400, wrong
    assert api.post("/lead/pool", {"action": "move", "ids": ids, "pool": "nowhere"}).status_code == 404
    assert api.post("/contact/pool", {"action": "claim", "ids": ids}).status_code == 403
    assert api.post("/lead/pool", {"action": "claim", "ids": ids * 300}).status_code == 413
    paths = api.get("/openapi.json").get_json()["paths"]
    assert "/lead/pool" in paths and "/contact/pool" not in paths
