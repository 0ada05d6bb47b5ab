"""Dashboards: figures are the aggregates', a bar opens exactly its records, what one may not read is absent."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest

from blueprints.app import drawing, periods
from blueprints.app.figures import compact
from runtime.host import Host
from tests.boarding import WORK, counted, page_of
from tests.doors import Site, site
from tests.pages import without_tokens

DAY = dt.date(2026, 5, 20)


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, WORK)


@pytest.fixture
def lite(sqlite_host: Host) -> Site:
    return site(sqlite_host, WORK)


def made(here: Site, *deals: dict[str, Any]) -> list[dict[str, Any]]:
    api = here.api("admin")
    return [api.made("deal", name=f"Deal {at}", **values) for at, values in enumerate(deals)]


def tile(here: Site, name: str, *roles: str, status: int = 200) -> str:
    answer = here.browser(*(roles or ("admin",))).get(f"/app/-/dashboards/work/tiles/{name}")
    assert answer.status_code == status, answer.get_data(as_text=True)[:1500]
    return unescape(answer.get_data(as_text=True))


def table(text: str) -> dict[str, list[str]]:
    """The table below a chart: row -> values."""
    found = {}
    for row in re.findall(r'<tr><th scope="row">(.*?)</tr>', text, re.S):
        cells = re.findall(r'<td class="number">(?:<a [^>]*>)?([^<]*)', row)
        found[row.split("<")[0]] = cells
    return found


def links(text: str) -> dict[tuple[str, int], str]:
    """(row, column) of the table below a chart -> where it leads."""
    found = {}
    for row in re.findall(r'<tr><th scope="row">(.*?)</tr>', text, re.S):
        for at, url in enumerate(re.findall(r'<td class="number"><a href="([^"]*)"', row)):
            found[row.split("<")[0], at] = url
    return found


def test_a_figure_is_the_aggregate(here: Site) -> None:
    made(here, {"amount": "1234567.89"}, {"amount": "0.11", "stage": "won"}, {})
    asked = here.api("admin").get("/deal/aggregate", measures="sum(amount)").get_json()["data"][0]["sum(amount)"]
    text = tile(here, "total")
    assert asked["amount"] == "1234568.00" and "CN¥1,234,568.00" in text and "CN¥1.23M" in text


def test_a_figure_is_compared_with_the_period_before(here: Site) -> None:
    year = dt.date.today().year
    made(
        here, *[{"stage": "won", "closes": f"{year}-01-01"}] * 3, *[{"stage": "won", "closes": f"{year - 1}-01-01"}] * 2
    )
    text = tile(here, "won")
    assert "<b>3</b>" in text and "+50%" in text and "before: 2" in text


def test_a_chart_has_the_groups_and_sums_of_the_aggregate(here: Site) -> None:
    made(here, {"amount": "5"}, {"amount": "7"}, {"amount": "100", "stage": "won"}, {"stage": None, "amount": "1"})
    assert table(tile(here, "by_stage")) == {
        "Open": ["CN¥12.00"],
        "Won": ["CN¥100.00"],
        "Without a value": ["CN¥1.00"],
    }


def test_months_without_records_are_gaps_and_not_left_out(here: Site) -> None:
    made(here, {"closes": "2025-11-30"}, {"closes": "2026-02-01", "stage": "won"}, {"closes": "2026-02-28"}, {})
    assert table(tile(here, "by_month")) == {
        "2025-11": ["1", "0"],
        "2025-12": ["0", "0"],
        "2026-01": ["0", "0"],
        "2026-02": ["1", "1"],
    }


def test_every_bar_opens_exactly_its_records(here: Site) -> None:
    made(
        here,
        {"closes": "2025-11-30", "amount": "1"},
        {"closes": "2026-02-01", "stage": "won", "amount": "2"},
        {"closes": "2026-02-28", "stage": None},
        {"closes": "2026-02-28", "chance": "10"},
        {"stage": "won"},
    )
    browser, compared = here.browser("admin"), 0
    for name in ("by_month", "by_stage", "by_company"):
        text = tile(here, name)
        values = table(text)
        for (row, column), url in links(text).items():
            page = browser.get(url.removeprefix(here.prefix))
            assert page.status_code == 200, url
            shown = set(re.findall(r"Deal \d", page.get_data(as_text=True)))
            if name == "by_month":
                assert len(shown) == int(values[row][column]), (row, url)
                compared += 1
            else:
                assert shown, (row, url)
    assert compared >= 6


def test_small_groups_are_taken_together_and_nothing_is_lost(lite: Site) -> None:
    api = lite.api("admin")
    ids = [api.made("company", name=f"Company {at:02}")["id"] for at in range(15)]
    made(lite, *[{"company": id, "amount": str(100 - at)} for at, id in enumerate(ids)])
    found = table(tile(lite, "by_company"))
    assert len(found) == 12 and [*found][:: len(found) - 1] == ["Company 00", "Others"]
    total = sum(float(each[0].removeprefix("CN¥").replace(",", "")) for each in found.values())
    assert total == sum(100 - at for at in range(15))


def test_a_list_shows_its_view_and_leads_to_all_of_it(lite: Site) -> None:
    made(lite, *[{} for _ in range(5)], {"chance": "5"})
    text = tile(lite, "deals")
    assert re.findall(r"Deal \d", text) == ["Deal 0", "Deal 1", "Deal 2"]
    url = re.search(r'dash-foot"><a href="([^"]+)"', text)
    assert url is not None
    page = lite.browser("admin").get(url[1].removeprefix(lite.prefix)).get_data(as_text=True)
    assert set(re.findall(r"Deal \d", page)) == {f"Deal {at}" for at in range(5)}


def test_what_to_do_next_says_why_and_when(lite: Site) -> None:
    with_zone = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    made(
        lite,
        {"closes": str(with_zone)},
        {"closes": str(with_zone - dt.timedelta(days=3))},
        {"closes": str(with_zone - dt.timedelta(days=300))},
        {"closes": str(with_zone + dt.timedelta(days=30))},
        {"closes": str(with_zone), "stage": "won"},
    )
    text = tile(lite, "next")
    assert re.findall(r"Deal \d", text) == ["Deal 1", "Deal 0"]
    assert "Close it" in text and "3 days late" in text and "today" in text


def test_a_tile_about_what_one_may_not_read_is_absent(here: Site) -> None:
    company = here.api("admin").made("company", name="Canary Ltd")
    made(here, {"amount": "4711", "company": company["id"], "stage": "won", "closes": str(dt.date.today())})
    page = here.browser("blind").get("/app/-/dashboards/work").get_data(as_text=True)
    for name in ("total", "by_stage", "by_company"):
        assert f"tile-{name}" not in page
        tile(here, name, "blind", status=404)
    everything = without_tokens(here.browser("blind").get("/app/-/dashboards/work?all=1").get_data(as_text=True))
    assert "Deal 0" in everything and "4711" not in everything and "4,711" not in everything
    assert "Canary" not in everything and "Amount" not in everything
    assert here.browser("seller").get("/app/-/dashboards/work?all=1").get_data(as_text=True).count("Deal 0") == 0
    # Nothing is left but a text: then there is no such page.
    assert here.browser().get("/app/-/dashboards/work").status_code == 404


def test_a_dashboard_is_for_its_roles(sqlite_host: Host) -> None:
    here = site(sqlite_host, WORK.replace("    label: {en: Work, zh: 工作}\n", "    roles: {seller: {}}\n"))
    assert here.browser("seller").get("/app/-/dashboards/work").status_code == 200
    assert here.browser("reader").get("/app/-/dashboards/work").status_code == 404
    assert here.browser("reader").get("/app").headers["Location"].endswith("/app/deal")
    assert "/app/-/dashboards" not in page_of(here.browser("reader"), "/app/deal").links


def test_home_opens_the_dashboard_of_the_workspace(lite: Site) -> None:
    answer = lite.browser("seller").get("/")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/app/-/dashboards/work")
    assert any(each.endswith("/app/-/dashboards/work") for each in page_of(lite.browser("seller"), "/app/deal").links)


def test_the_page_is_there_before_its_tiles_and_each_tile_costs_little(
    lite: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(lite, {"amount": "5", "closes": "2026-01-01"}, {"stage": "won"})
    browser = lite.browser("admin")
    most = {"total": 1, "won": 2, "by_stage": 1, "by_month": 1, "by_company": 2, "deals": 1, "next": 1, "hint": 0}
    for name in most:
        browser.get(f"/app/-/dashboards/work/tiles/{name}")
    browser.get("/app/-/dashboards/work")
    with counted(monkeypatch) as count:
        page_of(browser, "/app/-/dashboards/work")
        own = count()
    assert own <= 2
    for name, statements in most.items():
        with counted(monkeypatch) as count:
            browser.get(f"/app/-/dashboards/work/tiles/{name}")
            assert count() <= 1 + statements, name


def test_dashboards_are_good_pages_in_both_languages(lite: Site) -> None:
    made(lite, {"amount": "5", "closes": "2026-02-03"}, {"stage": "won", "closes": "2026-02-03"}, {})
    browser = lite.browser("admin")
    for lang, text in (("en", "Call first."), ("zh", "先打电话。")):
        browser.headers["Accept-Language"] = lang
        assert text in page_of(browser, "/app/-/dashboards/work?all=1").said


def test_a_person_who_is_nobody_is_sent_to_sign_in(lite: Site) -> None:
    answer = lite.app.test_client().get(f"{lite.prefix}/app/-/dashboards/work", headers={"Accept": "text/html"})
    assert answer.status_code == 303 and "sign-in" in answer.headers["Location"]


# -- periods, figures, drawings


@pytest.mark.parametrize(
    ("name", "first", "end", "before"),
    [
        ("today", "2026-05-20", "2026-05-21", ("2026-05-19", "2026-05-20")),
        ("this_week", "2026-05-18", "2026-05-25", ("2026-05-11", "2026-05-14")),
        ("this_month", "2026-05-01", "2026-06-01", ("2026-04-01", "2026-04-21")),
        ("this_quarter", "2026-04-01", "2026-07-01", ("2026-01-01", "2026-02-20")),
        ("this_year", "2026-01-01", "2027-01-01", ("2025-01-01", "2025-05-21")),
        ("last_month", "2026-04-01", "2026-05-01", ("2026-03-01", "2026-04-01")),
        ("last_quarter", "2026-01-01", "2026-04-01", ("2025-10-01", "2026-01-01")),
        ("last_year", "2025-01-01", "2026-01-01", ("2024-01-01", "2025-01-01")),
        ("last_7_days", "2026-05-14", "2026-05-21", ("2026-05-07", "2026-05-14")),
        ("last_30_days", "2026-04-21", "2026-05-21", ("2026-03-22", "2026-04-21")),
        ("last_12_months", "2025-06-01", "2026-06-01", ("2024-06-01", "2025-06-01")),
        ("next_7_days", "2026-05-20", "2026-05-27", ("2026-05-13", "2026-05-20")),
        ("next_30_days", "2026-05-20", "2026-06-19", ("2026-04-20", "2026-05-20")),
        ("past", None, "2026-05-20", None),
        ("future", "2026-05-21", None, None),
    ],
)
def test_periods_and_what_came_before(
    name: str, first: str | None, end: str | None, before: tuple[str, str] | None
) -> None:
    found = periods.period(name, DAY)
    assert (found.first and str(found.first), found.end and str(found.end)) == (first, end)
    if before is not None:
        then = periods.previous(name, DAY)
        assert (str(then.first), str(then.end)) == before


def test_the_period_before_never_reaches_into_this_one() -> None:
    found = periods.previous("this_month", dt.date(2026, 3, 31))
    assert (str(found.first), str(found.end)) == ("2026-02-01", "2026-03-01")


def test_buckets_are_named_as_the_aggregate_names_them() -> None:
    assert periods.buckets("2025-11", "2026-02", "month") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert periods.buckets("2025-Q4", "2026-Q2", "quarter") == ["2025-Q4", "2026-Q1", "2026-Q2"]
    assert periods.buckets("2024", "2026", "year") == ["2024", "2025", "2026"]
    assert periods.buckets("2026-02-27", "2026-03-01", "day") == ["2026-02-27", "2026-02-28", "2026-03-01"]
    found = periods.bucket("2026-Q4")
    assert found is not None and found.condition("closes") == "closes >= '2026-10-01' and closes < '2027-01-01'"


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        ("0", "$0", "$0"),
        ("999", "$999", "$999"),
        ("1234", "$1.23K", "$1,234"),
        ("12345678", "$12.3M", "$1,235万"),
        ("-1500000000", "-$1.5B", "-$15亿"),
        ("0.5", "$0.5", "$0.5"),
    ],
)
def test_sums_are_short_in_the_units_of_the_language(number: str, en: str, zh: str) -> None:
    from decimal import Decimal

    assert (compact(Decimal(number), "en", "$"), compact(Decimal(number), "zh", "$")) == (en, zh)


@pytest.mark.parametrize(
    ("most", "steps"),
    [(0, [0, 1]), (3, [0, 1, 2, 3]), (10, [0, 2.5, 5, 7.5, 10]), (41, [0, 20, 40, 60]), (0.4, [0, 0.1, 0.2, 0.3, 0.4])],
)
def test_a_scale_has_round_steps_and_reaches_the_top(most: float, steps: list[float]) -> None:
    assert drawing.ticks(most) == pytest.approx(steps)
