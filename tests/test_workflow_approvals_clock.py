"""Urging, talking, the clock, and what administrators do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.approving import (
    ADMIN,
    Village,
    both,
    node,
    refused,
    run,
    timeout,
    users,
)
from workflow.approvals import effects
from workflow.approvals.refusals import NotYours, TooLate, Wrong
from workflow.approvals.verbs import (
    Comment,
    Delegate,
    Jump,
    Reassign,
    Return,
    Terminate,
    TimerDue,
    Urge,
)


def test_urging_once_in_half_an_hour() -> None:
    here = run(node("n1", "ann", "bob"))
    refused(here, Urge("ann"), NotYours, "approval_not_initiator")
    here.do(Urge("ida", here.open("ann").id))
    assert [each.people for each in here.found(effects.Notify)] == [("ann",)]
    here.later(minutes=10).do(Urge("ida"))
    assert [each.people for each in here.found(effects.Notify)] == [("bob",)]
    problem = refused(here, Urge("ida", here.open("ann").id), TooLate, "approval_urged")
    assert "20 minutes" in problem.message("en")
    here.later(minutes=20).do(Urge("ida", here.open("ann").id))
    refused(here.approve("ann", "bob"), Urge("ida"), TooLate, "approval_not_running")


def test_commenting_tells_who_is_mentioned_even_when_it_is_over() -> None:
    here = run(node("n1", "ann")).approve("ann").do(Comment("ann", "Well done", ("ida",)))
    assert here.found(effects.Notify) == [effects.Notify("mentioned", ("ida",))]
    refused(here, Comment("ann", " "), Wrong, "approval_comment_needed")


def test_timeout_remind3_then_escalate() -> None:
    """In business time: the second of March is a holiday, so what is due after it comes a day later."""
    limit = timeout("PT8H", "escalate", calendar="cn", remind="PT2H")
    world = Village(
        managers_of={"ann": ("max",)}, now=datetime(2027, 3, 1, 20, tzinfo=UTC), holidays=frozenset({"2027-03-02"})
    )
    here = run(node("n1", "ann", timeout=limit), world=world)
    told = []
    for _ in range(48):
        here.later(hours=1)
        before = len(here.trail)
        here.fire()
        told += [(here.world.now.strftime("%d %H"), each.verb) for each in here.trail[before:]]
    assert told[:4] == [("01 22", "remind"), ("03 00", "remind"), ("03 02", "remind"), ("03 04", "expire")]
    assert here.asked == ["max"] or here.last("max").state == "expired"
    assert (here.last("ann").state, here.last("max").original_assignee) == ("expired", "ann")


def test_timer_once_after_restart() -> None:
    """After a standstill one reminder comes, not all that were missed, and each timer only once."""
    here = run(node("n1", "ann", timeout=timeout("P1D", "approve", remind="PT2H", reminders=5)))
    first = here.request.timers[0]
    here.later(hours=7).fire()
    assert [each.verb for each in here.trail].count("remind") == 1
    assert {each.n for each in here.request.timers if each.kind == "remind"} == {4}
    assert here.do(TimerDue(first.key)).effects == ()
    version = here.request.version
    here.later(days=30).fire()
    assert here.state == "approved"
    assert here.request.version > version and here.request.timers == ()
    assert here.last("ann").decided_by is None and here.last("ann").reason == "timeout"


@pytest.mark.parametrize(
    ("then", "state", "asked"),
    [
        ("remind", "running", ["ann"]),
        ("approve", "approved", []),
        ("reject", "rejected", []),
        ("transfer", "running", ["sue"]),
        ("escalate", "running", ["sue"]),
    ],
)
def test_what_happens_when_nobody_decides(then: str, state: str, asked: list[str]) -> None:
    here = run(node("n1", "ann", timeout=timeout("P1D", then, to=users("sue")))).later(days=2).fire()
    assert (here.state, here.asked) == (state, asked)


def test_escalation_ends_where_nobody_is_left() -> None:
    world = Village(managers_of={"ann": ("max",), "max": ("ann",)}, keepers=())
    here = run(node("n1", "ann", timeout=timeout("P1D", "escalate")), world=world)
    for _ in range(5):
        here.later(days=1).fire()
    assert (here.state, here.asked, here.request.timers) == ("running", ["max"], ())


def test_a_timer_of_a_task_that_came_back_starts_anew() -> None:
    here = run(node("n1", "ann", timeout=timeout("P1D", "approve")))
    old = here.request.timers[0].key
    here.do(Delegate("ann", here.open("ann").id, "sam")).later(hours=20).approve("sam")
    assert here.do(TimerDue(old)).effects == ()
    assert here.later(hours=23).fire().state == "running"
    assert here.later(hours=1).fire().state == "approved"


def test_a_helper_who_does_not_answer_gives_the_task_back() -> None:
    here = run(node("n1", "ann", timeout=timeout("P1D", "approve")))
    here.do(Delegate("ann", here.open("ann").id, "sam")).later(days=1).do(TimerDue(here.request.timers[-1].key))
    assert (here.asked, here.last("sam").state) == (["ann"], "expired")


def test_an_administrator_reassigns_jumps_and_terminates() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"), node("n3", "cid"))
    task = here.open("ann").id
    for verb in (Reassign("ida", task, "sam", "x"), Jump("ida", "n3", "x"), Terminate("ida", "x")):
        refused(here, verb, NotYours, "approval_not_admin")
    for verb in (Reassign(ADMIN, task, "sam", ""), Jump(ADMIN, "n3", ""), Terminate(ADMIN, "")):
        refused(here, verb, Wrong, "approval_reason_needed")
    here.do(Reassign(ADMIN, task, "sam", "on leave"))
    assert (here.asked, here.open("sam").original_assignee) == (["sam"], "ann")
    refused(here, Jump(ADMIN, "nowhere", "x"), Wrong, "approval_jump_refused")
    here.do(Jump(ADMIN, "n3", "skip"))
    assert (here.asked, here.last("sam").reason) == (["cid"], "jumped")
    here.do(Jump(ADMIN, "n1", "again"))
    assert here.asked == ["ann"]
    here.do(Terminate(ADMIN, "no longer wanted"))
    assert (here.state, here.request.reason, here.asked) == ("terminated", "no longer wanted", [])
    assert run(node("n1", "ann")).do(Terminate(None, "the record is gone")).state == "terminated"


def test_a_jump_within_a_branch_leaves_the_others_alone() -> None:
    here = both()
    here.do(Jump(ADMIN, "x2", "skip"))
    assert here.asked == ["yan", "xia"]
    here.do(Jump(ADMIN, "last", "skip all"))
    assert here.asked == ["liz"]
    refused(here, Jump(ADMIN, "x1", "back"), Wrong, "approval_jump_refused")
    assert here.do(Jump(ADMIN, "par", "back")).asked == ["xav", "yan"]


def test_a_jump_of_a_returned_request_locks_it_again() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"))
    here.do(Return("ann", here.open("ann").id)).do(Jump(ADMIN, "n2", "go on"))
    assert here.asked == ["bob"] and here.found(effects.Lock) and not here.request.returned
