"""Runs as databases hold them, with the definitions that they follow: each is still read, and goes on as it did then.

A file of `tests/instances` is never changed: whoever changes the shape of runs or of released workflows adds new ones,
and teaches the code to read the old.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from metadata import parts
from metadata.workflows import Workflow
from runtime.processes.messages import happening_of
from tests.stepping import Answers, Story
from workflow.engine import SHAPE, dumped, loaded
from workflow.engine.instance import On

FILES = sorted((Path(__file__).parent / "instances").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_run_that_was_stored_goes_on_as_it_would_have_then(path: Path) -> None:
    told = read(path)
    workflow = parts.build("workflows", told["workflow"])
    assert isinstance(workflow, Workflow)
    story = Story(workflow, Answers(dict(told["facts"])))
    story.instance = loaded(told["instance"])
    for each in told["then"]:
        happening = happening_of(each, ())
        assert happening is not None
        story.tell(happening)
    effects = [type(each).__name__ for each in story.effects]
    assert (story.state, story.entered, effects) == (told["state"], told["entered"], told["effects"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_run_of_todays_shape_is_written_as_it_was_read(path: Path) -> None:
    instance = read(path)["instance"]
    if instance["shape"] == SHAPE:
        assert dumped(loaded(instance)) == instance


def test_everything_that_a_run_can_wait_for_is_among_them() -> None:
    waits = {each["on"] for path in FILES for each in read(path)["instance"]["waits"].values()}
    timers = {
        timer for path in FILES for each in read(path)["instance"]["waits"].values() for timer in each.get("timers", ())
    }
    assert waits >= set(get_args(On)) and timers == {"over", "late"}
