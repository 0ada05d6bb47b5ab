"""Runs that wait: for time, events, people, other systems and other runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from metadata.model import EMPTY
from metadata.workflows import (
    Ask,
    CallHttp,
    Message,
    Run,
    Try,
    Value,
    Wait,
)
from tests.stepping import NO, START, Answers, act, made_of
from tests.stepping_steps import CARL, HOUR, event, parallel, story, task
from workflow.engine import (
    Answered,
    Begin,
    Came,
    ClearTimer,
    CloseTask,
    Due,
    Ended,
    Happened,
    OpenTask,
    Performed,
    SendRequest,
    SetTimer,
    Settled,
    StartWorkflow,
    SubmitApproval,
    TaskOver,
    advance,
    new_instance,
)


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


def paid(**more: Any) -> Wait:
    return Wait("paid", EMPTY, message=Message("payments", "no", match="number"), **more)


def test_a_message_about_the_record_is_waited_for() -> None:
    run = story(paid(), *act("b"), number=Decimal("7.00"))
    (waiting,) = run.instance.waits.values()
    assert (waiting.on, waiting.key, waiting.record) == ("message", "7", "r1")
    run.tell(Came(1, {"message": "msg_1"}))
    assert (run.state, run.entered) == ("done", ["paid", "b"])
    assert [line.detail["answer"] for line in run.trace if line.kind == "resumed"] == [{"message": "msg_1"}]


def test_a_message_that_does_not_come_is_late_and_one_about_nothing_fails() -> None:
    run = story(paid(timeout="PT2H", late=act("late")), number="A").tell(Due(1, "late"), Came(1))
    assert (run.state, run.entered) == ("done", ["paid", "late"])
    failed = story(paid())
    assert failed.state == "failed" and failed.instance.error is not None
    assert failed.instance.error.code == "workflow_no_match"


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
