"""The timeline: one stream of several lists and the record's changes, in order, by pages, with nothing hidden in it."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

import pytest

from runtime.host import Host
from tests.doors import Api, Browser, Site, site
from tests.talking import TALKS, about, company, page_at

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, TALKS)


@pytest.fixture
def lite(sqlite_host: Host) -> Site:
    return site(sqlite_host, TALKS)


def talk(api: Api, id: str, subject: str, minutes: int = 0, **more: Any) -> dict[str, Any]:
    at = (NOON - dt.timedelta(minutes=minutes)).isoformat()
    return api.made("talk", **{"subject": subject, "about": about(id), "at": at, **more})


def subjects(text: str) -> list[str]:
    """What the titles of the items say, in their order."""
    return re.findall(r'class="item-title"[^>]*>([^<]*)<', text)


def pages(browser: Browser, address: str) -> list[list[str]]:
    """The titles on every page of a stream."""
    found = []
    while address:
        text = browser.get(address).get_data(as_text=True)
        found.append(subjects(text))
        older = re.search(r'class="timeline-older"><a[^>]*hx-get="([^"]*)"', text)
        address = older[1].replace("&amp;", "&").removeprefix(browser.prefix) if older else ""
        assert len(found) < 50
    return found


def stream_of(id: str, show: str = "") -> str:
    return f"/app/-/record/company/{id}/timeline/overview" + (f"?show={show}" if show else "")


def test_lists_and_changes_are_one_stream_newest_first(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    talk(api, id, "Old talk", 5)
    talk(api, id, "New talk", 1)
    api.made("memo", title="A memo", company=id)
    api.patch(f"/company/{id}", {"stage": "warm"})
    page_at(browser, f"/app/company/{id}")
    text = browser.get(stream_of(id)).get_data(as_text=True)
    assert subjects(text) == ["A memo", "New talk", "Old talk"]
    assert text.index("<del>Fresh</del>") < text.index("A memo")


def test_every_item_is_told_once_however_many_have_the_same_moment(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    wanted = [f"Talk {n:02}" for n in range(57)]
    operations = [
        {"action": "create", "values": {"subject": each, "about": about(id), "at": NOON.isoformat()}} for each in wanted
    ]
    assert api.post("/talk/bulk", {"operations": operations}).status_code == 200
    for n in range(7):
        api.made("memo", title=f"Memo {n}", company=id)
        api.patch(f"/company/{id}", {"story": f"Story {n}"})
    found = pages(browser, stream_of(id))
    titles = [each for page in found for each in page]
    assert sorted(titles) == sorted([*wanted, *(f"Memo {n}" for n in range(7))])
    assert all(len(page) <= 20 for page in found)
    assert titles[:7] == [f"Memo {n}" for n in reversed(range(7))]
    assert [len(each) for each in pages(browser, stream_of(id, "talks"))] == [20, 20, 17]
    assert sum(map(len, pages(browser, stream_of(id, "memos")))) == 7
    changes = browser.get(stream_of(id, "changes")).get_data(as_text=True)
    assert subjects(changes) == [] and "Story 6" in changes


def test_what_a_role_may_not_read_is_nowhere_in_its_stream(here: Site) -> None:
    admin, clerk = here.api("admin"), here.person("clerk")
    api, browser = here.api(person=clerk), here.browser(person=clerk)
    id = company(here, admin, secret="canary-first")
    admin.made("bill", number="canary-bill", company=id)
    talk(admin, id, "canary-talk", said="canary-said")
    talk(api, id, "My own talk")
    admin.patch(f"/company/{id}", {"secret": "canary-second"})
    admin.patch(f"/company/{id}", {"secret": "canary-third", "stage": "warm"})
    addresses = [
        f"/app/company/{id}",
        *(f"/app/company/{id}?tab={each}" for each in ("details", "history", "overview")),
        *(stream_of(id, each) for each in ("", "talks", "memos", "bills", "changes")),
        f"/app/-/record/company/{id}/history",
    ]
    for address in addresses:
        text = browser.get(address).get_data(as_text=True)
        assert "canary" not in text and "Secret word" not in text and "Bills" not in text, address
    assert "My own talk" in browser.get(stream_of(id)).get_data(as_text=True)
    changes = browser.get(stream_of(id, "changes")).get_data(as_text=True)
    assert changes.count('class="item change"') == 2, "created, and the change of the stage"
    everything = here.browser("admin").get(stream_of(id)).get_data(as_text=True)
    assert all(f"canary-{each}" in everything for each in ("bill", "talk", "third"))


def test_without_scripts_filters_and_older_items_are_pages(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    for n in range(22):
        talk(api, id, f"Talk {n:02}", n)
    api.made("memo", title="The memo", company=id)
    first = page_at(browser, f"/app/company/{id}")
    assert "Talk 00" in first.said and "Talk 21" not in first.said
    older = next(each for each in first.links if "after=" in each).removeprefix(here.prefix)
    assert "Talk 21" in page_at(browser, older).said
    memos = next(each for each in first.links if each.endswith("show=memos")).removeprefix(here.prefix)
    page = page_at(browser, memos)
    assert "The memo" in page.said and "Talk 00" not in page.said


def test_a_cursor_that_nobody_gave_is_refused_and_a_record_that_is_hidden_is_not_there(here: Site) -> None:
    admin = here.api("admin")
    id = company(here, admin)
    browser, desk = here.browser("admin"), here.browser("desk")
    for wrong in ("x", "%00", "e30", "bnVsbA", "WzFd", "a" * 5000):
        assert browser.get(f"{stream_of(id)}?after={wrong}").status_code in (200, 400), wrong
    assert browser.get(f"{stream_of(id)}?after=WzFd").status_code == 400
    assert desk.get(f"/app/-/record/company/{id}/timeline/desk").status_code == 404
    assert desk.get(f"/app/-/record/company/{id}").status_code == 404
    assert browser.get(f"/app/-/record/company/{id}/timeline/none").status_code == 404


def test_long_texts_are_compared_by_words(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    before = "They wanted the blue machine for the hall in Ningbo, and they wanted it before the winter."
    id = company(here, api, story=before)
    api.patch(f"/company/{id}", {"story": before.replace("blue machine", "red pump")})
    text = browser.get(f"/app/company/{id}?tab=history").get_data(as_text=True)
    assert "<del>blue machine</del><ins>red pump</ins>" in text


def test_times_are_of_the_person_and_days_are_named_once(here: Site) -> None:
    api = here.api("admin")
    id = company(here, api)
    for n in range(25):
        talk(api, id, f"Talk {n}", n)
    browser = here.browser("admin")
    first = browser.get(stream_of(id, "talks")).get_data(as_text=True)
    assert first.count('datetime="2026-05-04"') == 1 and "20:00" in first  # Asia/Shanghai
    older = re.search(r'timeline-older"><a[^>]*hx-get="([^"]*)"', first)
    assert older is not None
    second = browser.get(older[1].replace("&amp;", "&").removeprefix(here.prefix)).get_data(as_text=True)
    assert len(subjects(second)) == 5 and 'class="timeline-day"' not in second


# -- the composer


def composed(browser: Browser, id: str, of: str, values: dict[str, Any], **more: Any) -> Any:
    return browser.post(f"/app/-/compose/company/{id}?of={of}&part=1", values, **more)


def test_a_call_is_logged_with_its_kind_and_the_link_back(lite: Site) -> None:
    who = lite.person("clerk", name="Li Wei")
    api, browser = lite.api(person=who), lite.browser(person=who)
    id = company(lite, lite.api("admin"))
    page = page_at(browser, f"/app/company/{id}")
    opener = next(each for each in page.links if "/app/talk/new" in each and "how=visit" in each)
    assert f"about=company:{id}" in opener.replace("%3A", ":")
    form = page_at(browser, f"/app/-/compose/company/{id}?of=talks&how=visit")
    given = form.form("subject").values
    assert given["how"] == ["visit"] and "about" not in form.form("subject").names
    saved = composed(browser, id, "talks", {"how": "visit", "subject": "Saw their hall", "again": "2026-06-01"})
    assert saved.status_code == 200, saved.get_data(as_text=True)
    made = api.get(f"/talk/{saved.get_json()['id']}").get_json()
    assert (made["how"], made["about"], made["again"], made["owner"]) == ("visit", about(id), "2026-06-01", who.id)
    assert "Saw their hall" in page_at(browser, f"/app/company/{id}").said


def test_what_is_wrong_comes_back_beside_its_control_with_what_was_typed(lite: Site) -> None:
    api, browser = lite.api("admin"), lite.browser("admin")
    id = company(lite, api)
    refused = composed(browser, id, "talks", {"how": "call", "subject": "", "said": "A long talk", "again": "never"})
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "A long talk" in text and "never" in text and 'aria-invalid="true"' in text
    assert api.get("/talk").get_json()["data"] == []


def test_a_form_sent_twice_makes_one_record(lite: Site) -> None:
    api, browser = lite.api("admin"), lite.browser("admin")
    id = company(lite, api)
    once = page_at(browser, f"/app/-/compose/company/{id}?of=memos").form("title").values["once"][0]
    answers = [composed(browser, id, "memos", {"title": "Once", "once": once}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].get_json()["id"] == answers[1].get_json()["id"]
    assert len(api.get("/memo").get_json()["data"]) == 1


def test_without_scripts_the_form_is_a_page_and_leads_back(lite: Site) -> None:
    browser = lite.browser("admin")
    id = company(lite, lite.api("admin"))
    form = page_at(browser, f"/app/-/compose/company/{id}?of=memos").form("title")
    answer = browser.post(form.action.removeprefix(lite.prefix), {**form.values, "title": "By hand"})
    assert answer.status_code == 303 and f"/app/company/{id}" in answer.headers["Location"]


def test_only_what_a_person_may_add_is_offered_and_taken(lite: Site) -> None:
    admin = lite.api("admin")
    id = company(lite, admin)
    clerk = lite.browser("clerk")
    links = " ".join(page_at(clerk, f"/app/company/{id}").links)
    assert "/app/memo/new" in links and "/app/bill/new" not in links and "/app/product/new" not in links
    for of in ("bills", "products", "nothing"):
        assert composed(clerk, id, of, {"number": "1", "name": "1"}).status_code == 403, of
        assert clerk.get(f"/app/-/compose/company/{id}?of={of}").status_code == 403
    desk = lite.browser("desk")
    assert composed(desk, id, "memos", {"title": "x"}).status_code == 404
    assert admin.get("/bill").get_json()["data"] == admin.get("/product").get_json()["data"] == []


def test_the_composer_of_a_list_row_begins_with_the_timeline(lite: Site) -> None:
    browser = lite.browser("admin")
    id = company(lite, lite.api("admin"))
    text = browser.get(f"/app/-/compose/company/{id}?part=1").get_data(as_text=True)
    assert 'name="how"' in text and "<html" not in text


def test_a_page_of_a_long_stream_is_bounded(sqlite_host: Host) -> None:
    here = site(sqlite_host, TALKS)
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    operations = [
        {"action": "create", "values": {"subject": f"T {n}", "about": about(id), "said": "word " * 60}}
        for n in range(500)
    ]
    for at in range(0, 500, 100):
        assert api.post("/talk/bulk", {"operations": operations[at : at + 100]}).status_code == 200
    browser.get(stream_of(id))
    start = time.process_time()
    text = browser.get(stream_of(id)).get_data(as_text=True)
    assert len(subjects(text)) == 20
    assert time.process_time() - start < 1.5
