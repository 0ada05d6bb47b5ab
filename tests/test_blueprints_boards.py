"""Boards and calendars: counts are the aggregates', nothing leaks, statements are few, refusals change nothing."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest

from blueprints.app.hours import grid
from blueprints.app.spans import range_text, span
from blueprints.texts import Words
from runtime.host import Host
from tests import kit
from tests.boarding import WORK, counted, page_of
from tests.doors import Site, codes, site
from tests.pages import without_tokens


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, WORK)


@pytest.fixture
def lite(sqlite_host: Host) -> Site:
    return site(sqlite_host, WORK)


def made(here: Site, *deals: dict[str, Any]) -> list[dict[str, Any]]:
    api = here.api("admin")
    return [api.made("deal", name=f"Deal {at}", **values) for at, values in enumerate(deals)]


def text_of(here: Site, path: str, *roles: str) -> str:
    answer = here.browser(*roles).get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def columns(text: str) -> dict[str, list[str]]:
    """Column -> titles of its cards, of a board's page."""
    found = {}
    for part in text.split('<section class="board-column')[1:]:
        value = re.search(r'data-value="([^"]*)"', part)
        assert value is not None
        found[value[1]] = re.findall(r'data-title="([^"]*)"', part)
    return found


# -- boards


def test_counts_and_sums_are_those_of_the_aggregate(here: Site) -> None:
    made(here, {"amount": "5"}, {"amount": "7.50"}, {"stage": "won", "amount": "1000000"}, {"stage": None})
    heads = here.browser("admin").get("/app/-/boards/stages/heads").get_json()
    asked = here.api("admin").get("/deal/aggregate", group="stage", measures="count,sum(amount)").get_json()["data"]
    expected = {each["stage"] or "-": each["count"] for each in asked}
    assert {each["value"]: each["count"] for each in heads if each["count"]} == expected
    sums = {each["value"]: each["sums"][0] for each in heads}
    assert sums["open"] == {"text": "CN¥12.5", "title": "CN¥12.50"}
    assert sums["won"] == {"text": "CN¥1M", "title": "CN¥1,000,000.00"}
    assert sums["lost"]["title"] == "CN¥0.00"


def test_a_board_shows_every_option_and_the_column_without_a_value_only_when_it_is_needed(lite: Site) -> None:
    one, *_ = made(lite, {}, {"stage": "won"})
    assert columns(text_of(lite, "/app/deal?view=stages", "admin")) == {
        "open": ["Deal 0"],
        "won": ["Deal 1"],
        "lost": [],
    }
    lite.api("admin").patch(f"/deal/{one['id']}", {"stage": None})
    assert columns(text_of(lite, "/app/deal?view=stages", "admin"))["-"] == ["Deal 0"]


def test_a_retired_option_is_a_column_while_records_hold_it(sqlite_host: Host) -> None:
    here = site(sqlite_host, WORK.replace("lost: {}}}", "lost: {retired: true}}}", 1))
    made(here, {})
    assert "lost" not in columns(text_of(here, "/app/deal?view=stages", "admin"))
    with kit.workspace(here.host, here.tenant) as ws:
        kit.insert(ws, "deal", name="Old", stage="lost", currency="CNY")
    text = text_of(here, "/app/deal?view=stages", "admin")
    assert columns(text)["lost"] == ["Old"] and "data-retired" in text


def test_twenty_cards_come_first_and_the_others_by_and_by(lite: Site) -> None:
    made(lite, *[{"closes": "2026-01-01"} for _ in range(23)])
    browser = lite.browser("admin")
    text = browser.get("/app/deal?view=stages").get_data(as_text=True)
    first = columns(text)["open"]
    more = re.search(r'hx-get="([^"]+column[^"]+)"', text)
    assert len(first) == 20 and more is not None
    path = more[1].replace("&amp;", "&").removeprefix(lite.prefix)
    rest = re.findall(r'data-title="([^"]*)"', browser.get(path).get_data(as_text=True))
    assert sorted(first + rest) == sorted(f"Deal {at}" for at in range(23))


def test_what_is_late_is_marked_unless_it_is_done(lite: Site) -> None:
    made(lite, {"closes": "2020-01-01"}, {"closes": "2020-01-01", "stage": "won"}, {"closes": "2199-01-01"})
    assert text_of(lite, "/app/deal?view=stages", "admin").count("board-due late") == 1


def test_a_board_of_links_is_named_by_their_titles(here: Site) -> None:
    api = here.api("admin")
    ids = [api.made("company", name=name)["id"] for name in ("Zeta", "Alpha")]
    made(here, {"company": ids[0]}, {"company": ids[1]}, {})
    text = text_of(here, "/app/deal?view=companies", "admin")
    assert columns(text) == {"-": ["Deal 2"], ids[1]: ["Deal 1"], ids[0]: ["Deal 0"]}
    assert text.index("Alpha") < text.index("Zeta")


def test_filters_and_search_count_as_on_the_list(lite: Site) -> None:
    made(lite, {"amount": "5"}, {"amount": "50"}, {"amount": "500", "stage": "won"})
    for path, expected in {
        "where=amount > 10": ["Deal 1", "Deal 2"],
        "q=Deal 0": ["Deal 0"],
        "f.stage=won": ["Deal 2"],
        "f.stage=won&where=amount > 600": [],
    }.items():
        found = columns(text_of(lite, f"/app/deal?view=stages&{path}", "admin"))
        assert sorted(each for titles in found.values() for each in titles) == expected
    wrong = lite.browser("admin").get("/app/deal?view=stages&where=amount >")
    assert wrong.status_code == 422 and 'role="alert"' in wrong.get_data(as_text=True)


def test_a_refused_move_leaves_the_record_and_the_board_as_they_were(here: Site) -> None:
    (deal,) = made(here, {})
    api, browser = here.api("admin"), here.browser("admin")
    before = browser.get("/app/-/boards/stages/heads").get_json()
    api.patch(f"/deal/{deal['id']}", {"note": "someone else"})
    stale = api.patch(f"/deal/{deal['id']}", {"stage": "won", "version": deal["version"]})
    assert stale.status_code == 409
    unknown = api.patch(f"/deal/{deal['id']}", {"stage": "gone", "version": 2})
    assert unknown.status_code == 422
    foreign = here.api("seller").patch(f"/deal/{deal['id']}", {"stage": "won"})
    assert foreign.status_code == 404
    assert browser.get("/app/-/boards/stages/heads").get_json() == before
    assert api.get(f"/deal/{deal['id']}").get_json()["stage"] == "open"
    moved = api.patch(f"/deal/{deal['id']}", {"stage": "won", "version": 2})
    assert moved.status_code == 200 and moved.get_json()["version"] == 3
    undone = api.patch(f"/deal/{deal['id']}", {"stage": "open", "version": 3})
    assert undone.status_code == 200
    assert browser.get("/app/-/boards/stages/heads").get_json() == before


def test_who_may_not_change_records_has_no_handles(lite: Site) -> None:
    made(lite, {})
    text = text_of(lite, "/app/deal?view=stages", "reader")
    assert "Deal 0" in text and "data-move" not in text.replace("data-movable", "")
    assert 'data-movable="false"' in text and "data-add" not in text
    assert 'data-movable="true"' in text_of(lite, "/app/deal?view=stages", "admin")


def test_nobody_sees_or_counts_records_of_others(here: Site) -> None:
    made(here, {"amount": "47110000"})
    browser = here.browser("seller")
    page = browser.get("/app/deal?view=stages").get_data(as_text=True)
    assert "Deal 0" not in page and "47" not in "".join(re.findall(r"data-text>([^<]*)<", page))
    assert all(each["count"] == 0 for each in browser.get("/app/-/boards/stages/heads").get_json())
    deal = here.api("admin").get("/deal").get_json()["data"][0]
    assert browser.get(f"/app/-/boards/stages/cards/{deal['id']}").status_code == 404


def test_a_hidden_field_is_neither_summed_nor_shown_nor_a_column(here: Site) -> None:
    (deal,) = made(here, {"amount": "4711", "company": here.api("admin").made("company", name="Canary Ltd")["id"]})
    for path in ("/app/deal?view=stages", f"/app/-/boards/stages/cards/{deal['id']}", "/app/-/boards/stages/heads"):
        text = without_tokens(text_of(here, path, "blind"))
        assert "4711" not in text and "4,711" not in text and "Amount" not in text and "Canary" not in text
    assert here.browser("blinder").get("/app/deal?view=stages").status_code == 404
    assert here.browser("blinder").get("/app/-/boards/stages/heads").status_code == 404
    assert here.browser("blinder").get("/app/deal?view=closing").status_code == 404
    hidden = text_of(here, "/app/deal?view=companies", "blind")
    assert "Canary" not in hidden and deal["company"] not in hidden


def test_a_board_costs_few_statements_however_many_cards(lite: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = lite.browser("admin")
    page_of(browser, "/app/deal?view=stages")
    costs = []
    for _ in range(2):
        for stage in ("open", "won", "lost"):
            made(lite, *[{"stage": stage} for _ in range(4)])
        browser.get("/app/deal?view=stages")
        with counted(monkeypatch) as count:
            page_of(browser, "/app/deal?view=stages")
            costs.append(count())
        with counted(monkeypatch) as count:
            browser.get("/app/-/boards/stages/heads")
            heads = count()
    # The workspace's own, what the person keeps for lists, one for all heads, one per column that has cards.
    assert costs[0] == costs[1] <= 8 and heads <= 2


def test_boards_are_good_pages_in_both_languages(lite: Site) -> None:
    made(lite, {"amount": "5", "closes": "2026-02-03"}, {"meets": "2026-02-03T04:05:00Z"})
    browser = lite.browser("admin")
    for lang in ("en", "zh"):
        browser.headers["Accept-Language"] = lang
        for view in ("stages", "companies", "closing", "meetings"):
            for mode in ("month", "week", "day", "agenda"):
                page_of(browser, f"/app/deal?view={view}&mode={mode}&day=2026-02-03")
    assert "周一" in page_of(browser, "/app/deal?view=closing").said


def test_a_quick_title_is_offered_only_where_it_is_enough(lite: Site) -> None:
    assert 'data-quick="true"' in text_of(lite, "/app/deal?view=stages", "admin")
    strict = site(lite.host, WORK.replace("company: {type: link,", "company: {type: link, required: true,", 1))
    assert 'data-quick="false"' in text_of(strict, "/app/deal?view=stages", "admin")


def test_other_addresses_are_not_found(lite: Site) -> None:
    browser = lite.browser("admin")
    for path in ("nothing/heads", "closing/heads", "stages/cards/1", "all/column"):
        assert browser.get(f"/app/-/boards/{path}").status_code == 404
    answer = lite.api("admin").get("/nothing")
    assert codes(answer) == ["unknown_entity"]


@pytest.mark.parametrize("package", ["sales", "clinic", "library", "rental"])
def test_every_view_and_dashboard_of_a_package_is_a_good_page(sqlite_host: Host, package: str) -> None:
    here = site(sqlite_host, package)
    with kit.workspace(here.host, here.tenant) as ws:
        entities = {each.id: each.key for each in ws.model.all("entities")}
        paths = [f"/app/{entities[each.entity]}?view={each.key}" for each in ws.model.all("views")]
        paths += [f"/app/-/dashboards/{each.key}?all=1" for each in ws.model.all("dashboards")]
        kinds = {each.kind for each in ws.model.all("views")}
    browser = here.browser("admin", *(["librarian"] if package == "library" else []))
    assert kinds == {"list", "board", "calendar"}
    for path in paths:
        page_of(browser, path)


# -- calendars


def days(text: str) -> dict[str, list[str]]:
    """Day -> titles, of a month's page."""
    found = {}
    for part in re.split(r'<td class="[^"]*" data-day="', text)[1:]:
        if titles := re.findall(r'data-title="([^"]*)"', part):
            found[part[:10]] = titles
    return found


def test_a_month_shows_each_record_on_its_days(here: Site) -> None:
    made(
        here,
        {"closes": "2026-02-03"},
        {"closes": "2026-01-31", "ends": "2026-02-02"},
        {"closes": "2026-05-05"},
        {"closes": "2025-12-01", "ends": "2026-06-01"},
        {},
    )
    found = days(text_of(here, "/app/deal?view=closing&day=2026-02-15", "admin"))
    assert len(found) == 28 + 7, "from Monday 26 January to Sunday 1 March"
    assert found["2026-02-03"] == ["Deal 3", "Deal 0"]
    assert [day for day, titles in found.items() if "Deal 1" in titles] == ["2026-01-31", "2026-02-01", "2026-02-02"]
    assert not any("Deal 2" in titles or "Deal 4" in titles for titles in found.values())


def test_moments_stand_on_the_day_of_the_persons_zone(here: Site) -> None:
    # 17:30 in London is the next day in Shanghai.
    made(here, {"meets": "2026-02-03T17:30:00Z"})
    assert days(text_of(here, "/app/deal?view=meetings&day=2026-02-15", "admin")) == {"2026-02-04": ["Deal 0"]}
    text = text_of(here, "/app/deal?view=meetings&mode=week&day=2026-02-04", "admin")
    assert 'data-time="01:30"' in text and "Asia/Shanghai" in text


def test_a_full_month_is_bounded_and_its_counts_are_exact(lite: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with kit.workspace(lite.host, lite.tenant) as ws:
        for at in range(510):
            kit.insert(ws, "deal", name=f"Many {at}", closes=dt.date(2026, 2, 10), currency="CNY")
        kit.insert(ws, "deal", name="Alone", closes=dt.date(2026, 2, 20), currency="CNY")
    browser = lite.browser("admin")
    browser.get("/app/deal?view=closing&day=2026-02-15")
    with counted(monkeypatch) as count:
        text = browser.get("/app/deal?view=closing&day=2026-02-15").get_data(as_text=True)
        assert count() <= 2 * 35 + 8
    found = days(text)
    assert len(found["2026-02-10"]) == 4 and found["2026-02-20"] == ["Alone"]
    assert "+506 more" in text and "exact" in text
    assert len(text) < 120_000


def test_an_agenda_reads_without_scripts_and_goes_on(lite: Site) -> None:
    made(lite, *[{"closes": f"2026-02-{at % 20 + 1:02}"} for at in range(55)])
    browser = lite.browser("admin")
    text = browser.get("/app/deal?view=closing&mode=agenda&day=2026-02-01").get_data(as_text=True)
    later = re.search(r'href="([^"]+after=[^"]+)"', text)
    assert len(re.findall("data-event=", text)) == 50 and later is not None
    rest = browser.get(later[1].replace("&amp;", "&").removeprefix(lite.prefix)).get_data(as_text=True)
    assert len(re.findall("data-event=", rest)) == 5


def test_a_day_has_a_way_to_something_new_on_it(lite: Site) -> None:
    text = text_of(lite, "/app/deal?view=closing&day=2026-02-15", "admin")
    assert "/app/deal/new?closes=2026-02-03" in text
    assert "/app/deal/new" not in text_of(lite, "/app/deal?view=closing&day=2026-02-15", "reader")


def test_odd_days_and_modes_show_this_month(lite: Site) -> None:
    browser = lite.browser("admin")
    for query in ("day=2026-13-40", "day=x", "mode=year", "day=0001-01-01", "day=9999-12-31", "after=zzz"):
        page_of(browser, f"/app/deal?view=closing&{query}")
    answer = browser.get("/app/deal?view=closing&mode=agenda&after=zzz")
    assert answer.status_code == 422


def test_spans_have_names_in_both_languages() -> None:
    en, zh = Words("en"), Words("zh")
    day = dt.date(2026, 2, 28)
    assert (span("month", day, en).title, span("month", day, zh).title) == ("February 2026", "2026年2月")
    assert span("week", day, en).title == "23 February – 1 March 2026"
    assert span("week", day, zh).title == "2026年2月23日 – 3月1日"
    assert span("day", day, zh).title == "2026年2月28日 周六"
    assert range_text(dt.date(2025, 12, 29), dt.date(2026, 1, 4), zh) == "2025年12月29日 – 2026年1月4日"
    month = span("month", day, en)
    assert (month.first, month.last) == (dt.date(2026, 1, 26), dt.date(2026, 3, 1))
    assert (month.previous, month.next) == (dt.date(2026, 1, 31), dt.date(2026, 3, 1))


def test_events_at_one_time_stand_beside_each_other(lite: Site) -> None:
    made(lite, *[{"meets": f"2026-02-03T0{hour}:00:00Z"} for hour in (1, 1, 1, 1, 1, 5)])
    text = text_of(lite, "/app/deal?view=meetings&mode=day&day=2026-02-03", "admin")
    lanes = re.findall(r'data-lane="([^"]+)"', text)
    assert lanes == ["1-4", "2-4", "3-4", "4-4", "1-1"] and "+1 more" in text
    assert grid([]).columns == ()


def test_the_browsers_texts_are_there(lite: Site) -> None:
    text = text_of(lite, "/app/deal?view=stages", "admin")
    said = re.search(r'data-texts="([^"]*)"', text)
    assert said is not None
    assert json.loads(said[1].replace("&#34;", '"').replace("&#39;", "'"))["undo"] == "Undo"
