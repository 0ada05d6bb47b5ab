"""The audit with few tasks and pages: real people at a real Chromium, with nothing for it or axe to complain of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.person import MISSING, program
from tests.browser.tasks import SMALL

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """What a small run prints, by the name of the figure."""
    if program() is None:
        pytest.skip(MISSING)
    command = [sys.executable, "-m", "tests.browser", "--small", "--only", "tasks,pages"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("audit ")}


@pytest.mark.parametrize("task", SMALL)
def test_a_person_does_it_in_few_steps(lines: dict[str, str], task: str) -> None:
    assert lines[task].endswith(" ok"), lines[task]


def test_pages_have_nothing_to_complain_of(lines: dict[str, str]) -> None:
    assert "pages=14 with_complaints=0 ok" in lines["pages_clean"], lines["pages_clean"]
