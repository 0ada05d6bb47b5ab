"""The bench with small counts: both applications answer the same to every question, and every figure is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMPARED = ("read", "list", "list_count", "deep_page", "contains", "q", "aggregate", "update", "create", "bulk")
ALONE = ("compile", "compile_changed", "start", "memory", "add_field", "add_entity", "expressions")
LOADED = ("load_processor", "load_insert", "load_upsert", "load_of_floor", "load_of_hand")
GROWTH = ("growth_read", "growth_list", "growth_create")


def bench(database: str) -> dict[str, str]:
    """The lines that a small run prints, by the name of their figure."""
    command = [sys.executable, "-m", "tests.bench", "--small", "--secs", "0.1", "--rounds", "1", "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("bench ")}


def test_on_postgresql_both_applications_answer_the_same_and_every_figure_is_printed(postgres: str) -> None:
    lines = bench("postgresql")
    assert {*COMPARED, *ALONE, *LOADED, *GROWTH} <= lines.keys()
    for name in COMPARED:
        assert lines[f"{name}_equal"].endswith(" ok"), lines[f"{name}_equal"]
        assert "errors=" not in lines[name], lines[name]
    for name in ("add_field", "add_entity"):
        assert "failed=0" in lines[name], lines[name]


def test_on_sqlite_both_applications_answer_the_same() -> None:
    lines = bench("sqlite")
    for name in COMPARED:
        assert lines[f"{name}_equal"].endswith(" ok"), lines[f"{name}_equal"]
        assert "errors=" not in lines[f"sqlite_{name}"], lines[f"sqlite_{name}"]


@pytest.mark.parametrize("arguments", [["--secs", "600"], ["--rounds", "1000"]])
def test_the_load_is_bounded(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60).returncode == 2
