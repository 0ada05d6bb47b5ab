"""`metaloom test`, and the scenarios that `metaloom plan` plays: what they print and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import kit
from tests.test_blueprints_commands import Run, command, good

SCENARIOS = """
scenarios:
  won:
    label: {en: A deal is won, zh: 赢单}
    given:
      people: {sue: {roles: {seller: {}}}}
      records: {acme: {entity: company, values: {name: Acme}}}
    steps:
      new: {by: sue, create: {entity: deal, values: {name: Big, company: acme, amount: 10}}}
      win: {by: sue, update: {record: new, values: {stage: won}}, expect: {records: {new: {stage: won, owner: sue}}}}
  lost:
    given: {people: {sue: {roles: {seller: {}}}}}
    steps:
      new:
        by: sue
        create: {entity: deal, values: {name: Small}}
        expect: {records: {new: {stage: lost}}}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini.yaml").write_text(kit.MINI + SCENARIOS, "utf-8")
    return command(f"sqlite:///{tmp_path / 'var'}", METALOOM_FILES_URL=f"file:{tmp_path / 'files'}")


def test_each_scenario_is_told_and_failures_have_place_step_and_values(run: Run) -> None:
    done = run("test", "mini.yaml")
    assert done.returncode == 1
    assert "✓ won  A deal is won" in done.stdout
    line = (kit.MINI + SCENARIOS).splitlines().index("        expect: {records: {new: {stage: lost}}}") + 1
    assert f"mini.yaml:{line}:" in done.stdout and "steps.new.expect.records.new.stage" in done.stdout
    assert "new: Stage should be lost, and is open." in done.stdout
    assert done.stdout.endswith("2 scenarios, 1 failed.\n")


def test_it_speaks_the_language_of_the_terminal(run: Run) -> None:
    done = run("test", "mini.yaml", LANG="zh_CN.UTF-8")
    assert "赢单" in done.stdout and "应为 lost，实际为 open" in done.stdout and "2 个场景，1 个失败。" in done.stdout


def test_only_some_are_played_and_what_nothing_touches_is_told(run: Run) -> None:
    text = good(run("test", "mini.yaml", "--only", "won", "--coverage"))
    assert "1 scenario passed." in text and "lost" in text.partition("options of records")[2]
    assert "2/3 options" not in text and "deal.stage.lost" in text and "deal.stage.won" not in text
    assert run("test", "mini.yaml", "--only", "wno").returncode == 2


def test_machines_get_json(run: Run) -> None:
    done = run("test", "mini.yaml", "--json", "--coverage")
    told = json.loads(done.stdout)
    assert (done.returncode, told["passed"], told["failed"]) == (1, 1, 1)
    won, lost = told["scenarios"]
    assert won["passed"] and won["problems"] == []
    (problem,) = lost["problems"]
    assert (problem["step"], problem["code"]) == ("new", "scenario.value")
    assert (problem["expected"], problem["found"]) == ("lost", "open")
    assert problem["file"].endswith("mini.yaml") and problem["line"] > lost["line"]
    assert "deal.stage.lost" in told["coverage"]["states"]["missing"]


def test_a_package_without_scenarios_passes_and_a_wrong_one_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bare.yaml").write_text(kit.MINI, "utf-8")
    assert good(run("test", "bare.yaml")) == "There are no scenarios.\n"
    (tmp_path / "bad.yaml").write_text(kit.MINI + SCENARIOS.replace("record: new", "record: nwe"), "utf-8")
    done = run("test", "bad.yaml")
    assert done.returncode == 1 and "scenario_unknown_record" in done.stderr and "Did you mean new?" in done.stderr


def test_a_plan_plays_the_scenarios_of_what_is_planned(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mini.yaml").write_text(kit.MINI, "utf-8")
    good(run("tenant", "create", "acme", "--package", "mini.yaml"))
    (tmp_path / "mini.yaml").write_text(kit.MINI + SCENARIOS, "utf-8")
    done = run("plan", "acme", "mini.yaml")
    assert done.returncode == 1 and "2 scenarios, 1 failed." in done.stdout and "✗ lost" in done.stdout
    assert "✓" not in done.stdout and "Plan " in done.stdout
    told = json.loads(run("plan", "acme", "mini.yaml", "--json").stdout)
    assert (told["scenarios"]["passed"], told["scenarios"]["failed"]) == (1, 1)
    assert "scenarios" not in good(run("plan", "acme", "mini.yaml", "--no-scenarios")).replace("scenarios.", "")
    (tmp_path / "mini.yaml").write_text(kit.MINI + SCENARIOS.replace("stage: lost", "stage: open"), "utf-8")
    assert "2 scenarios passed." in good(run("plan", "acme", "mini.yaml"))


def test_the_scenarios_of_the_purchasing_package_pass(run: Run) -> None:
    assert "passed" in good(run("test", str(kit.PACKAGES / "purchasing")))
