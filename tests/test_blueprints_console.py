"""The operator's console: who gets in, what is shown and done there, and what never is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from runtime import operators
from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.system.tables import table
from tests import kit
from tests.doors import PASSWORD, Site, site
from tests.pages import Page, without_tokens

LOGIN = "root"
LISTS = ("tenants", "releases", "jobs", "sessions", "events")


@pytest.fixture
def here(host: Host) -> Iterator[Site]:
    """A site whose installation has one operator."""
    operators.add(host, LOGIN, PASSWORD)
    yield site(host)
    operators.remove(host, LOGIN)


class Console:
    """A browser at the console."""

    def __init__(self, here: Site, login: str = LOGIN) -> None:
        self.client: FlaskClient = here.app.test_client()
        self.login = login

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.client.get(f"/admin{path}", query_string=arguments, headers={"Accept-Language": "en"})

    def page(self, path: str, **arguments: Any) -> Page:
        answer = self.get(path, **arguments)
        assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[:400])
        page = Page(answer.get_data(as_text=True))
        assert page.wrong == [] and "<script" not in answer.get_data(as_text=True)
        return page

    def post(self, path: str, form: dict[str, Any], **more: Any) -> TestResponse:
        headers = {"Origin": "http://localhost", "Accept-Language": "en", **more.pop("headers", {})}
        return self.client.post(f"/admin{path}", data=form, headers=headers, **more)

    def enter(self, password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", {"login": self.login, "password": password})


def entered(here: Site) -> Console:
    console = Console(here)
    assert console.enter().status_code == 303
    return console


def test_without_operators_there_is_no_console(host: Host) -> None:
    assert operators.listing(host) == []
    console = Console(site(host))
    assert [console.get(path).status_code for path in ("", "/", "/tenants/", "/sign-in")] == [404] * 4
    assert console.enter().status_code == 404


def test_only_operators_get_in(here: Site) -> None:
    console = Console(here)
    for path in ("", *(f"/{each}/" for each in LISTS)):
        answer = console.get(path)
        assert answer.status_code == 303 and "/admin/sign-in" in answer.headers["Location"], path
    assert console.post("/jobs/act?tenant=x", {"act": "retry", "id": "x"}).status_code == 401
    assert console.enter("wrong password").status_code == 401
    admin = here.browser("admin")  # of a tenant, and nothing here
    answer = admin.client.get("/admin/tenants/")
    assert answer.status_code == 303 and "/admin/sign-in" in answer.headers["Location"]
    assert console.enter().status_code == 303
    cookie = console.client.get_cookie("ml_operator")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Strict"
    assert "Tenants" in console.page("/tenants/").said
    assert admin.client.get(f"{here.prefix}/admin/tenants/").status_code == 404


def test_guessing_is_slowed_down(here: Site) -> None:
    console = Console(here, "somebody")
    codes = [console.enter("wrong password").status_code for _ in range(7)]
    assert codes[:4] == [401] * 4 and codes[-1] == 429


def test_a_session_ends_with_signing_out_and_with_the_account(here: Site) -> None:
    console = entered(here)
    form = console.page("/tenants/").form("csrf")
    assert console.post("/sign-out", {}).status_code == 403
    assert console.post("/sign-out", form.values).status_code == 303
    assert console.get("/tenants/").status_code == 303
    again = entered(here)
    operators.set_password(here.host, LOGIN, f"{PASSWORD}!")
    assert again.get("/tenants/").status_code == 303
    operators.set_password(here.host, LOGIN, PASSWORD)


def test_everything_is_seen_but_no_record(here: Site) -> None:
    api = here.api("admin")
    api.made("company", name="Top secret customer", size=77_777)
    browser = here.browser("seller")
    console, name = entered(here), here.tenant.name
    assert name in console.page("/tenants/", search=name).said
    said = {each: console.page(f"/{each}/", tenant=name).said for each in LISTS[1:]}
    assert "mini 1.0.0" in said["releases"] and "created" in said["events"] and "company" in said["events"]
    assert browser.client is not None and said["sessions"].count("Sign out") >= 1
    for text in map(without_tokens, said.values()):
        assert "Top secret" not in text and "77777" not in text
    assert console.get("/events/", tenant="nobody").status_code == 404
    assert "Choose a tenant" in console.page("/jobs/").said
    assert "运维控制台" in Page(console.get("/tenants/", lang="zh").get_data(as_text=True)).said


def test_a_dead_job_is_retried_and_a_waiting_one_cancelled(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        ids = [jobs.enqueue(ws, "bulk_edit", {}) for _ in range(2)]
        held = table("_job", ws.dialect)
        ws.db.execute(held.update().where(held.c.id == ids[0]).values(state="dead"))
    console, name = entered(here), here.tenant.name
    page = console.page("/jobs/", tenant=name, state="dead")
    assert page.said.count("Retry") == 1 and "given up" in page.said
    assert console.post(f"/jobs/act?tenant={name}", {"act": "retry", "id": ids[0]}).status_code == 403
    form = {"csrf": page.form("csrf").values["csrf"]}
    assert console.post(f"/jobs/act?tenant={name}", {**form, "act": "retry", "id": ids[0]}).status_code == 303
    assert console.post(f"/jobs/act?tenant={name}", {**form, "act": "cancel", "id": ids[1]}).status_code == 303
    with kit.workspace(here.host, here.tenant) as ws:
        assert [jobs.get(ws, each).state for each in ids] == ["queued", "cancelled"]
    again = console.post(f"/jobs/act?tenant={name}", {**form, "act": "cancel", "id": ids[1]})
    assert again.status_code == 409 and "can no longer be cancelled" in again.get_data(as_text=True)
    assert console.post(f"/jobs/act?tenant={name}", {**form, "act": "nonsense", "id": ids[1]}).status_code == 400


def test_a_session_of_a_tenant_is_revoked(here: Site) -> None:
    browser, console, name = here.browser("admin"), entered(here), here.tenant.name
    page = console.page("/sessions/", tenant=name)
    form = page.form("id").values
    answer = console.post(f"/sessions/act?tenant={name}", {**form, "act": "revoke"})
    assert answer.status_code == 303
    assert browser.get("/app").headers.get("Location", "").count("sign-in") == 1


def test_other_sites_can_do_nothing_there(here: Site) -> None:
    console = entered(here)
    form = {"csrf": console.page("/tenants/").form("csrf").values["csrf"], "act": "retry", "id": "x"}
    headers = {"Origin": "https://evil.example"}
    assert console.post("/jobs/act?tenant=x", form, headers=headers).status_code == 403
    answer = console.get("/tenants/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_an_operator_is_added_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from blueprints.commands import main

    monkeypatch.setenv("METALOOM_DATABASE_URL", f"sqlite:///{tmp_path}")
    runner = CliRunner()
    added = runner.invoke(main, ["operator", "add", "Ops", "--password-stdin"], input="correct horse battery\n")
    assert added.exit_code == 0, added.output
    assert "ops" in runner.invoke(main, ["operator", "list"]).output
    twice = runner.invoke(main, ["operator", "add", "ops", "--password-stdin"], input="correct horse battery\n")
    assert twice.exit_code != 0
    weak = runner.invoke(main, ["operator", "add", "other", "--password-stdin"], input="short\n")
    assert weak.exit_code != 0
    assert runner.invoke(main, ["operator", "remove", "ops"]).exit_code == 0
    assert "ops" not in runner.invoke(main, ["operator", "list"]).output


def test_the_console_costs_nothing_until_somebody_asks_for_it() -> None:
    code = (
        "import sys; sys.path[:0] = ['platform', '.']; import blueprints.console.door, blueprints.app.routes; "
        "sys.exit('flask_admin' in sys.modules or 'wtforms' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=kit.ROOT, check=False).returncode == 0


def test_one_address_cannot_try_a_password_with_many_names(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "_FREE_OF_ADDRESS", 3)
    tried = [
        here.app.test_client()
        .post(
            "/admin/sign-in",
            data={"login": f"name{at}", "password": "wrong password"},
            headers={"Origin": "http://localhost"},
            environ_base={"REMOTE_ADDR": "203.0.113.77"},
        )
        .status_code
        for at in range(5)
    ]
    assert tried == [401, 401, 401, 429, 429]


def test_nothing_of_flask_admin_is_served_but_the_lists(here: Site) -> None:
    console = Console(here)
    assert console.enter().status_code == 303
    for name in LISTS:
        for path in ("export/csv", "edit/", "details/", "new/", "ajax/lookup/"):
            assert console.get(f"/{name}/{path}", id="x", url="//evil.example").status_code == 404, (name, path)
    assert console.get("/static/admin/js/actions.js").status_code == 404
