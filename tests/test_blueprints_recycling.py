"""The recycle bin and merging as people use them, and what the API says of both."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.ids import uuid7
from runtime.host import Host
from tests.doors import Api, Browser, Site, codes, site
from tests.pages import Page


@pytest.fixture
def here(host: Host) -> Site:
    return site(host)


def page_of(browser: Browser, path: str, status: int = 200, **arguments: Any) -> Page:
    answer = browser.get(path, **arguments)
    assert answer.status_code == status, (path, answer.status_code, answer.headers.get("Location"))
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def deals(api: Api, *names: str, **more: Any) -> list[str]:
    return [api.made("deal", name=name, **more)["id"] for name in names]


# -- the bin


def test_the_bin_tells_what_was_deleted_by_whom_and_what_went_with_it(host: Host) -> None:
    here = site(host, "sales")
    person = here.person("admin", name="Zoe")
    api, browser = here.api(person=person), here.browser(person=person)
    account = api.made("account", name="华为技术")["id"]
    contact = api.made("contact", mobile="13800000000", name="Ren", account=account)["id"]
    assert api.delete(f"/account/{account}").status_code == 200
    page = page_of(browser, "/app/-/bin")
    assert "华为技术" in page.said and "Zoe" in page.said and "1 Contact " in page.said
    assert "Ren" not in page.said  # it went along: it comes back with the account
    answer = browser.post("/app/-/bin", {"only": f"account:{account}"})
    assert answer.status_code == 303
    assert api.get(f"/account/{account}").status_code == 200
    assert api.get(f"/contact/{contact}").get_json()["account"] == account
    assert "The recycle bin is empty" in page_of(browser, "/app/-/bin").said


def test_many_are_brought_back_at_once_and_refusals_are_told(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    company = api.made("company", name="Acme")["id"]
    one, two, three = deals(api, "One", "Two", "Three", company=company)
    for id in (one, two, three):
        api.delete(f"/deal/{id}")
    deals(api, "Two", company=company)  # the name is taken meanwhile
    answer = browser.post("/app/-/bin", {"item": [f"deal:{one}", f"deal:{two}"]})
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 409 and page.wrong == []
    assert "1 restored" in page.said and "Another Deal has this already" in page.said
    assert api.get(f"/deal/{one}").status_code == 200
    assert [each["code"] for each in api.get(f"/deal/{three}").get_json()["problems"]] == ["not_found"]


def test_what_was_deleted_together_is_restored_one_by_one(here: Site) -> None:
    api = here.api("admin")
    one, two = deals(api, "One", "Two")
    operations = [{"action": "delete", "id": each} for each in (one, two)]
    assert api.post("/deal/bulk", {"operations": operations}).status_code == 200
    answer = api.post("/deal/bulk", {"operations": [{"action": "restore", "id": two}]})
    assert answer.get_json()["data"] == [{"verdict": "restored", "id": two, "version": 3, "problems": []}]
    assert api.get(f"/deal/{one}").status_code == 404
    again = api.post("/deal/bulk", {"operations": [{"action": "restore", "id": two}], "all_or_nothing": False})
    assert again.get_json()["data"][0]["verdict"] == "refused"


def test_the_bin_is_searched_and_paged(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    ids = deals(api, *(f"Deal {at:03}" for at in range(60)))
    for id in ids:
        api.delete(f"/deal/{id}")
    first = page_of(browser, "/app/-/bin")
    assert first.said.count("Deal 0") == 50 and "Deal 059" in first.said and "Deal 009" not in first.said
    older = next(each for each in first.links if "after=" in each)
    second = page_of(browser, older.removeprefix(browser.prefix))
    assert second.said.count("Deal 0") == 10 and "Deal 009" in second.said
    assert page_of(browser, "/app/-/bin", q="deal 007").said.count("Deal 0") == 1
    assert "Nothing deleted matches" in page_of(browser, "/app/-/bin", kind="company").said


def test_the_bin_shows_only_what_the_person_may_bring_back(here: Site) -> None:
    admin, seller = here.api("admin"), here.person("seller")
    [foreign] = deals(admin, "Foreign")
    [own] = deals(here.api(person=seller), "Own")
    for id in (foreign, own):
        admin.delete(f"/deal/{id}")
    company = admin.made("company", name="Gone")["id"]
    admin.delete(f"/company/{company}")
    browser = here.browser(person=seller)
    said = page_of(browser, "/app/-/bin").said
    assert "Own" in said and "Foreign" not in said and "Gone" not in said
    assert browser.post("/app/-/bin", {"item": [f"deal:{foreign}"]}).status_code == 409
    assert admin.get(f"/deal/{foreign}").status_code == 404
    assert "empty" in page_of(here.browser("reader"), "/app/-/bin").said


def test_a_record_deleted_twice_is_in_the_bin_once(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    [id] = deals(api, "Twice")
    for _ in range(2):
        api.delete(f"/deal/{id}")
        last = api.get("/deal", deleted="true").get_json()["data"]
        assert [each["id"] for each in last] == [id]
        if _ == 0:
            api.post(f"/deal/{id}/restore")
    assert page_of(browser, "/app/-/bin").said.count("Twice") == 1


# -- merging


def test_two_records_are_merged_on_a_page(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    one = api.made("company", name="Acme", size=3)["id"]
    two = api.made("company", name="ACME Inc.", industry="it")["id"]
    deals(api, "First", "Second", company=two)
    page = page_of(browser, "/app/company/merge", ids=f"{one},{two}")
    form = page.form("survivor")
    assert form.values["survivor"] == [one]
    assert (form.values["f.name"], form.values["f.size"], form.values["f.industry"]) == ([one], [one], [two])
    assert "2 linked" in page.said
    answer = browser.post("/app/company/merge", {**form.values, "f.name": two})
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"/company/{one}?done=recycling_merged")
    kept = api.get(f"/company/{one}").get_json()
    assert (kept["name"], kept["size"], kept["industry"]) == ("ACME Inc.", 3, "it")
    assert api.get("/deal", where=f"company == '{one}'", count="exact").get_json()["count"] == 2
    # Sent twice by an impatient hand.
    assert browser.post("/app/company/merge", {**form.values, "f.name": two}).status_code == 303
    # Its address leads to the survivor, and it can be seen in the bin.
    answer = browser.get(f"/app/company/{two}")
    assert answer.status_code == 303 and f"/app/company/{one}?done=recycling_led" in answer.headers["Location"]
    assert "merged into ACME Inc." in page_of(browser, "/app/-/bin").said


def test_a_merge_begins_from_one_record_with_a_search(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    one, two = (api.made("company", name=name)["id"] for name in ("Acme", "Acme Two"))
    page = page_of(browser, "/app/company/merge", ids=one, q="acme")
    assert any(f"{one}%2C{two}" in each or f"{one},{two}" in each for each in page.links)
    page_of(browser, "/app/company/merge")
    assert browser.get("/app/company/merge", ids=uuid7()).status_code == 404


def test_a_merge_that_is_refused_says_why_and_keeps_the_choices(here: Site) -> None:
    person = here.person("admin")
    api, browser = here.api(person=person), here.browser(person=person)
    one, two = (api.made("company", name=name)["id"] for name in ("One", "Two"))
    for id in (one, two):
        deals(api, "Same", company=id)
    form = page_of(browser, "/app/company/merge", ids=f"{one},{two}").form("survivor")
    answer = browser.post("/app/company/merge", {**form.values, "survivor": two, "f.name": one})
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 409 and page.wrong == []
    assert "there may be only one" in page.said and "Same" in page.said
    assert page.form("survivor").values["survivor"] == [two] and page.form("f.name").values["f.name"] == [one]
    api.patch(f"/company/{one}", {"size": 9})
    answer = browser.post("/app/company/merge", form.values)
    assert answer.status_code == 409 and "changed this Company" in Page(answer.get_data(as_text=True)).said


def test_who_may_not_delete_may_not_merge(here: Site) -> None:
    api = here.api("admin")
    one, two = (api.made("company", name=name)["id"] for name in ("One", "Two"))
    assert here.browser("seller").get("/app/company/merge", ids=f"{one},{two}").status_code == 403
    answer = here.api("seller").post("/company/merge", {"survivor": one, "others": [two]})
    assert answer.status_code == 403


def test_the_api_merges_once_for_each_key_and_leads_to_the_survivor(here: Site) -> None:
    api = here.api("admin")
    one, two = (api.made("company", name=name)["id"] for name in ("One", "Two"))
    deals(api, "D", company=two)
    body = {"survivor": one, "others": [two], "choices": {"name": two}, "versions": {one: 1, two: 1}}
    answers = [api.post("/company/merge", body, headers={**api.headers, "Idempotency-Key": "k"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].get_json() == answers[1].get_json()
    found = answers[0].get_json()
    assert (found["record"]["name"], found["merged"], found["moved"]) == ("Two", [two], {"deal": 1})
    gone = api.get(f"/company/{two}")
    assert gone.status_code == 410 and gone.get_json()["problems"][0]["survivor"] == one
    assert api.patch(f"/company/{two}", {"size": 1}).status_code == 410


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"survivor": "x", "others": "y"},
        {"survivor": 1, "others": []},
        {"survivor": "x", "others": [1]},
        {"survivor": "x", "others": ["y"], "choices": {"name": 1}},
        {"survivor": "x", "others": ["y"], "versions": {"x": "1"}},
        {"survivor": "x", "others": ["y"], "more": 1},
    ],
)
def test_a_merge_that_is_none_is_told_so(sqlite_host: Host, body: dict[str, Any]) -> None:
    answer = site(sqlite_host).api("admin").post("/company/merge", body)
    assert answer.status_code in (400, 422) and codes(answer)
