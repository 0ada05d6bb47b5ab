"""The first minutes: what an empty tenant says to whom, and that the demo is a company that fits together."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from runtime import demo, queries, records
from runtime.demo_names import short_of
from runtime.host import Host
from runtime.queries import Query
from tests import kit
from tests.doors import Browser, site
from tests.pages import Page

TODAY = dt.date(2027, 3, 31)
SMALL = """
package: {code: small, version: 1.0.0, kind: industry, requires: {sales: '*'}}
demo:
  company:
    entities:
      account: {count: 60}
      contact: {count: 120}
      lead: {count: 20}
      opportunity: {count: 150}
      activity: {count: 300}
      note: {count: 20}
      task: {count: 60}
"""


def home(browser: Browser) -> tuple[int, Page]:
    answer = browser.get("/")
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code != 200 or page.wrong == []
    return answer.status_code, page


@pytest.mark.parametrize("package", ["sales", "library", "core"])
def test_an_empty_tenant_tells_its_administrator_what_to_do(sqlite_host: Host, package: str) -> None:
    here = site(sqlite_host, package)
    admin = here.browser("admin")
    status, page = home(admin)
    assert status == 200 and "Welcome" in page.said and f"metaloom user add {here.tenant.name}" in page.said
    assert ("Describe your business" in page.said) is (package == "core")
    for link in page.links:
        if link.endswith(("/import", "/new")):
            assert admin.get(link.removeprefix(here.prefix)).status_code == 200
    assert any(link.endswith("/import") for link in page.links) is (package != "core")
    assert home(here.browser("member"))[0] == 303  # who cannot set it up is not asked to


def test_with_the_first_record_the_work_begins(sqlite_host: Host) -> None:
    here = site(sqlite_host, "sales")
    admin = here.browser("admin")
    assert home(admin)[0] == 200
    with kit.workspace(here.host, here.tenant) as ws:
        records.create(ws, "lead", {"name": "Li Lei"})
    assert home(admin)[0] == 303


def rows(host: Host, tenant: Any, entity: str, *fields: str) -> list[dict[str, Any]]:
    with kit.workspace(host, tenant, write=False) as ws:
        return queries.as_json(queries.find(ws, Query(entity, fields=fields, limit=500)))


def test_the_demo_is_a_company_that_fits_together(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, "sales", SMALL)
    with kit.workspace(sqlite_host, tenant) as ws:
        unit = kit.insert(ws, "unit", name="Sales", code="sales")
        people = {kit.insert(ws, "user", name=name, unit=unit, active=True) for name in ("A", "B", "C")}
        kit.insert(ws, "user", name="Boss", active=True)
    demo.make(sqlite_host, tenant, today=TODAY)
    accounts = {
        each["id"]: each for each in rows(sqlite_host, tenant, "account", "name", "short_name", "country", "owner")
    }
    assert len(accounts) == 60 and {each["owner"] for each in accounts.values()} == people
    assert all(each["short_name"] == short_of(each["name"]) for each in accounts.values())
    assert all(each["name"].isascii() is (each["country"] != "中国") for each in accounts.values())
    assert {True, False} == {each["name"].isascii() for each in accounts.values()}
    contacts = {each["id"]: each for each in rows(sqlite_host, tenant, "contact", "name", "account", "email", "owner")}
    for each in contacts.values():
        account = accounts[each["account"]]
        assert each["name"].isascii() is account["name"].isascii() and each["owner"] == account["owner"]
    assert len({each["email"] for each in contacts.values()}) == 120
    deals = rows(
        sqlite_host, tenant, "opportunity", "name", "account", "owner", "stage", "amount", "engage_date", "close_date",
        "primary_contact", "lost_reason", "lines.quantity", "lines.price",
    )  # fmt: skip
    assert {each["stage"] for each in deals} == {"qualify", "need", "proposal", "negotiation", "won", "lost"}
    for each in deals:
        account = accounts[each["account"]]
        assert each["name"].startswith(account["short_name"]) and each["owner"] == account["owner"]
        total = sum(Decimal(line["quantity"]) * Decimal(line["price"]["amount"]) for line in each["lines"])
        assert Decimal(each["amount"]["amount"]) == total > 0
        engaged, closes = (dt.date.fromisoformat(str(each[name])) for name in ("engage_date", "close_date"))
        over = each["stage"] in ("won", "lost")
        assert engaged <= closes <= TODAY if over else closes >= TODAY - dt.timedelta(days=7)
        assert (each["lost_reason"] is not None) is (each["stage"] == "lost")
        if each["primary_contact"] is not None:
            assert contacts[each["primary_contact"]]["account"] == each["account"]
    done = rows(sqlite_host, tenant, "activity", "at", "owner", "kind")
    days = [dt.datetime.fromisoformat(each["at"]).date() for each in done]
    assert len({(day.year, day.month) for day in days}) >= 12 and max(days) <= TODAY
    assert all(day.weekday() < 5 for day in days) and {each["owner"] for each in done} <= people
    tasks = rows(sqlite_host, tenant, "task", "status", "due", "assignee")
    assert all(each["assignee"] in people for each in tasks)
    assert all(dt.date.fromisoformat(str(each["due"])) < TODAY for each in tasks if each["status"] != "open")
