"""The command line as operators and consultants use it: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from blueprints.commands import main
from tests import kit

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]
BAD = """
entities:
  user: {label: User, title: name, fields: {name: {type: text}}}
  deal:
    label: Deal
    title: name
    fields:
      name: {type: txet}
      amount: {type: money, minn: 0}
"""


def environment(url: str, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("METALOOM_")}
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    return {**kept, "METALOOM_DATABASE_URL": url, "PYTHONPATH": path, "LANG": "C.UTF-8", "COLUMNS": "160", **more}


def command(url: str, **settings: str) -> Run:
    """`metaloom` over one database, in this process."""

    def run(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        env = environment(url, **{**settings, **more})
        done = CliRunner().invoke(main, arguments, input=stdin, env=env, prog_name="metaloom")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(list(arguments), done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini.yaml").write_text(kit.MINI, "utf-8")
    return command(f"sqlite:///{tmp_path / 'var'}", METALOOM_FILES_URL=f"file:{tmp_path / 'files'}")


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_help_appears_at_once_and_names_every_command(run: Run) -> None:
    good(run("--help"))
    began = time.perf_counter()
    text = good(run("--help"))
    taken = time.perf_counter() - began
    assert taken < 2.0, "slow libraries are imported too early"
    names = (
        "serve demo worker check tenant plan apply releases load export upgrade user operator token schema jobs"
        " doctor test".split()
    )
    assert all(f"  {name} " in text for name in names)
    assert run("nonsense").returncode == 2


def test_the_command_line_starts_without_what_it_does_not_need() -> None:
    slow = "flask sqlalchemy rich orjson yaml jsonschema".split()
    code = f"import sys, blueprints.commands; print([each for each in {slow} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=environment("sqlite:///x"), capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_check_tells_every_problem_with_its_place_and_remedy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, "utf-8")
    done = run("check", "bad.yaml")
    assert done.returncode == 1
    assert "bad.yaml:8:" in done.stderr and "bad.yaml:9:" in done.stderr
    assert "Did you mean text?" in done.stderr
    found = json.loads(run("check", "bad.yaml", "--json").stdout)["problems"]
    assert {each["line"] for each in found} >= {8, 9} and all(each["code"] for each in found)
    chinese = run("check", "bad.yaml", LANG="zh_CN.UTF-8").stderr
    assert "是否想用" in chinese
    assert "No problems" in good(run("check", "mini.yaml"))
    assert run("check", "no-such-package").returncode == 1


def test_schemas_for_editors_are_written(run: Run, tmp_path: Path) -> None:
    good(run("schema", "schemas"))
    assert {"entities.json", "package.json"} <= {each.name for each in (tmp_path / "schemas").iterdir()}


def _life_of_a_tenant(run: Run, folder: Path) -> None:
    made = json.loads(good(run("tenant", "create", "acme", "--package", "mini.yaml", "--json")))
    assert made["name"] == "acme"
    again = run("tenant", "create", "acme", "--package", "mini.yaml")
    assert again.returncode == 1 and "tenant.taken" in again.stderr
    assert [each["name"] for each in json.loads(good(run("tenant", "list", "--json")))] == ["acme"]
    password = json.loads(good(run("user", "add", "acme", "ann", "--role", "admin", "--json")))["password"]
    assert len(password) >= 12
    good(run("user", "add", "acme", "bob", "--password-stdin", stdin="a long password\n"))
    assert run("user", "add", "acme", "bob", "--role", "admin").returncode == 1
    assert run("user", "add", "acme", "cat", "--role", "amdin").returncode == 1
    token = good(run("token", "create", "acme", "ann", "--scope", "write"))
    assert token.startswith("ml_")
    assert run("token", "create", "acme", "ann", "--scope", "fly").returncode == 1
    (folder / "mini.yaml").write_text(
        kit.MINI.replace("      size: {type", "      city: {type: text}\n      size: {type"), "utf-8"
    )
    plan = json.loads(good(run("plan", "acme", "mini.yaml", "--json")))
    assert any(each["path"].endswith("company.fields.city") for each in plan["changes"])
    assert "company.fields.city" in good(run("plan", "acme", "mini.yaml"))
    assert json.loads(good(run("apply", "acme", plan["id"], "--json"))) == {"release": 2}
    moved_on = run("apply", "acme", plan["id"])
    assert moved_on.returncode == 1 and moved_on.stderr
    assert "Nothing to change" in good(run("apply", "acme", "mini.yaml"))
    assert [each["number"] for each in json.loads(good(run("releases", "acme", "--json")))] == [2, 1]
    assert "acme" in good(run("upgrade"))
    assert "tenant acme" in good(run("doctor"))


def test_a_tenant_is_made_peopled_changed_and_looked_after(run: Run, tmp_path: Path) -> None:
    _life_of_a_tenant(run, tmp_path)
    assert run("tenant", "drop", "acme", stdin="other\n").returncode == 1
    good(run("tenant", "drop", "acme", stdin="acme\n"))
    assert json.loads(good(run("tenant", "list", "--json"))) == []
    assert run("releases", "acme").returncode == 1


def test_the_same_on_postgresql(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini.yaml").write_text(kit.MINI, "utf-8")
    with kit.postgres_urls(fresh_database) as (url, admin):
        run = command(url, METALOOM_ADMIN_DATABASE_URL=admin)
        _life_of_a_tenant(run, tmp_path)
        good(run("tenant", "drop", "acme", "--yes"))


def test_data_goes_in_and_out(run: Run, tmp_path: Path) -> None:
    good(run("tenant", "create", "acme", "--package", "mini.yaml"))
    (tmp_path / "c.csv").write_text("name,size,industry\nAlpha,1,it\nBeta,x,it\nGamma,3,health\n", "utf-8")
    tried = json.loads(run("load", "acme", "company", "c.csv", "--dry-run", "--json").stdout)
    assert (tried["created"], tried["failed"], tried["written"]) == (2, 1, False)
    whole = run("load", "acme", "company", "c.csv", "--all-or-nothing")
    assert whole.returncode == 1 and "Nothing was written" in whole.stdout
    some = run("load", "acme", "company", "c.csv", "--report", "refused.csv")
    assert some.returncode == 1 and "2 created" in some.stdout and "line 3" in some.stderr
    assert "Beta" in (tmp_path / "refused.csv").read_text("utf-8-sig")
    good(run("export", "acme", "company", "out.csv", "--fields", "name,size"))
    out = (tmp_path / "out.csv").read_text("utf-8-sig")
    assert "Alpha" in out and "Gamma" in out and "Beta" not in out
    rows = "".join(f"Company {number},{number}\n" for number in range(1200))
    (tmp_path / "many.csv").write_text("name,size\n" + rows, "utf-8")
    many = json.loads(good(run("load", "acme", "company", "many.csv", "--json")))
    assert (many["created"], many["state"]) == (1200, "done")
    jobs = json.loads(good(run("jobs", "acme", "list", "--json")))
    assert [each["state"] for each in jobs if each["kind"] == "import"] == ["done"]
    good(run("jobs", "acme", "show", jobs[0]["id"]))
    assert run("jobs", "acme", "retry", jobs[0]["id"]).returncode == 1
    assert run("load", "acme", "nothing", "c.csv").returncode == 1
    assert run("load", "acme", "company", "no-such-file.csv").returncode == 2


def test_rows_that_a_rule_only_warns_of_are_loaded_when_told_so(run: Run, tmp_path: Path) -> None:
    rule = '{when: "size > 100", reject: {warn: true, message: {en: So big?, zh: 规模是否正确？}}}'
    warned = kit.MINI.replace("  deal:\n    label", f"    rules: {{huge: {rule}}}\n  deal:\n    label", 1)
    (tmp_path / "warned.yaml").write_text(warned, "utf-8")
    good(run("tenant", "create", "acme", "--package", "warned.yaml"))
    good(run("user", "add", "acme", "ann", "--role", "admin"))
    (tmp_path / "c.csv").write_text("name,size\nAlpha,500\n", "utf-8")
    load = ("load", "acme", "company", "c.csv", "--as-user", "ann")
    refused = run(*load)
    assert refused.returncode == 1 and "So big?" in refused.stderr
    loaded = json.loads(good(run(*load, "--accept-warnings", "--json")))
    assert loaded["created"] == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_answers_until_it_is_told_to_stop(run: Run, tmp_path: Path, workers: int) -> None:
    good(run("tenant", "create", "acme", "--package", "mini.yaml"))
    good(run("user", "add", "acme", "ann", "--role", "admin"))
    token = good(run("token", "create", "acme", "ann", "--scope", "write")).strip()
    port = _free_port()
    code = "import sys; from blueprints.commands import main; sys.argv[0] = 'metaloom'; main()"
    arguments = ["serve", "--port", str(port), "--workers", str(workers)]
    url = f"sqlite:///{tmp_path / 'var'}"
    server = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment(url), stderr=subprocess.DEVNULL
    )
    try:
        assert _asked(port, "/healthz", token) == "ok\n"
        assert json.loads(_asked(port, "/api/v1/company", token))["data"] == []
    finally:
        server.send_signal(signal.SIGTERM if workers > 1 else signal.SIGINT)
        assert server.wait(20) is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _asked(port: int, path: str, token: str) -> str:
    """The answer of a server that may still be starting."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except (ConnectionError, urllib.error.URLError) as problem:
            if isinstance(problem, urllib.error.HTTPError) or time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_the_demo_makes_a_business_once(run: Run) -> None:
    first = good(run("demo", "--no-serve"))
    assert all(login in first for login in ("rep", "manager", "admin"))
    listed: list[dict[str, Any]] = json.loads(good(run("tenant", "list", "--json")))
    assert [each["name"] for each in listed] == ["demo"]
    assert "Making" not in good(run("demo", "--no-serve"))


def test_access_is_explained_on_the_command_line(run: Run, tmp_path: Path) -> None:
    good(run("tenant", "create", "acme", "--package", "mini.yaml"))
    for login, role in (("ada", "admin"), ("sel", "seller")):
        good(run("user", "add", "acme", login, "--role", role, "--password-stdin", stdin="correct horse battery\n"))
    (tmp_path / "deals.csv").write_text("Name\nFirst\n", "utf-8")
    good(run("load", "acme", "deal", "deals.csv"))
    id = _only_deal(tmp_path)
    told = good(run("explain", "acme", "deal", id, "--user", "sel"))
    assert told.splitlines() == ["no", "- The role Seller reaches what sel owns; this one has no owner."]
    told = good(run("explain", "acme", "deal", id, "--user", "ada", "--language", "zh"))
    assert told.splitlines() == ["yes", "+ 角色“管理员”允许查看所有商机。"]
    people = json.loads(good(run("explain", "acme", "deal", id, "--json")))
    assert [each["name"] for each in people["data"]] == ["ada"]
    field = json.loads(good(run("explain", "acme", "deal", id, "--user", "ada", "--field", "amount", "--json")))
    assert (field["right"], field["allowed"]) == ("write", True)


def _only_deal(folder: Path) -> str:
    with sqlite3.connect(next((folder / "var" / "tenants").glob("*.db"))) as db:
        return str(db.execute("SELECT id FROM e_deal").fetchone()[0])
