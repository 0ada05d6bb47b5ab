"""Telephone numbers are compared as numbers and shown as somebody typed them: forms, lists, files, history."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import EntityStorage, FieldStorage, Model
from metadata.storage import extend
from runtime import queries, records, schema, transfer
from runtime.host import Host
from runtime.queries import Query
from runtime.tables import table_of
from runtime.transfer import Options, Sheet
from runtime.workspace import PlatformActor
from tests import kit
from tests.doors import site
from tests.selling import SELLING, Place, place

NUMBER, TYPED = "+8613800001111", "138-0000-1111"


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def shown(here: Place, id: str) -> str:
    """The number of an account as a person reads it."""
    with here.as_user(write=False) as ws:
        entity = ws.model.entity("account")
        assert entity is not None
        field = entity.fields["phone"]
        value = queries.get(ws, "account", id, ["phone"])["phone"]
        return registry.of(field).show(field, registry.of(field).parse(field, value), TextContext())


def events(here: Place, id: str) -> list[dict[str, Any]]:
    with here.as_user(write=False) as ws:
        return [each["changes"] for each in reversed(queries.history(ws, "account", id)["data"])]


def test_what_was_typed_is_kept_beside_the_number(here: Place) -> None:
    id = here.add("account", name="A", phone=TYPED).id
    assert shown(here, id) == TYPED
    with here.as_user() as ws:
        found = queries.find(ws, Query("account", where="phone == '+86 138 0000 1111'"))
        assert queries.as_json(found)[0]["phone"] == NUMBER
        assert records.update(ws, "account", id, {"phone": NUMBER, "name": "A"}).version == 1
        assert records.update(ws, "account", id, {"phone": "138 0000 1111"}).version == 2
        assert records.update(ws, "account", id, {"phone": "138 0000 1112"}).version == 3
        assert records.update(ws, "account", id, {"phone": None}).version == 4
    told = [each["phone"] for each in events(here, id)]
    assert told == [
        {"before": None, "after": NUMBER},
        {"before": TYPED, "after": "138 0000 1111"},
        {"before": NUMBER, "after": "+8613800001112"},
        {"before": "+8613800001112", "after": None},
    ]
    assert shown(here, id) == ""


def test_saving_a_form_that_shows_a_number_changes_nothing(here: Place) -> None:
    id = here.add("account", name="A", phone=NUMBER).id
    text = shown(here, id)
    assert text == "138 0000 1111"
    with here.as_user() as ws:
        assert records.update(ws, "account", id, {"phone": text}).version == 1
        entity = ws.model.entity("account")
        assert entity is not None
        field = entity.fields["phone"]
        typed = registry.of(field).read_text(field, "电话：（138）00001111", TextContext())
        assert records.update(ws, "account", id, {"phone": typed}).version == 2
    assert shown(here, id) == "电话：（138）00001111"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_files_carry_what_was_typed_and_find_the_number(here: Place, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"name,phone\nA,{TYPED}\nB,{NUMBER[:-1]}2\nC,021 6552 9988 转 801\n")
    host, tenant, platform = here.host, here.tenant, PlatformActor()
    assert transfer.load(host, tenant, platform, "account", source, Options(mode="insert")).totals.created == 3
    path = tmp_path / f"out.{kind}"
    query = Query("account", fields=("name", "phone"), sort=("name",))
    transfer.export(host, tenant, platform, query, path, Sheet("xlsx" if kind == "xlsx" else "csv"))
    again = transfer.load(host, tenant, platform, "account", path, Options(mode="upsert", by=("phone",)))
    assert (again.totals.unchanged, again.totals.failed) == (3, 0)
    if kind == "csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            assert [each["phone"].lstrip("'") for each in csv.DictReader(stream)] == [
                TYPED,
                "+8613800001112",
                "021 6552 9988 转 801",
            ]
    source.write_text("name,phone\nD,(138)0000 1111\n")
    changed = transfer.load(host, tenant, platform, "account", source, Options(mode="upsert", by=("phone",)))
    assert (changed.totals.updated, changed.totals.created) == (1, 0)


def test_the_interface_sends_and_takes_the_number(host: Host) -> None:
    here = site(host, SELLING)
    api = here.api("boss")
    made = api.made("account", name="A", phone=TYPED)
    assert made["phone"] == NUMBER
    read = api.get(f"/account/{made['id']}").get_json()
    assert read["phone"] == NUMBER
    answer = api.patch(f"/account/{made['id']}", {"phone": read["phone"], "version": 1})
    assert answer.get_json()["version"] == 1


def test_a_text_becomes_a_number_that_keeps_what_is_typed(host: Host) -> None:
    here = place(host, SELLING.replace("phone: {type: phone}", "phone: {type: text}"))
    old = here.add("account", name="Old", phone=NUMBER).id
    plan = schema.plan(host, here.tenant, kit.layer(SELLING))
    assert plan.id is not None and plan.refused == ()
    schema.apply(host, here.tenant, plan.id)
    assert shown(here, old) == "138 0000 1111"
    assert shown(here, here.add("account", name="New", phone=TYPED).id) == TYPED


def test_a_release_of_the_time_before_has_the_number_alone() -> None:
    model = kit.compile_yaml(SELLING)
    full = extend({}, model)
    held = full["account"].fields
    assert held["phone"].columns == ("f_phone", "f_phone__typed")
    before = {**full, "account": EntityStorage("e_account", {**held, "phone": FieldStorage(("f_phone",), "phone", 1)})}
    former = Model(model.fingerprint, model.index, lambda section, id: model.part(section, id), before)
    entity = former.entity("account")
    assert entity is not None
    columns = table_of(former, entity, "sqlite").fields["phone"].columns
    assert [each.name for each in columns] == ["f_phone"]
    assert extend(before, model)["account"] == full["account"]
