"""Simulations at the command line, over REST and on pages: what is told, to whom, and that wrong texts say where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime import records
from runtime.host import Host
from tests import kit
from tests.doors import Site, site
from tests.pages import Page
from tests.processing import work
from tests.replaying import WORLD, changed
from tests.test_blueprints_commands import Run, command, good

DOCUMENT = "shop/inline.yaml"
TOO_MUCH = changed(
    entities={
        "deal": {"rules": {"too_much": {"when": "amount > 500", "reject": {"message": {"en": "No.", "zh": "否。"}}}}}
    }
)


@pytest.fixture
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host, WORLD)


def _past(here: Site, owner: str | None = None) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        records.create(ws, "deal", {"name": "Marmalade", "amount": 900, "owner": owner})
        records.create(ws, "deal", {"name": "Quince", "amount": 5})


def test_the_command_tells_what_would_have_differed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(WORLD, "utf-8")
    (tmp_path / "shop2.yaml").write_text(TOO_MUCH, "utf-8")
    (tmp_path / "deals.csv").write_text("name,amount\nMarmalade,900\nQuince,5\n", "utf-8")
    run: Run = command(f"sqlite:///{tmp_path / 'var'}", METALOOM_FILES_URL=f"file:{tmp_path / 'files'}")
    good(run("tenant", "create", "corner", "--package", "shop.yaml"))
    good(run("load", "corner", "deal", "deals.csv"))
    text = good(run("simulate", "corner", "shop2.yaml", "--since", "30d"))
    assert "2 seen, 1 the same: 1 would newly be refused." in text and "newly refused: Marmalade" in text
    assert "linked records, lists and children are as they are now" in text
    report = json.loads(good(run("simulate", "corner", "shop2.yaml", "--json", "--language", "zh")))
    assert (
        report["definitions"][0]["counts"] == {"newly_refuses": 1}
        and "将被新拒绝" in report["definitions"][0]["message"]
    )
    assert run("simulate", "corner", "shop2.yaml", "--only", "rule:deal.nothing").returncode == 1
    assert run("simulate", "corner", "shop2.yaml", "--since", "soon").returncode == 1
    assert "decides otherwise" in good(run("simulate", "corner", "shop.yaml"))


def test_a_program_has_a_document_replayed(here: Site) -> None:
    _past(here)
    boss = here.api("boss")
    assert DOCUMENT in boss.get("/-/simulations").get_json()["documents"]
    answer = boss.post("/-/simulations", {"files": {DOCUMENT: TOO_MUCH}, "entity": "deal", "samples": 1})
    assert answer.status_code == 202 and answer.get_json()["report"] is None
    id = answer.get_json()["id"]
    assert answer.headers["Location"].endswith(id)
    work(here.host, here.tenant)
    found = boss.get(f"/-/simulations/{id}").get_json()
    assert found["state"] == "done" and found["report"]["differs"] is True
    (definition,) = found["report"]["definitions"]
    assert (definition["name"], definition["counts"]) == ("too_much", {"newly_refuses": 1})
    assert [each["id"] for each in boss.get("/-/simulations").get_json()["data"]] == [id]


def test_a_report_is_for_whoever_asked_and_may_configure(here: Site) -> None:
    _past(here)
    seller, boss = here.api("seller"), here.api("boss")
    assert seller.get("/-/simulations").status_code == 403
    assert seller.post("/-/simulations", {"files": {DOCUMENT: TOO_MUCH}}).status_code == 403
    id = boss.post("/-/simulations", {"files": {DOCUMENT: TOO_MUCH}}).get_json()["id"]
    work(here.host, here.tenant)
    assert here.api("boss").get(f"/-/simulations/{id}").status_code == 404
    assert "Marmalade" not in boss.get(f"/jobs/{id}").get_data(as_text=True)
    assert boss.get("/-/simulations/nothing").status_code == 404
    for scope in ("read", "read:deal", "write:deal"):
        narrow = here.api("boss", scopes=(scope,))
        assert narrow.get("/-/simulations").status_code == 403
        assert narrow.post("/-/simulations", {"files": {DOCUMENT: TOO_MUCH}}).status_code == 403


def test_what_is_wrong_is_told_before_anything_is_queued(here: Site) -> None:
    boss = here.api("boss")
    wrong = TOO_MUCH.replace("amount > 500", "amuont > 500")
    answer = boss.post("/-/simulations", {"files": {DOCUMENT: wrong}})
    assert answer.status_code == 422 and "amuont" in answer.get_data(as_text=True)
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"files": {}},
        {"files": {DOCUMENT: 5}},
        {"files": {"nothing/x.yaml": "a: 1"}},
        {"files": {DOCUMENT: TOO_MUCH}, "since": "soon"},
        {"files": {DOCUMENT: TOO_MUCH}, "events": 0},
        {"files": {DOCUMENT: TOO_MUCH}, "only": "rule:deal.nothing"},
        {"files": {DOCUMENT: TOO_MUCH}, "else": 1},
    )
    for body in bodies:
        assert boss.post("/-/simulations", body).status_code in (400, 422), body
    assert boss.get("/-/simulations").get_json()["data"] == []


def test_a_page_edits_replays_and_shows(here: Site) -> None:
    person = here.person("boss")
    _past(here, person.id)
    browser = here.browser(person=person)
    shown = browser.get("/app/-/simulations", document=DOCUMENT)
    page = Page(shown.get_data(as_text=True))
    assert shown.status_code == 200 and page.wrong == []
    bad = browser.post(
        "/app/-/simulations", {"document": DOCUMENT, "text": TOO_MUCH.replace("amount > 500", "amuont > 5")}
    )
    assert bad.status_code == 422 and "amuont" in bad.get_data(as_text=True)
    answer = browser.post("/app/-/simulations", {"document": DOCUMENT, "text": TOO_MUCH, "since": "7d"})
    assert answer.status_code == 303
    address = answer.headers["Location"].partition("/app/")[2]
    waiting = browser.get(f"/app/{address}")
    assert waiting.status_code == 200 and Page(waiting.get_data(as_text=True)).wrong == []
    work(here.host, here.tenant)
    text = browser.get(f"/app/{address}").get_data(as_text=True)
    assert Page(text).wrong == []
    assert "1 would newly be refused" in text and "Newly refused" in text and "Marmalade" in text
    again = browser.get("/app/-/simulations", **{"from": address.rpartition("/")[2]}).get_data(as_text=True)
    assert "amount &gt; 500" in again
    assert here.browser("seller").get("/app/-/simulations").status_code == 403


def test_a_page_speaks_chinese(here: Site) -> None:
    browser = here.browser("boss")
    text = browser.get("/app/-/simulations", lang="zh").get_data(as_text=True)
    assert "模拟" in text and "回溯多久" in text
