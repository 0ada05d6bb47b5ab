"""A contract's life with sales: agreed, countersigned, split into quarters, moved, and renewed before it ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from runtime.host import Host
from runtime.processes.timing import planning
from tests import kit
from tests.doors import Api, Person, Site, codes, site
from tests.processing import sooner, work

CNY = "CNY"


@pytest.fixture
def sales(sqlite_host: Host) -> Site:
    return site(sqlite_host, "sales")


def staff(here: Site) -> tuple[Person, Person]:
    """A rep and his manager, who is the head of their unit."""
    admin = here.api("admin")
    unit = admin.made("unit", name="Sales", code="sales")["id"]
    rep, boss = here.person("sales_rep", name="Rep", unit=unit), here.person("sales_manager", name="Boss", unit=unit)
    admin.patch(f"/user/{rep.id}", {"manager": boss.id})
    admin.patch(f"/unit/{unit}", {"manager": boss.id})
    return rep, boss


def contract(api: Api, amount: str = "100000", **more: Any) -> str:
    """Path of a draft over a year; `more` may say other dates."""
    account = api.made("account", name="Acme")["id"]
    values = {"name": "Supply", "account": account, "start": "2027-01-01", "end": "2027-12-31", **more}
    found = api.made("contract", **values, amount={"amount": amount, "currency": CNY})
    assert found["status"] == "draft"
    return f"/contract/{found['id']}"


def decide(here: Site, who: Person, verb: str = "approve", **more: Any) -> None:
    """Have somebody decide the one task that waits for him."""
    api = here.api(person=who)
    (waiting,) = api.get("/approvals", box="waiting").get_json()["data"]
    answer = api.post(f"/approvals/{waiting['request']}/{verb}", more)
    assert answer.status_code == 200, answer.get_data(as_text=True)


def effective(here: Site, **more: Any) -> tuple[Api, str]:
    """A contract that the administrator has made effective, and what came of it done."""
    admin = here.api("admin")
    path = contract(admin, **more)
    assert admin.patch(path, {"status": "effective"}).status_code == 200
    work(here.host, here.tenant)
    return admin, path


def reach(here: Site, day: dt.date) -> None:
    """Have the time come at which dates up to a day are reached, and do what is due."""
    with kit.workspace(here.host, here.tenant, now=dt.datetime.combine(day, dt.time(10), dt.UTC)) as ws:
        planning.plan(ws)
    sooner(here.host, here.tenant, "workflow_date")
    work(here.host, here.tenant)


def rows(api: Api, entity: str, sort: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/{entity}", sort=sort).get_json()["data"]
    return found


def test_a_large_contract_is_approved_one_after_another_and_countersigned_by_both(host: Host) -> None:
    sales = site(host, "sales")
    rep, boss = staff(sales)
    legal, finance = sales.person("legal", name="Legal"), sales.person("finance", name="Finance")
    api = sales.api(person=rep)
    path = contract(api, "800000")
    assert api.patch(path, {"status": "effective"}).status_code == 422
    assert api.post(f"{path}/approval", {}).status_code in (200, 201)
    assert api.get(path).get_json()["status"] == "in_approval"
    assert codes(api.patch(path, {"name": "Other"})) == ["records.locked"]
    assert sales.api(person=finance).get("/approvals", box="waiting").get_json()["data"] == []
    decide(sales, boss)
    decide(sales, legal)
    decide(sales, finance)
    assert api.get(path).get_json()["status"] == "in_approval"  # the head of the unit signs as well
    decide(sales, boss)
    found = api.get(path).get_json()
    assert (found["status"], found["sign_date"] is not None) == ("effective", True)
    work(sales.host, sales.tenant)
    assert len(rows(api, "deliverable", "due")) == 4


def test_what_is_not_countersigned_is_a_draft_again(sales: Site) -> None:
    rep, boss = staff(sales)
    finance = sales.person("finance", name="Finance")
    api = sales.api(person=rep)
    path = contract(api)
    api.post(f"{path}/approval", {})
    decide(sales, boss)
    decide(sales, finance, "reject", comment="Prepayment is missing")
    found = api.get(path).get_json()
    assert found["status"] == "draft"
    assert api.patch(path, {"payment_terms": "30 % in advance"}).status_code == 200
    assert rows(api, "deliverable", "due") == []


def test_a_year_becomes_four_quarters_with_tasks_and_new_dates_move_only_the_open_ones(sales: Site) -> None:
    manager = sales.person("sales_rep", name="Project")
    admin, path = effective(sales, project_manager=manager.id)
    quarters = rows(admin, "deliverable", "due")
    assert [each["due"] for each in quarters] == ["2027-03-31", "2027-06-30", "2027-09-30", "2027-12-31"]
    tasks = rows(sales.api(person=manager), "task", "due")
    assert [each["due"] for each in tasks] == ["2027-03-17", "2027-06-16", "2027-09-16", "2027-12-17"]
    assert {each["assignee"] for each in tasks} == {manager.id}

    admin.patch(f"/deliverable/{quarters[0]['id']}", {"status": "accepted"})
    assert admin.get(path).get_json()["performance"] == "25.00"
    assert admin.patch(path, {"start": "2027-02-01", "end": "2028-01-31"}).status_code == 200
    work(sales.host, sales.tenant)
    moved = rows(admin, "deliverable", "quarter")
    assert [each["due"] for each in moved] == ["2027-03-31", "2027-07-31", "2027-10-31", "2028-01-31"]
    still = [each for each in rows(admin, "task", "due") if each["status"] == "open"]
    assert [each["due"] for each in still] == ["2027-07-17", "2027-10-17", "2028-01-17"]


def test_a_shorter_contract_has_fewer_quarters_and_a_longer_one_is_split_year_by_year(sales: Site) -> None:
    admin, _ = effective(sales, end="2027-08-15")
    assert [each["due"] for each in rows(admin, "deliverable", "due")] == ["2027-03-31", "2027-06-30", "2027-08-15"]
    start = dt.date.today() - dt.timedelta(days=330)
    admin, _ = effective(sales, name="Long", start=start.isoformat(), end="2031-12-31")
    for _ in range(2):  # the second year is not near its end
        sooner(sales.host, sales.tenant, "workflow_schedule")
        work(sales.host, sales.tenant)
    of = [each for each in rows(admin, "deliverable", "quarter") if each["title"].startswith("Long")]
    assert [each["quarter"] for each in of] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_contract_that_ends_is_asked_about_three_times_and_becomes_an_opportunity_once(sales: Site) -> None:
    rep, _ = staff(sales)
    admin = sales.api("admin")
    end = dt.date.today() + dt.timedelta(days=200)
    path = contract(admin, "2000", end=end.isoformat(), start="2026-01-01", owner=rep.id)
    price = {"amount": "500", "currency": CNY}
    admin.made("contract_line", contract=path.rpartition("/")[2], description="Pumps", quantity="4", price=price)
    admin.patch(path, {"status": "effective"})
    work(sales.host, sales.tenant)
    for days in (90, 60, 30):
        reach(sales, end - dt.timedelta(days=days))
        tasks = [each for each in rows(admin, "task", "created_at") if each["title"].startswith("Renew")]
        assert len(tasks) == {90: 1, 60: 2, 30: 3}[days]
    assert {each["assignee"] for each in tasks} == {rep.id}
    (deal,) = rows(sales.api(person=rep), "opportunity", "name")
    assert (deal["renewal_of"], deal["close_date"]) == (path.rpartition("/")[2], end.isoformat())
    (line,) = rows(admin, "opportunity_line", "description")
    assert (line["opportunity"], line["quantity"], line["description"]) == (deal["id"], "4.000", "Pumps")
    assert deal["total"]["amount"] == "2000.00"


def test_nobody_is_asked_once_the_renewal_is_signed(sales: Site) -> None:
    end = dt.date.today() + dt.timedelta(days=200)
    admin, path = effective(sales, start="2026-01-01", end=end.isoformat())
    following = contract(admin, name="Next", renew_of=path.rpartition("/")[2], start="2027-06-01", end="2029-05-31")
    admin.patch(following, {"status": "effective"})
    work(sales.host, sales.tenant)
    reach(sales, end - dt.timedelta(days=90))
    assert [each for each in rows(admin, "task", "due") if each["title"].startswith("Renew")] == []
    assert rows(admin, "opportunity", "name") == []
