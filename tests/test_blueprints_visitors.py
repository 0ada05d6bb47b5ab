"""Public forms as strangers and programs meet them: what is made, what is refused, and that nothing leaks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from runtime import visitors
from runtime.host import Host
from tests import kit
from tests.doors import Site, site
from tests.pages import Page

ENQUIRIES = """
package:
  code: enquiries
  kind: module
  requires: {core: '*'}
  settings: {name: {en: Acme, zh: 艾克美}}
entities:
  enquiry:
    label: {en: Enquiry, zh: 询价}
    title: name
    owned: true
    fields:
      name: {type: text, max: 40, required: true, label: {en: Name, zh: 姓名}}
      email: {type: email, label: {en: E-mail, zh: 邮箱}}
      phone: {type: phone, label: {en: Phone, zh: 电话}}
      size: {type: integer, min: 1, label: {en: Size, zh: 规模}}
      budget: {type: money, label: {en: Budget, zh: 预算}}
      due: {type: date, label: {en: Due, zh: 日期}}
      rating: {type: rating, label: {en: Rating, zh: 评分}}
      topic:
        type: choice
        label: {en: Topic, zh: 主题}
        options: {sales: {label: {en: Sales, zh: 销售}}, old: {label: Old, retired: true}}
      wants: {type: multi_choice, label: {en: Wants, zh: 需求}, options: {a: {label: A}, b: {label: B}}}
      agrees: {type: boolean, label: {en: I agree, zh: 我同意}}
      text: {type: long_text, label: {en: Text, zh: 内容}}
      source: {type: choice, options: {website: {}, phone: {}}}
      inside: {type: text}
roles:
  clerk: {entities: {enquiry: {read: own, update: own}}}
public_forms:
  ask:
    label: {en: Ask us, zh: 咨询我们}
    intro: {en: We answer., zh: 我们会答复。}
    entity: enquiry
    owner: owner@example.com
    fields:
      name: {}
      email: {required: true}
      phone: {}
      size: {}
      budget: {}
      due: {}
      rating: {}
      topic: {}
      wants: {}
      agrees: {}
      text: {help: {en: As long as you like., zh: 长短随意。}}
    constants: {source: website}
    thanks: {en: Thanks a lot., zh: 多谢。}
"""


class Stranger:
    """Somebody with a browser and without an account, who takes his time."""

    def __init__(self, here: Site, address: str = "198.51.100.7", path: str = "/f/ask") -> None:
        self.here, self.address, self.path = here, address, path
        self.client: FlaskClient = here.app.test_client()
        self.form: dict[str, Any] = {}

    def get(self, **arguments: str) -> Page:
        answer = self.client.get(self.here.prefix + self.path, query_string=arguments)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        page = Page(answer.get_data(as_text=True))
        assert page.wrong == []
        if page.forms:
            self.form = dict(page.form("ticket").values)
            self.form["ticket"] = self.aged(5)
        return page

    def aged(self, seconds: float) -> str:
        """A ticket that was handed out so long ago."""
        tenant = self.here.tenant
        return visitors.issue(self.here.host, tenant, "ask", dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds))

    def send(self, headers: dict[str, str] | None = None, **changes: Any) -> TestResponse:
        data = {**self.form, **{f"v.{k}" if k not in ("ticket", "homepage") else k: v for k, v in changes.items()}}
        return self.client.post(
            self.here.prefix + self.path,
            data=data,
            headers={"Origin": "http://localhost", **(headers or {})},
            environ_base={"REMOTE_ADDR": self.address},
        )


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, ENQUIRIES)


def made(here: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.api("admin").get("/enquiry").get_json()["data"]
    return found


def test_what_a_stranger_sends_becomes_a_record(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        from runtime import accounts, assignments

        owner = accounts.create_user(ws, "o", {"name": "Owner", "email": "owner@example.com"}, "correct horse battery")
        assignments.set_roles(ws, owner, ["clerk"])
    stranger = Stranger(here)
    page = stranger.get()
    assert "Acme" in page.said and "Ask us" in page.said and "We answer." in page.said
    answer = stranger.send(
        name="Li Lei", email="li@example.com", phone="138 0013 8000", size="20", budget="1,200.5", due="2030-01-31",
        rating="4", topic="sales", wants=["a", "b"], agrees="true", text="Hello\r\nthere",
    )  # fmt: skip
    assert answer.status_code == 303, Page(answer.get_data(as_text=True)).said
    assert answer.headers["Location"].split("?")[0].endswith("/f/ask")
    assert "Thanks a lot." in stranger.get(sent="1").said
    [record] = made(here)
    wanted = {
        "name": "Li Lei", "email": "li@example.com", "phone": "+8613800138000", "size": 20, "due": "2030-01-31",
        "rating": 4, "topic": "sales", "wants": ["a", "b"], "agrees": True, "text": "Hello\nthere",
        "source": "website", "owner": owner, "created_by": None, "inside": None,
    }  # fmt: skip
    assert {key: record[key] for key in wanted} == wanted
    assert record["budget"]["amount"] == "1200.50"
    with kit.workspace(here.host, here.tenant, user=owner, write=False) as ws:
        told = ws.db.fetch("SELECT kind, channel, actor_name FROM _event WHERE entity = 'enquiry'")
        assert [tuple(each) for each in told] == [("created", "public", "Ask us")]
    assert len(here.api("admin").get("/notification").get_json()["data"]) == 1


def test_without_its_owner_a_record_is_nobodys(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    assert stranger.send(name="A", email="a@example.com").status_code == 303
    assert made(here)[0]["owner"] is None


def test_what_is_wrong_is_told_beside_it_and_nothing_typed_is_lost(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    answer = stranger.send(name="", email="nonsense", size="0", text="Kept", wants=["b", "zzz"])
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 422 and page.wrong == [] and made(here) == []
    again = page.form("ticket").values
    assert (again["v.email"], again["v.text"], again["v.wants"]) == (["nonsense"], ["Kept"], ["b"])
    assert again["ticket"] == [stranger.form["ticket"]]
    for said in ("Name is needed", "e-mail", "Not sent yet"):
        assert said.lower() in page.said.lower(), said


def test_the_same_sent_twice_is_one_record_and_something_else_is_another(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    for _ in range(3):
        assert stranger.send(name="A", email="a@example.com").status_code == 303
    assert len(made(here)) == 1
    assert stranger.send(name="B", email="a@example.com").status_code == 303
    assert len(made(here)) == 2


def test_it_speaks_the_visitors_language(here: Site) -> None:
    stranger = Stranger(here)
    page = stranger.get(lang="zh")
    assert "咨询我们" in page.said and "艾克美" in page.said and "选填" in page.said and "Ask us" not in page.said
    answer = stranger.client.post(f"{here.prefix}/f/ask?lang=zh", data={**stranger.form, "v.name": ""})
    assert "必须填写姓名" in Page(answer.get_data(as_text=True)).said


# -- programs and attackers


def test_a_program_that_fills_in_everything_is_thanked_for_nothing(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    assert stranger.send(name="Bot", email="b@example.com", homepage="http://spam.example").status_code == 303
    assert made(here) == []


@pytest.mark.parametrize("age", [0.1, 25 * 3600])
def test_a_form_that_was_filled_in_too_fast_or_too_long_ago_is_asked_again(here: Site, age: float) -> None:
    stranger = Stranger(here)
    stranger.get()
    ticket = stranger.aged(age)
    answer = stranger.send(name="A", email="a@example.com", ticket=ticket)
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 422 and made(here) == []
    assert (page.form("ticket").values["ticket"] == [ticket]) is (age < 1)
    assert page.form("ticket").values["v.name"] == ["A"]


def test_a_ticket_cannot_be_made_up_or_taken_elsewhere(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    good = stranger.aged(5)
    other = visitors.issue(here.host, here.tenant, "other", dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5))
    tampered = ("A" if good[3] != "A" else "B").join((good[:3], good[4:]))
    for ticket in ("", "nonsense", "é", good[:-4], tampered, other, "A" * 5_000):
        assert stranger.send(name="A", email="a@example.com", ticket=ticket).status_code == 422, ticket
    assert made(here) == []


def test_other_sites_cannot_send_it_and_cannot_frame_it(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert stranger.send(headers, name="A", email="a@example.com").status_code == 403
    assert made(here) == []
    answer = stranger.client.get(f"{here.prefix}/f/ask")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.get_data(as_text=True) and "Set-Cookie" not in answer.headers


def test_fields_that_the_form_does_not_ask_are_not_written(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    owner = kit.person(here.host, here.tenant)
    sent = stranger.send(
        name="A", email="a@example.com", inside="pwned", source="phone", owner=owner, id=owner, topic="old"
    )
    assert sent.status_code == 303
    [record] = made(here)
    assert (record["inside"], record["source"], record["owner"]) == (None, "website", None)
    assert record["id"] != owner


def test_one_address_is_slowed_down_and_others_are_not(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    for at in range(visitors.PER_ADDRESS):
        assert stranger.send(name=f"N{at}", email="a@example.com").status_code == 303
    answer = stranger.send(name="More", email="a@example.com")
    page = Page(answer.get_data(as_text=True))
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert page.form("ticket").values["v.name"] == ["More"] and "Too many attempts" in page.said
    assert len(made(here)) == visitors.PER_ADDRESS
    other = Stranger(here, "2001:db8::1")
    other.get()
    assert other.send(name="Other", email="a@example.com").status_code == 303


def test_a_form_takes_so_many_an_hour_from_everybody_together(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "PER_FORM", 3)
    for at in range(4):
        stranger = Stranger(here, f"203.0.113.{at}")
        stranger.get()
        assert stranger.send(name="N", email="a@example.com").status_code == (303 if at < 3 else 429)
    assert len(made(here)) == 3


def test_refusals_count_too(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    codes = [stranger.send(name="", email="").status_code for _ in range(visitors.PER_ADDRESS + 1)]
    assert codes == [422] * visitors.PER_ADDRESS + [429]


def test_large_bodies_and_strange_texts_are_refused_or_kept_as_they_are(here: Site) -> None:
    stranger = Stranger(here)
    stranger.get()
    assert stranger.send(name="A", email="a@example.com", text="x" * 70_000).status_code == 413
    evil = "<script>alert(1)</script>'; DROP TABLE e_enquiry; -- {{ 7*7 }}"
    assert stranger.send(name=evil[:40], email="a@example.com", text=evil).status_code == 303
    assert made(here)[0]["text"] == evil
    answer = stranger.send(name=evil, email="x")
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert stranger.send(name="A\0B", email="a@example.com").status_code in (303, 422)


def test_nothing_but_the_forms_own_options_is_told(here: Site) -> None:
    here.api("admin").made("enquiry", name="Known customer", inside="confidential")
    stranger = Stranger(here)
    answer = stranger.client.get(f"{here.prefix}/f/ask")
    text = answer.get_data(as_text=True)
    assert "Sales" in text and "Old" not in text
    for secret in ("Known customer", "confidential", "inside", "owner@example.com", "source"):
        assert secret not in text
    assert stranger.client.get(f"{here.prefix}/f/nothing").status_code == 404
    assert stranger.client.post(f"{here.prefix}/f/nothing", data={}).status_code == 404
    assert stranger.client.get(f"{here.prefix}/f/enquiry").status_code == 404


def test_sales_asks_strangers_for_leads(sqlite_host: Host) -> None:
    here = site(sqlite_host, "sales")
    client = here.app.test_client()
    page = Page(client.get(f"{here.prefix}/f/contact_sales").get_data(as_text=True))
    assert page.wrong == [] and "Talk to us" in page.said
    ticket = visitors.issue(here.host, here.tenant, "contact_sales", dt.datetime.now(dt.UTC) - dt.timedelta(seconds=9))
    form = {**page.form("ticket").values, "ticket": ticket}
    form |= {"v.name": "韩梅梅", "v.company": "华为", "v.email": "han@example.com", "v.description": "你好"}
    assert client.post(f"{here.prefix}/f/contact_sales", data=form).status_code == 303
    [lead] = here.api("admin").get("/lead").get_json()["data"]
    assert (lead["name"], lead["company"], lead["source"], lead["status"]) == ("韩梅梅", "华为", "website", "new")
    assert lead["number"].startswith("LD-")
