"""How runs end: failures and what catches them, ends, budgets; and how they are kept between two happenings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from metadata.model import EMPTY
from metadata.workflows import (
    Stop,
    Try,
    Wait,
)
from tests.stepping import NO, Answers, Story, act, made_of
from tests.stepping_steps import choice, each, event, parallel, story, task
from workflow.engine import (
    FINAL,
    MOST_DEPTH,
    MOST_STEPS,
    Answered,
    Begin,
    Cancel,
    CloseTask,
    Due,
    Ended,
    Failed,
    Happened,
    Happening,
    Performed,
    Settled,
    TaskOver,
    UnknownShape,
    advance,
    again,
    dumped,
    is_due,
    loaded,
    new_instance,
)

# Failures


def test_a_failure_fails_the_run_and_cancels_all_the_rest() -> None:
    run = story(
        parallel("both", x=(task("call", timeout="P1D"),), y=act("bad", "never")), *act("end"), results={"bad": NO}
    )
    assert run.state == "failed" and run.instance.walk.tokens == () and not run.instance.waits
    assert run.instance.error == replace(NO, step="bad", visit=3)
    assert run.entered == ["both", "call", "bad"]
    assert run.lines[-4:] == ["failed bad", "cancelled call", "cancelled both", "ended"]
    assert run.performed[-2:] == ["ClearTimer call", "CloseTask call"]
    assert run.line("ended") == {"state": "failed", "code": "refused", "texts": {"en": "No.", "zh": "不行。"}}


def test_a_failure_that_is_not_final_is_only_noted() -> None:
    flow = made_of(*act("a"))
    begun, effects = advance(flow, new_instance("i", flow, release=1, record="r1"), Begin(), Answers())
    instance, notes = advance(flow, begun, Failed(1, NO, final=False), Answers())
    assert instance == begun
    assert [(each.step, type(each).__name__) for each in notes] == [("a", "Note")]
    assert again(flow, instance, Answers()) == tuple(each for each in effects if each.answers)


def test_try_catches_a_failure_and_the_run_goes_on() -> None:
    run = story(Try("safe", EMPTY, steps=act("a", "bad", "b"), catch=act("help")), *act("end"), results={"bad": NO})
    assert run.entered == ["safe", "a", "bad", "help", "end"]
    assert run.state == "done" and run.instance.error is None
    assert run.line("failed", "bad") == {"code": "refused", "texts": {"en": "No.", "zh": "不行。"}, "final": True}


def test_try_cancels_what_is_inside_before_it_catches() -> None:
    inside = parallel("both", x=(task("call"),), y=act("bad"))
    run = story(Try("safe", EMPTY, steps=(inside,), catch=act("help")), results={"bad": NO})
    tail = [line for line in run.lines if line.split()[0] in {"failed", "cancelled", "decided", "entered"}][-5:]
    assert tail == ["failed bad", "cancelled call", "cancelled both", "decided safe", "entered help"]
    assert run.performed[-2:] == ["CloseTask call", "UpdateRecord help"]


def test_try_without_a_failure_does_not_catch() -> None:
    assert story(Try("safe", EMPTY, steps=act("a"), catch=act("help")), *act("end")).entered == ["safe", "a", "end"]


def test_a_failure_while_catching_goes_to_the_try_around() -> None:
    inner = Try("inner", EMPTY, steps=act("bad"), catch=act("worse"))
    run = story(Try("outer", EMPTY, steps=(inner,), catch=act("help")), results={"bad": NO, "worse": NO})
    assert run.entered == ["outer", "inner", "bad", "worse", "help"]
    assert run.state == "done"
    assert story(inner, results={"bad": NO, "worse": NO}).instance.state == "failed"


def test_a_failure_beside_a_try_is_not_its_own() -> None:
    safe = Try("safe", EMPTY, steps=(task("call"),), catch=act("help"))
    run = story(parallel("both", x=(safe,), y=act("bad")), results={"bad": NO})
    assert run.state == "failed" and "help" not in run.entered


def test_a_task_that_fails_later_is_a_failure_of_its_step() -> None:
    run = story(Try("safe", EMPTY, steps=(task("call"),), catch=act("help"))).tell(Failed(2, NO))
    assert run.entered == ["safe", "call", "help"]


# Ends


@pytest.mark.parametrize(("failed", "state"), [(False, "stopped"), (True, "failed")])
def test_stop_ends_the_whole_run_and_nothing_catches_that(failed: bool, state: str) -> None:
    stop = Stop("halt", EMPTY, failed=failed, reason={"en": "Enough."})
    inside = parallel("both", x=(task("call"),), y=(event("go"), stop, *act("never")))
    run = story(Try("safe", EMPTY, steps=(inside,), catch=act("help")), *act("end"))
    run.tell(Happened("updated", "r1"))
    assert run.state == state and run.instance.error is not None
    assert run.instance.error.texts == {"en": "Enough."} and run.instance.error.step == "halt"
    assert run.lines[-5:] == ["left halt", "cancelled call", "cancelled both", "cancelled safe", "ended"]


def test_stop_without_a_reason_has_one() -> None:
    run = story(Stop("halt", EMPTY))
    assert run.instance.error is not None and set(run.instance.error.texts) == {"en", "zh"}


def test_somebody_cancels_a_run() -> None:
    run = story(parallel("both", x=(task("call"),), y=(Wait("pause", EMPTY, span="PT1H"),))).tell(Cancel(NO))
    assert run.state == "cancelled" and run.instance.error == NO
    assert run.performed[-2:] == ["CloseTask call", "ClearTimer pause"]


def test_a_run_that_is_over_hears_nothing() -> None:
    run = story(*act("a"))
    for happening in (Begin(), Performed(1), Cancel(NO), Due(1, "over"), Happened("updated", "r1")):
        assert advance(run.workflow, run.instance, happening, run.world) == (run.instance, ())


@pytest.mark.parametrize(
    "stale",
    [
        Performed(1, "x"),
        Performed(9),
        Failed(9, NO),
        Due(1, "over"),
        Due(9, "late"),
        Settled(1, "approved"),
        Answered(1, True),
        Ended(1, True),
        TaskOver(9, "done"),
    ],
)
def test_what_a_run_does_not_wait_for_changes_nothing(stale: Happening) -> None:
    run = story(task("call", timeout="P1D"))
    instance, effects = advance(run.workflow, run.instance, stale, run.world)
    assert instance is run.instance and effects == ()


def test_the_same_timer_twice_counts_once() -> None:
    run = story(task("call", timeout="P1D", late=(task("next"),))).tell(Due(1, "late"))
    assert advance(run.workflow, run.instance, Due(1, "late"), run.world) == (run.instance, ())


# Budgets


def endless(count: int) -> Story:
    run = Story(made_of(each("lines", *act("a"), limit=5000)), results={"lines": tuple(map(str, range(count)))})
    return run.begin()


def test_a_run_may_enter_as_many_steps_as_the_budget_says() -> None:
    run = endless(MOST_STEPS - 1)
    assert run.state == "done" and run.instance.steps_done == MOST_STEPS


def test_a_run_beyond_its_budget_fails_and_says_where() -> None:
    run = endless(MOST_STEPS)
    assert run.state == "failed" and run.instance.error is not None
    assert run.instance.error.code == "workflow_too_many_steps"
    assert "lines > a" in run.instance.error.texts["en"] and "lines > a" in run.instance.error.texts["zh"]
    assert run.instance.walk.tokens == () and run.instance.steps_done == MOST_STEPS
    assert len(run.entered) == MOST_STEPS


def test_the_budget_ends_a_run_in_the_middle_of_its_branches() -> None:
    branches = parallel("both", x=act("a"), y=act("b"), z=act("c"))
    run = Story(made_of(Try("safe", EMPTY, steps=(each("lines", branches, limit=5000),), catch=act("help"))))
    run.results = {"lines": tuple(map(str, range(MOST_STEPS)))}
    run.begin()
    assert run.state == "failed" and "help" not in run.entered
    assert run.instance.error is not None and run.instance.error.code == "workflow_too_many_steps"


def test_a_long_workflow_does_not_exhaust_the_stack() -> None:
    run = story(*(choice(f"c{number}") for number in range(900)))
    assert run.state == "done"


def test_runs_that_start_one_another_end_at_some_depth() -> None:
    flow = made_of(*act("a"))
    deepest = Story(flow, depth=MOST_DEPTH).begin()
    assert deepest.state == "done"
    run = Story(flow, depth=MOST_DEPTH + 1).tell(Begin(("ping", "pong")))
    assert run.state == "failed" and run.instance.error is not None
    assert "ping > pong > flow" in run.instance.error.texts["en"]
    assert run.entered == [] and run.performed == []


# Saving and restoring

STORED = """
{"shape": 1, "id": "run-1", "workflow": "flow", "release": 3, "entity": "deal", "record": "r1", "depth": 2,
 "state": "waiting", "steps_done": 4, "made": {"new": "t1"}, "error": null,
 "walk": {"tokens": [[1, "lines", null, "", null], [2, "both", 1, "do", "l1"], [3, "call", 2, "x", null],
                     [4, "change", 2, "y", null]], "visits": 4},
 "waits": {"1": {"on": "block", "rest": ["l2"]}, "2": {"on": "block"},
           "3": {"on": "task", "opened": "t2", "timers": ["late"]},
           "4": {"on": "event", "event": "updated", "entity": "line", "record": "l1"}}}
"""


def test_a_run_that_was_stored_in_this_shape_is_read_and_goes_on() -> None:
    """What is stored in databases looks like this; whoever changes the shape must still read it."""
    inside = parallel("both", x=(task("call", timeout="P1D"),), y=(event("change"),))
    run = Story(made_of(each("lines", inside)))
    run.instance = loaded(json.loads(STORED))
    assert dumped(run.instance) == json.loads(STORED)
    run.tell(TaskOver(3, "done"), Happened("updated", "l1"))
    assert [token.record for token in run.instance.walk.tokens if token.step == "both"] == ["l2"]


def test_a_run_that_failed_is_stored_with_its_reason() -> None:
    run = story(*act("bad"), results={"bad": NO})
    assert loaded(json.loads(json.dumps(dumped(run.instance)))) == run.instance


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(shape=2),
        lambda data: data.pop("shape"),
        lambda data: data.pop("made"),
        lambda data: data.update(more=1),
        lambda data: data.update(state="asleep"),
        lambda data: data.update(release="3"),
        lambda data: data.update(error={"code": "x"}),
        lambda data: data["walk"].pop("visits"),
        lambda data: data["walk"]["tokens"].append([5, "a", None, "", None, "more"]),
        lambda data: data["walk"]["tokens"].append([5, "a", None, "", None]),
        lambda data: data["waits"].pop("3"),
        lambda data: data["waits"]["3"].update(more=1),
        lambda data: data["waits"]["3"].update(on="godot"),
        lambda data: data["waits"].update(x={"on": "block"}),
    ],
)
def test_nothing_of_an_unknown_shape_is_guessed(spoil: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads(STORED)
    spoil(data)
    with pytest.raises(UnknownShape):
        loaded(data)


def test_a_run_at_a_step_that_its_workflow_does_not_have_fails_and_closes_what_it_opened() -> None:
    run = story(task("call"))
    instance, effects = advance(made_of(*act("a")), run.instance, TaskOver(1, "done"), run.world)
    assert instance.state == "failed" and instance.error is not None and instance.error.code == "workflow_step_gone"
    assert CloseTask(1, "call", "call-1") in effects


def test_effects_are_due_as_long_as_their_token_waits_for_them() -> None:
    run = story(task("call", timeout="P1D"))
    opened, timer = run.effects
    assert not is_due(run.instance, opened) and is_due(run.instance, timer)
    over = run.tell(TaskOver(1, "done")).instance
    assert over.state in FINAL and not is_due(over, timer)
    assert is_due(over, CloseTask(1, "call", "call-1"))
