"""The page of a record: what stands on it for whom, its stage bar, who else is here, its files, what it costs."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest

from blueprints.app.differing import compare
from metadata.ids import uuid7
from runtime.host import Host
from tests.doors import Api, Browser, Site, site
from tests.talking import TALKS, about, company, page_at

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
PDF = b"%PDF-1.4\n%%EOF"


@pytest.fixture
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host, TALKS)


def text_at(browser: Browser, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    text: str = answer.get_data(as_text=True)
    assert answer.status_code == status, (path, answer.status_code, text[:300])
    return text


# -- what stands on the page


def test_tabs_are_plain_links_and_each_brings_what_its_layout_says(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api, story="A long story")
    api.made("bill", number="B-1", company=id)
    first = page_at(browser, f"/app/company/{id}")
    assert "A long story" not in first.said and "Products 0" in first.said
    tabs = [each.removeprefix(here.prefix) for each in first.links if "?tab=" in each]
    tabs = list(dict.fromkeys(each for each in tabs if "show=" not in each))
    assert [each.rpartition("=")[2] for each in tabs] == ["overview", "details", "history"]
    details = page_at(browser, tabs[1])
    assert "A long story" in details.said and "B-1" in details.said
    assert "created" in page_at(browser, tabs[2]).said
    assert browser.get(f"/app/company/{id}?tab=nothing").status_code == 404


def test_a_part_of_the_page_is_the_page_without_its_frame(here: Site) -> None:
    browser = here.browser("admin")
    id = company(here, here.api("admin"), story="A long story")
    part = text_at(browser, f"/app/-/record/company/{id}?tab=details")
    assert part.lstrip().startswith("<article") and "A long story" in part and "<html" not in part


def test_a_field_that_no_section_names_is_there_all_the_same(here: Site) -> None:
    browser = here.browser("admin")
    id = company(here, here.api("admin"))
    text = text_at(browser, f"/app/company/{id}?tab=details")
    folded = text[text.index('<details class="card record-section folded"') :]
    assert "Other fields" in folded and "Scan" in folded


def test_the_first_layout_of_the_persons_roles_is_shown_and_only_what_they_may_read(here: Site) -> None:
    admin, desk = here.api("admin"), here.person("desk")
    id = company(here, admin, story="canary story", secret="canary secret", owner=desk.id)
    talk = {"subject": "canary talk", "about": about(id)}
    admin.made("talk", **talk)
    admin.made("bill", number="canary bill", company=id)
    browser = here.browser(person=desk)
    page = page_at(browser, f"/app/company/{id}")
    assert "Reception" in page.said and "Overview" not in page.said
    for tab in ("", "?tab=desk", "?tab=history"):
        assert "canary" not in text_at(browser, f"/app/company/{id}{tab}")
    assert browser.get(f"/app/company/{id}?tab=overview").status_code == 404
    assert browser.get(f"/app/company/{id}/edit").status_code == 403
    assert "data-edit" not in text_at(browser, f"/app/company/{id}")


def test_without_a_layout_everything_is_there_and_activities_have_a_timeline(sqlite_host: Host) -> None:
    here = site(sqlite_host, "library", "sales")
    api, browser = here.api("admin"), here.browser("admin")
    author = api.made("author", name="Lu Xun", born=1881)
    page = page_at(browser, f"/app/author/{author['id']}")
    assert "1881" in page.said and "Books" in page.said
    unit = api.made("unit", name="North")
    api.made("activity", subject="Met the whole unit", related={"entity": "unit", "id": unit["id"]})
    page = page_at(browser, f"/app/unit/{unit['id']}?tab=timeline")
    assert "Met the whole unit" in page.said


def test_what_may_be_edited_in_place_is_marked_and_nothing_else(here: Site) -> None:
    id = company(here, here.api("admin"), secret="x")
    for role, marked in (("admin", True), ("clerk", True), ("desk", False)):
        who = here.person(role)
        here.api("admin").patch(f"/company/{id}", {"owner": who.id})
        text = text_at(here.browser(person=who), f"/app/company/{id}")
        assert ("data-edit" in text) is marked, role
    text = text_at(here.browser("clerk"), f"/app/company/{id}?tab=details")
    assert 'data-field="story" data-edit' in text and 'data-field="secret"' not in text


def test_a_related_list_tells_its_first_rows_how_many_and_where_all_are(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    for n in range(9):
        api.made("bill", number=f"Bill-{n}", company=id)
    page = page_at(browser, f"/app/company/{id}?tab=details")
    assert page.said.count("Bill-") == 6 and "Bills 9" in page.said
    everything = next(each for each in page.links if "/app/bill?where=" in each)
    assert page_at(browser, everything.removeprefix(here.prefix)).said.count("Bill-") >= 9


# -- the stage bar


def test_the_stage_bar_moves_the_record_and_says_why_it_does_not(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    page = page_at(browser, f"/app/company/{id}")
    form = page.form("field")
    assert "Fresh Warm Signed Dropped" in page.said and form.values["field"] == ["stage"]
    moved = browser.post(f"/app/company/{id}/stage", {**form.values, "value": "signed"})
    assert moved.status_code == 303
    assert api.get(f"/company/{id}").get_json()["stage"] == "signed"
    stale = browser.post(f"/app/company/{id}/stage", {**form.values, "value": "warm"})
    assert stale.status_code == 409 and api.get(f"/company/{id}").get_json()["stage"] == "signed"
    fresh = page_at(browser, f"/app/company/{id}").form("field").values
    wrong = browser.post(f"/app/company/{id}/stage", {**fresh, "value": "nowhere"})
    assert wrong.status_code == 422 and "stage" in wrong.get_data(as_text=True).lower()


def test_an_end_without_success_does_not_say_that_all_before_was_reached(here: Site) -> None:
    here = site(here.host, TALKS.replace("zh: 放弃}}", "zh: 放弃}, color: red}"))
    api, browser = here.api("admin"), here.browser("admin")
    states = {
        stage: re.findall(
            r'<li class="(\w+) tint-', text_at(browser, f"/app/company/{company(here, api, stage=stage)}")
        )
        for stage in ("signed", "dropped")
    }
    assert states["signed"] == ["done", "done", "current", "open"]
    assert states["dropped"] == ["open", "open", "open", "current"]


def test_who_may_not_move_a_record_sees_its_stage_and_no_buttons(here: Site) -> None:
    package = TALKS.replace("company: {read: all, update: all, fields", "company: {read: all, fields")
    here = site(here.host, package)
    id = company(here, here.api("admin"))
    browser = here.browser("clerk")
    text = text_at(browser, f"/app/company/{id}")
    assert 'aria-current="step" disabled' in text and '<ol tabindex="0" aria-label="Stage">' in text
    refused = browser.post(f"/app/company/{id}/stage", {"field": "stage", "value": "warm"})
    assert refused.status_code == 403


# -- who else is here, and whether it was saved meanwhile


def here_of(browser: Browser, id: str, editing: bool = False) -> Any:
    headers = {**browser.headers, "X-CSRF-Token": browser.csrf, "Origin": browser.base}
    return browser.client.post(
        f"{browser.prefix}/app/-/here/company/{id}", json={"editing": editing}, headers=headers, base_url=browser.base
    )


def test_two_people_on_a_record_see_each_other_and_each_others_saves(here: Site) -> None:
    one, two = here.person("admin", name="Li Wei"), here.person("clerk", name="Ann")
    first, second = here.browser(person=one), here.browser(person=two)
    id = company(here, here.api("admin"))
    assert here_of(first, id).get_json()["people"] == []
    seen = here_of(second, id, editing=True).get_json()
    assert (seen["people"], seen["version"]) == ([{"name": "Li Wei", "editing": False}], 1)
    here.api(person=two).patch(f"/company/{id}", {"stage": "warm"})
    asked = first.get(f"/app/-/here/company/{id}").get_json()
    assert (asked["people"], asked["version"], asked["by"]) == ([{"name": "Ann", "editing": True}], 2, "Ann")
    headers = {**second.headers, "X-CSRF-Token": second.csrf, "Origin": second.base}
    gone = second.client.post(
        f"{here.prefix}/app/-/here/company/{id}/leave", json={}, headers=headers, base_url=second.base
    )
    assert gone.status_code == 204
    assert first.get(f"/app/-/here/company/{id}").get_json()["people"] == []


def test_presence_tells_nothing_of_a_record_that_is_hidden(here: Site) -> None:
    id = company(here, here.api("admin"))
    admin, desk = here.browser("admin"), here.browser("desk")
    here_of(admin, id)
    assert here_of(desk, id).status_code == 404
    assert desk.get(f"/app/-/here/company/{id}").status_code == 404
    assert here_of(admin, uuid7()).status_code == 404 and here_of(admin, "x").status_code == 404
    assert here_of(admin, id).get_json()["people"] == []


# -- files


def upload(api: Api, name: str, content: bytes, media_type: str) -> str:
    answer = api.client.post(
        f"{api.prefix}/files", data={"file": (io.BytesIO(content), name, media_type)}, headers=api.headers
    )
    assert answer.status_code == 201, answer.get_data(as_text=True)
    id: str = answer.get_json()["id"]
    return id


def attached(api: Api, id: str, name: str, content: bytes, media_type: str) -> str:
    file = upload(api, name, content, media_type)
    api.made("memo", title=name, company=id, paper=file)
    return file


def test_files_are_shown_for_what_they_are_and_never_run(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    image = attached(api, id, "plant.png", PNG, "image/png")
    pdf = attached(api, id, "offer.pdf", PDF, "application/pdf")
    page = attached(api, id, "page.html", b"<script>alert(1)</script>", "text/html")
    drawing = attached(api, id, "x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image/svg+xml")
    stream = text_at(browser, f"/app/company/{id}")
    assert all(each in stream for each in ("plant.png", "offer.pdf", "page.html", f"/app/-/file/{image}/content"))
    shown = browser.get(f"/app/-/file/{image}/content")
    assert (shown.mimetype, shown.get_data()) == ("image/png", PNG)
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff" and shown.headers["X-Frame-Options"] == "DENY"
    for text in (page, drawing):
        assert browser.get(f"/app/-/file/{text}/content").status_code == 404
        viewer = text_at(browser, f"/app/-/file/{text}")
        assert "&lt;s" in viewer and "<script>alert" not in viewer and "<svg xmlns='" not in viewer
    framed = browser.get(f"/app/-/file/{pdf}/content")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN" and framed.mimetype == "application/pdf"
    assert "frame-src 'self'" in browser.get(f"/app/-/file/{pdf}").headers["Content-Security-Policy"]


def test_only_the_viewer_of_a_pdf_may_hold_a_frame(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    image = attached(api, id, "plant.png", PNG, "image/png")
    for path in (f"/app/company/{id}", f"/app/-/file/{image}", f"/app/-/file/{image}?part=1"):
        answer = browser.get(path)
        assert "frame-src" not in answer.headers["Content-Security-Policy"], path
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_file_of_a_record_that_is_hidden_is_not_there(here: Site) -> None:
    api = here.api("admin")
    file = attached(api, company(here, api), "canary.png", PNG, "image/png")
    desk = here.browser("desk")
    for path in (f"/app/-/file/{file}", f"/app/-/file/{file}?part=1", f"/app/-/file/{file}/content"):
        answer = desk.get(path)
        assert answer.status_code == 404 and "canary" not in answer.get_data(as_text=True)


def test_a_text_is_read_in_the_encodings_that_people_use(here: Site) -> None:
    api, browser = here.api("admin"), here.browser("admin")
    id = company(here, api)
    for name, encoding in (("a.txt", "utf-8"), ("b.txt", "gb18030")):
        file = attached(api, id, name, "会议纪要".encode(encoding) * 3, "text/plain")
        assert "会议纪要会议纪要" in text_at(browser, f"/app/-/file/{file}?part=1"), encoding


def test_where_a_dropped_file_goes_is_said_only_to_who_may_put_it_there(here: Site) -> None:
    id = company(here, here.api("admin"))
    said = re.search(r"data-attach='([^']*)'", text_at(here.browser("clerk"), f"/app/company/{id}"))
    assert said is not None and '"field": "paper"' in said[1] and f'"company": "{id}"' in said[1]
    package = TALKS.replace("memo: {read: all, create: all}", "memo: {read: all}")
    other = site(here.host, package)
    id = company(other, other.api("admin"))
    assert "data-attach" not in text_at(other.browser("clerk"), f"/app/company/{id}")


# -- what differs between two texts


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "new"), ("same", "same"), ("a b c", "a x c"), ("客户希望下周", "客户希望本周五"), ("x " * 3000, "y " * 3000)],
)
def test_a_comparison_holds_both_texts_whole(before: str, after: str) -> None:
    found = compare(before, after)
    assert "".join(each.text for each in found if each.kind in ("same", "old")) == before
    assert "".join(each.text for each in found if each.kind in ("same", "new")) == after


def test_long_unchanged_stretches_are_left_out_and_it_stays_quick() -> None:
    words = [f"w{n}" for n in range(5000)]
    before, after = " ".join(words), " ".join([*words[:2500], "changed", *words[2501:]])
    start = time.process_time()
    found = compare(before, after)
    assert time.process_time() - start < 1
    assert [each.text for each in found if each.kind in ("old", "new")] == ["w2500", "changed"]
    assert sum(len(each.text) for each in found) < 500


# -- all of a related list


def test_every_record_of_a_related_list_is_found_page_by_page(host: Host) -> None:
    here = site(host, "sales")
    api, browser = here.api("admin"), here.browser("admin")
    account = api.made("account", name="Acme")
    about_it = {"entity": "account", "id": account["id"]}
    values = [{"title": f"Task {at:03}", "related": about_it, "due": "2030-01-01"} for at in range(60)]
    api.post("/task/bulk", {"operations": [{"action": "create", "values": each} for each in values]})
    record = page_at(browser, f"/app/account/{account['id']}")
    path = next(each for each in record.links if each.endswith("/related/tasks")).removeprefix(here.prefix)
    first = page_at(browser, f"{path}?sort=title")
    assert "60 records" in first.said and "Task 000" in first.said and "Task 059" not in first.said
    following = next(each for each in first.links if "after=" in each).removeprefix(here.prefix)
    assert "Task 059" in page_at(browser, following).said
    assert "Task 059" in page_at(browser, f"{path}?sort=-title").said
    assert browser.get(f"/app/account/{account['id']}/related/nothing").status_code == 404


# -- what it costs


def test_a_page_costs_little_more_than_what_it_asks_for(sqlite_host: Host) -> None:
    here = site(sqlite_host, "sales")
    api, browser = here.api("admin"), here.browser("admin")
    account = api.made("account", name="Acme")
    about_it = {"entity": "account", "id": account["id"]}
    values = [{"subject": f"S {n}", "related": about_it, "content": "word " * 30} for n in range(40)]
    api.post("/activity/bulk", {"operations": [{"action": "create", "values": each} for each in values]})
    path = f"/app/account/{account['id']}"
    for _ in range(3):
        text_at(browser, path)
    spent = []
    for _ in range(5):
        start = time.process_time()
        text_at(browser, path)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.25, "a page of a record with 20 items of 40 and three lists"
