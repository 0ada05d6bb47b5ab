"""A dealer's order of special valves, from the order to the claim, as the roles of the template live it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from runtime.host import Host
from tests.doors import Api, Person, Site, codes, site
from tests.processing import mails, runs, sooner, work

CNY = "CNY"
NUMBERS = itertools.count(1)
COLOUR = "grey-blue RAL 5008"


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": CNY}


def staff(here: Site) -> dict[str, Person]:
    """One person for each role, a rep and his manager in one unit."""
    admin = here.api("admin")
    unit = admin.made("unit", name="Sales", code="sales")["id"]
    selling = ("sales_rep", "sales_manager", "sales_director", "general_manager", "finance")
    roles = (*selling, "engineer", "production", "purchaser", "service_engineer", "service_manager")
    people = {each: here.person(each, name=each, unit=unit if each.startswith("sales_") else None) for each in roles}
    admin.patch(f"/user/{people['sales_rep'].id}", {"manager": people["sales_manager"].id})
    return people


class Plant:
    """The site with its people; each acts by his own program."""

    def __init__(self, host: Host) -> None:
        self.here = site(host, "manufacturing")
        self.people = staff(self.here)
        self._apis: dict[str, Api] = {}

    def api(self, role: str) -> Api:
        if role not in self._apis:
            known = self.people.get(role)
            self._apis[role] = self.here.api(role) if known is None else self.here.api(person=known)
        return self._apis[role]

    def work(self) -> None:
        work(self.here.host, self.here.tenant)

    def decide(self, *roles: str, verb: str = "approve", **more: Any) -> None:
        """Each of them decides the one thing that waits for him."""
        for role in roles:
            (waiting,) = self.api(role).get("/approvals", box="waiting").get_json()["data"]
            answer = self.api(role).post(f"/approvals/{waiting['request']}/{verb}", more)
            assert answer.status_code == 200, (role, answer.get_data(as_text=True))

    def rows(self, role: str, entity: str, sort: str = "created_at", **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api(role).get(f"/{entity}", sort=sort, **more).get_json()["data"]
        return found

    def changed(self, role: str, path: str, **values: Any) -> dict[str, Any]:
        answer = self.api(role).patch(path, values)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found


@pytest.fixture(scope="module")
def plant(sqlite_host: Host) -> Plant:
    return Plant(sqlite_host)


def valves(plant: Plant, **more: Any) -> str:
    """A product whose special versions come from a supplier of dyes; its id."""
    buyer, admin = plant.api("purchaser"), plant.api("admin")
    number = next(NUMBERS)
    dyes = {
        "code": f"DYE-{number}",
        "name": "Dye works",
        "category": "dye",
        "lead_days": 12,
        "email": "dyes@example.com",
    }
    supplier = buyer.made("supplier", **dyes)["id"]
    prices = {"list_price": money("120"), "floor_price": money("90"), "cost": money("60")}
    values = {
        "sku": f"V-{number}",
        "name": "Valve",
        "lead_days": 10,
        "warranty_months": 24,
        "special_supplier": supplier,
    }
    return str(admin.made("product", **{**values, **prices, **more})["id"])


def order(plant: Plant, product: str, price: str = "100", **line: Any) -> tuple[str, str]:
    """Path of the rep's order of 200 for a dealer, and id of its line."""
    rep = plant.api("sales_rep")
    account = rep.made("account", name="Dealer", dealer_level="dealer")["id"]
    made = rep.made("sales_order", name="200 valves", account=account)["id"]
    values = {"order": made, "product": product, "quantity": "200", "price": money(price), **line}
    return f"/sales_order/{made}", rep.made("order_line", **values)["id"]


def placed(plant: Plant, path: str, *deciders: str) -> dict[str, Any]:
    assert plant.api("sales_rep").post(f"{path}/approval", {}).status_code in (200, 201)
    plant.decide(*deciders)
    plant.work()
    found: dict[str, Any] = plant.api("sales_rep").get(path).get_json()
    assert found["status"] == "approved"
    return found


def test_the_thread_from_a_special_order_to_the_claim(host: Host) -> None:
    plant = Plant(host)
    rep, today = plant.api("sales_rep"), dt.date.today()
    product = valves(plant)
    path, line = order(plant, product, special_colour=COLOUR)
    of = path.rpartition("/")[2]

    # The promise counts what the supplier takes; a special version is looked at by engineering.
    promised = dt.date.fromisoformat(rep.get(f"/order_line/{line}").get_json()["promised_date"])
    assert 21 <= (promised - today).days <= 23
    found = placed(plant, path, "sales_manager", "engineer")
    assert found["total"]["amount"] == "20000.00"

    # The supplier is asked, production has its work, the money is planned 30/60/10.
    (request,) = plant.rows("purchaser", "purchase_request")
    assert request["item"] == f"Valve {COLOUR}" and request["quantity"] == "200.000"
    assert "dyes@example.com" in mails(plant.here.host, plant.here.tenant)
    (job,) = plant.rows("production", "work_order")
    assert (job["quantity"], job["due"]) == ("200.000", promised.isoformat())
    instalments = plant.rows("finance", "receivable", "due")
    assert sorted(each["amount"]["amount"] for each in instalments) == ["12000.00", "2000.00", "6000.00"]

    # The dye comes in two parts; what is asked for is there after the second.
    buyer = plant.api("purchaser")
    values = {"item": request["item"], "request": request["id"], "supplier": request["supplier"], "quantity": "200"}
    purchase = buyer.made("purchase_order", **values)["id"]
    for part in ("80", "120"):
        plant.api("production").made("goods_receipt", purchase_order=purchase, quantity=part)
        (asked,) = plant.rows("purchaser", "purchase_request")
        assert (asked["received"], asked["status"]) == ({"80": "80.000", "120": "200.000"}[part], "open")
    sooner(plant.here.host, plant.here.tenant, "workflow_schedule")
    plant.work()
    assert plant.rows("purchaser", "purchase_request")[0]["status"] == "received"

    # Two deliveries, never more than was ordered.
    making, deliveries = plant.api("production"), []
    for part, batch in (("120", "B-1"), ("80", "B-2")):
        delivery = making.made("delivery", order=of, status="shipped")["id"]
        making.made("delivery_line", delivery=delivery, order_line=line, quantity=part, batch=batch)
        deliveries.append(delivery)
    more = making.post("/delivery_line", {"delivery": deliveries[0], "order_line": line, "quantity": "1"})
    assert more.status_code == 422
    found = rep.get(path).get_json()
    assert (found["delivery_share"], found["delivered"]) == ("100.00", "200.000")

    # Invoice and money, neither beyond the order.
    finance = plant.api("finance")
    finance.made("invoice", order=of, amount=money("20000"), status="issued")
    assert finance.post("/invoice", {"order": of, "amount": money("1")}).status_code == 422
    for each in instalments:
        receipt = {"receivable": each["id"], "status": "confirmed"}
        assert finance.post("/receipt", {**receipt, "amount": money("99999")}).status_code == 422
        finance.made("receipt", **receipt, amount=each["amount"])
    found = rep.get(path).get_json()
    assert (found["received"]["amount"], found["unreceived"], found["received_share"]) == ("20000.00", "0.00", "100.00")

    # What was delivered is installed; service finds it by its batch, and a fault becomes a claim.
    for each in deliveries:
        plant.changed("production", f"/delivery/{each}", status="received")
        assert plant.api("service_manager").post(f"/delivery/{each}/actions/install").status_code in (200, 202)
    plant.work()
    assert [each.state for each in runs(plant.here.host, plant.here.tenant, "install")] == ["done", "done"]
    (asset,) = plant.rows("service_manager", "asset", where="batch == 'B-1'")
    assert asset["account"] == found["account"] and asset["warranty_to"] > today.isoformat()
    service = plant.api("service_engineer")
    ticket = service.made("ticket", subject="Leaks", account=found["account"], asset=asset["id"])["id"]
    claim = service.made("warranty_claim", fault="Seal", ticket=ticket, asset=asset["id"], cost=money("8000"))["id"]
    assert service.post(f"/warranty_claim/{claim}/approval", {}).status_code in (200, 201)
    plant.decide("service_manager", "finance", "general_manager")
    assert service.get(f"/warranty_claim/{claim}").get_json()["status"] == "approved"


def test_below_the_lowest_price_the_margin_says_who_decides(plant: Plant) -> None:
    product = valves(plant)
    path, _ = order(plant, product, price="62")  # a margin of three per cent
    placed(plant, path, "sales_manager", "general_manager", "finance")
    path, _ = order(plant, product, price="70")
    placed(plant, path, "sales_manager", "sales_director")


def test_nothing_is_ordered_on_credit_hold(plant: Plant) -> None:
    path, _ = order(plant, valves(plant))
    account = plant.api("sales_rep").get(path).get_json()["account"]
    plant.changed("finance", f"/account/{account}", credit_hold=True)
    refused = plant.api("sales_rep").post(f"{path}/approval", {})
    assert refused.status_code == 422, refused.get_data(as_text=True)
    plant.changed("finance", f"/account/{account}", credit_hold=False)
    placed(plant, path, "sales_manager")


def test_nothing_is_bought_from_a_supplier_whose_qualification_is_over(plant: Plant) -> None:
    buyer = plant.api("purchaser")
    supplier = buyer.made("supplier", code="OLD", name="Old", qualified_until="2020-01-01")["id"]
    answer = buyer.post("/purchase_order", {"item": "Seals", "supplier": supplier, "quantity": "1"})
    assert answer.status_code == 422 and len(codes(answer)) == 1


def test_a_sample_is_judged_by_one_engineer_and_countersigned_by_production(plant: Plant) -> None:
    rep = plant.api("sales_rep")
    account = rep.made("account", name="Maker")["id"]
    path = f"/sample/{rep.made('sample', name='Blue cap', account=account)['id']}"
    assert rep.post(f"{path}/approval", {}).status_code in (200, 201)
    plant.decide("sales_manager", "engineer", "production")
    assert rep.get(path).get_json()["status"] == "making"
    assert plant.changed("sales_rep", path, status="sent")["sent_on"] is not None
    refused = rep.patch(path, {"status": "answered"})
    assert refused.status_code == 422
    assert plant.changed("sales_rep", path, status="answered", result="passed")["converted"] == "100.00"


def test_a_registration_that_meets_another_one_is_the_directors(plant: Plant) -> None:
    rep = plant.api("sales_rep")
    end, one, two = (rep.made("account", name=name)["id"] for name in ("End", "Dealer 1", "Dealer 2"))
    known = {"project": "Hall 3", "end_customer": end}
    made = [rep.made("channel_registration", **known, dealer=each)["id"] for each in (one, two)]
    first, second = (f"/channel_registration/{each}" for each in made)
    rep.post(f"{first}/approval", {})
    plant.decide("sales_manager")
    assert rep.get(first).get_json()["status"] == "registered"
    rep.post(f"{second}/approval", {})
    plant.decide("sales_manager")
    assert rep.get(second).get_json()["conflict"] is True
    plant.decide("sales_director", verb="reject", comment="The first one stays")
    assert rep.get(second).get_json()["status"] == "refused"


def test_the_third_fault_in_ninety_days_is_a_question_of_quality_once(plant: Plant) -> None:
    service, product = plant.api("service_manager"), valves(plant)
    account = plant.api("sales_rep").made("account", name="User")["id"]
    asset = service.made("asset", serial="S-1", product=product, account=account)["id"]
    for at in range(5):
        service.made("ticket", subject=f"Fault {at}", account=account, asset=asset)
        plant.work()
        quality = plant.rows("service_manager", "ticket", where="kind == 'quality'")
        assert len(quality) == (1 if at >= 2 else 0)
    assert quality[0]["asset"] == asset


def test_what_cannot_be_made_in_time_is_told_once(plant: Plant) -> None:
    path, line = order(plant, valves(plant, lead_days=10))
    placed(plant, path, "sales_manager")
    soon = (dt.date.today() + dt.timedelta(days=3)).isoformat()
    plant.changed("admin", f"/order_line/{line}", promised_date=soon)
    for _ in range(2):
        sooner(plant.here.host, plant.here.tenant, "workflow_schedule")
        plant.work()
    told = [each for each in plant.rows("sales_rep", "notification") if "风险" in each["subject"]]
    assert len(told) == 1


def test_actual_quantities_are_those_of_approved_orders(plant: Plant) -> None:
    rep, product = plant.api("sales_rep"), valves(plant)
    account = rep.made("account", name="Maker")["id"]
    agreement = rep.made("sales_agreement", name="Year", account=account, start="2027-01-01", end="2027-12-31")["id"]
    agreed = rep.made("agreement_product", agreement=agreement, product=product, sales_price=money("100"))["id"]
    period = {"name": "Q1", "agreement": agreement, "agreement_product": agreed, "planned_qty": "400"}
    period |= {"period_start": "2027-01-01", "period_end": "2027-03-31"}
    quarter = rep.made("agreement_period", **period)["id"]
    path, _ = order(plant, product, agreement_period=quarter)
    assert rep.get(f"/agreement_period/{quarter}").get_json()["actual_qty"] == "0.000"
    placed(plant, path, "sales_manager")
    found = rep.get(f"/agreement_period/{quarter}").get_json()
    assert (found["actual_qty"], found["fulfilment"], found["deviation"]) == ("200.000", "50.00", "-50.00")
    assert rep.get(f"/sales_agreement/{agreement}").get_json()["planned_amount"]["amount"] == "40000.00"
