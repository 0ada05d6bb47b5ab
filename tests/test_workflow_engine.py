"""Runs of workflows, construct by construct: the order of their steps and their effects."""

from __future__ import annotations

from typing import Any

import pytest

from metadata import workflows
from metadata.model import EMPTY
from metadata.workflows import (
    Ask,
    Assign,
    CallHttp,
    Create,
    Delete,
    Find,
    Run,
    Send,
    Step,
    Update,
    Value,
    Wait,
    With,
)
from tests.stepping import Answers, Story, act, made_of
from tests.stepping_steps import CARL, choice, each, parallel, story, task
from workflow.engine import (
    AssignRecord,
    Begin,
    CancelRequest,
    CancelWorkflow,
    ClearTimer,
    CloseTask,
    CreateRecord,
    DeleteRecord,
    Due,
    FindMany,
    OpenTask,
    TaskOver,
    Tell,
    UpdateRecord,
    WithdrawApproval,
    advance,
    new_instance,
)
from workflow.engine.steps import BEHAVIOURS

# One after another


def test_steps_are_done_one_after_another() -> None:
    run = story(*act("a", "b"))
    assert run.lines == ["begun", "entered a", "performed a", "left a", "entered b", "performed b", "left b", "ended"]
    assert run.performed == ["UpdateRecord a", "UpdateRecord b"]
    assert run.state == "done" and run.instance.error is None


def test_a_step_waits_for_the_answer_to_its_effect() -> None:
    flow = made_of(*act("a", "b"))
    instance, effects = advance(flow, new_instance("i", flow, release=1, record="r1"), Begin(), Answers())
    assert [type(each) for each in effects if each.answers] == [UpdateRecord]
    assert instance.state == "running"
    assert [each.step for each in instance.walk.tokens] == ["a"]


def test_a_workflow_without_steps_is_done_at_once() -> None:
    assert story().lines == ["begun", "ended"]
    assert story().instance.state == "done"


def test_a_run_begins_once() -> None:
    run = story(task("call"))
    before = run.instance
    assert advance(run.workflow, before, Begin(), run.world) == (before, ())


def test_every_kind_of_step_has_its_behaviour() -> None:
    kinds = {each for each in vars(workflows).values() if isinstance(each, type) and issubclass(each, Step)}
    assert kinds - {Step} == BEHAVIOURS.keys()


# Effects on records


def test_values_are_evaluated_over_the_record_of_the_block_or_name_one() -> None:
    new = Create(
        "new",
        EMPTY,
        entity="task",
        values={"title": Value("name"), "about": Value(record="record"), "first": Value(record="start")},
    )
    run = story(each("lines", new), results={"lines": ("l1",)}, name="Carl")
    assert run.effects[1] == CreateRecord(
        2, "new", "line", "l1", "task", {"title": "Carl", "about": "l1", "first": "r1"}
    )
    assert ("name", "line", "l1") in run.world.asked


def test_a_later_step_names_the_record_that_an_earlier_one_made() -> None:
    new = Create("new", EMPTY, entity="task")
    run = story(new, Update("mark", EMPTY, values={"task": Value(record="new")}), results={"new": "t1"})
    assert run.effects[1] == UpdateRecord(2, "mark", "deal", "r1", {"task": "t1"})
    assert run.instance.made == {"new": "t1"}


def test_what_one_round_made_is_not_of_the_next() -> None:
    new = Create("new", EMPTY, entity="task")
    body = (choice("any", big=(new,)), Update("mark", EMPTY, values={"task": Value(record="new")}))
    run = Story(made_of(each("lines", *body)), Answers({("big", "l1"): True}), {"lines": ("l1", "l2"), "new": "t1"})
    marks = [each.values for each in run.begin().effects if isinstance(each, UpdateRecord)]
    assert marks == [{"task": "t1"}, {"task": None}]


def test_records_are_deleted_and_given_to_somebody() -> None:
    run = story(Assign("give", EMPTY, assignment="round", to=CARL), Delete("drop", EMPTY))
    assert run.effects == [AssignRecord(1, "give", "deal", "r1", "round", CARL), DeleteRecord(2, "drop", "deal", "r1")]


def test_people_are_told() -> None:
    send = Send("tell", EMPTY, to=CARL, address="mail", by=("app", "mail"), subject={"en": "S"}, body={"en": "B"})
    run = story(send, mail="a@b.example")
    told = Tell(1, "tell", "deal", "r1", CARL, "a@b.example", ("app", "mail"), {"en": "S"}, {"en": "B"})
    assert run.effects == [told]


# Choices


@pytest.mark.parametrize(("facts", "expected"), [({"x": True}, "a"), ({"y": True}, "b"), ({}, "c"), ({"x": None}, "c")])
def test_the_first_case_that_holds_is_taken(facts: dict[str, Any], expected: str) -> None:
    run = story(choice("if", x=act("a"), y=act("b"), otherwise=act("c")), *act("end"), **facts)
    assert run.entered == ["if", expected, "end"]
    assert run.lines.index("left if") > run.lines.index(f"left {expected}")


def test_every_condition_that_was_asked_is_in_the_trace() -> None:
    run = story(choice("if", x=act("a"), y=act("b"), z=act("c")), y=True)
    asked = [(each["case"], each["when"], each["record"], each["holds"]) for each in run.line("decided", "if")["asked"]]
    assert asked == [("x", "x", "r1", None), ("y", "y", "r1", True)]
    assert run.line("decided", "if")["block"] == "y"


def test_a_choice_without_a_way_goes_on() -> None:
    assert story(choice("if", x=act("a")), *act("end")).entered == ["if", "end"]


# Parallel


def test_all_branches_are_walked_and_awaited() -> None:
    run = story(parallel("both", x=act("a1", "a2"), y=(task("b"),)), *act("end"))
    assert run.entered == ["both", "a1", "b", "a2"]
    assert run.state == "waiting"
    run.tell(TaskOver(run.visit("b"), "done"))
    assert run.entered[-1] == "end" and run.state == "done"
    assert run.lines.count("left both") == 1


def test_branches_go_as_far_as_they_can_in_their_order() -> None:
    run = story(parallel("both", x=(choice("i", otherwise=(choice("j"),)),), y=(choice("k"),)))
    decided = [line for line in run.lines if line.startswith("decided")]
    assert decided == ["decided i", "decided j", "decided k", "decided both"]


def test_any_cancels_the_other_branches_and_closes_what_they_opened() -> None:
    run = story(
        parallel(
            "race",
            "any",
            ask=(Ask("ask", EMPTY, approval="discount"),),
            call=(task("call", timeout="PT5H"),),
            other=(Run("other", EMPTY, workflow="w"),),
            http=(CallHttp("http", EMPTY, url="https://a.example"),),
            pause=(Wait("pause", EMPTY, span="PT1H"),),
        ),
        *act("end"),
    )
    visits = {token.step: token.visit for token in run.instance.walk.tokens}
    before = len(run.effects)
    run.tell(Due(visits["pause"], "over"))
    assert run.effects[before:-1] == [
        WithdrawApproval(visits["ask"], "ask", "ask-2"),
        ClearTimer(visits["call"], "call", "late"),
        CloseTask(visits["call"], "call", "call-3"),
        CancelWorkflow(visits["other"], "other", "other-4"),
        CancelRequest(visits["http"], "http", "http-5"),
    ]
    assert [line for line in run.lines if line.startswith("cancelled")] == [
        "cancelled ask",
        "cancelled call",
        "cancelled other",
        "cancelled http",
    ]
    assert run.state == "done" and run.entered[-1] == "end"


def test_an_effect_that_a_faster_branch_made_void_is_not_wanted() -> None:
    run = story(parallel("race", "any", x=(choice("now"),), y=(task("call"),)), *act("end"))
    assert run.performed == ["UpdateRecord end"]


def test_an_effect_is_not_due_when_the_answer_to_an_earlier_one_has_cancelled_it() -> None:
    run = story(parallel("race", "any", x=act("a"), y=(task("call"),)), *act("end"))
    assert run.performed == ["UpdateRecord a", "UpdateRecord end"]


@pytest.mark.parametrize(("join", "entered"), [("any", ["both", "end"]), ("all", ["both", "a", "end"])])
def test_an_empty_branch_is_over_at_once(join: str, entered: list[str]) -> None:
    assert story(parallel("both", join, x=act("a"), y=()), *act("end")).entered == entered


def test_parallel_without_branches_goes_on() -> None:
    assert story(parallel("both"), *act("end")).entered == ["both", "end"]


# Records found


def test_with_goes_to_the_linked_record() -> None:
    found = With("with", EMPTY, path="account", entity="account", steps=act("a"), none=act("b"))
    run = story(found, account="x1")
    assert (run.state, run.entered) == ("done", ["with", "a"])
    (change,) = run.effects
    assert isinstance(change, UpdateRecord) and (change.entity, change.record) == ("account", "x1")
    assert story(found).entered == ["with", "b"]


def test_for_each_goes_one_record_after_another() -> None:
    run = story(each("lines", *act("a", "b")), *act("end"), results={"lines": ("l1", "l2")})
    assert run.entered == ["lines", "a", "b", "a", "b", "end"]
    assert run.effects[0] == FindMany(1, "lines", "deal", "r1", "line", "open", "deal", ("name",), 200)
    changed = [(each.entity, each.record) for each in run.effects if isinstance(each, UpdateRecord)]
    assert changed == [("line", "l1"), ("line", "l1"), ("line", "l2"), ("line", "l2"), ("deal", "r1")]


def test_for_each_stops_at_its_limit() -> None:
    run = story(each("lines", *act("a"), limit=2), results={"lines": ("l1", "l2", "l3")})
    assert run.entered == ["lines", "a", "a"]


def test_the_next_record_waits_until_the_one_before_is_through() -> None:
    run = story(each("lines", task("call")), results={"lines": ("l1", "l2")})
    first = run.visit("call")
    run.tell(TaskOver(first, "done"))
    assert run.visit("call") != first
    assert [each.record for each in run.effects if isinstance(each, OpenTask)] == ["l1", "l2"]


def test_for_each_over_nothing_or_with_nothing_to_do_goes_on() -> None:
    assert story(each("lines", *act("a")), *act("end")).entered == ["lines", "end"]
    assert story(each("lines"), *act("end"), results={"lines": ("l1",)}).entered == ["lines", "end"]


def test_within_each_other_records_are_found_by_the_one_of_the_block() -> None:
    run = story(each("lines", each("parts", *act("a"), entity="part")), results={"lines": ("l1",), "parts": ("p1",)})
    found = [(each.entity, each.record, each.wanted) for each in run.effects if isinstance(each, FindMany)]
    assert found == [("deal", "r1", "line"), ("line", "l1", "part")]


@pytest.mark.parametrize(
    ("ids", "effect"),
    [
        (("c1", "c2"), UpdateRecord(2, "a", "account", "c1", {})),
        ((), UpdateRecord(2, "b", "deal", "r1", {})),
    ],
)
def test_find_moves_to_the_first_record_or_does_none(ids: tuple[str, ...], effect: UpdateRecord) -> None:
    find = Find("find", EMPTY, entity="account", where="w", found=act("a"), none=act("b"))
    run = story(find, results={"find": ids})
    assert run.effects[1:] == [effect]
    assert isinstance(run.effects[0], FindMany) and run.effects[0].limit == 1
