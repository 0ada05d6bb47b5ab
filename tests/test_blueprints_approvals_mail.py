"""Approving by the link in a mail: looking does nothing, the link serves its person once, and tells nobody too much."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from metadata.problems import NotFound
from runtime import accounts, approvals, jobs, records
from runtime.approvals.by_mail import person_of
from runtime.host import Host
from runtime.system.tables import table
from runtime.workspace import Workspace
from tests import kit, outside
from tests.doors import Site, site
from tests.outside import Mailbox
from tests.pages import Page
from tests.signing import WORLD

MAILED = WORLD.replace("    entity: quote\n    entry:", "    entity: quote\n    mail: true\n    entry:")


@dataclass
class Post:
    """The site, with people who get mail."""

    here: Site
    box: Mailbox
    people: dict[str, str]

    def quote(self, **values: Any) -> str:
        with kit.workspace(self.here.host, self.here.tenant, user=self.people["ida"]) as ws:
            account = records.create(ws, "account", {"name": "Quince Ltd"}).id
            given = {"name": "Marmalade", "discount": 20, "amount": "1000", "account": account}
            made = records.create(ws, "quote", {**given, **values}).id
        with kit.workspace(self.here.host, self.here.tenant) as ws:
            records.update(ws, "quote", made, {"cost": "731.19"})
        return made

    def submit(self, **values: Any) -> str:
        quote = self.quote(**values)
        with kit.workspace(self.here.host, self.here.tenant, user=self.people["ida"]) as ws:
            return approvals.submit(ws, "quote", quote).id

    def act(self, name: str, request: str, verb: str, **body: Any) -> None:
        with kit.workspace(self.here.host, self.here.tenant, user=self.people[name]) as ws:
            approvals.act(ws, request, verb, body)

    def show(self, request: str) -> Mapping[str, Any]:
        with kit.workspace(self.here.host, self.here.tenant, user=self.people["ida"], write=False) as ws:
            return approvals.show(ws, request)

    def text(self, at: int = -1) -> str:
        """What the newest mail says."""
        jobs.drain(self.here.host, self.here.tenant)
        part = next(each for each in self.box.mails[at].walk() if each.get_content_type() == "text/plain")
        found = part.get_payload(decode=True)
        assert isinstance(found, bytes)
        return found.decode()

    def link(self, at: int = -1) -> str:
        found: list[str] = re.findall(r"https://crm\.example\.com(/\S+/approve/\S+)", self.text(at))
        return found[0]

    def get(self, path: str, method: str = "GET", lang: str = "en") -> Any:
        return self.here.app.test_client().open(path, method=method, headers={"Accept-Language": lang})

    def decide(self, path: str, decision: str = "approve", **form: str) -> Any:
        found = re.search(r'name="version" value="(\d+)"', self.get(path).get_data(as_text=True))
        given = {"decision": decision, **({"version": found[1]} if found else {}), **form}
        headers = {"Origin": "http://localhost", "Accept-Language": "en"}
        return self.here.app.test_client().post(path, data=given, headers=headers)


@pytest.fixture
def post(host: Host, monkeypatch: pytest.MonkeyPatch) -> Any:
    yield from opened(host, monkeypatch)


def opened(host: Host, monkeypatch: pytest.MonkeyPatch, source: str = MAILED) -> Any:
    with outside.smtp_server() as box:
        url = f"smtp://127.0.0.1:{box.port}?tls=never"
        settings = replace(host.settings, smtp_url=url, mail_from="crm@example.com", base_url="https://crm.example.com")
        monkeypatch.setattr(host, "settings", settings)
        here = site(host, source)
        roles = {"ida": "seller", "bob": "manager", "cleo": "clerk", "dora": "director", "kay": "keeper"}
        people = {name: here.person("member", role, name=name.capitalize()).id for name, role in roles.items()}
        with kit.workspace(host, here.tenant, channel="command") as ws:
            records.update(ws, "user", people["ida"], {"manager": people["bob"]})
            for name in ("bob", "dora"):
                records.update(ws, "user", people[name], {"email": f"{name}@example.org", "language": "en"})
        yield Post(here, box, people)


def _expire(ws: Workspace) -> None:
    held = table("_approval_link", ws.dialect)
    ws.db.execute(held.update().values(expires_at=kit.moment(ws, ws.now - dt.timedelta(days=400))))


def _rows(post: Post) -> dict[str, Any]:
    """Everything that opening a link could change."""
    names = ("_approval", "_approval_entry", "_approval_link", "_event", "_job", "_delivery")
    with kit.workspace(post.here.host, post.here.tenant, write=False) as ws:
        return {name: sorted(map(repr, ws.db.fetch(f"SELECT * FROM {name}"))) for name in names}


def test_mail_link_single_use_get_is_safe(post: Post) -> None:
    request = post.submit()
    link = post.link()
    assert "/approve/" in link and link not in repr(_rows(post)["_approval_link"])
    before = _rows(post)
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert post.get(link, method).status_code == 200
    assert _rows(post) == before
    page = Page(post.get(link).get_data(as_text=True))
    assert page.wrong == []
    assert "Marmalade: 20% for Quince Ltd" in page.said and "Ida asks for your approval." in page.said
    answer = post.decide(link, comment="Fine")
    assert answer.status_code == 303 and "You approved it." in post.get(f"{link}?did=approve").get_data(as_text=True)
    shown = post.show(request)
    line = next(each for each in shown["history"] if each["verb"] == "approve")
    assert (line["actor"]["name"], line["channel"], line["comment"]) == ("Bob", "mail", "Fine")
    again = post.decide(link, "reject", comment="No")
    assert again.status_code == 409 and "decided by this link already" in again.get_data(as_text=True)
    assert [each["verb"] for each in post.show(request)["history"]].count("reject") == 0
    assert "decision" not in Page(post.get(link).get_data(as_text=True)).said


def test_rejecting_by_mail_says_why(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = opened(host, monkeypatch, MAILED.replace("        bulk: true", "        comment_on: {reject: {}}"))
    post = next(opening)
    request = post.submit()
    link = post.link()
    refused = post.decide(link, "reject")
    assert refused.status_code == 422 and post.show(request)["state"] == "running"
    assert post.decide(link, "reject", comment="Too much").status_code == 303
    assert post.show(request)["state"] == "rejected"
    opening.close()


def test_a_mail_says_no_more_than_its_receiver_may_read_and_is_sent_once(post: Post) -> None:
    post.submit()
    text = post.text()
    assert "Ida asks for your approval: Discount approval" in text
    assert "Amount: 1,000.00" in text, text
    assert "Quince Ltd" in text and "731.19" not in text
    assert [each["To"] for each in post.box.mails] == ["bob@example.org"]  # ida asked herself, cleo has no address
    with kit.workspace(post.here.host, post.here.tenant) as ws:
        (row,) = ws.db.fetch("SELECT * FROM _delivery")
    assert "/approve/" not in repr(row)


def test_a_link_is_kindly_refused_when_the_task_has_moved_on(post: Post) -> None:
    for verb, body in (
        ("approve", {}),
        ("transfer", {"to": post.people["dora"], "comment": "yours"}),
        ("return", {"comment": "mend it"}),
    ):
        request = post.submit()
        link = post.link()
        post.act("bob", request, verb, **body)
        answer = post.get(link)
        assert answer.status_code == 200 and "no longer waits for you" in answer.get_data(as_text=True)
        assert "Marmalade" not in answer.get_data(as_text=True)
        assert post.decide(link).status_code == 409
        assert "您处理" in post.get(link, lang="zh-CN").get_data(as_text=True)
    withdrawn = post.submit()
    link = post.link()
    post.act("ida", withdrawn, "withdraw")
    assert post.decide(link).status_code == 409


def test_what_moved_between_looking_and_deciding_is_looked_at_again(post: Post) -> None:
    request = post.submit()
    link = post.link()
    version = post.show(request)["version"]
    post.act("ida", request, "comment", comment="One more thing")
    headers = {"Origin": "http://localhost", "Accept-Language": "en"}
    stale = post.here.app.test_client().post(
        link, data={"decision": "approve", "version": str(version)}, headers=headers
    )
    assert stale.status_code == 409 and "has moved on since you looked" in stale.get_data(as_text=True)
    assert post.decide(link).status_code == 303


def test_a_link_expires(post: Post) -> None:
    post.submit()
    link = post.link()
    with kit.workspace(post.here.host, post.here.tenant) as ws:
        _expire(ws)
    assert "was good for a week" in post.get(link).get_data(as_text=True)
    assert post.decide(link).status_code == 409


def test_a_link_of_somebody_who_may_not_come_in_opens_nothing(post: Post) -> None:
    post.submit()
    link = post.link()
    with kit.workspace(post.here.host, post.here.tenant, channel="command") as ws:
        accounts.disable(ws, post.people["bob"])
    assert post.get(link).status_code == 404 and post.decide(link).status_code == 404


def test_a_link_opens_nothing_elsewhere(post: Post, host: Host) -> None:
    post.submit()
    link = post.link()
    secret = link.rsplit("/", 1)[1]
    other = kit.tenant(host, MAILED)
    with pytest.raises(NotFound):
        person_of(host, other, secret)
    for wrong in (secret[:-1], secret + "x", "x", secret.swapcase(), "." * 43):
        assert post.get(link.replace(secret, wrong)).status_code == 404
    foreign = post.here.app.test_client().post(link, data={"decision": "approve"}, headers={"Origin": "https://evil"})
    assert foreign.status_code == 403


def test_where_duties_are_kept_apart_or_a_signature_is_asked_for_one_signs_in(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (
        MAILED.replace("    admins: {keeper: {}}", "    separated: {boss: {}}\n    admins: {keeper: {}}").replace(
            "        bulk: true", "        self: skip"
        ),
        MAILED.replace("        bulk: true", "        sign: true"),
    ):
        opening = opened(host, monkeypatch, source)
        post = next(opening)
        request = post.submit()
        link = post.link()
        page = post.get(link).get_data(as_text=True)
        assert "Sign in to decide" in page and "Marmalade" not in page
        assert post.decide(link).status_code == 403 and post.show(request)["state"] == "running"
        opening.close()


def test_urging_mails_again_and_both_links_decide_once(post: Post) -> None:
    request = post.submit()
    first = post.link()
    post.act("ida", request, "urge")
    second = post.link()
    assert first != second and len(post.box.mails) == 2
    assert post.decide(second).status_code == 303
    assert post.decide(first).status_code == 409


def test_without_an_address_of_the_site_or_a_word_in_the_description_nothing_gives_a_link(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source, base in ((WORLD, "https://crm.example.com"), (MAILED, "")):
        opening = opened(host, monkeypatch, source)
        post = next(opening)
        monkeypatch.setattr(host, "settings", replace(host.settings, base_url=base))
        post.submit()
        jobs.drain(host, post.here.tenant)
        assert not any("/approve/" in post.text(at) for at in range(len(post.box.mails)))
        opening.close()


def test_links_long_over_are_taken_away(post: Post) -> None:
    from runtime.approvals.keeping import links

    post.submit()
    assert post.link()
    with kit.workspace(post.here.host, post.here.tenant) as ws:
        assert links.forget(ws) == 0
        _expire(ws)
        assert links.forget(ws) == 1
