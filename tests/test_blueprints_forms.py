"""Forms as people use them: rows with their record, conflicts chosen field by field, saving once, drawers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runtime.host import Host
from tests.doors import Browser, Site, site
from tests.pages import Form, Page

ORDERS = """
package: {code: orders, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  purchase:
    label: {en: Purchase, zh: 采购}
    title: name
    owned: true
    fields:
      name: {type: text, max: 80, required: true, label: {en: Name, zh: 名称}}
      note: {type: long_text, label: {en: Note, zh: 备注}}
      state: {type: choice, default: open, label: {en: State, zh: 状态}, options: {open: {}, done: {}}}
      rush: {type: boolean}
      total: {type: money}
      lines: {type: children, of: purchase_line, by: purchase, label: {en: Lines, zh: 明细}}
  purchase_line:
    label: {en: Line, zh: 明细行}
    title: what
    sort: {position: asc}
    fields:
      purchase: {type: link, to: purchase, required: true, on_delete: cascade}
      position: {type: integer}
      what: {type: text, max: 40, required: true, label: {en: What, zh: 内容}}
      count: {type: decimal, scale: 2, min: 0, default: "1", label: {en: Count, zh: 数量}}
      color: {type: choice, options: {red: {color: red}, blue: {color: blue}}}
      done: {type: boolean}
"""


@pytest.fixture(scope="module", params=["sqlite_host", "postgres_host"])
def here(request: pytest.FixtureRequest) -> Site:
    host: Host = request.getfixturevalue(request.param)
    return site(host, "core", ORDERS)


@pytest.fixture(scope="module")
def browser(here: Site) -> Browser:
    return here.browser("admin")


def page_of(browser: Browser, path: str, **arguments: Any) -> Page:
    answer = browser.get(path, **arguments)
    assert answer.status_code == 200, (path, answer.status_code)
    return page_in(answer)


def page_in(answer: Any) -> Page:
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], page.wrong
    return page


def row(place: int, **values: Any) -> dict[str, Any]:
    return {f"lines.{place}.{name}": value for name, value in values.items()}


def made(browser: Browser, here: Site, form: Form, **values: Any) -> dict[str, Any]:
    """The purchase that the form makes, with its lines."""
    answer = browser.post("/app/purchase/new", {**form.values, **values})
    assert answer.status_code == 303, page_in(answer).said
    return purchase(here, re.search("[0-9a-f-]{36}", answer.headers["Location"])[0])  # type: ignore[index]


def purchase(here: Site, id: str) -> dict[str, Any]:
    names = ("what", "count", "position", "color", "done")
    fields = ",".join(["name", "note", "state", "rush", "version", *(f"lines.{each}" for each in names)])
    found: dict[str, Any] = here.api("admin").get(f"/purchase/{id}", fields=fields).get_json()
    return found


def test_a_record_is_made_with_its_rows_in_one_go(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    assert form.values["lines.0.count"] == ["1"], "empty rows stand ready, with what a row begins with"
    lines = {**row(0, what="Bolts", count="12.5", color="red"), **row(2, what="Nuts")}
    found = made(browser, here, form, name="P", lines=["rows"], **lines)
    assert [(each["what"], each["count"], each["color"]) for each in found["lines"]] == [
        ("Bolts", "12.50", "red"),
        ("Nuts", "1.00", None),
    ]


def test_rows_are_changed_added_and_taken_away_and_the_rest_stays(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    lines = {**row(0, what="A", position="1"), **row(1, what="B", position="2"), **row(2, what="C", position="3")}
    first = made(browser, here, form, name="P", **lines)
    path = f"/app/purchase/{first['id']}/edit"
    edit = page_of(browser, path).form("name")
    assert [edit.values[f"lines.{at}.what"] for at in range(3)] == [["A"], ["B"], ["C"]]
    changes = {**row(0, count="7"), **row(1, delete="1"), **row(3, what="D", position="4")}
    assert browser.post(path, {**edit.values, **changes}).status_code == 303
    found = purchase(here, first["id"])
    assert [(each["what"], each["count"]) for each in found["lines"]] == [("A", "7.00"), ("C", "1.00"), ("D", "1.00")]
    kept = {each["what"]: each["id"] for each in first["lines"]}
    assert {each["id"] for each in found["lines"][:2]} == {kept["A"], kept["C"]}, "rows keep their identity"


def test_saving_rows_as_they_are_writes_nothing(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    first = made(browser, here, form, name="P", **row(0, what="A"))
    path = f"/app/purchase/{first['id']}/edit"
    assert browser.post(path, page_of(browser, path).form("name").values).status_code == 303
    assert purchase(here, first["id"]) == first


@pytest.mark.parametrize(("lang", "told"), [("en", "row 2"), ("zh", "第 2 行")])
def test_what_is_wrong_in_a_row_stands_in_its_cell_and_the_row_is_named(
    here: Site, browser: Browser, lang: str, told: str
) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    lines = {**row(0, what="A"), **row(1, what="", count="many"), **row(2, what="C")}
    refused = browser.post(f"/app/purchase/new?lang={lang}", {**form.values, "name": "Wrong", **lines})
    assert refused.status_code == 422
    page = page_in(refused)
    text = refused.get_data(as_text=True)
    assert 'href="#f-lines.1.count"' in text and told in page.said
    assert re.search(r'id="f-lines\.1\.count" aria-invalid="true"', text)
    again = page.form("name").values
    assert (again["lines.0.what"], again["lines.1.count"], again["lines.2.what"]) == (["A"], ["many"], ["C"])
    found = here.api("admin").get("/purchase", where="name == 'Wrong'").get_json()["data"]
    assert found == [], "nothing was written"


def test_without_rows_in_the_form_rows_stay(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    first = made(browser, here, form, name="P", **row(0, what="A"))
    assert browser.post(f"/app/purchase/{first['id']}/edit", {"name": "Q"}).status_code == 303
    found = purchase(here, first["id"])
    assert (found["name"], found["lines"]) == ("Q", first["lines"])


def test_more_rows_than_a_form_takes_are_refused_and_not_lost(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    lines = {f"lines.{at}.what": f"row {at}" for at in range(400)}
    refused = browser.post("/app/purchase/new", {**form.values, "name": "P", **lines})
    assert refused.status_code == 422 and "at most" in page_in(refused).said


def test_a_record_with_more_rows_than_a_form_shows_keeps_them(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    lines = [{"what": f"row {at}"} for at in range(300)]
    big = api.made("purchase", name="Big", lines=lines)
    path = f"/app/purchase/{big['id']}/edit"
    edit = page_of(browser, path)
    assert "300" in edit.said and "lines" not in edit.form("name").names
    assert browser.post(path, {**edit.form("name").values, "name": "Bigger"}).status_code == 303
    where = f'purchase == "{big["id"]}"'
    assert api.get("/purchase_line", count="exact", where=where).get_json()["count"] == 300


# -- conflicts


def test_only_fields_that_both_changed_are_asked_about(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    one = api.made("purchase", name="P", note="old", state="open")
    path = f"/app/purchase/{one['id']}/edit"
    edit = page_of(browser, path).form("name")
    api.patch(f"/purchase/{one['id']}", {"note": "theirs", "state": "done"})
    refused = browser.post(path, {**edit.values, "note": "mine"})
    assert refused.status_code == 409
    page = page_in(refused)
    again = page.form("name").values
    assert [name for name in again if name.startswith("choice.")] == ["choice.note"]
    assert "theirs" in page.said and again["note"] == ["mine"]
    assert again["state"] == ["", "done"], "what only the other changed is taken over"
    assert "State" in page.said.split("taken over")[1]
    assert browser.post(path, again).status_code == 303
    found = purchase(here, one["id"])
    assert (found["note"], found["state"], found["name"]) == ("mine", "done", "P")


def test_the_other_value_can_be_taken(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    one = api.made("purchase", name="P", note="old")
    path = f"/app/purchase/{one['id']}/edit"
    edit = page_of(browser, path).form("name")
    api.patch(f"/purchase/{one['id']}", {"note": "theirs"})
    again = page_in(browser.post(path, {**edit.values, "note": "mine", "name": "Q"})).form("name").values
    assert browser.post(path, {**again, "choice.note": "theirs"}).status_code == 303
    found = purchase(here, one["id"])
    assert (found["note"], found["name"]) == ("theirs", "Q")


def test_changes_of_different_fields_are_both_kept_and_said(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    one = api.made("purchase", name="P", note="old")
    path = f"/app/purchase/{one['id']}/edit"
    edit = page_of(browser, path).form("name")
    api.patch(f"/purchase/{one['id']}", {"note": "theirs"})
    saved = browser.post(path, {**edit.values, "name": "Q"})
    assert saved.status_code == 303 and "form_merged" in saved.headers["Location"]
    found = purchase(here, one["id"])
    assert (found["note"], found["name"]) == ("theirs", "Q")


def test_a_row_that_somebody_added_meanwhile_is_not_lost(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    one = api.made("purchase", name="P", lines=[{"what": "A"}])
    path = f"/app/purchase/{one['id']}/edit"
    edit = page_of(browser, path).form("name")
    api.made("purchase_line", purchase=one["id"], what="B")
    refused = browser.post(path, {**edit.values, **row(0, what="A2")})
    assert refused.status_code == 409
    again = page_in(refused).form("name").values
    assert again["choice.lines"] == ["mine"]
    assert browser.post(path, {**again, "choice.lines": "theirs"}).status_code == 303
    assert {each["what"] for each in purchase(here, one["id"])["lines"]} == {"A", "B"}


# -- saving once, again, in a drawer


def test_a_form_that_is_sent_twice_makes_one_record(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    first, second = (browser.post("/app/purchase/new", {**form.values, "name": "Once"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    other = browser.post("/app/purchase/new", {**form.values, "name": "Another"})
    assert other.headers["Location"] != first.headers["Location"], "with other contents it is another record"
    where = "name in ['Once', 'Another']"
    assert len(here.api("admin").get("/purchase", where=where).get_json()["data"]) == 2


def test_save_and_new_opens_a_form_like_this_one(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new", state="done").form("name")
    assert form.values["state"] == ["", "done"], "an address may give a value"
    saved = browser.post("/app/purchase/new?state=done", {**form.values, "name": "P", "then": "new"})
    where = saved.headers["Location"]
    assert "/app/purchase/new?" in where and "state=done" in where
    text = browser.get(where.removeprefix(here.prefix)).get_data(as_text=True)
    assert "data-saved" in text, "the draft of what was saved is not offered again"


def test_a_short_form_in_a_drawer_makes_a_record_and_tells_it(here: Site, browser: Browser) -> None:
    answer = browser.get("/app/purchase/new", drawer="1", quick="1", **{".title": "Typed"})
    page = page_in(answer)
    assert "<html" not in answer.get_data(as_text=True)
    form = page.form("name")
    assert form.values["name"] == ["Typed"] and "lines" not in form.names
    refused = browser.post("/app/purchase/new?drawer=1&quick=1", {**form.values, "name": ""})
    assert refused.status_code == 422 and "<html" not in refused.get_data(as_text=True)
    saved = browser.post("/app/purchase/new?drawer=1&quick=1", form.values)
    told = saved.get_json()
    assert (saved.status_code, told["title"], told["entity"]) == (200, "Typed", "purchase")
    assert purchase(here, told["id"])["state"] == "open", "what the short form leaves out gets its default"


def test_two_people_never_share_a_draft(here: Site) -> None:
    names = set()
    for _ in range(2):
        text = here.browser("admin").get("/app/purchase/new").get_data(as_text=True)
        names.add(re.search('data-draft="([^"]+)"', text)[1])  # type: ignore[index]
    assert len(names) == 2


def test_the_first_wrong_field_gets_the_cursor(here: Site, browser: Browser) -> None:
    form = page_of(browser, "/app/purchase/new").form("name")
    refused = browser.post("/app/purchase/new", {**form.values, "name": "x" * 99, "total": "many"})
    text = refused.get_data(as_text=True)
    assert re.search(r'id="f-name" aria-invalid="true"[^>]* autofocus', text) and text.count(" autofocus") == 1
