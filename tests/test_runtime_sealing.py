"""Encrypted fields: who may read them does as with any field, and the database never holds the text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metadata.problems import Invalid
from runtime import encrypting, schema, transfer
from runtime.host import Host
from runtime.jobs import rows as job_rows
from runtime.jobs.drain import drain
from runtime.queries import Query
from runtime.sealing import UNREADABLE, is_sealed
from runtime.tables import table_of
from runtime.transfer import Sheet, bulk_edit
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests import kit
from tests.doors import Api, Site, codes, site
from tests.test_blueprints_commands import command

CANARY = "CANARY4711"
PHONE = "138 0000 4711"
NEW_KEY = "n" * 40

PEOPLE = """
package: {code: sealed, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user: {title: name, fields: {name: {type: text}, email: {type: email}, unit: {type: link, to: unit}}}
  unit: {title: name, fields: {name: {type: text}, parent: {type: link, to: unit}}}
  patient:
    title: name
    search: {name: {}}
    fields:
      name: {type: text}
      doctor: {type: link, to: patient, inverse: {key: patients}}
      id_number: {type: text, sensitivity: secret, ENCRYPTED}
      mobile: {type: phone, ENCRYPTED}
      note: {type: long_text}
    rules:
      no_zero: {when: "id_number == '000'", reject: {field: id_number, message: {en: No zeros, zh: 不能为零}}}
roles:
  admin: {label: Admin, clearance: secret, capabilities: {import: true, export: true, configure: true},
          entities: {'*': {read: all, create: all, update: all, delete: all}}}
  nurse: {label: Nurse, capabilities: {export: true}, entities: {'*': {read: all, update: all}}}
"""
SEALED = PEOPLE.replace("ENCRYPTED", "encrypted: true")
OPEN = PEOPLE.replace(", ENCRYPTED", "").replace("id_number == '000'", "note == '000'")


def dumped(here: Site) -> str:
    """Everything that lies in the tables of a tenant."""
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        if ws.dialect == "sqlite":
            names = ws.db.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            names = ws.db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return "".join(str(ws.db.fetch(f'SELECT * FROM "{name}"')) for (name,) in names)


def column(here: Site, field: str = "id_number") -> tuple[str, str]:
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        entity = ws.model.entity("patient")
        assert entity is not None
        held = table_of(ws.model, entity, ws.dialect)
        return held.table.name, held.column(field).name


def changed(here: Site, statement: str) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        ws.db.fetch(statement + " RETURNING id")


@pytest.fixture
def here(host: Host) -> Iterator[Site]:
    kept = host.settings
    yield site(host, SEALED)
    host.settings = kept


@pytest.fixture
def api(here: Site) -> Api:
    return here.api("admin")


def made(api: Api, name: str = "Ada", **more: Any) -> str:
    return str(api.made("patient", name=name, id_number=CANARY, mobile=PHONE, **more)["id"])


def test_who_may_read_it_reads_it_everywhere_and_the_database_does_not(here: Site, api: Api) -> None:
    one = made(api)
    other = api.made("patient", name="Bob", doctor=one)["id"]
    assert api.get(f"/patient/{one}").get_json()["id_number"] == CANARY
    assert api.get(f"/patient/{one}").get_json()["mobile"] == "+8613800004711"
    assert [each["id_number"] for each in api.get("/patient", sort="name").get_json()["data"]] == [CANARY, None]
    linked = api.get(f"/patient/{other}", fields="doctor.id_number").get_json()
    assert linked["doctor"]["id_number"] == CANARY
    api.patch(f"/patient/{one}", {"id_number": f"{CANARY}b"})
    told = api.get(f"/patient/{one}/history").get_json()["data"][0]["changes"]
    assert told["id_number"] == {"before": CANARY, "after": f"{CANARY}b"}
    assert api.delete(f"/patient/{one}").status_code in (200, 204)
    assert api.post(f"/patient/{one}/restore").status_code == 200
    assert api.get(f"/patient/{one}").get_json()["id_number"] == f"{CANARY}b"
    everything = dumped(here)
    assert "Ada" in everything and CANARY not in everything and "0000471" not in everything and PHONE not in everything


def test_it_takes_the_clearance_to_read_it(here: Site, api: Api) -> None:
    one = made(api)
    nurse = here.api("nurse")
    assert CANARY not in nurse.get("/patient").get_data(as_text=True)
    assert CANARY not in nurse.get(f"/patient/{one}/history").get_data(as_text=True)
    assert nurse.patch(f"/patient/{one}", {"name": "Eve"}).status_code == 200
    assert api.get(f"/patient/{one}").get_json()["id_number"] == CANARY


def test_nothing_is_found_sorted_or_gathered_by_it(here: Site, api: Api) -> None:
    one = made(api)
    api.made("patient", name="Bob")
    found = api.get("/patient", where="id_number != null").get_json()["data"]
    assert [each["id"] for each in found] == [one]
    for asked in (
        {"where": f"id_number == '{CANARY}'"},
        {"where": "contains(id_number, 'C')"},
        {"where": "doctor.id_number == 'x'"},
        {"where": "any(patients, id_number == 'x')"},
        {"where": "name == id_number"},
        {"where": "length(id_number) == 4"},
    ):
        answer = api.get("/patient", **asked)
        assert answer.status_code == 400 and codes(answer) == ["expression_encrypted"], asked
    assert api.get("/patient", sort="id_number").status_code == 400
    assert api.get("/patient", q=CANARY).get_json()["data"] == []
    assert api.get("/patient/aggregate", group="id_number").status_code == 400
    assert api.get("/patient/aggregate", measures="max(id_number)").status_code == 400


def test_a_rule_may_look_at_it(api: Api) -> None:
    refused = api.post("/patient", {"name": "Zed", "id_number": "000"})
    assert refused.status_code == 422 and refused.get_json()["problems"][0]["path"] == "id_number"


def test_bytes_that_were_moved_open_nowhere(here: Site, api: Api) -> None:
    one, two = made(api), made(api, "Bob")
    (name, number), (_, mobile) = column(here), column(here, "mobile")
    changed(
        here,
        f'UPDATE "{name}" SET "{number}" = (SELECT "{number}" FROM "{name}" WHERE id = \'{one}\') WHERE id = \'{two}\'',
    )
    assert api.get(f"/patient/{two}").get_json()["id_number"] == UNREADABLE
    assert api.get(f"/patient/{one}").get_json()["id_number"] == CANARY
    changed(here, f'UPDATE "{name}" SET "{mobile}" = "{number}" WHERE id = \'{one}\'')
    assert api.get(f"/patient/{one}").get_json()["mobile"] == UNREADABLE
    assert api.get("/patient").status_code == 200
    # What cannot be read stays when something else is saved, and can be written anew.
    assert api.patch(f"/patient/{two}", {"name": "Carl"}).status_code == 200
    assert api.get(f"/patient/{two}").get_json()["id_number"] == UNREADABLE
    assert api.patch(f"/patient/{two}", {"id_number": "5"}).status_code == 200
    assert api.get(f"/patient/{two}").get_json()["id_number"] == "5"


def test_another_key_opens_nothing_and_without_one_the_rest_is_saved(here: Site, api: Api) -> None:
    one = made(api)
    kept = here.host.settings
    here.host.settings = replace(kept, secret_key=NEW_KEY)
    assert api.get(f"/patient/{one}").get_json()["id_number"] == UNREADABLE
    here.host.settings = replace(kept, secret_key="")
    assert codes(api.post("/patient", {"name": "Bob", "id_number": "1"})) == ["secrets.no_key"]
    assert api.post("/patient", {"name": "Bob"}).status_code == 201


def test_imports_bulks_merges_and_answers_keep_it_sealed(here: Site, api: Api, tmp_path: Path) -> None:
    operations = [{"action": "create", "values": {"name": f"n{at}", "id_number": f"{CANARY}{at}"}} for at in range(30)]
    answer = api.post("/patient/bulk", {"operations": operations}, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 200
    again = api.post("/patient/bulk", {"operations": operations}, headers={"Idempotency-Key": "k1"})
    assert again.get_json() == answer.get_json()
    first = {"name": "keyed", "id_number": CANARY}
    kept = api.post("/patient", first, headers={"Idempotency-Key": "k2"})
    assert api.post("/patient", first, headers={"Idempotency-Key": "k2"}).get_json() == kept.get_json()
    rows = api.get("/patient", sort="name", limit=100).get_json()["data"]
    assert {each["id_number"] for each in rows} == {CANARY, *(f"{CANARY}{at}" for at in range(30))}
    into = api.made("patient", name="into")["id"]
    gone = made(api, "gone")
    merged = api.post("/patient/merge", {"survivor": into, "others": [gone]})
    assert merged.status_code == 200 and api.get(f"/patient/{into}").get_json()["id_number"] == CANARY
    body = f"name,id_number,mobile\nimported,{CANARY},{PHONE}\nrefused,{CANARY},abc\n"
    form = {"file": (io.BytesIO(body.encode()), "a.csv"), "mode": "insert"}
    imported = api.client.post(f"{api.prefix}/patient/import", data=form, headers=api.headers)
    assert imported.status_code in (200, 202), imported.get_data(as_text=True)
    while drain(here.host, here.tenant) is not None:
        pass
    found = api.get("/patient", where="name == 'imported'").get_json()["data"]
    assert [each["id_number"] for each in found] == [CANARY]
    # A job keeps the rows that it refuses, with their cells.
    form = {"file": (io.BytesIO(body.encode()), "b.csv"), "mode": "insert", "background": "true"}
    queued = api.client.post(f"{api.prefix}/patient/import", data=form, headers=api.headers)
    while drain(here.host, here.tenant) is not None:
        pass
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        rows = [each for each in job_rows.read(ws, queued.get_json()["job"]) if each.verdict == "failed"]
        assert [row.source for row in rows] == [["refused", CANARY, "abc"]]
    path = tmp_path / "out.csv"
    transfer.export(here.host, here.tenant, PlatformActor(), Query("patient"), path, Sheet("csv"))
    assert CANARY in path.read_text()
    nurse = AsUser(here.person("nurse").id)
    transfer.export(here.host, here.tenant, nurse, Query("patient"), path, Sheet("csv"))
    assert "imported" in path.read_text() and CANARY not in path.read_text()
    everything = dumped(here)
    assert "imported" in everything and CANARY not in everything


def test_a_bulk_edit_that_waits_keeps_it_sealed(here: Site, api: Api) -> None:
    one = made(api)
    with kit.workspace(here.host, here.tenant) as ws:
        bulk_edit.edit(ws, Query("patient", ids=(one,)), {"id_number": f"{CANARY}x"}, background=True)
    assert CANARY not in dumped(here)
    while drain(here.host, here.tenant) is not None:
        pass
    assert api.get(f"/patient/{one}").get_json()["id_number"] == f"{CANARY}x"
    assert CANARY not in dumped(here)


def test_a_new_key_takes_over_everything(here: Site, api: Api) -> None:
    one = made(api)
    answer = api.post("/patient", {"name": "k", "id_number": CANARY}, headers={"Idempotency-Key": "k3"})
    kept = here.host.settings
    here.host.settings = replace(kept, secret_key=NEW_KEY, old_secret_key=kept.secret_key)
    with open_workspace(here.host, here.tenant, PlatformActor()) as ws:
        assert encrypting.pending(ws) == 5
    assert api.get(f"/patient/{one}").get_json()["id_number"] == CANARY
    assert encrypting.everything(here.host, here.tenant) == 5
    assert encrypting.everything(here.host, here.tenant) == 0
    here.host.settings = replace(kept, secret_key=NEW_KEY)
    with open_workspace(here.host, here.tenant, PlatformActor()) as ws:
        assert encrypting.pending(ws) == 0
    assert api.get(f"/patient/{one}").get_json()["id_number"] == CANARY
    told = api.get(f"/patient/{one}/history").get_json()["data"][0]["changes"]
    assert told["id_number"]["after"] == CANARY
    body = {"name": "k", "id_number": CANARY}
    assert api.post("/patient", body, headers={"Idempotency-Key": "k3"}).get_json() == answer.get_json()


def test_a_field_with_values_becomes_encrypted_and_stays_so(host: Host) -> None:
    here = site(host, OPEN)
    api = here.api("admin")
    one = made(api)
    api.patch(f"/patient/{one}", {"id_number": f"{CANARY}b"})
    assert CANARY in dumped(here)
    plan = schema.plan(here.host, here.tenant, kit.layer(SEALED))
    rewriting = [each for each in plan.changes if each.risk == "rewrites"]
    assert rewriting and {each.rows for each in rewriting} == {1}
    assert plan.id is not None
    kept = here.host.settings
    here.host.settings = replace(kept, secret_key="")
    with pytest.raises(Invalid):
        schema.apply(here.host, here.tenant, plan.id)
    here.host.settings = kept
    schema.apply(here.host, here.tenant, plan.id)
    assert CANARY not in dumped(here) and "0000471" not in dumped(here) and PHONE not in dumped(here)
    name, number = column(here)
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        assert is_sealed(ws.db.fetch(f'SELECT "{number}" FROM "{name}"')[0][0])
    assert api.get(f"/patient/{one}").get_json()["id_number"] == f"{CANARY}b"
    told = api.get(f"/patient/{one}/history").get_json()["data"][0]["changes"]
    assert told["id_number"] == {"before": CANARY, "after": f"{CANARY}b"}
    back = schema.plan(here.host, here.tenant, kit.layer(OPEN))
    assert {each.code for each in back.refused} == {"plan.opened"}


def test_the_command_and_the_doctor_tell_what_is_left(tmp_path: Path) -> None:
    run = command(f"sqlite:///{tmp_path / 'var'}", METALOOM_FILES_URL=f"file:{tmp_path / 'files'}")
    (tmp_path / "sealed.yaml").write_text(SEALED, "utf-8")
    (tmp_path / "a.csv").write_text(f"name,id_number\nAda,{CANARY}\n", "utf-8")
    old = {"METALOOM_SECRET_KEY": "o" * 40}
    assert run("tenant", "create", "acme", "--package", str(tmp_path / "sealed.yaml"), **old).returncode == 0
    assert run("load", "acme", "patient", str(tmp_path / "a.csv"), "--mode", "insert", **old).returncode == 0
    both = {"METALOOM_SECRET_KEY": NEW_KEY, "METALOOM_OLD_SECRET_KEY": "o" * 40}
    assert "metaloom reencrypt acme" in run("doctor", **both).stdout
    lost = run("reencrypt", "acme", METALOOM_SECRET_KEY=NEW_KEY)
    assert lost.returncode == 1  # without the old key nothing opens
    done = run("reencrypt", "--json", **both)
    assert done.returncode == 0 and '"left": 0' in done.stdout, done.stdout
    assert "metaloom reencrypt" not in run("doctor", METALOOM_SECRET_KEY=NEW_KEY).stdout
