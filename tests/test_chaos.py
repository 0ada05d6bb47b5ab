"""The chaos harness with small counts: what was acknowledged is there, and mistakes put into the system are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@pytest.fixture(autouse=True)
def _servers(postgres: str, redis_url: str) -> None:
    """Skips where there are no servers: the harness starts some of its own, which it kills."""


def chaos(*arguments: str) -> tuple[int, dict[str, str], str]:
    """Exit code, the lines by the name of their figure, everything that was said."""
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    lines = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("chaos ")}
    return done.returncode, lines, done.stdout + done.stderr


def test_f03_f06_f07_what_was_acknowledged_is_there_once_whatever_was_killed() -> None:
    blows = ("--kills", "3", "--flushes", "1", "--crashes", "1", "--lease", "3")
    code, lines, said = chaos("--only", "--jobs", "40", *blows)
    assert code == 0, said
    assert {"acknowledged", "blows", "lost", "doubled", "outside", "answers", "stuck"} <= lines.keys()
    assert "lost=0 ok" in lines["lost"] and "doubled=0" in lines["doubled"]


@pytest.mark.parametrize("fault", ["outbox_without_key"])
def test_a_mistake_that_is_put_into_the_system_is_found(fault: str) -> None:
    code, _, said = chaos("--fault", fault)
    assert code == 1 and "without_a_known_key=0" not in said, said


def test_unknown_mistakes_are_refused() -> None:
    assert chaos("--fault", "no_such_fault")[0] == 2
