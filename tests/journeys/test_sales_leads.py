"""Leads and deals that need somebody: given to whom they fit, offered again, and warned of when they stall."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime.host import Host
from tests.doors import Api, Person, Site, site
from tests.processing import mails, runs, sooner, work


@pytest.fixture
def sales(sqlite_host: Host) -> Site:
    return site(sqlite_host, "sales")


def came(admin: Api, name: str, **more: object) -> str:
    """Path of a lead that came by itself."""
    found = admin.made("lead", name=name, phone="13800001111", source="website", owner=None, **more)
    return f"/lead/{found['id']}"


def owner(admin: Api, path: str) -> str:
    found: str = admin.get(path).get_json()["owner"]
    return found


def test_a_lead_goes_to_whom_it_fits_and_the_reasons_are_kept(host: Host) -> None:
    sales = site(host, "sales")
    admin = sales.api("admin")
    overseas = admin.made("unit", name="Overseas", code="overseas")["id"]
    one, two = (sales.person("sales_rep", name=name) for name in ("One", "Two"))
    boss, far = sales.person("sales_manager", name="Boss"), sales.person("sales_rep", name="Far", unit=overseas)
    account = admin.made("account", name="Known", owner=two.id)["id"]
    known = came(admin, "known", account=account)
    large, abroad = came(admin, "large", size=5000), came(admin, "abroad", language="en")
    plain = [came(admin, f"plain {at}") for at in range(3)]
    by_hand = f"/lead/{admin.made('lead', name='hand', phone='13800001111', source='referral', owner=None)['id']}"
    work(sales.host, sales.tenant)
    assert [owner(admin, each) for each in (known, large, abroad)] == [two.id, boss.id, far.id]
    assert {owner(admin, each) for each in plain} == {one.id, two.id, far.id}
    assert owner(admin, by_hand) is None  # what is entered by hand without an owner lies in the pool
    (told,) = admin.get(f"{large}/assignments").get_json()["data"]
    assert (told["assignment"]["key"], told["rule"]["key"]) == ("leads", "special")
    assert any("known" in each["subject"] for each in sales.api(person=two).get("/notification").get_json()["data"])


def test_a_lead_that_nobody_begins_is_offered_again_and_then_goes_to_the_manager(sales: Site) -> None:
    admin = sales.api("admin")
    people = [sales.person("sales_rep", name=name) for name in ("One", "Two")]
    boss = sales.person("sales_manager", name="Boss")
    for each in people:
        admin.patch(f"/user/{each.id}", {"manager": boss.id})
    slow, quick = came(admin, "slow"), came(admin, "quick")
    work(sales.host, sales.tenant)
    first = owner(admin, slow)
    assert first in {each.id for each in people}
    admin.patch(quick, {"status": "working"})
    work(sales.host, sales.tenant)
    kept = owner(admin, quick)
    for _ in range(2):
        sooner(sales.host, sales.tenant, "workflow_timer")
        sooner(sales.host, sales.tenant)
        work(sales.host, sales.tenant)
    assert (owner(admin, slow), owner(admin, quick)) == (boss.id, kept)
    assert {each.state for each in runs(sales.host, sales.tenant, "lead_intake")} == {"done"}


def won(admin: Api, account: str, days: int) -> None:
    """A deal won after so many days, quoted after two thirds of them."""
    begun = dt.date.today() - dt.timedelta(days=200)
    values = {"engage_date": begun.isoformat(), "proposal_on": (begun + dt.timedelta(days=days * 2 // 3)).isoformat()}
    values |= {"closed_on": (begun + dt.timedelta(days=days)).isoformat(), "stage": "won"}
    admin.made("opportunity", name=f"Won in {days}", account=account, **values)


def open_deal(admin: Api, account: str, rep: Person, name: str, days: int, stage: str = "need") -> str:
    begun = (dt.date.today() - dt.timedelta(days=days)).isoformat()
    values = {"account": account, "owner": rep.id, "engage_date": begun, "stage": stage}
    return f"/opportunity/{admin.made('opportunity', name=name, **values)['id']}"


def daily(here: Site) -> None:
    work(here.host, here.tenant)
    sooner(here.host, here.tenant, "workflow_schedule")
    work(here.host, here.tenant)


def test_a_deal_that_stalls_before_the_proposal_is_told_to_the_manager_once_by_the_norm_of_history(host: Host) -> None:
    sales = site(host, "sales")
    admin = sales.api("admin")
    rep, boss = sales.person("sales_rep", name="Rep"), sales.person("sales_manager", name="Boss")
    admin.patch(f"/user/{rep.id}", {"manager": boss.id})
    admin.patch(f"/user/{boss.id}", {"email": "boss@example.com"})
    segment = admin.made("segment", name="Machines", industry="manufacturing", warn_share="66")["id"]
    account = admin.made("account", name="Acme", segment=segment)["id"]
    for days in (20, 45, 44, 46, 300):
        won(admin, account, days)
    norm = admin.get(f"/segment/{segment}").get_json()
    assert (norm["won_deals"], norm["cycle_norm"], norm["warn_days"]) == (5, "45.00", 30)

    late = open_deal(admin, account, rep, "Late", 30)
    open_deal(admin, account, rep, "Young", 29)
    open_deal(admin, account, rep, "Quoted", 40, stage="proposal")
    daily(sales)
    told = [
        each for each in sales.api(person=boss).get("/notification").get_json()["data"] if "Late" in each["subject"]
    ]
    assert len(told) == 1 and len(runs(sales.host, sales.tenant, "stalled")) == 1
    assert "45" in told[0]["body"] and "Machines" in told[0]["body"]
    assert mails(sales.host, sales.tenant) == [boss.id]
    daily(sales)
    assert mails(sales.host, sales.tenant) == [boss.id]
    assert admin.patch(late, {"stage": "proposal"}).get_json()["warned_on"] is None

    won(admin, account, 200)  # more history: the norm is another one, nothing has to be typed
    won(admin, account, 201)
    assert admin.get(f"/segment/{segment}").get_json()["cycle_norm"] == "46.00"


def test_a_segment_with_too_little_history_warns_of_nothing(sales: Site) -> None:
    admin = sales.api("admin")
    rep = sales.person("sales_rep", name="Rep")
    segment = admin.made("segment", name="New")["id"]
    account = admin.made("account", name="Acme", segment=segment)["id"]
    won(admin, account, 10)
    open_deal(admin, account, rep, "Old", 300)
    daily(sales)
    assert admin.get(f"/segment/{segment}").get_json()["warn_days"] is None
    assert runs(sales.host, sales.tenant, "stalled") == []


def test_what_would_go_back_to_the_pool_is_told_beforehand(sales: Site) -> None:
    boss = sales.api(person=sales.person("sales_manager", name="Boss"))
    for entity in ("lead", "account"):
        pool = {"lead": "leads", "account": "accounts"}[entity]
        answer = boss.get(f"/{entity}/pool/recycle", pool=pool, days="40")
        assert answer.status_code == 200, answer.get_data(as_text=True)
