"""Controls: what each shows and sends, words for days, how typed texts are understood, one control in its place."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from blueprints.app.controls import Sent, shortcuts
from blueprints.app.controls.families import TABLE
from metadata.fieldtypes import registry
from runtime.host import Host
from tests import kit
from tests.doors import Browser, Site, site
from tests.pages import Page

SHOP = """
package: {code: shop, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
options:
  size: {options: {s: {label: {en: Small, zh: 小}, color: green}, m: {}, l: {}}}
entities:
  maker:
    label: {en: Maker, zh: 厂商}
    title: name
    search: {name: {}}
    fields:
      name: {type: text, max: 80, required: true}
      city: {type: text}
  thing:
    label: {en: Thing, zh: 物品}
    title: name
    fields:
      name: {type: text, max: 20, required: true, label: {en: Name, zh: 名称}}
      size: {type: choice, options: size, label: {en: Size, zh: 尺寸}}
      kind: {type: choice, options: {food: {}, toy: {}, book: {}, tool: {}, seed: {}, car: {}, hat: {}}}
      variety:
        type: choice
        depends_on: kind
        options: {apple: {for: {food: {}}}, bread: {for: {food: {}}}, ball: {for: {toy: {}}}, other: {}}
      price: {type: money, min: 0, label: {en: Price, zh: 价格}}
      count: {type: integer}
      weight: {type: decimal, scale: 3}
      due: {type: date, label: {en: Due, zh: 到期}}
      at: {type: datetime}
      phone: {type: phone, region: CN, label: {en: Phone, zh: 电话}}
      mail: {type: email}
      maker: {type: link, to: maker, inverse: {key: things}}
      data: {type: json}
      on: {type: boolean}
"""


@pytest.fixture(scope="module")
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host, "core", SHOP)


@pytest.fixture(scope="module")
def browser(here: Site) -> Browser:
    return here.browser("admin")


def page_of(browser: Browser, path: str, **arguments: Any) -> Page:
    answer = browser.get(path, **arguments)
    assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[:800])
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def test_every_field_type_that_people_fill_in_has_a_family() -> None:
    assert set(registry.TYPES) - set(TABLE) == {"id", "sequence"}


TODAY = dt.date(2027, 3, 10)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2027-03-10"),
        (" Tomorrow ", "2027-03-11"),
        ("明天", "2027-03-11"),
        ("后天", "2027-03-12"),
        ("昨天", "2027-03-09"),
        ("+3d", "2027-03-13"),
        ("+3", "2027-03-13"),
        ("-2w", "2027-02-24"),
        ("+1m", "2027-04-10"),
        ("+2 years", "2029-03-10"),
        ("in 10 days", "2027-03-20"),
        ("两周后", "2027-03-24"),
        ("3天前", "2027-03-07"),
        ("friday", "2027-03-12"),
        ("wed", "2027-03-10"),
        ("next monday", "2027-03-15"),
        ("周五", "2027-03-12"),
        ("下周一", "2027-03-15"),
        ("上周日", "2027-03-07"),
        ("月底", "2027-03-31"),
        ("eoq", "2027-03-31"),
        ("year", None),
        ("3d", None),
        ("2027-03-10", None),
        ("+99999999d", None),
        ("+9999y", None),
        ("", None),
    ],
)
def test_words_mean_days(text: str, day: str | None) -> None:
    found = shortcuts.meant(text, TODAY)
    assert found == (dt.date.fromisoformat(day) if day else None)


def test_the_end_of_a_month_stays_in_its_month() -> None:
    assert shortcuts.meant("+1m", dt.date(2028, 1, 31)) == dt.date(2028, 2, 29)
    assert shortcuts.meant("-1y", dt.date(2028, 2, 29)) == dt.date(2027, 2, 28)


def test_a_word_with_a_time_is_a_moment_of_the_zone() -> None:
    now = dt.datetime(2027, 3, 10, 20, 30, tzinfo=dt.UTC)  # the eleventh in Shanghai
    assert shortcuts.date_text("today", now, "Asia/Shanghai") == "2027-03-11"
    assert shortcuts.moment_text("tomorrow 14:00", now, "Asia/Shanghai") == "2027-03-12 14:00"
    assert shortcuts.moment_text("明天下午3:15", now, "Asia/Shanghai") == "2027-03-12 下午3:15"
    assert shortcuts.moment_text("now", now, "Asia/Shanghai") == "2027-03-11 04:30"
    assert shortcuts.moment_text("2027-01-01 10:00", now, "UTC") == "2027-01-01 10:00"


def test_what_was_sent_for_a_row_is_seen_without_its_place() -> None:
    sent = Sent(MultiDict([("lines.0.name", "a"), ("lines.0.name", "b"), ("name", "x")])).under("lines.0.")
    assert sent.all("name") == ["a", "b"] and sent.last("name") == "b" and sent.last("other") == ""
    assert list(sent.names()) == ["name"]


@pytest.mark.parametrize(
    ("field", "text", "stands"),
    [
        ("price", "1234567.5", "1,234,567.50"),
        ("price", "12万", "120,000.00"),
        ("count", "12345", "12,345"),
        ("weight", "1.500", "1.5"),
        ("due", "30.6.2027", "2027-06-30"),
        ("at", "2027/6/30 9:05", "2027-06-30 09:05"),
        ("mail", "Ada@Example.com", "ada@example.com"),
        ("phone", "138 0000 1111", "138 0000 1111"),
        ("name", "  x ", "x"),
        ("count", "", ""),
    ],
)
def test_a_typed_text_is_understood_and_told(browser: Browser, field: str, text: str, stands: str) -> None:
    answer = browser.get(f"/app/-/understood/thing/{field}", text=text).get_json()
    assert answer["text"] == stands


def test_a_text_that_is_not_understood_is_told_in_the_language_of_the_page(browser: Browser) -> None:
    path = "/app/-/understood/thing/due"
    assert "nonsense" in browser.get(path, text="nonsense", lang="en").get_json()["problem"]
    assert "不是日期" in browser.get(path, text="nonsense", lang="zh").get_json()["problem"]
    assert browser.get("/app/-/understood/thing/size", text="s").status_code == 404
    assert browser.get("/app/-/understood/thing/nothing", text="s").status_code == 404


def test_few_options_are_buttons_with_colours_and_many_a_list(browser: Browser) -> None:
    text = browser.get("/app/thing/new").get_data(as_text=True)
    assert 'class="segment tint-green"' in text and "<select" in text
    page = Page(text)
    assert page.form("name").values["size"] == ["", ""], "nothing is chosen, and that is sent"


def test_options_tell_what_they_depend_on(here: Site, browser: Browser) -> None:
    text = browser.get("/app/thing/new").get_data(as_text=True)
    assert 'data-depends="kind"' in text and 'data-given="food"' in text
    toy = here.api("admin").made("thing", name="toy", kind="toy")
    alone = browser.get(f"/app/-/control/thing/{toy['id']}/variety").get_data(as_text=True)
    assert 'value="ball"' in alone and 'value="other"' in alone and 'value="apple"' not in alone


def test_the_currency_stands_in_the_first_amount(here: Site, browser: Browser) -> None:
    here.api("admin").made("exchange_rate", currency_code="USD", date="2020-01-01", rate="7")
    form = page_of(browser, "/app/thing/new").form("name")
    assert form.values["currency"] == ["CNY"]
    made = browser.post("/app/thing/new", {**form.values, "name": "dear", "price": "1,200", "currency": "USD"})
    assert made.status_code == 303
    [thing] = here.api("admin").get("/thing", where="name == 'dear'").get_json()["data"]
    assert thing["price"] == {"amount": "1200.00", "currency": "USD"}
    edit = page_of(browser, f"/app/thing/{thing['id']}/edit").form("name")
    assert edit.values["currency"] == ["USD"] and edit.values["price"] == ["1,200.00"]


def test_suggestions_say_what_tells_records_apart(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    for city in ("Berlin", "上海"):
        api.made("maker", name="Twin Works", city=city)
    found = browser.get("/app/-/suggest/maker", q="twin").get_json()["data"]
    assert sorted(each["detail"] for each in found) == ["Berlin", "上海"]
    assert {each["title"] for each in found} == {"Twin Works"}


# -- one control in its place


def test_one_control_is_edited_in_its_place(here: Site, browser: Browser) -> None:
    thing = here.api("admin").made("thing", name="one", count=5)
    path = f"/app/-/control/thing/{thing['id']}/count"
    form = page_of(browser, path).form("count")
    assert form.values["count"] == ["5"] and form.values["version"] == ["1"] and "name" not in form.names
    saved = browser.post(path, {**form.values, "count": "12000"})
    assert saved.status_code == 200
    assert saved.get_json()["version"] == 2 and "12,000" in saved.get_json()["html"]
    form = page_of(browser, path).form("count")
    refused = browser.post(path, {**form.values, "count": "many"}, headers={"Accept": "application/json"})
    assert refused.status_code == 422 and "many" in refused.get_json()["problems"][0]["message"]
    assert here.api("admin").get(f"/thing/{thing['id']}").get_json()["count"] == 12000


def test_a_conflict_in_place_shows_both_and_either_can_be_taken(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    thing = api.made("thing", name="both", count=5)
    path = f"/app/-/control/thing/{thing['id']}/count"
    form = page_of(browser, path).form("count")
    api.patch(f"/thing/{thing['id']}", {"count": 6})
    refused = browser.post(path, {**form.values, "count": "7"})
    assert refused.status_code == 409
    conflict = refused.get_json()["conflict"]
    assert (conflict["mine"], conflict["theirs"], conflict["version"]) == ("7", "6", 2)
    assert conflict["by"] and conflict["at"]
    again = {**form.values, "count": "7", "version": conflict["version"], "base": conflict["base"]}
    theirs = browser.post(path, {**again, "choice.count": "theirs"})
    assert theirs.status_code == 200 and "6" in theirs.get_json()["text"]
    assert browser.post(path, again).status_code == 200
    assert api.get(f"/thing/{thing['id']}").get_json()["count"] == 7


def test_what_others_change_elsewhere_does_not_stop_an_edit_in_place(here: Site, browser: Browser) -> None:
    api = here.api("admin")
    thing = api.made("thing", name="calm", count=5, weight="1")
    path = f"/app/-/control/thing/{thing['id']}/count"
    form = page_of(browser, path).form("count")
    api.patch(f"/thing/{thing['id']}", {"weight": "2"})
    assert browser.post(path, {**form.values, "count": "8"}).status_code == 200
    found = api.get(f"/thing/{thing['id']}").get_json()
    assert (found["count"], found["weight"]) == (8, "2.000")


def test_only_what_may_be_changed_has_a_control(here: Site) -> None:
    thing = here.api("admin").made("thing", name="shut")
    browser = here.browser("admin")
    for field, status in (("count", 200), ("id", 404), ("created_at", 404), ("no_such", 404)):
        assert browser.get(f"/app/-/control/thing/{thing['id']}/{field}").status_code == status, field
    assert browser.get("/app/-/control/thing/new/count").status_code == 200
    mini = site(here.host, kit.MINI)
    deal = mini.api("admin").made("company", name="Acme")
    reader = mini.browser("reader")
    assert reader.get(f"/app/-/control/company/{deal['id']}/name").status_code == 403
    assert reader.post(f"/app/-/control/company/{deal['id']}/name", {"name": "X"}).status_code == 403
    assert mini.api("admin").get(f"/company/{deal['id']}").get_json()["name"] == "Acme"
