"""The processes that come with sales, as its own roles live them: a discount is approved, a win is followed up."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime.host import Host
from tests.doors import Api, Person, Site, codes, site
from tests.processing import mails, runs, sooner, work

CNY = "CNY"


@pytest.fixture
def sales(host: Host) -> Site:
    return site(host, "sales")


def opportunity(sales: Site, rep: Person, discount: str) -> tuple[Api, str]:
    """The rep's own, with one line at this discount; his interface and its address."""
    api = sales.api(person=rep)
    account = api.made("account", name="Acme")["id"]
    path = f"/opportunity/{api.made('opportunity', name='Deal', account=account)['id']}"
    price = {"amount": "1000", "currency": CNY}
    api.made("opportunity_line", opportunity=path.rpartition("/")[2], quantity="2", price=price, discount=discount)
    return api, path


def test_a_discount_is_approved_by_the_manager_in_two_steps_on_a_phone(sales: Site) -> None:
    rep, boss = sales.person("sales_rep", name="Rep"), sales.person("sales_manager", name="Boss")
    sales.api("admin").patch(f"/user/{rep.id}", {"manager": boss.id})
    api, path = opportunity(sales, rep, "25")
    assert api.get(f"{path}/approval").get_json()["state"] == "needs_approval"
    request = api.post(f"{path}/approval", {"comment": "A key customer"}).get_json()["id"]
    assert codes(api.patch(path, {"name": "Other"})) == ["records.locked"]

    manager = sales.api(person=boss)
    (waiting,) = manager.get("/approvals", box="waiting").get_json()["data"]
    assert waiting["request"] == request
    browser = sales.browser(person=boss)
    assert "Deal" in browser.get("/app/-/approvals").get_data(as_text=True)
    assert browser.get(f"/app/-/approvals/{request}").status_code == 200
    decided = browser.post(f"/app/-/approvals/{request}/approve")
    assert decided.status_code == 303
    assert api.get(f"{path}/approval").get_json()["state"] == "approved"
    assert api.patch(path, {"name": "Other"}).status_code == 200
    assert [each["request"] for each in api.get("/approvals", box="started").get_json()["data"]] == [request]


def test_a_small_discount_needs_nobody(sales: Site) -> None:
    api, path = opportunity(sales, sales.person("sales_rep"), "5")
    assert api.get(f"{path}/approval").get_json()["state"] == "none"
    assert codes(api.post(f"{path}/approval", {})) == ["approval_none_fits"]


def test_a_win_gives_its_owner_a_task(sales: Site) -> None:
    rep = sales.person("sales_rep")
    api, path = opportunity(sales, rep, "0")
    assert api.patch(path, {"stage": "won"}).status_code == 200
    work(sales.host, sales.tenant)
    (task,) = api.get("/task").get_json()["data"]
    assert (task["title"], task["assignee"]) == ("Thank Acme", rep.id)


def test_a_customer_gets_one_mail_on_the_third_day_and_none_without_consent_or_after_a_call(sales: Site) -> None:
    rep, admin = sales.person("sales_rep", name="Rep"), sales.api("admin")
    known = (("two", 2, True), ("three", 3, True), ("four", 4, True), ("never", 3, False), ("called", 3, True))
    for name, days, consent in known:
        values = {"name": name, "owner": rep.id, "email": f"{name}@example.com", "mail_consent": consent}
        account = admin.made("account", **values)["id"]
        for ago in (days, 0) if name == "called" else (days,):
            then = (dt.datetime.now(dt.UTC) - dt.timedelta(days=ago)).isoformat()
            admin.made("activity", subject="Call", at=then, related={"entity": "account", "id": account})
    work(sales.host, sales.tenant)
    sooner(sales.host, sales.tenant, "workflow_schedule")
    work(sales.host, sales.tenant)
    (run,) = runs(sales.host, sales.tenant, "no_contact")
    assert run.state == "done", run.error
    assert mails(sales.host, sales.tenant) == ["three@example.com"]
    sooner(sales.host, sales.tenant, "workflow_schedule")
    work(sales.host, sales.tenant)
    assert len(mails(sales.host, sales.tenant)) == 1
