"""The built files of the pages: named by content, sent small, missed with a remedy; and pages that are sent small."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from blueprints import assets, create_app
from metadata.problems import Unavailable
from runtime.host import Host
from tests import kit
from tests.doors import Site, site

SHELL = re.compile(r"<(?:script|link)[^>]+(?:src|href)=\"([^\"]+)\"")


@pytest.fixture
def here(sqlite_host: Host) -> Site:
    return site(sqlite_host)


def test_every_file_that_a_page_names_is_there_for_good_and_packed(here: Site) -> None:
    browser = here.browser("admin")
    page = browser.get("/app/company")
    named = [each for each in SHELL.findall(page.get_data(as_text=True)) if "/assets/" in each]
    assert any(each.endswith(".css") for each in named) and any(
        "main-" in each and each.endswith(".js") for each in named
    )
    for address in named:
        plain = browser.client.get(address)
        packed = browser.client.get(address, headers={"Accept-Encoding": "gzip"})
        assert plain.status_code == packed.status_code == 200
        if "main-" in address:
            assert "immutable" in plain.headers["Cache-Control"]
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.headers["Vary"] == "Accept-Encoding"
            assert gzip.decompress(packed.data) == plain.data
            assert len(packed.data) < len(plain.data) / 2
        assert plain.headers["ETag"] != packed.headers["ETag"] or "Content-Encoding" not in packed.headers
        again = browser.client.get(address, headers={"If-None-Match": plain.headers["ETag"]})
        assert again.status_code == 304


def test_the_first_visit_loads_no_more_than_250_kilobytes() -> None:
    manifest = json.loads((assets.DIST / "manifest.json").read_text())
    first = [manifest["files"]["main.js"], manifest["files"]["main.css"], *manifest["preload"].get("main.js", [])]
    assert sum(manifest["sizes"][each][1] for each in first) <= 220_000  # the page itself takes the rest


@pytest.mark.parametrize(
    "name", ["manifest.json", "../assets.py", "..%2f..%2fassets.py", "main.js", ".stamp", "nothing.css"]
)
def test_nothing_else_is_served(here: Site, name: str) -> None:
    assert here.app.test_client().get(f"{here.prefix}/assets/{name}").status_code == 404


def test_a_missing_build_is_told_with_the_remedy(
    tmp_path: Path, sqlite_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "SHELF", assets.Shelf(tmp_path))
    with pytest.raises(Unavailable, match="make assets"):
        create_app(sqlite_host)


def test_a_new_build_is_taken_up_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(name: str) -> None:
        (tmp_path / name).write_text("x")
        (tmp_path / "icons-1.json").write_text('{"circle-dotted": "<circle/>", "star": "<path/>"}')
        (tmp_path / "new").write_text(json.dumps({"files": {"main.js": name}, "preload": {}, "icons": "icons-1.json"}))
        (tmp_path / "new").rename(tmp_path / "manifest.json")

    monkeypatch.setattr(assets, "_LOOK_AGAIN_SECONDS", 0.0)
    build("main-1.js")
    shelf = assets.Shelf(tmp_path)
    assert shelf.name("main.js") == "main-1.js"
    time.sleep(0.01)
    build("main-2.js")
    assert shelf.name("main.js") == "main-2.js"
    assert shelf.icon("star") == "<path/>"
    assert shelf.icon("no-such-icon") == "<circle/>"


def test_building_again_changes_nothing_and_takes_no_time() -> None:
    make = shutil.which("make")
    assert make is not None
    subprocess.run([make, "--silent", "assets"], cwd=kit.ROOT, check=True, timeout=120)
    before = (assets.DIST / "manifest.json").stat().st_mtime_ns
    began = time.monotonic()
    done = subprocess.run([make, "assets"], cwd=kit.ROOT, check=True, capture_output=True, text=True, timeout=20)
    assert time.monotonic() - began < 15
    assert "Nothing to be done" in done.stdout
    assert (assets.DIST / "manifest.json").stat().st_mtime_ns == before


def test_the_lock_file_names_no_registry_and_every_library_is_pinned() -> None:
    folder = kit.ROOT / "blueprints" / "assets"
    lock = json.loads((folder / "package-lock.json").read_text())
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert all(each.get("integrity") for name, each in lock["packages"].items() if name)
    wanted = json.loads((folder / "package.json").read_text())
    for version in {**wanted["dependencies"], **wanted["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_what_is_shipped_comes_with_its_licences() -> None:
    text = assets.SHELF.file(assets.SHELF.name("licences.txt")).content.decode()
    assert all(each in text for each in ("htmx.org 4.0.1", "@alpinejs/csp", "@tabler/core", "@tabler/icons"))


def test_an_icon_is_decoration_unless_it_is_named(here: Site) -> None:
    assert 'aria-hidden="true"' in assets.icon("target")
    assert 'role="img" aria-label="A &lt;b&gt;"' in assets.icon("target", "A <b>")
    assert assets.SHELF.icon("target") != assets.SHELF.icon("no-such-icon-at-all")


def test_pages_are_packed_unless_another_site_asked(here: Site) -> None:
    browser = here.browser("admin")
    packing = {**browser.headers, "Accept-Encoding": "gzip"}
    packed = browser.client.get(f"{here.prefix}/app/company", headers=packing)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert b"<!doctype html>" in gzip.decompress(packed.data)
    foreign = {**packing, "Sec-Fetch-Site": "cross-site"}
    assert "Content-Encoding" not in browser.client.get(f"{here.prefix}/app/company", headers=foreign).headers
    assert "Content-Encoding" not in browser.client.get(f"{here.prefix}/app/company", headers=browser.headers).headers


def test_the_secret_for_writes_looks_different_on_every_page_and_is_good_on_all(here: Site) -> None:
    browser = here.browser("admin")

    def secret() -> str:
        found = re.search(r'<meta name="csrf" content="([^"]+)">', browser.get("/app/company").get_data(as_text=True))
        assert found is not None
        return found[1]

    first, second = secret(), secret()
    assert first != second and browser.csrf not in first
    for given, status in ((first, 303), (second, 303), (first[:-2] + "00", 403), ("m.", 403), ("m.zz", 403)):
        answer = browser.post("/app/-/preferences", {"csrf": given, "theme": "dark"})
        assert answer.status_code == status, given
