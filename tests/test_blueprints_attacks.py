"""What somebody hostile or unlucky sends: odd numbers, nests without end, views that are gone, foreign tenants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blueprints.app import periods
from metadata.problems import LANGUAGES
from runtime import filetypes, saved_views
from runtime.host import Host
from runtime.saved_views import Shape
from tests import kit
from tests.doors import Site, site
from tests.test_blueprints_visitors import ENQUIRIES, Stranger

HIDING = kit.MINI.replace(
    "deal: {read: own, create: own, update: own, delete: own}",
    "deal: {read: all, create: own, update: all, delete: all, fields: {'*': write, amount: hidden}}",
).replace(
    "entities:\n      company: {read: all", "capabilities: {export: true}\n    entities:\n      company: {read: all"
)
DIGITS = "9" * 5_000
"""More than Python turns into a number."""


@pytest.fixture
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host)


def test_a_number_of_thousands_of_digits_is_refused_or_passed_over(here: Site) -> None:
    browser = here.browser("admin")
    assert browser.post("/app/-/columns/deal", {"columns": ["name"], "pinned": DIGITS}).status_code < 500
    with kit.workspace(here.host, here.tenant, roles=["admin"]) as ws:
        entity = ws.model.entity("deal")
        assert entity is not None
        view = saved_views.create(ws, entity, "Kept", Shape(), shared=True)
    answer = browser.post(f"/app/-/views/deal/{view.id}", {"name": "Other", "version": DIGITS, "shared": "true"})
    assert answer.status_code < 500


def test_a_rating_of_thousands_of_digits_is_refused_to_a_stranger(sqlite_host: Host) -> None:
    stranger = Stranger(site(sqlite_host, ENQUIRIES))
    stranger.get()
    answer = stranger.client.post(
        stranger.here.prefix + stranger.path,
        data={**stranger.form, "v.name": "A", "v.email": "a@example.com", "v.rating": DIGITS},
    )
    assert answer.status_code == 422


def test_a_form_whose_marks_are_nested_without_end_is_no_failure(here: Site) -> None:
    made = here.api("admin").made("company", name="Acme")
    browser = here.browser("admin")
    for path in (f"/app/company/{made['id']}/edit", f"/app/-/control/company/{made['id']}/name"):
        answer = browser.post(path, {"version": "1", "name": "Acme", "base": "[" * 200_000})
        assert answer.status_code < 500, path


def _broken(here: Site) -> str:
    """A shared view whose condition most readers may not read; its id."""
    with kit.workspace(here.host, here.tenant, roles=["admin"]) as ws:
        entity = ws.model.entity("deal")
        assert entity is not None
        return saved_views.create(ws, entity, "Small", Shape(where="amount < 150"), shared=True).id


@pytest.mark.parametrize("gone", [False, True])
def test_nothing_is_done_to_all_of_a_view_that_is_broken_or_gone(sqlite_host: Host, gone: bool) -> None:
    """The condition cannot be applied; without it `all` would be every record."""
    here = site(sqlite_host, HIDING)
    api, seller = here.api("admin"), here.browser("seller")
    for at in range(4):
        api.made("deal", name=f"Deal {at}", amount=str(100 * at))
    view = _broken(here)
    if gone:
        with kit.workspace(here.host, here.tenant) as ws:
            entity = ws.model.entity("deal")
            assert entity is not None
            saved_views.delete(ws_of_owner(ws, view), entity, view)
    chosen = {"all": "true", "field": "note", "set.note": "lost", "kind": "csv"}
    for path in ("bulk/deal/delete", "bulk/deal/edit", "export/deal"):
        answer = seller.post(f"/app/-/{path}?view={view}", chosen)
        assert answer.status_code in (400, 404, 422), (path, answer.status_code)
    left = api.get("/deal").get_json()["data"]
    assert len(left) == 4 and {each["note"] for each in left} == {None}


def ws_of_owner(ws: Any, view: str) -> Any:
    owner = ws.db.fetch(f"SELECT owner FROM _saved_view WHERE id = '{view}'", {})[0][0]
    return replace(ws, actor=replace(ws.actor, user=str(owner)))


@pytest.mark.parametrize("odd", ["http://[", "http://]", "//[::1", "null", "\\\\"])
def test_an_origin_that_is_no_address_is_another_site(here: Site, odd: str) -> None:
    browser = here.browser("admin")
    answer = browser.post("/app/-/notifications/read", headers={"Origin": odd})
    assert answer.status_code == 403


def test_a_place_to_go_back_to_that_is_no_address_is_the_first_page(here: Site) -> None:
    person = here.person("admin")
    client = here.app.test_client()
    for next in ("/\\[", "/\\evil.example", "//[", "//evil.example", "javascript:alert(1)", "/\t/evil.example"):
        assert client.get(f"{here.prefix}/auth/sign-in", query_string={"next": next}).status_code == 200
    browser = here.browser(person=person)
    for referrer in ("http://localhost/\\[", "http://localhost//evil.example", "http://localhost.evil.example/"):
        answer = browser.client.get(f"{here.prefix}/app/-/language/{LANGUAGES[0]}", headers={"Referer": referrer})
        assert answer.status_code == 303
        assert answer.headers["Location"] in (f"{here.prefix}/", "/")


VIEWS = """
views:
  deal_first: {entity: deal, label: First, where: "amount > 7711223344", columns: {name: {}}}
  deal_board: {entity: deal, kind: board, label: Board, by: stage, where: "amount > 7711223344"}
  deal_calendar: {entity: deal, kind: calendar, label: Days, from: closes, where: "amount > 7711223344"}
"""


def test_a_view_by_what_is_hidden_does_not_tell_its_condition(sqlite_host: Host) -> None:
    here = site(sqlite_host, HIDING.replace("roles:\n", VIEWS.lstrip() + "roles:\n", 1))
    admin, seller = here.browser("admin"), here.browser("seller")
    for path in (
        "/app/deal?view=deal_first",
        "/app/deal?view=deal_board",
        "/app/deal?view=deal_calendar",
        "/app/-/boards/deal_board/heads",
        "/app/-/boards/deal_board/column?value=open",
        "/app/-/list/deal/totals?view=deal_first",
    ):
        assert admin.get(path).status_code == 200, path
        answer = seller.get(path)
        text = answer.get_data(as_text=True)
        assert answer.status_code in (200, 404, 422), path
        assert "amount" not in text.lower().replace('class="amount"', "") and "7711223344" not in text, path


def test_a_saved_group_by_what_is_hidden_is_left_out(sqlite_host: Host) -> None:
    here = site(sqlite_host, HIDING)
    with kit.workspace(here.host, here.tenant, roles=["admin"]) as ws:
        entity = ws.model.entity("deal")
        assert entity is not None
        view = saved_views.create(ws, entity, "By size", Shape(group="amount"), shared=True).id
    answer = here.browser("seller").get(f"/app/deal?view={view}")
    assert answer.status_code == 200
    assert "amount" not in answer.get_data(as_text=True).lower()


MOMENTS = kit.MINI.replace("      closes: {type: date}\n", "      closes: {type: date}\n      at: {type: datetime}\n")


def test_the_first_and_the_last_day_there_is_are_days(host: Host) -> None:
    here = site(host, MOMENTS)
    api, browser = here.api("admin"), here.browser("admin")
    for at, day in (("0001-01-01T00:00:00Z", "0001-01-01"), ("9999-12-31T23:59:59Z", "9999-12-31")):
        made = api.made("deal", name=f"Deal {day}", at=at, closes=day)
        assert browser.get(f"/app/deal/{made['id']}").status_code == 200
        assert browser.get(f"/app/deal/{made['id']}/edit").status_code == 200
    for zone in ("Asia/Shanghai", "America/New_York"):
        assert browser.post("/app/-/preferences", {"timezone": zone}).status_code == 303
        for group in ("at:day", "at:month", "at:quarter", "at:year", "closes:day", "closes:quarter"):
            assert browser.get("/app/deal", view="-", group=group).status_code == 200, (zone, group)
        assert browser.get("/app/deal", view="-", sort="-at").status_code == 200
    assert periods.bucket("9999-12-31") is None


@pytest.mark.parametrize(
    "declared", ["text/html\0", "text/plain\r\nX-Odd: 1", "text", "text/pl\tain", "a/b/c", "图/片"]
)
def test_a_media_type_that_is_none_is_not_kept(declared: str) -> None:
    assert filetypes.accepted_type(declared, b"words") == ("text/plain", "text/plain")
    assert filetypes.accepted_type("text/csv; charset=utf-8", b"words") == ("text/csv", "text/plain")
