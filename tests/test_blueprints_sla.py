"""SLAs at the doors: the clocks of a record over the API and on its page, the report, and who may know."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache

import pytest
from jsonschema import Draft202012Validator

from runtime import records
from runtime.host import Host
from tests import kit
from tests.doors import Site, codes, site
from tests.pages import Page

HOUR = dt.timedelta(hours=1)


@cache
def start() -> dt.datetime:
    """When the first test began. Clocks are read by the clock on the wall: a busy machine may take a while."""
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host, "support")


def ticket(here: Site, ago: dt.timedelta = dt.timedelta(), **values: object) -> str:
    """A ticket of a gold client, whose clocks run around the clock."""
    with kit.workspace(here.host, here.tenant, now=start() - ago) as ws:
        client = records.create(ws, "client", {"name": "Ada", "tier": "gold"}).id
        return records.create(ws, "ticket", {"subject": "Broken", "client": client, **values}).id


def change(here: Site, id: str, ago: dt.timedelta, **values: object) -> None:
    with kit.workspace(here.host, here.tenant, now=start() - ago) as ws:
        records.update(ws, "ticket", id, values)


def test_the_api_tells_when_it_is_due_and_why(here: Site) -> None:
    id = ticket(here, 3 * HOUR)
    change(here, id, 2 * HOUR, status="pending")
    change(here, id, HOUR, status="open")
    data = here.api("agent").get(f"/ticket/{id}/sla").get_json()["data"]
    first, resolution = data
    assert (first["target"], first["status"]) == ({"key": "first_response", "label": "First response"}, "breached")
    assert (resolution["status"], resolution["policy"]["label"], resolution["within"]) == ("running", "Gold", "PT4H")
    assert 6_000 <= resolution["remaining_seconds"] <= 7_200 and 50 <= resolution["used_percent"] <= 58
    assert [each["kind"] for each in resolution["segments"]] == ["running", "paused", "running"]
    assert [each["business_seconds"] for each in resolution["segments"]][:2] == [3600, 3600]
    assert [(each["key"], each["reached"]) for each in resolution["alerts"]][1:] == [("most", False), ("breach", False)]
    zh = here.api("agent").get(f"/ticket/{id}/sla", lang="zh").get_json()["data"]
    assert zh[1]["target"]["label"] == "解决"


def test_who_may_not_read_what_a_clock_looks_at_is_told_nothing_of_it(here: Site) -> None:
    id = ticket(here)
    data = here.api("guest").get(f"/ticket/{id}/sla").get_json()["data"]
    assert [set(each) for each in data] == [{"sla", "target", "hidden"}] * 2
    assert all(each["hidden"] for each in data)
    assert here.api("guest").get("/ticket/sla").get_json() == {"data": []}
    assert here.api("guest").get(f"/client/{id}/sla").status_code in (403, 404)
    assert here.api("agent").get("/ticket/00000000-0000-7000-8000-000000000000/sla").status_code == 404


def test_the_report_counts_what_was_met_and_what_was_not(sqlite_host: Host) -> None:
    here = site(sqlite_host, "support")
    met, late, open_late, paused = (ticket(here, 10 * HOUR) for _ in range(4))
    ticket(here)
    change(here, met, 9 * HOUR, status="resolved")
    change(here, late, HOUR, status="resolved")
    change(here, paused, 9 * HOUR, status="pending")
    api = here.api("agent")
    counts = {each["target"]["key"]: each for each in api.get("/ticket/sla").get_json()["data"]}
    found = counts["resolution"]
    assert {name: found[name] for name in ("met", "breached", "late", "running", "paused", "met_percent")} == {
        "met": 1,
        "breached": 2,
        "late": 1,
        "running": 1,
        "paused": 1,
        "met_percent": 33,
    }
    until = (start() - 5 * HOUR).isoformat().replace("+00:00", "Z")
    assert api.get("/ticket/sla", since=until).get_json()["data"][1]["running"] == 1
    assert api.get("/ticket/sla", until=until).get_json()["data"][1]["running"] == 0
    assert codes(api.get("/ticket/sla", since="yesterday")) == ["argument_moment"]
    assert api.get("/client/sla").get_json() == {"data": []}
    with kit.workspace(here.host, here.tenant) as ws:
        records.delete(ws, "ticket", open_late)
    assert api.get("/ticket/sla").get_json()["data"][1]["late"] == 0


def test_the_page_of_a_record_shows_its_clocks_in_both_languages(here: Site) -> None:
    id = ticket(here, HOUR + dt.timedelta(minutes=30))
    browser = here.browser("agent")
    page = Page(browser.get(f"/app/ticket/{id}").get_data(as_text=True))
    for said in ("Promised times", "Resolution", "Gold, All: 4 h around the clock"):
        assert said in page.said, said
    assert re.search(r"2 h [12]\d min left", page.said) and re.search(r"Late by [34]\d min", page.said)
    change(here, id, dt.timedelta(), status="pending")
    zh = Page(browser.get(f"/app/ticket/{id}", lang="zh").get_data(as_text=True))
    assert "服务时限" in zh.said and "已暂停" in zh.said
    hidden = Page(here.browser("guest").get(f"/app/ticket/{id}").get_data(as_text=True))
    assert "You may not see this one." in hidden.said and "Gold" not in hidden.said


def test_the_page_of_the_report_and_that_of_a_record_without_clocks(here: Site) -> None:
    browser = here.browser("agent")
    page = Page(browser.get("/app/ticket/sla", since="2020-01-01", until="nonsense").get_data(as_text=True))
    assert "Promised times kept" in page.said and "First response" in page.said
    assert browser.get("/app/ticket/sla", lang="zh").status_code == 200
    with kit.workspace(here.host, here.tenant) as ws:
        internal = records.create(ws, "ticket", {"subject": "x", "category": "internal"}).id
    assert "Promised times" not in Page(browser.get(f"/app/ticket/{internal}").get_data(as_text=True)).said


def test_openapi_knows_the_clocks_where_there_are_some(here: Site) -> None:
    paths = here.api("agent").get("/openapi.json").get_json()["paths"]
    assert {"/ticket/sla", "/ticket/{id}/sla"} <= paths.keys()
    assert "/client/{id}/sla" not in paths
    id = ticket(here, HOUR)
    for path, address in (("/ticket/sla", "/ticket/sla"), ("/ticket/{id}/sla", f"/ticket/{id}/sla")):
        schema = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator(schema).validate(here.api("agent").get(address).get_json())
        Draft202012Validator(schema).validate(here.api("guest").get(address).get_json())
