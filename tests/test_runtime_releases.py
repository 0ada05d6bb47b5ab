"""Releases: complete in themselves, small when little changed, loaded lazily and shared by content."""

from __future__ import annotations

import pytest

from metadata.problems import NotFound
from runtime import releases, schema
from runtime.directory import Tenant
from runtime.host import Host
from tests import kit

MORE = kit.MINI.replace("      note: {type: long_text}", "      note: {type: long_text}\n      more: {type: text}")


def change(host: Host, tenant: Tenant, text: str) -> int:
    plan = schema.plan(host, tenant, kit.layer(text))
    assert plan.id is not None
    return schema.apply(host, tenant, plan.id)


def test_a_release_holds_every_text_as_it_was_written(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, MORE)
    with kit.workspace(host, tenant) as ws:
        first, second = (releases.layers(ws.db, releases.find(ws.db, number).layers) for number in (1, 2))
    assert first == [kit.layer(kit.MINI)]
    assert second == [kit.layer(MORE)]


def test_releases_are_listed_newest_first(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, MORE)
    with kit.workspace(host, tenant) as ws:
        listed = releases.history(ws.db)
    assert [(each.number, each.parent, dict(each.packages)) for each in listed] == [
        (2, 1, {"mini": "1.0.0"}),
        (1, None, {"mini": "1.0.0"}),
    ]
    assert listed[0].created_at.tzinfo is not None
    assert listed[0].summary["changes"]


def test_an_earlier_model_can_be_loaded(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, MORE)
    with kit.workspace(host, tenant) as ws:
        old = releases.load_model(tenant, ws.db, 1).entity("deal")
        new = ws.model.entity("deal")
        assert old is not None and new is not None
        assert "more" not in old.fields and "more" in new.fields
        with pytest.raises(NotFound):
            releases.load_model(tenant, ws.db, 9)


def test_what_did_not_change_is_stored_once(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        before = ws.db.fetch("SELECT count(*) FROM _text")[0][0]
    change(host, tenant, MORE)
    with kit.workspace(host, tenant) as ws:
        after = ws.db.fetch("SELECT count(*) FROM _text")[0][0]
    # The file, the list of layers, the index, the storage map and the one entity that changed.
    assert after - before == 5


def test_the_loaded_model_is_the_compiled_one(host: Host) -> None:
    tenant = kit.tenant(host)
    compiled = kit.compile_yaml(kit.MINI)
    with Host.open(host.settings) as other, kit.workspace(other, tenant) as ws:
        assert ws.model.fingerprint == compiled.fingerprint
        assert list(ws.model.all("entities")) == list(compiled.all("entities"))
        assert list(ws.model.all("roles")) == list(compiled.all("roles"))


def test_tenants_with_the_same_package_share_the_model(host: Host) -> None:
    one, two = kit.tenant(host), kit.tenant(host)
    with kit.workspace(host, one) as ws:
        model = ws.model
    with kit.workspace(host, two) as ws:
        assert ws.model is model


def test_a_shared_model_outlives_the_tenant_and_transaction_that_loaded_it(host: Host) -> None:
    # A package of its own, so that no other test has read its parts into this process.
    text = kit.MINI.replace("code: mini", "code: outlived").replace("{en: Deal, zh: 商机}", "{en: Outlived, zh: 商机}")
    one, two = kit.tenant(host, text), kit.tenant(host, text)
    with Host.open(host.settings) as other:
        releases._parts._held.clear()
        with kit.workspace(other, one) as ws:
            model = ws.model
        from runtime import tenants

        tenants.drop(host, one.name)
        with kit.workspace(other, two, write=False) as ws:
            assert ws.model is model
            deal = ws.model.entity("deal")
            assert deal is not None and deal.label["en"] == "Outlived"


def test_a_model_reads_one_part_when_one_is_needed(host: Host) -> None:
    text = kit.MINI.replace("{en: Deal, zh: 商机}", "{en: Lazy, zh: 商机}")
    tenant = kit.tenant(host, text)
    with Host.open(host.settings) as other:
        releases._parts._held.clear()
        with kit.workspace(other, tenant, write=False) as ws:
            assert len(releases._parts._held) == 0
            assert ws.model.entity("deal") is not None
            assert len(releases._parts._held) == 1
