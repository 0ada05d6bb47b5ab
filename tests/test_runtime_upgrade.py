"""System tables: two tenants on each database are upgraded while they are served; interrupted, it goes on."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.problems import Unavailable
from runtime.database.errors import Refused
from runtime.directory import Tenant
from runtime.host import Host
from runtime.settings import Settings
from runtime.system import migrate
from runtime.system.schema import Add, AddIndex, Create, Ix, Step, key, must
from runtime.system.tables import STEPS, VERSION, add_up, table
from tests import kit

NEXT = Step(
    VERSION + 1,
    "a test",
    (
        Create("_parcel", (key("id", "uuid"), must("weight", "decimal")), (Ix("ix_parcel_weight", ("weight",)),)),
        Add("_job", must("priority", "integer", "0")),
        Add("_text", must("kind", "text", "'plain'")),
        AddIndex("_job", Ix("ix_job_priority", ("priority", "id"), where="state = 'queued'")),
    ),
)
LATER = Step(VERSION + 2, "another test", (Add("_parcel", must("fragile", "boolean", "false")),))


@pytest.fixture
def own_host(host: Host, request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A host with no other tenants than this test's."""
    if host.server.dialect == "sqlite":
        with kit.open_host(f"sqlite:///{tmp_path}") as found:
            yield found
    else:
        with (
            kit.postgres_urls(request.getfixturevalue("fresh_database")) as (url, admin),
            kit.open_host(url, admin) as found,
        ):
            yield found


def version(host: Host, tenant: Tenant) -> int:
    with host.server.bind(tenant.place, writing=False) as (_, bound):
        return bound.system_version


def test_two_tenants_are_upgraded_while_they_are_served(own_host: Host) -> None:
    host = own_host
    tenants = [kit.tenant(host), kit.tenant(host)]
    failures: list[BaseException] = []
    done = threading.Event()
    written = [0, 0]

    def work(number: int) -> None:
        while not done.is_set():
            try:
                with kit.workspace(host, tenants[number]) as ws:
                    kit.insert(ws, "deal", name="x")
                    ws.db.execute(
                        table("_text", ws.dialect).insert().values(hash=str(written[number]), body="old build")
                    )
                with kit.workspace(host, tenants[number], write=False) as ws:
                    ws.db.execute(sa.select(table("_job", ws.dialect))).all()
                written[number] += 1
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    try:
        while min(written) < 3 and not failures:
            time.sleep(0.01)
        verdicts = migrate.upgrade_all(host, steps=(*STEPS, NEXT))
        seen = list(written)
        while min(now - then for now, then in zip(written, seen, strict=True)) < 3 and not failures:
            time.sleep(0.01)
    finally:
        done.set()
        for each in threads:
            each.join()
    assert failures == []
    assert [(each.before, each.after, each.verdict) for each in verdicts] == [(VERSION, VERSION + 1, "upgraded")] * 2
    for tenant in tenants:
        assert version(host, tenant) == VERSION + 1
        with kit.workspace(host, tenant) as ws:
            assert ws.db.fetch("SELECT DISTINCT kind FROM _text") == [("plain",)]


def test_upgrading_again_changes_nothing(own_host: Host) -> None:
    kit.tenant(own_host)
    told: list[str] = []
    migrate.upgrade_all(own_host, steps=(*STEPS, NEXT))
    again = migrate.upgrade_all(own_host, lambda each: told.append(each.verdict), steps=(*STEPS, NEXT))
    assert told == [each.verdict for each in again] == ["current"]


def test_an_interrupted_upgrade_goes_on_where_it_ended(own_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenants = [kit.tenant(own_host), kit.tenant(own_host)]
    original, seen = migrate._carry_out, []

    def carry_out(db: Any, step: Step) -> None:
        original(db, step)
        seen.append(step.number)
        if len(seen) == 3:
            raise RuntimeError("the power failed")

    monkeypatch.setattr(migrate, "_carry_out", carry_out)
    with pytest.raises(RuntimeError):
        migrate.upgrade_all(own_host, steps=(*STEPS, NEXT, LATER))
    assert [version(own_host, each) for each in tenants] == [VERSION + 2, VERSION]
    verdicts = migrate.upgrade_all(own_host, steps=(*STEPS, NEXT, LATER))
    assert [each.verdict for each in verdicts] == ["current", "upgraded"]
    assert [version(own_host, each) for each in tenants] == [VERSION + 2] * 2


def test_when_the_canary_fails_no_other_tenant_is_touched(own_host: Host) -> None:
    tenants = [kit.tenant(own_host), kit.tenant(own_host)]
    with own_host.server.own(tenants[0].place) as db:
        db.run("CREATE TABLE _parcel (id TEXT)")
    with pytest.raises(Refused):
        migrate.upgrade_all(own_host, steps=(*STEPS, NEXT))
    assert [version(own_host, each) for each in tenants] == [VERSION, VERSION]


def test_a_busy_tenant_is_passed_over_and_told(own_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    tenants = [kit.tenant(own_host), kit.tenant(own_host)]
    with kit.workspace(own_host, tenants[1]) as ws:
        kit.insert(ws, "deal", name="slow")
        verdicts = migrate.upgrade_all(own_host, steps=(*STEPS, NEXT))
    assert [each.verdict for each in verdicts] == ["upgraded", "busy"]


def test_the_tables_that_code_uses_are_those_that_the_steps_make(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        for name, made in add_up(STEPS, ws.dialect).items():
            assert ws.db.execute(sa.select(made)).keys() == [each.name for each in made.columns], name


def test_a_tenant_two_versions_behind_is_refused_with_the_remedy(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        ws.db.run(f"UPDATE _state SET system_version = {VERSION - 2}")
    with pytest.raises(Unavailable, match="metaloom upgrade"), kit.workspace(host, tenant):
        pass


def test_settings_are_read_from_the_environment_and_do_not_print_secrets() -> None:
    found = Settings.from_environment({"METALOOM_SECRET_KEY": "hush", "METALOOM_REDIS_URL": "", "OTHER": "x"})
    assert found.secret_key == "hush" and found.redis_url is None
    assert found.database_url == "sqlite:///var/metaloom"
    assert "hush" not in repr(found)
