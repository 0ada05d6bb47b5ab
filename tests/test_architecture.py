"""What must stay true of the repository itself. The direction of imports is checked by `make lint`."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import blueprints
import channels
import metadata
import runtime
import workflow

ROOT = Path(__file__).resolve().parents[1]

# Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"(?<![\w./-])/" + "work/",
            r"(?<![\w./-])/" + "root/",
            r"(?<![\w./-])/" + "opt/(?:pypi|wheels)",
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            "npm" + "mirror",
            "--(?:extra-)?index" + "-url[ =]",
            "--find" + "-links[ =]",
        ]
    )
)


def test_platform_is_the_standard_module_and_the_packages_are_ours() -> None:
    assert platform.__file__ is not None
    assert Path(platform.__file__).is_relative_to(sysconfig.get_path("stdlib"))
    assert platform.python_version() == ".".join(map(str, sys.version_info[:3]))
    for package in (metadata, workflow, channels, runtime):
        assert Path(package.__path__[0]) == ROOT / "platform" / package.__name__
    assert Path(blueprints.__path__[0]) == ROOT / "blueprints"


@pytest.mark.parametrize("folder", ["platform", "tests", "configs"])
def test_a_source_root_is_never_a_package(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists(), f"{folder}/__init__.py must not exist"


def test_every_folder_of_code_is_a_package() -> None:
    """Without an `__init__.py` a folder is invisible to import-linter, and its contracts hold nothing."""
    folders = {path.parent for top in ("platform", "blueprints") for path in (ROOT / top).rglob("*.py")}
    folders = {each for each in folders if "node_modules" not in each.parts}
    assert [str(each.relative_to(ROOT)) for each in sorted(folders) if not (each / "__init__.py").exists()] == []


def test_other_systems_are_reached_through_channels_alone() -> None:
    """A client of HTTP or SMTP anywhere else would go round the one door that looks where a request leads."""
    client = re.compile(
        r"^\s*(?:import|from) (?:http\.client|urllib\.request|urllib3|requests|httpx|smtplib|ftplib)\b", re.MULTILINE
    )
    files = [path for top in ("platform", "blueprints") for path in (ROOT / top).rglob("*.py")]
    users = {path.relative_to(ROOT).parts[:2] for path in files if client.search(path.read_text("utf-8"))}
    assert users == {("platform", "channels")}


def test_no_registry_address_or_path_of_a_machine_is_in_a_tracked_file() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in files
        if path.is_file() and b"\0" not in (content := path.read_bytes())
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1)
        if (match := FORBIDDEN.search(line))
    ]
    assert found == []


def test_every_dependency_is_locked_with_hashes_at_the_declared_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
    assert all("--hash=sha256:" in block for block in blocks)
    locked = {name.partition("[")[0]: version for name, version in (_pin(block) for block in blocks)}
    for requirement in declared:
        name, _, version = requirement.partition(";")[0].partition("==")
        assert name.partition("[")[0] in locked, f"{name} is not in requirements.lock: make lock"
        assert version in ("", locked[name.partition("[")[0]]), f"{name}: make lock"


def _pin(block: str) -> tuple[str, str]:
    name, _, version = block.split()[0].partition("==")
    return name, version


def test_serving_does_without_the_compiler() -> None:
    """A request never compiles; what only compiles would cost each web process half a second and megabytes."""
    heavy = "metadata.compiler", "metadata.sections.entities", "jsonschema", "rq"
    code = f"import sys, blueprints; blueprints.create_app; import blueprints.api.routes, blueprints.app.routes; \
print(*[each for each in {heavy!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stdout + done.stderr
