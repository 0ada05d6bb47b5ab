"""Units of work: who acts, what ends a session, when the bell rings, and what a request costs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from metadata.problems import NotFound, Unauthenticated, Unavailable
from runtime import directory, tenants
from runtime.host import Host
from runtime.system.tables import VERSION, table
from runtime.workspace import (
    AsUser,
    BySession,
    ByToken,
    Identify,
    PlatformActor,
    Workspace,
    bump_access,
    open_workspace,
)
from tests import kit

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def account(ws: Workspace, user: str, **values: Any) -> None:
    row = {"id": user, "login": "ann", "password": "-", "created_at": kit.moment(ws, NOW - 9 * HOUR), **values}
    ws.db.execute(table("_account", ws.dialect).insert().values(row))


def session(ws: Workspace, user: str, hash: str = "h1", expires_at: dt.datetime = NOW + HOUR) -> None:
    times = {"created_at": NOW - HOUR, "seen_at": NOW, "expires_at": expires_at}
    row = {"hash": hash, "account": user, "csrf": "secret", "agent": "a browser"}
    row.update({name: kit.moment(ws, value) for name, value in times.items()})
    ws.db.execute(table("_session", ws.dialect).insert().values(row))


def token(ws: Workspace, user: str, **values: Any) -> None:
    row = {
        "id": user,
        "hash": "t1",
        "account": user,
        "name": "robot",
        "created_at": kit.moment(ws, NOW - HOUR),
        **values,
    }
    ws.db.execute(table("_token", ws.dialect).insert().values(row))


def opened(host: Host, tenant: directory.Tenant, identify: Identify, now: dt.datetime = NOW) -> Workspace:
    with open_workspace(host, tenant, identify, now=now) as ws:
        return ws


def test_the_platform_may_everything(host: Host) -> None:
    ws = opened(host, kit.tenant(host), PlatformActor())
    assert ws.actor.platform and ws.release == 1 and ws.now == NOW
    assert ws.model.entity("deal") is not None
    assert ws.model.settings["currency"] == "CNY"


def test_a_user_has_roles_units_and_all_units_below(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        top = kit.insert(ws, "unit", name="Top")
        mid = kit.insert(ws, "unit", name="Mid", parent=top)
        low = kit.insert(ws, "unit", name="Low", parent=mid)
        other = kit.insert(ws, "unit", name="Other")
        gone = kit.insert(ws, "unit", name="Gone", parent=top)
        deleted = kit.moment(ws, NOW)
        mark = "%s" if ws.dialect == "postgresql" else "?"
        ws.db.run(f"UPDATE e_unit SET deleted_at = {mark} WHERE id = {mark}", (deleted, gone))
    user = kit.person(host, tenant, "Ann", roles=["seller", "reader"], unit=mid)
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "user__units", near=user, far=other)
        bump_access(ws)
    actor = opened(host, tenant, AsUser(user)).actor
    assert (actor.name, actor.roles, actor.main_unit) == ("Ann", ("reader", "seller"), mid)
    assert actor.units == (mid, other)
    assert actor.subtree == {mid, low, other}
    assert actor.timezone == "Asia/Shanghai" and actor.language == "en"


def test_a_circle_of_units_ends(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        one = kit.insert(ws, "unit", name="One")
        two = kit.insert(ws, "unit", name="Two", parent=one)
        mark = "%s" if ws.dialect == "postgresql" else "?"
        ws.db.run(f"UPDATE e_unit SET f_parent = {mark} WHERE id = {mark}", (two, one))
    user = kit.person(host, tenant, unit=one)
    assert opened(host, tenant, AsUser(user)).actor.subtree == {one, two}


def test_a_session_says_who_acts(host: Host) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant, "Ann", roles=["seller"])
    with kit.workspace(host, tenant) as ws:
        account(ws, user)
        session(ws, user)
    ws = opened(host, tenant, BySession("h1"))
    assert ws.actor.user == user and ws.actor.roles == ("seller",) and ws.actor.allowed_scopes is None
    assert ws.session is not None
    assert (ws.session.kind, ws.session.csrf, ws.session.login, ws.session.agent) == (
        "session",
        "secret",
        "ann",
        "a browser",
    )
    assert ws.session.expires_at == NOW + HOUR and ws.session.seen_at == NOW


@pytest.mark.parametrize("case", ["unknown", "expired", "disabled", "password", "deleted", "inactive"])
def test_a_session_ends(host: Host, case: str) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant, "Ann", roles=["seller"])
    with kit.workspace(host, tenant) as ws:
        late = {"disabled": "disabled_at", "password": "password_changed_at"}.get(case)
        account(ws, user, **({late: kit.moment(ws, NOW - HOUR / 2)} if late else {}))
        session(ws, user, "h2" if case == "unknown" else "h1", NOW if case == "expired" else NOW + HOUR)
    opened(host, tenant, AsUser(user))
    with kit.workspace(host, tenant) as ws:
        if case == "deleted":
            ws.db.run("UPDATE e_user SET deleted_at = created_at")
        if case == "inactive":
            ws.db.run("UPDATE e_user SET f_active = " + ("false" if ws.dialect == "postgresql" else "0"))
        bump_access(ws)
    with pytest.raises(Unauthenticated):
        opened(host, tenant, BySession("h1"))


def test_a_token_narrows_its_owner(host: Host) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant, "Ann", roles=["seller", "reader"])
    with kit.workspace(host, tenant) as ws:
        account(ws, user)
        scopes: Any = ["read", "write:deal"] if ws.dialect == "postgresql" else '["read", "write:deal"]'
        token(ws, user, scopes=scopes, role="reader")
    ws = opened(host, tenant, ByToken("t1"))
    assert ws.actor.roles == ("reader",)
    assert ws.actor.allowed_scopes == frozenset({"read", "write:deal"})
    assert ws.session is not None and ws.session.kind == "token" and ws.session.name == "robot"


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_a_token_ends(host: Host, column: str) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant)
    with kit.workspace(host, tenant) as ws:
        account(ws, user)
        token(ws, user, **{column: kit.moment(ws, NOW)})
    with pytest.raises(Unauthenticated):
        opened(host, tenant, ByToken("t1"))


def test_secrets_of_another_tenant_open_nothing(host: Host) -> None:
    one, two = kit.tenant(host), kit.tenant(host)
    user = kit.person(host, one)
    with kit.workspace(host, one) as ws:
        account(ws, user)
        session(ws, user)
    opened(host, one, BySession("h1"))
    with pytest.raises(Unauthenticated):
        opened(host, two, BySession("h1"))
    with pytest.raises(Unauthenticated):
        opened(host, two, AsUser(user))


def test_a_known_actor_and_model_cost_no_statement(host: Host) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant, roles=["seller"])
    opened(host, tenant, AsUser(user))
    with open_workspace(host, tenant, AsUser(user)) as ws:
        assert ws.db.count == 0
        assert ws.model.entity("deal") is ws.model.entity("deal")


def test_changed_roles_count_from_the_next_request_in_every_process(host: Host) -> None:
    tenant = kit.tenant(host)
    user = kit.person(host, tenant, roles=["seller"])
    settings = host.settings
    with Host.open(settings) as other:
        there = directory.find(other, tenant.name)
        assert opened(other, there, AsUser(user)).actor.roles == ("seller",)
        with kit.workspace(host, tenant) as ws:
            ws.db.run("DELETE FROM _role_assignment")
            bump_access(ws)
        assert opened(other, there, AsUser(user)).actor.roles == ()


def test_the_bell_rings_after_the_commit_and_only_then(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host)
    rung: list[str] = []
    monkeypatch.setattr(host, "bell", rung.append)
    with kit.workspace(host, tenant):
        pass
    with kit.workspace(host, tenant) as ws:
        ws.db.notes["ring"] = True
        assert rung == []
    assert rung == [tenant.id]
    with pytest.raises(RuntimeError), kit.workspace(host, tenant) as ws:
        ws.db.notes["ring"] = True
        raise RuntimeError
    assert rung == [tenant.id]


def test_a_dropped_tenant_is_not_found(host: Host) -> None:
    tenant = kit.tenant(host)
    opened(host, tenant, PlatformActor())
    tenants.drop(host, tenant.name)
    with pytest.raises(NotFound):
        opened(host, tenant, PlatformActor())
    with pytest.raises(NotFound):
        directory.find(host, tenant.name)
    again = kit.tenant(host, name=tenant.name)
    assert again.id != tenant.id
    assert opened(host, directory.find(host, tenant.name), PlatformActor()).release == 1


@pytest.mark.parametrize(("version", "served"), [(VERSION + 1, True), (VERSION + 2, False), (VERSION - 2, False)])
def test_a_build_serves_its_neighbours_only(host: Host, version: int, served: bool) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        ws.db.run(f"UPDATE _state SET system_version = {version}")
    if served:
        opened(host, tenant, PlatformActor())
    else:
        with pytest.raises(Unavailable):
            opened(host, tenant, PlatformActor())
