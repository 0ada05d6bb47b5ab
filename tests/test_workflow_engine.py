"""Runs of workflows, construct by construct: the order of their steps, their effects, and what each happening does."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from metadata import workflows
from metadata.model import EMPTY
from metadata.workflows import (
    Ask,
    Assign,
    CallHttp,
    Case,
    Choice,
    Create,
    Delete,
    Each,
    Find,
    HumanTask,
    Parallel,
    Person,
    Run,
    Send,
    Step,
    Steps,
    Stop,
    Try,
    Update,
    Value,
    Wait,
)
from tests.stepping import NO, START, Answers, Story, act, made_of
from workflow.engine import (
    FINAL,
    MOST_DEPTH,
    MOST_STEPS,
    Answered,
    AssignRecord,
    Begin,
    Cancel,
    CancelRequest,
    CancelWorkflow,
    ClearTimer,
    CloseTask,
    CreateRecord,
    DeleteRecord,
    Due,
    Ended,
    Failed,
    FindMany,
    Happened,
    Happening,
    OpenTask,
    Performed,
    SendRequest,
    SetTimer,
    Settled,
    StartWorkflow,
    SubmitApproval,
    TaskOver,
    Tell,
    UnknownShape,
    UpdateRecord,
    WithdrawApproval,
    advance,
    again,
    dumped,
    is_due,
    loaded,
    new_instance,
)
from workflow.engine.steps import BEHAVIOURS

HOUR = dt.timedelta(hours=1)
CARL = (Person(role="clerk"),)


def story(*steps: Step, results: dict[str, Any] | None = None, **facts: Any) -> Story:
    return Story(made_of(*steps), Answers(dict(facts)), results or {}).begin()


def choice(id: str, otherwise: Steps = (), **cases: Steps) -> Choice:
    """Cases whose conditions are their names."""
    return Choice(id, EMPTY, cases=tuple(Case(name, name, steps) for name, steps in cases.items()), otherwise=otherwise)


def parallel(id: str, join: Any = "all", **branches: Steps) -> Parallel:
    return Parallel(id, EMPTY, branches=branches, join=join)


def each(id: str, *steps: Step, limit: int = 200, entity: str = "line") -> Each:
    return Each(id, EMPTY, entity=entity, where="open", by="deal", sort=("name",), limit=limit, steps=steps)


def task(id: str, **more: Any) -> HumanTask:
    return HumanTask(id, EMPTY, title={"en": "Call {name}"}, to=CARL, **more)


def event(id: str, **more: Any) -> Wait:
    return Wait(id, EMPTY, event="updated", **more)


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


# Waiting for time and events


def test_a_span_is_waited_for_in_its_calendar() -> None:
    run = story(Wait("pause", EMPTY, span="PT3H", calendar="china"), *act("end"))
    assert run.effects == [SetTimer(1, "pause", "over", START + 6 * HOUR)]
    assert run.state == "waiting"
    assert run.line("waiting", "pause") == {"on": "timer", "over": (START + 6 * HOUR).isoformat()}
    assert run.tell(Due(1, "over")).entered == ["pause", "end"]


def test_a_moment_is_waited_for() -> None:
    run = story(Wait("pause", EMPTY, until="date"), *act("end"), date=START + HOUR)
    assert run.timer("pause") == START + HOUR
    run.world.now = START + HOUR
    assert run.tell(Due(1, "over")).instance.state == "done"


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    run = story(Wait("pause", EMPTY, until="date"), *act("end"), date=START)
    assert run.performed == ["UpdateRecord end"]


def test_a_moment_that_has_moved_later_is_waited_for_again() -> None:
    run = story(Wait("pause", EMPTY, until="date"), *act("end"), date=START + HOUR)
    run.world.facts["date"] = START + 5 * HOUR
    run.world.now = START + HOUR
    run.tell(Due(1, "over"))
    assert run.state == "waiting" and run.timer("pause") == START + 5 * HOUR


@pytest.mark.parametrize(
    "wait", [Wait("pause", EMPTY, until="date"), Wait("pause", EMPTY, span="P9999Y"), event("pause", timeout="P9999Y")]
)
def test_no_moment_to_wait_for_is_a_failure_that_can_be_caught(wait: Wait) -> None:
    run = story(wait)
    assert run.state == "failed" and run.instance.error is not None
    assert (run.instance.error.code, run.instance.error.step) == ("workflow_no_moment", "pause")
    assert story(Try("safe", EMPTY, steps=(wait,), catch=act("help"))).instance.state == "done"


def test_an_event_of_the_record_is_waited_for() -> None:
    run = story(event("change"), *act("end"))
    assert run.instance.listens == {("updated", "deal", "r1")}
    for other in (Happened("updated", "r2"), Happened("deleted", "r1")):
        assert advance(run.workflow, run.instance, other, run.world) == (run.instance, ())
    run.tell(Happened("updated", "r1", ("stage",)))
    assert run.state == "done" and run.instance.listens == frozenset()
    assert run.line("resumed", "change") == {"by": "updated", "changed": ["stage"]}


def test_an_event_must_meet_its_condition() -> None:
    run = story(event("change", when="changed('stage')", timeout="P1D"), *act("end"))
    run.tell(Happened("updated", "r1", ("name",)))
    assert run.state == "waiting"
    assert [each["holds"] for each in run.line("decided", "change")["asked"]] == [None]
    run.world.facts["changed('stage')"] = True
    run.tell(Happened("updated", "r1", ("stage",)))
    assert run.state == "done"
    assert ClearTimer(1, "change", "late") in run.effects


def test_an_event_that_does_not_come_is_late() -> None:
    run = story(event("change", timeout="P1D", late=act("remind")), *act("end"))
    assert run.timer("change") == START + 24 * HOUR
    run.tell(Due(1, "late"))
    assert run.entered == ["change", "remind", "end"]
    assert not any(isinstance(each, ClearTimer) for each in run.effects)


def test_one_event_goes_to_all_who_wait_for_it_unless_one_cancels_another() -> None:
    branches = {"x": (event("c1"), *act("a")), "y": (event("c2"), *act("b"))}
    assert story(parallel("both", **branches)).tell(Happened("updated", "r1")).entered[-2:] == ["a", "b"]
    quick = {"x": (event("c1"),), "y": (event("c2"),)}
    run = story(parallel("race", "any", **quick)).tell(Happened("updated", "r1"))
    assert "resumed c2" not in run.lines and run.state == "done"


# People


def test_a_task_is_opened_for_somebody_with_its_due_moment() -> None:
    run = story(task("call", due="PT2H"))
    assert run.effects == [OpenTask(1, "call", "deal", "r1", {"en": "Call {name}"}, CARL, START + 2 * HOUR)]
    assert run.line("waiting", "call") == {"on": "task", "opened": "call-1"}


@pytest.mark.parametrize("outcome", ["done", "dropped"])
def test_a_task_goes_on_with_its_outcome(outcome: Any) -> None:
    run = story(task("call", done=act("done"), dropped=act("dropped"), timeout="P1D"), *act("end"))
    run.tell(TaskOver(1, outcome))
    assert run.entered == ["call", outcome, "end"]
    assert run.performed == [
        "OpenTask call",
        "SetTimer call",
        "ClearTimer call",
        f"UpdateRecord {outcome}",
        "UpdateRecord end",
    ]


def test_a_late_task_is_closed() -> None:
    run = story(task("call", timeout="P1D", late=act("chase")), *act("end")).tell(Due(1, "late"))
    assert CloseTask(1, "call", "call-1") in run.effects
    assert run.entered == ["call", "chase", "end"]


def test_a_task_that_is_over_before_the_run_knows_it_open_is_over() -> None:
    flow = made_of(task("call", done=act("a")))
    instance, _ = advance(flow, new_instance("i", flow, release=1, record="r1"), Begin(), Answers())
    instance, _ = advance(flow, instance, TaskOver(1, "done"), Answers())
    assert advance(flow, instance, Performed(1, "t1"), Answers()) == (instance, ())
    assert [each.step for each in instance.walk.tokens] == ["call", "a"]


@pytest.mark.parametrize("outcome", ["approved", "rejected", "withdrawn"])
def test_an_approval_goes_on_with_its_outcome(outcome: Any) -> None:
    ask = Ask(
        "ask",
        EMPTY,
        approval="discount",
        approved=act("approved"),
        rejected=act("rejected"),
        withdrawn=act("withdrawn"),
    )
    run = story(ask, *act("end"))
    assert run.effects == [SubmitApproval(1, "ask", "deal", "r1", "discount")]
    assert run.tell(Settled(1, outcome)).entered == ["ask", outcome, "end"]


# Other systems and other runs


def call(**more: Any) -> CallHttp:
    return CallHttp("http", EMPTY, url="https://a.example", body={"n": Value("total")}, secret="erp", **more)


def test_a_request_is_sent_with_its_values() -> None:
    run = story(call(), total=5)
    assert run.effects == [SendRequest(1, "http", "deal", "r1", "https://a.example", "POST", {"n": 5}, "erp")]
    assert run.instance.waits[1].on == "answer"


def test_a_request_without_a_body_of_its_own_sends_the_record() -> None:
    effect = story(CallHttp("http", EMPTY, url="https://a.example")).effects[0]
    assert isinstance(effect, SendRequest) and effect.body is None


@pytest.mark.parametrize(("ok", "block"), [(True, "good"), (False, "bad")])
def test_an_answer_is_followed_by_its_block(ok: bool, block: str) -> None:
    run = story(call(ok=act("good"), failed=act("bad")), *act("end")).tell(Answered(1, ok, {"status": 200}))
    assert run.entered == ["http", block, "end"]
    assert run.line("resumed", "http") == {"by": "answer", "ok": ok, "answer": {"status": 200}}


def test_a_failed_call_without_a_block_for_it_is_a_failure() -> None:
    run = story(call(ok=act("good")), *act("end")).tell(Answered(1, False, {"status": 503}))
    assert run.state == "failed" and run.instance.error is not None
    assert "503" in run.instance.error.texts["en"] and "503" in run.instance.error.texts["zh"]


def test_a_call_that_could_not_be_made_is_a_failed_call() -> None:
    assert story(call(failed=act("bad")), results={"http": NO}).entered == ["http", "bad"]
    assert story(call(), results={"http": NO}).instance.state == "failed"


def test_another_run_is_waited_for() -> None:
    run = story(Run("sub", EMPTY, workflow="other"), *act("end"))
    assert run.effects == [StartWorkflow(1, "sub", "deal", "r1", "other", True)]
    assert run.tell(Ended(1, True)).entered == ["sub", "end"]


def test_another_run_that_fails_is_a_failure() -> None:
    run = story(Run("sub", EMPTY, workflow="other")).tell(Ended(1, False))
    assert run.state == "failed" and run.instance.error is not None
    assert (run.instance.error.code, run.performed) == ("workflow_sub_failed", ["StartWorkflow sub"])


def test_another_run_that_is_not_waited_for_goes_its_own_way() -> None:
    run = story(Run("sub", EMPTY, workflow="other", wait=False), *act("end"))
    assert run.state == "done" and run.entered == ["sub", "end"]
    begun, _ = advance(run.workflow, new_instance("i", run.workflow, release=1, record="r1"), Begin(), Answers())
    assert advance(run.workflow, begun, Ended(1, False), Answers()) == (begun, ())


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
