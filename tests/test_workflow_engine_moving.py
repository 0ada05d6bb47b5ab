"""Moving runs to another definition by a map: what is kept, what begins anew, and what is refused with its reason."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings

from metadata.model import EMPTY
from metadata.workflows import Create, Parallel, Steps, Try, Update, Value, Wait, Workflow
from tests.stepping import START, Answers, Story, act, made_of
from tests.stepping_steps import choice, each, event, parallel, story, task
from tests.test_workflow_engine_properties import SEEDS, Fickle, Player, grown
from workflow.engine import (
    FINAL,
    Begin,
    CloseTask,
    Due,
    Foreseen,
    Happened,
    Landing,
    Note,
    OpenTask,
    TaskOver,
    advance,
    again,
    dumped,
    foreseen,
    loaded,
    move,
)


def moved(run: Story, new: Workflow, /, **steps: str) -> Story:
    """The run under the new definition, its effects performed."""
    assert foreseen(run.workflow, new, run.instance, steps).problems == ()
    instance, effects = move(run.workflow, new, 4, run.instance, steps, run.world)
    run.workflow, run.instance = new, loaded(json.loads(json.dumps(dumped(instance))))
    assert run.instance == instance and run.instance.release == 4
    run.effects.extend(each for each in effects if not isinstance(each, Note))
    run.trace.extend(each.line for each in effects if isinstance(each, Note))
    return run


def refused(run: Story, new: Workflow, **steps: str) -> list[str]:
    return [
        each.code.removeprefix("workflow_move_") for each in foreseen(run.workflow, new, run.instance, steps).problems
    ]


def test_a_step_that_both_have_is_kept_with_what_it_waits_for() -> None:
    run = story(task("call", timeout="P1D"), *act("a"))
    before = run.instance.waits
    moved(run, made_of(*act("first"), task("call", timeout="P1D"), *act("b")))
    assert run.instance.waits == before and len(run.effects) == 2
    run.tell(TaskOver(1, "done"))
    assert run.entered == ["call", "b"] and run.state == "done"


def test_a_renamed_step_is_kept_by_the_map() -> None:
    run = moved(story(task("call"), *act("a")), made_of(task("ring"), *act("b")), call="ring")
    assert [(each.step, each.detail["from"]) for each in run.trace if each.kind == "moved"] == [("ring", "call")]
    assert run.tell(TaskOver(1, "done")).entered == ["call", "b"]


def test_a_step_of_another_kind_begins_anew_and_what_was_open_is_closed() -> None:
    run = moved(story(task("call", timeout="P1D")), made_of(Wait("pause", EMPTY, span="PT2H"), *act("b")), call="pause")
    assert CloseTask(1, "call", "call-1") in run.effects
    assert [each.on for each in run.instance.waits.values()] == ["timer"]
    run.world.now = START.replace(hour=23)
    assert run.tell(Due(2, "over")).entered == ["call", "pause", "b"]
    opened = moved(story(event("change")), made_of(task("call")), change="call")
    assert isinstance(opened.effects[-1], OpenTask)


def test_the_end_is_a_place_too() -> None:
    run = moved(story(task("call")), made_of(*act("a")), call="end")
    assert run.state == "stopped" and run.instance.error is not None
    assert run.instance.error.code == "workflow_moved_to_end" and CloseTask(1, "call", "call-1") in run.effects


def test_what_the_map_does_not_cover_is_refused() -> None:
    run = story(task("call"))
    assert refused(run, made_of(*act("a"))) == ["uncovered"]
    assert refused(run, made_of(event("call"))) == ["uncovered"]
    assert refused(run, made_of(*act("a")), call="b") == ["unknown"]
    assert refused(run, made_of(choice("if", x=(task("call"),)))) == ["uncovered"]
    assert refused(run, made_of(choice("if", x=(task("new"),))), call="new") == ["block"]


def test_inside_a_loop_a_run_stays_in_its_loop_and_goes_on_with_its_records() -> None:
    run = story(each("lines", task("call")), results={"lines": ("l1", "l2")})
    new = made_of(each("rows", task("ring"), *act("b")))
    assert refused(run, new, call="ring") == ["uncovered", "block"]
    moved(run, new, lines="rows", call="ring").tell(TaskOver(2, "done"))
    assert [token.record for token in run.instance.walk.tokens if token.step == "ring"] == ["l2"]
    other = made_of(each("rows", task("ring"), entity="mark"))
    assert (
        refused(story(each("lines", task("call")), results={"lines": ("l1",)}), other, lines="rows", call="ring") != []
    )


def test_a_run_at_one_place_may_leave_its_loop_for_a_step_outside_all_blocks() -> None:
    run = story(each("lines", task("call")), results={"lines": ("l1", "l2")})
    moved(run, made_of(*act("after")), call="after")
    assert run.entered[-1] == "after"
    assert [each.step for each in run.instance.walk.tokens] == ["after"] and CloseTask(
        2, "call", "call-2"
    ) in run.effects


def test_branches_are_moved_together_or_not_at_all() -> None:
    run = story(parallel("both", x=(task("a"),), y=(task("b"),)))
    assert refused(run, made_of(*act("after")), a="after", b="after")[0] == "uncovered"
    assert refused(run, made_of(parallel("both", x=(task("a"),))))[0] == "uncovered"
    same = made_of(parallel("both", x=(task("a"),), y=(task("c"), *act("d"))))
    assert refused(run, same) == ["uncovered"]
    assert refused(run, same, b="end") == ["end"]
    assert foreseen(run.workflow, same, run.instance, {"b": "c"}) == Foreseen(
        (Landing(1, "both", "both"), Landing(2, "a", "a"), Landing(3, "b", "c"))
    )


def test_records_that_the_run_made_are_known_by_the_new_names() -> None:
    def flow(name: str) -> tuple[Steps, Workflow]:
        last = Update("last", EMPTY, values={"x": Value(record=name)})
        steps = (Create(name, EMPTY, entity="note"), event("change"), last)
        return steps, made_of(*steps)

    run = moved(story(*flow("new")[0]), flow("fresh")[1], **{"new": "fresh"}).tell(Happened("updated", "r1"))
    assert run.effects[-1].values == {"x": "new-1"}  # type: ignore[union-attr]


def test_a_failed_step_is_tried_again_as_the_new_definition_says_it() -> None:
    old, new = (made_of(Update("set", EMPTY, values={"x": Value(text)})) for text in ("wrong", "right"))
    run = Story(old, Answers({"wrong": 1, "right": 2}))
    run.instance, _ = advance(old, run.instance, Begin(), run.world)
    _, effects = move(old, new, 4, run.instance, {}, run.world)
    assert [each.values for each in effects if each.answers] == [{"x": 2}]  # type: ignore[union-attr]


def test_a_try_keeps_what_it_guards() -> None:
    run = story(Try("safe", EMPTY, steps=(task("call"),), catch=act("caught")))
    new = made_of(Try("safe", EMPTY, steps=(task("call"), *act("more")), catch=act("other")))
    assert moved(run, new).tell(TaskOver(2, "done")).entered == ["safe", "call", "more"]


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_moving_to_the_same_definition_changes_nothing_but_the_release(seed: int) -> None:
    chance = random.Random(seed)
    player = Player(chance, grown(chance))
    player.tell(Begin())
    for _ in range(chance.randint(0, 30)):
        if player.instance.state in FINAL:
            return
        if player.queue:
            player.perform(player.queue.pop(0))
        else:
            player.tell(player.something())
    if player.instance.state in FINAL:
        return
    before, world = player.instance, Fickle(now=player.world.now)
    assert foreseen(player.workflow, player.workflow, before, {}).problems == ()
    after, effects = move(player.workflow, player.workflow, 2, before, {}, world)
    assert (after.walk, dict(after.waits), after.release) == (before.walk, dict(before.waits), 2)
    wanted = [each for each in effects if each.answers]
    assert sorted(map(repr, wanted)) == sorted(map(repr, again(player.workflow, before, world)))


@pytest.mark.parametrize("join", ["all", "any"])
def test_a_branch_more_or_less_is_not_the_same_parallel(join: str) -> None:
    run = story(parallel("both", x=(task("a"),), y=(task("b"),)))
    more = made_of(Parallel("both", EMPTY, branches={"x": (task("a"),), "y": (task("b"),), "z": act("c")}, join=join))  # type: ignore[arg-type]
    assert refused(run, more)[0] == "uncovered"
