"""Rights to fields that depend on the record, and masks: on the way in, on the way out, in what is told afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.host import Host
from tests import kit
from tests.doors import Site, codes, site

ROLES = """
package: {code: fieldrights, kind: module}
entities:
  company:
    fields:
      mail: {type: email, sensitivity: personal, unique: true}
      phone: {type: phone, sensitivity: personal}
      code: {type: text, sensitivity: secret}
roles:
  admin: {clearance: secret}
  clerk:
    clearance: personal
    entities:
      company:
        read: {where: "industry != 'health'"}
        create: {where: "size < 100"}
        update: {where: "size < 100"}
        fields: {phone: {right: write, when: "owner == $user", otherwise: masked}}
      deal:
        read: {where: "company.industry == 'it'"}
        create: all
        update: {where: "company.owner == $user"}
        fields:
          amount: {right: write, when: "stage == 'open'", otherwise: read}
          chance: {right: read, when: "stage == 'won'"}
      user: {read: all}
  visitor: {capabilities: {export: true}, entities: {company: {read: all, fields: {'*': read}}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, ROLES)


def test_a_field_is_written_only_while_its_condition_holds(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    clerk = here.api(person=who)
    company = admin.made("company", name="Acme", industry="it", owner=who.id)
    deal = clerk.made("deal", name="First", company=company["id"], amount="10")
    path = f"/deal/{deal['id']}"
    # What is asked is the record as it was: closing it with its last amount is one save.
    assert clerk.patch(path, {"amount": "11", "stage": "won"}).status_code == 200
    refused = clerk.patch(path, {"amount": "12"})
    assert (refused.status_code, codes(refused)) == (422, ["records.may_not_write_now"])
    assert clerk.patch(path, {"amount": "12", "stage": "open"}).status_code == 422
    # A form sends every field: what is as it was is no change.
    assert clerk.patch(path, {"amount": "11", "note": "Done"}).status_code == 200
    assert admin.patch(path, {"amount": "13"}).status_code == 200
    change = {"action": "update", "id": deal["id"], "values": {"amount": "1"}}
    assert codes(clerk.post("/deal/bulk", {"operations": [change]})) == ["records.may_not_write_now"]
    assert clerk.get(path).get_json()["amount"]["amount"] == "13.00"


def test_a_field_is_read_only_while_its_condition_holds(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    clerk = here.api(person=who)
    company = admin.made("company", name="Acme", industry="it", owner=who.id)
    deal = admin.made("deal", name="First", company=company["id"], chance="10")
    path = f"/deal/{deal['id']}"
    assert clerk.get(path).get_json()["chance"] is None
    assert clerk.get("/deal", where="chance == 10").get_json()["data"] == []
    assert clerk.patch(path, {"note": "x"}).get_json()["chance"] is None
    changes = [each["changes"] for each in clerk.get(f"{path}/history").get_json()["data"]]
    assert not any("chance" in each for each in changes)
    assert clerk.patch(path, {"stage": "won"}).get_json()["chance"] == "10.00"
    assert [each["id"] for each in clerk.get("/deal", where="chance == 10").get_json()["data"]] == [deal["id"]]
    changes = [each["changes"] for each in clerk.get(f"{path}/history").get_json()["data"]]
    assert "chance" in changes[-1]


def test_what_is_too_sensitive_is_masked_and_cannot_be_mentioned(here: Site) -> None:
    admin, visitor = here.api("admin"), here.api("visitor")
    made = admin.made("company", name="Acme", mail="ada@example.com", phone="+8613800138000", code="geheim")
    path = f"/company/{made['id']}"
    shown = visitor.get(path).get_json()
    assert (shown["mail"], shown["phone"], "code" in shown) == ("a••••", "••••8000", False)
    assert visitor.get("/company", fields="mail").get_json()["data"] == [{"id": made["id"], "mail": "a••••"}]
    for arguments in ({"where": "mail != null"}, {"sort": "mail"}, {"where": "code == null"}, {"fields": "code"}):
        assert visitor.get("/company", **arguments).status_code == 400, arguments
    assert visitor.get("/company/aggregate", group="mail").status_code == 400
    assert all("mail" not in each["changes"] for each in visitor.get(f"{path}/history").get_json()["data"])
    described = visitor.get("/openapi.json").get_json()["components"]["schemas"]["company.read"]["properties"]
    assert "mail" in described and "code" not in described


def test_a_mask_falls_where_the_condition_holds(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    clerk = here.api(person=who)
    for name, owner in (("Mine", who.id), ("Theirs", None)):
        admin.made("company", name=name, phone="+8613800138000", size=1, owner=owner)
    rows = clerk.get("/company", fields="name,phone", sort="name").get_json()["data"]
    assert [each["phone"] for each in rows] == ["+8613800138000", "••••8000"]
    theirs = rows[1]["id"]
    assert clerk.patch(f"/company/{theirs}", {"phone": "+8613800138001"}).status_code == 422
    # Not even the value that it has: the answer would tell it.
    assert clerk.patch(f"/company/{theirs}", {"phone": "+8613800138000"}).status_code == 422
    assert clerk.patch(f"/company/{theirs}", {"size": 2}).get_json()["phone"] == "••••8000"
    assert clerk.get("/company", where="phone != null").get_json()["data"][0]["name"] == "Mine"


def test_a_form_sends_back_what_it_was_shown(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    clerk = here.api(person=who)
    made = admin.made("company", name="Theirs", phone="+8613800138000", size=1)
    path = f"/company/{made['id']}"
    assert clerk.patch(path, {"size": 3, "phone": "••••8000"}).get_json()["size"] == 3
    assert clerk.patch(path, {"size": 4, "phone": None}).get_json()["size"] == 4
    assert admin.get(path).get_json()["phone"] == "+8613800138000"
    assert clerk.patch(path, {"phone": "••••8001"}).status_code == 422


def test_pages_show_the_mask_and_nothing_more(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    made = admin.made("company", name="Theirs", phone="+8613800138000", size=1)
    browser = here.browser(person=who)
    for path in ("/app/company", f"/app/company/{made['id']}", f"/app/company/{made['id']}/edit"):
        answer = browser.get(path)
        shown = answer.get_data(as_text=True)
        assert answer.status_code == 200 and "Theirs" in shown and "••••8000" in shown, path
        assert "1380013" not in shown.replace(" ", ""), path


def test_a_condition_holds_before_and_after_a_write(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk")
    clerk = here.api(person=who)
    assert clerk.post("/company", {"name": "Huge", "size": 500}).status_code == 403
    small = clerk.made("company", name="Small", size=5)
    path = f"/company/{small['id']}"
    assert clerk.patch(path, {"size": 500}).status_code == 403
    admin.patch(path, {"size": 500})
    assert clerk.patch(path, {"size": 5}).status_code == 403
    admin.patch(path, {"industry": "health"})
    assert clerk.get(path).status_code == 404
    # Over a link: the company is looked at whether or not he sees it.
    deal = admin.made("deal", name="D", company=admin.made("company", name="It", industry="it")["id"])
    assert clerk.get(f"/deal/{deal['id']}").status_code == 200
    assert clerk.patch(f"/deal/{deal['id']}", {"note": "x"}).status_code == 403


def test_access_is_explained(here: Site) -> None:
    admin, who = here.api("admin"), here.person("clerk", name="Ada")
    clerk = here.api(person=who)
    company = admin.made("company", name="Acme", industry="health", size=500)
    path = f"/company/{company['id']}/explain"

    def asked(**arguments: Any) -> Any:
        return admin.get(path, user=who.id, **arguments).get_json()

    assert asked()["allowed"] is False
    assert asked()["grounds"][0]["message"] == (
        "The role clerk asks for “industry != 'health'”, and “industry != 'health'” is not so: industry = health."
    ).replace("clerk", "Clerk")
    assert asked(action="update")["grounds"][0]["role"] == "clerk"
    assert asked(field="phone")["right"] == "masked"
    assert clerk.get(path).status_code == 404  # what he does not see is not there
    people = admin.get(path, who="true").get_json()
    assert who.id not in {each["user"] for each in people["data"]} and people["next"] is None
    assert any(each["code"] == "explain_all" for each in people["data"])
    seen = admin.made("company", name="Seen", industry="it")
    assert clerk.get(f"/company/{seen['id']}/explain").get_json()["allowed"] is True
    other = clerk.get(f"/company/{seen['id']}/explain", user=here.person("admin").id)
    assert (other.status_code, codes(other)) == (403, ["explain_others"])
    assert clerk.get(f"/company/{seen['id']}/explain", action="burn").status_code == 400
    assert clerk.get(f"/company/{seen['id']}/explain", field="nothing").status_code == 400
