"""Who comes in: sign-in, cookies, forged requests, throttling, and what ends a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from runtime import accounts, assignments, throttle, tokens
from runtime.account_tables import THROTTLE
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import Workspace
from tests import kit
from tests.doors import PASSWORD, Person, Site, codes, site


@pytest.fixture
def here(host: Host) -> Site:
    return site(host)


def test_a_stranger_is_told_to_sign_in(here: Site) -> None:
    client = here.app.test_client()
    answer = client.get(f"{here.prefix}/api/v1/company")
    assert (answer.status_code, codes(answer)) == (401, ["sign_in_needed"])
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    page = client.get(f"{here.prefix}/app/company?q=x")
    assert page.status_code == 303
    assert page.headers["Location"] == f"{here.prefix}/auth/sign-in?next=/app/company?q%3Dx"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Bearer ml_x", "Basic YTpi", "bearer\tml_x", "Bearer ml_é"]
)
def test_a_token_that_is_none_opens_nothing(here: Site, header: str) -> None:
    answer = here.app.test_client().get(f"{here.prefix}/api/v1/company", headers={"Authorization": header})
    assert answer.status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_bound_to_the_host(here: Site) -> None:
    who = here.person("admin")
    body = {"login": who.login, "password": PASSWORD}
    secure = here.app.test_client().post(f"{here.prefix}/auth/session", json=body, base_url="https://example.com")
    cookie = secure.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-ml_{here.tenant.name}=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    plain = here.app.test_client().post(f"{here.prefix}/auth/session", json=body, base_url="http://localhost")
    assert plain.headers["Set-Cookie"].startswith(f"ml_{here.tenant.name}=")


def test_a_cookie_that_plain_http_could_have_planted_is_not_taken_over_tls(here: Site) -> None:
    browser = here.browser("admin")
    value = browser.client.get_cookie(f"ml_{here.tenant.name}")
    assert value is not None
    client = here.app.test_client(use_cookies=False)
    headers = {"Cookie": f"ml_{here.tenant.name}={value.value}"}
    assert client.get(f"{here.prefix}/auth/session", headers=headers).status_code == 200
    over_tls = client.get(f"{here.prefix}/auth/session", headers=headers, base_url="https://localhost")
    assert over_tls.status_code == 401


def test_signing_in_again_gives_a_new_session_and_ends_the_old_one(here: Site) -> None:
    who = here.person("admin")
    browser = here.browser(person=who)
    name = f"ml_{here.tenant.name}"
    before = browser.client.get_cookie(name)
    browser.client.post(f"{here.prefix}/auth/session", json={"login": who.login, "password": PASSWORD})
    after = browser.client.get_cookie(name)
    assert before is not None and after is not None and before.value != after.value
    old = here.app.test_client(use_cookies=False)
    answer = old.get(f"{here.prefix}/auth/session", headers={"Cookie": f"{name}={before.value}"})
    assert answer.status_code == 401


def test_wrong_names_and_wrong_passwords_are_answered_alike(here: Site) -> None:
    who = here.person("admin")
    client = here.app.test_client()
    path = f"{here.prefix}/auth/session"
    known = client.post(path, json={"login": who.login, "password": "wrong password"})
    unknown = client.post(path, json={"login": "nobody", "password": "wrong password"})
    assert known.status_code == unknown.status_code == 401
    assert known.get_json() == unknown.get_json()


@pytest.mark.parametrize("value", [None, 1, True, [], {}, {"$ne": ""}, "\0", "x" * 100_000])
def test_odd_logins_and_passwords_do_not_sign_in(here: Site, value: object) -> None:
    who = here.person("admin")
    client, path = here.app.test_client(), f"{here.prefix}/auth/session"
    for body in ({"login": value, "password": PASSWORD}, {"login": who.login, "password": value}):
        assert client.post(path, json=body).status_code in (401, 413)
    assert client.post(path, json={"login": who.login}).status_code == 401
    assert client.post(path, json={"login": who.login, "password": PASSWORD, "role": "admin"}).status_code == 400


def test_guessing_is_slowed_down_and_the_right_password_does_not_help_then(here: Site) -> None:
    who, other = here.person("admin"), here.person("admin")
    client, path = here.app.test_client(), f"{here.prefix}/auth/session"
    answers = [client.post(path, json={"login": who.login, "password": f"wrong {n}"}).status_code for n in range(8)]
    assert answers[:5] == [401] * 5 and answers[5:] == [429] * 3
    locked = client.post(path, json={"login": who.login.upper(), "password": PASSWORD})
    assert locked.status_code == 429 and int(locked.headers["Retry-After"]) >= 1
    assert client.post(path, json={"login": other.login, "password": PASSWORD}).status_code == 201
    elsewhere = {"REMOTE_ADDR": "10.1.1.1"}
    ours = client.post(path, json={"login": who.login, "password": PASSWORD}, environ_base=elsewhere)
    assert ours.status_code == 201


def test_the_lockout_grows(here: Site) -> None:
    now, waits = dt.datetime.now(dt.UTC), []
    for _ in range(9):
        with kit.workspace(here.host, here.tenant, now=now) as ws:
            throttle.count_attempt(ws, "somebody", "10.0.0.1")
            row = ws.db.execute(sa.select(THROTTLE)).all()
            until = max(each.until for each in row)
        waits.append((until - now).total_seconds())
        now = max(now, until)
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16]


def test_a_write_by_cookie_needs_the_secret_and_our_own_origin(here: Site) -> None:
    browser = here.browser("admin")
    path, body = f"{here.prefix}/api/v1/company", {"name": "Acme"}
    token = {"X-CSRF-Token": browser.csrf}
    refused = [
        browser.client.post(path, json=body),
        browser.client.post(path, json=body, headers={"X-CSRF-Token": "x"}),
        browser.client.post(path, json=body, headers={**token, "Origin": "http://evil.example"}),
        browser.client.post(path, json=body, headers={**token, "Origin": "null"}),
        browser.client.post(path, json=body, headers={**token, "Sec-Fetch-Site": "cross-site"}),
        browser.client.post(path, json=body, headers={**token, "Sec-Fetch-Site": "same-site"}),
        browser.client.post(f"{here.prefix}/app/company/new", data={"name": "Acme"}),
    ]
    assert [each.status_code for each in refused] == [403] * len(refused)
    assert browser.client.get(path).get_json()["data"] == []
    good = browser.client.post(path, json=body, headers={**token, "Origin": "http://localhost"})
    assert good.status_code == 201


def test_signing_in_from_another_site_is_refused(here: Site) -> None:
    who = here.person("admin")
    form = {"login": who.login, "password": PASSWORD}
    path = f"{here.prefix}/auth/sign-in"
    answer = here.app.test_client().post(path, data=form, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def _disable(ws: Workspace, who: Person) -> None:
    accounts.disable(ws, who.id)


def _new_roles(ws: Workspace, who: Person) -> None:
    assignments.set_roles(ws, who.id, ["reader"])


def _reset(ws: Workspace, who: Person) -> None:
    accounts.set_password(ws, who.id, "another password")


@pytest.mark.parametrize(("change", "token_lives"), [(_disable, False), (_reset, False), (_new_roles, True)])
def test_a_session_ends_when_its_ground_is_gone(
    here: Site, change: Callable[[Workspace, Person], None], token_lives: bool
) -> None:
    who = here.person("admin")
    browser, api = here.browser(person=who), here.api(person=who)
    assert browser.get("/auth/session").status_code == 200
    with kit.workspace(here.host, here.tenant) as ws:
        change(ws, who)
    assert browser.get("/auth/session").status_code == 401
    assert (api.get("/company").status_code == 200) == token_lives


def test_a_changed_password_ends_every_session_and_no_token(here: Site) -> None:
    who = here.person("admin")
    browser, elsewhere, program = here.browser(person=who), here.browser(person=who), here.api(person=who)
    form = {"current": PASSWORD, "new": "a better password"}
    wrong = browser.post("/auth/account/password", {**form, "current": "no"})
    assert wrong.status_code == 422 and browser.get("/auth/session").status_code == 200
    weak = browser.post("/auth/account/password", {**form, "new": "short"})
    assert weak.status_code == 422
    assert browser.post("/auth/account/password", form).status_code == 303
    assert (browser.get("/auth/session").status_code, elsewhere.get("/auth/session").status_code) == (401, 401)
    # A program has its own secret: it goes on until its token is revoked, or somebody resets the password.
    assert program.get("/company").status_code == 200
    body = {"login": who.login, "password": "a better password"}
    assert here.app.test_client().post(f"{here.prefix}/auth/session", json=body).status_code == 201


def test_a_role_change_takes_effect_on_the_next_request(here: Site) -> None:
    who = here.person("seller")
    api = here.api(person=who)
    assert api.post("/company", {"name": "Acme"}).status_code == 201
    with kit.workspace(here.host, here.tenant) as ws:
        assignments.set_roles(ws, who.id, [])
    assert api.post("/company", {"name": "Other"}).status_code == 403


def test_signing_out_ends_the_session(here: Site) -> None:
    browser = here.browser("admin")
    name = f"ml_{here.tenant.name}"
    held = browser.client.get_cookie(name)
    assert browser.post("/auth/sign-out").status_code == 303
    assert held is not None
    answer = here.app.test_client(use_cookies=False).get(
        f"{here.prefix}/auth/session", headers={"Cookie": f"{name}={held.value}"}
    )
    assert answer.status_code == 401


def test_a_session_ends_by_itself(here: Site) -> None:
    who = here.person("admin")
    signed_in = accounts.sign_in(here.host, here.tenant, who.login, PASSWORD, address="10.0.0.1")
    later = signed_in.expires_at + dt.timedelta(seconds=1)
    from metadata.problems import Unauthenticated
    from runtime.workspace import BySession, open_workspace

    with (
        pytest.raises(Unauthenticated),
        open_workspace(here.host, here.tenant, BySession(accounts.digest(signed_in.secret)), now=later),
    ):
        pass


def test_a_token_does_what_its_scopes_say_and_no_more(here: Site) -> None:
    who = here.person("admin")
    readers = here.api(person=who, scopes=("read",))
    companies = here.api(person=who, scopes=("write:company",))
    assert readers.get("/company").status_code == 200
    assert readers.post("/company", {"name": "A"}).status_code == 403
    assert companies.post("/company", {"name": "A"}).status_code == 201
    assert companies.get("/deal").status_code in (403, 404) or companies.get("/deal").get_json()["data"] == []
    assert companies.post("/deal", {"name": "A"}).status_code == 403


def test_a_token_opens_no_page_and_makes_no_token(here: Site) -> None:
    api = here.api("admin")
    client = here.app.test_client()
    assert client.get(f"{here.prefix}/app/company", headers=api.headers).status_code == 303
    answer = client.post(f"{here.prefix}/auth/tokens", json={"name": "x", "scopes": ["write"]}, headers=api.headers)
    assert answer.status_code == 401


def test_own_tokens_are_made_shown_once_listed_and_revoked(here: Site) -> None:
    browser = here.browser("admin")
    headers = {"X-CSRF-Token": browser.csrf}
    path = f"{here.prefix}/auth/tokens"
    bad = browser.client.post(path, json={"name": "", "scopes": ["fly"], "days": 0}, headers=headers)
    assert sorted(codes(bad)) == ["scope_unknown", "token_days", "token_name"]
    made = browser.client.post(path, json={"name": "till", "scopes": ["read:company"]}, headers=headers).get_json()
    assert made["token"].startswith("ml_")
    listed = browser.client.get(path).get_data(as_text=True)
    assert made["id"] in listed and made["token"] not in listed
    api = {"Authorization": f"Bearer {made['token']}"}
    outside = here.app.test_client()
    assert outside.get(f"{here.prefix}/api/v1/company", headers=api).status_code == 200
    assert browser.client.delete(f"{path}/{made['id']}", headers=headers).status_code == 204
    assert outside.get(f"{here.prefix}/api/v1/company", headers=api).status_code == 401
    assert browser.client.delete(f"{path}/nonsense", headers=headers).status_code == 404


def test_a_token_is_bound_to_a_role_that_its_owner_has(here: Site) -> None:
    from metadata.problems import Invalid

    who = here.person("seller", "reader")
    with kit.workspace(here.host, here.tenant) as ws:
        issued = tokens.create(ws, who.id, "x", ["write"], role="reader")
        with pytest.raises(Invalid):
            tokens.create(ws, who.id, "x", ["write"], role="admin")
    headers = {"Authorization": f"Bearer {issued.secret}"}
    client = here.app.test_client()
    assert client.get(f"{here.prefix}/api/v1/company", headers=headers).status_code == 200
    assert client.post(f"{here.prefix}/api/v1/company", json={"name": "A"}, headers=headers).status_code == 403


def test_nobody_grants_what_they_lack(here: Site) -> None:
    from metadata.problems import Forbidden

    seller, friend = here.person("seller"), here.person()
    with kit.workspace(here.host, here.tenant, user=seller.id) as ws, pytest.raises(Forbidden):
        assignments.set_roles(ws, friend.id, ["admin"])
    admin = here.person("admin")
    with kit.workspace(here.host, here.tenant, user=admin.id) as ws:
        assignments.set_roles(ws, friend.id, ["seller"])
        assert assignments.roles_of(ws, friend.id) == ("seller",)


def test_answers_for_somebody_are_not_kept_by_anybody(here: Site) -> None:
    browser, api = here.browser("admin"), here.api("admin")
    for answer in (browser.get("/app/company"), api.get("/company"), browser.get("/auth/session")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Cookie" in answer.headers["Vary"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/x\r\nSet-Cookie: a=b", ""]
)
def test_signing_in_leads_to_our_own_pages_only(here: Site, target: str) -> None:
    who = here.person("admin")
    form = {"login": who.login, "password": PASSWORD, "next": target}
    answer = here.app.test_client().post(f"{here.prefix}/auth/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{here.prefix}/"


def test_the_tenant_is_found_by_host_name_prefix_or_because_it_is_alone(sqlite_host: Host) -> None:
    one, two = site(sqlite_host), site(sqlite_host)
    client = one.app.test_client()
    assert client.get("/auth/sign-in", base_url=f"http://{one.tenant.name}.example.com").status_code == 200
    assert client.get(f"{two.prefix}/auth/sign-in").status_code == 200
    both = client.get(f"{two.prefix}/auth/sign-in", base_url=f"http://{one.tenant.name}.example.com")
    assert both.status_code == 404
    assert client.get("/auth/sign-in").status_code == 404
    assert client.get("/t/nobody/auth/sign-in").status_code == 404
    asked = client.get("/", query_string={"tenant": one.tenant.name})
    assert asked.headers["Location"] == f"{one.prefix}/"


def test_the_only_tenant_needs_no_name(tmp_path: object) -> None:
    with kit.open_host(f"sqlite:///{tmp_path}") as alone:
        here = site(alone)
        assert here.app.test_client().get("/auth/sign-in").status_code == 200
        other: Tenant = kit.tenant(alone)
        assert other.name != here.tenant.name
