"""Computed fields as people and programs meet them: the API, the form, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime import directory
from runtime.host import Host
from tests import kit
from tests.computing import WORLD
from tests.doors import site
from tests.test_blueprints_commands import command, good

CORE = "package: {code: few, version: 1.0.0, kind: module, requires: {core: '*'}}\n"
FEW = f"""{CORE}entities:
  parcel:
    label: {{en: Parcel, zh: 包裹}}
    title: name
    fields:
      name: {{type: text, max: 80, required: true}}
      weight: {{type: decimal, label: {{en: Weight, zh: 重量}}}}
      pieces: {{type: integer, label: {{en: Pieces, zh: 件数}}}}
      whole: {{type: formula, as: decimal, value: "weight * pieces", label: {{en: Whole weight, zh: 总重}}}}
"""


def test_the_api_tells_and_never_takes_what_is_computed(sqlite_host: Host) -> None:
    api = site(sqlite_host, FEW).api("admin")
    made = api.post("/parcel", {"name": "A", "weight": "1.50", "pieces": 4})
    assert made.status_code == 201 and made.get_json()["whole"] == "6.00"
    refused = api.patch(f"/parcel/{made.get_json()['id']}", {"whole": "7", "version": 1})
    [problem] = refused.get_json()["problems"]
    assert (refused.status_code, problem["code"], problem["path"]) == (422, "records.computed", "whole")
    schemas = api.get("/openapi.json").get_json()["components"]["schemas"]
    assert schemas["parcel.read"]["properties"]["whole"]["readOnly"] is True
    assert (
        "whole" not in schemas["parcel.create"]["properties"] and "whole" not in schemas["parcel.update"]["properties"]
    )


@pytest.mark.parametrize(("language", "said"), [("en", "= Weight × Pieces"), ("zh", "= 重量 × 件数")])
def test_a_form_shows_what_is_computed_with_how_it_comes_about(sqlite_host: Host, language: str, said: str) -> None:
    here = site(sqlite_host, FEW)
    made = here.api("admin").post("/parcel", {"name": "A", "weight": "1.50", "pieces": 4}).get_json()
    browser = here.browser("admin")
    page = browser.get(f"/app/parcel/{made['id']}/edit?lang={language}").get_data(as_text=True)
    assert "<output" in page and "6.00" in page and 'name="whole"' not in page
    assert said in page


def test_the_doctor_finds_and_mends_what_is_not_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world.yaml").write_text(WORLD, "utf-8")
    run = command(f"sqlite:///{tmp_path / 'var'}", METALOOM_FILES_URL=f"file:{tmp_path / 'files'}")
    good(run("tenant", "create", "acme", "--package", "world.yaml"))
    assert "0 differ" in good(run("doctor", "--recompute", "acme"))
    with kit.sqlite_host(tmp_path / "var") as host, kit.workspace(host, directory.find(host, "acme")) as ws:
        account = kit.insert(ws, "account", name="ACME")
        kit.insert(ws, "deal", name="D", account=account)
    found = run("doctor", "--recompute", "acme", "--json")
    assert found.returncode == 1
    assert {each["entity"] for each in json.loads(found.stdout) if each["wrong"]} == {"account", "deal"}
    good(run("doctor", "--recompute", "acme", "--write"))
    assert "0 differ" in good(run("doctor", "--recompute", "acme"))
