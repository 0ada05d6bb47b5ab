"""The command palette: found by what people type, never more than they may read, in few questions."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import queries
from runtime.host import Host
from tests.doors import Browser, Site, site

SHOP = """
package: {code: shop, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user:
    label: {en: User, zh: 用户}
    title: name
    search: {name: {}}
    fields:
      name: {type: text, max: 80, required: true}
      active: {type: boolean, default: true}
  unit:
    title: name
    fields: {name: {type: text, max: 80}}
  buyer:
    label: {en: Buyer, zh: 买家}
    plural: {en: Buyers, zh: 买家}
    icon: building
    title: name
    owned: true
    search: {name: {}, phone: {}, secret: {}}
    fields:
      name: {type: text, max: 80, required: true}
      phone: {type: phone}
      secret: {type: text, max: 40}
  order:
    label: {en: Order, zh: 订单}
    plural: {en: Orders, zh: 订单}
    title: code
    search: {code: {}}
    fields:
      code: {type: text, max: 40}
      buyer: {type: link, to: buyer, inverse: {key: orders}}
roles:
  boss: {entities: {'*': {read: all, create: all, update: all, delete: all}}}
  clerk: {entities: {buyer: {read: own, create: own, fields: {'*': write, secret: hidden}}}}
workspaces:
  shop:
    label: {en: Shop, zh: 店铺}
    items:
      buyers: {entity: buyer, label: {en: Buyers, zh: 买家}}
      orders: {entity: order, label: {en: Orders, zh: 订单}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, SHOP)


def found(browser: Browser, text: str) -> dict[str, list[tuple[str, str]]]:
    answer = browser.get("/app/-/find", q=text)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    groups: list[dict[str, Any]] = answer.get_json()["groups"]
    return {each["label"]: [(item["title"], item["hint"]) for item in each["items"]] for each in groups}


@pytest.mark.parametrize("text", ["华为", "hwjs", "5678", "华为技术", "HUAWEI"])
def test_a_record_is_found_by_characters_initials_and_the_end_of_its_phone_number(here: Site, text: str) -> None:
    boss = here.person("boss")
    api, browser = here.api(person=boss), here.browser(person=boss)
    api.made("buyer", name="华为技术 Huawei", phone="+86 138 0013 5678")
    api.made("buyer", name="Somebody else", phone="+86 138 0013 9999")
    [(title, _)] = found(browser, text)["Buyers"]
    assert title == "华为技术 Huawei"


def test_the_hint_says_by_what_it_was_found_and_the_best_title_comes_first(here: Site) -> None:
    boss = here.person("boss")
    api, browser = here.api(person=boss), here.browser(person=boss)
    for name in ("The Ax Company", "Ax", "Axel"):
        api.made("buyer", name=name, secret=f"code {name}")
    assert [title for title, _ in found(browser, "ax")["Buyers"]] == ["Ax", "Axel", "The Ax Company"]
    assert found(browser, "code")["Buyers"][0][1].startswith("code")


def test_kinds_whose_records_are_called_so_come_first(here: Site) -> None:
    api = here.api("boss")
    buyer = api.made("buyer", name="Harbour", phone="13800002222")["id"]
    api.made("order", code="Quay", buyer=buyer)
    api.made("buyer", name="Pier", secret="Quay")
    assert list(found(here.browser("boss"), "Quay"))[:2] == ["Orders", "Buyers"]
    api.made("buyer", name="Quay")
    assert list(found(here.browser("boss"), "Quay"))[:2] == ["Buyers", "Orders"]


def test_nobody_finds_what_he_may_not_read(here: Site) -> None:
    boss = here.api("boss")
    boss.made("buyer", name="Nordwind", secret="winter")
    boss.made("order", code="Nordwind-1")
    clerk = here.person("clerk")
    here.api(person=clerk).made("buyer", name="Nordstern")
    browser = here.browser(person=clerk)
    assert found(browser, "nord") == {"Buyers": [("Nordstern", "")]}
    assert found(browser, "winter") == {}
    assert found(browser, "order") == {}  # not even the page
    assert found(here.browser("boss"), "winter")["Buyers"] == [("Nordwind", "winter")]


def test_pages_and_new_records_are_found_by_name_and_pinyin(here: Site) -> None:
    browser = here.browser("boss")
    assert found(browser, "buy")["Pages"] == [("Buyers", ""), ("New Buyer", "")]
    browser.headers["Accept-Language"] = "zh"
    assert ("订单", "") in found(browser, "dd")["页面"]


def test_with_nothing_typed_it_shows_what_was_looked_at_last(here: Site) -> None:
    boss = here.person("boss")
    api, browser = here.api(person=boss), here.browser(person=boss)
    made = [api.made("buyer", name=f"Buyer {at}") for at in range(3)]

    def look(entity: str, id: str) -> int:
        headers = {**browser.headers, "Origin": browser.base, "X-CSRF-Token": browser.csrf}
        body = {"entity": entity, "id": id}
        return browser.client.post(f"{here.prefix}/app/-/recent", json=body, headers=headers).status_code

    assert "Recent" not in found(browser, "")
    assert [look("buyer", each["id"]) for each in (*made, made[0])] == [204] * 4
    assert found(browser, "")["Recent"] == [("Buyer 0", "Buyer"), ("Buyer 2", "Buyer"), ("Buyer 1", "Buyer")]
    api.patch(f"/buyer/{made[2]['id']}", {"name": "Renamed", "version": 1})
    api.delete(f"/buyer/{made[1]['id']}")
    assert found(browser, "")["Recent"] == [("Buyer 0", "Buyer"), ("Renamed", "Buyer")]
    assert look("buyer", "nonsense") == 204
    assert look("no_such", made[0]["id"]) == 404


def test_a_record_that_is_out_of_reach_by_now_is_no_longer_among_the_recent(here: Site) -> None:
    clerk = here.person("clerk")
    mine = here.api(person=clerk).made("buyer", name="Mine")
    browser = here.browser(person=clerk)
    headers = {**browser.headers, "Origin": browser.base, "X-CSRF-Token": browser.csrf}
    browser.client.post(f"{here.prefix}/app/-/recent", json={"entity": "buyer", "id": mine["id"]}, headers=headers)
    assert found(browser, "")["Recent"] == [("Mine", "Buyer")]
    boss = here.person("boss")
    here.api(person=boss).patch(f"/buyer/{mine['id']}", {"owner": boss.id, "version": 1})
    assert "Recent" not in found(browser, "")


def test_it_asks_one_question_for_each_entity_and_none_for_a_single_letter(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = here.browser("boss")
    asked: list[str] = []
    find = queries.find

    def counted(ws: Any, query: Any) -> Any:
        asked.append(query.entity)
        return find(ws, query)

    monkeypatch.setattr(queries, "find", counted)
    found(browser, "a")
    assert asked == []
    found(browser, "ab")
    assert sorted(asked) == ["buyer", "order", "user"]


def test_without_scripts_the_search_is_a_page(here: Site) -> None:
    boss = here.person("boss")
    here.api(person=boss).made("buyer", name="Nordwind")
    page = here.browser(person=boss).get("/app/-/search", q="nord").get_data(as_text=True)
    assert "Nordwind" in page and "/app/buyer/" in page
