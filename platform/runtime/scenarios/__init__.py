"""Scenarios: tests of a description, played on the real engine in a throw-away tenant with a clock of its own."""

from runtime.scenarios.covering import everything
from runtime.scenarios.play import Result, play, play_all
from runtime.scenarios.stage import Stage, opened

__all__ = ["Result", "Stage", "everything", "opened", "play", "play_all"]
