"""The way of a request through its nodes: branches, joins, routes, copies, delays, actions."""

from __future__ import annotations

from dataclasses import replace

from metadata.approvals import (
    Branch,
    Copy,
    Delay,
    Route,
    SetFields,
    Together,
    Way,
)
from tests.approving import (
    ADMIN,
    START,
    Run,
    Village,
    approval,
    both,
    branch,
    node,
    refused,
    run,
    users,
)
from workflow.approvals import effects
from workflow.approvals.acting import matching
from workflow.approvals.refusals import NotYours, TooLate, Wrong
from workflow.approvals.verbs import (
    Resubmit,
    Return,
    Submit,
)


def test_an_exclusive_branch_takes_the_first_way_that_holds() -> None:
    assert branch(1).asked == ["kim"]
    assert branch(100).asked == ["dan"]
    assert branch(1000).asked == ["dan"]
    assert branch(1000).approve("dan").asked == ["liz"]


def test_an_inclusive_branch_takes_every_way_that_holds_and_joins_them() -> None:
    assert branch(1, inclusive=True).asked == ["kim"]
    here = branch(1000, inclusive=True)
    assert here.asked == ["dan", "cleo"]
    assert here.approve("cleo").asked == ["dan"]
    assert here.approve("dan").asked == ["liz"]


def test_parallel_branches_join() -> None:
    here = both()
    assert here.asked == ["xav", "yan"]
    assert here.approve("yan", "xav").asked == ["xia"]
    assert here.approve("xia").asked == ["liz"]
    assert here.approve("liz").state == "approved"


def test_a_rejection_in_one_branch_rejects_the_request() -> None:
    here = both().reject("yan")
    assert (here.state, here.last("xav").state) == ("rejected", "cancelled")


def test_a_parallel_whose_branches_ask_nobody_is_passed() -> None:
    par = Together("par", {}, {"x": (node("x1", empty="approve"),), "y": (), "z": (Copy("c", {}, users("cc")),)})
    here = run(par, node("last", "liz"))
    assert here.asked == ["liz"]
    assert run(Together("par", {}, {"x": ()}), node("last", "liz")).asked == ["liz"]


def test_an_approval_without_nodes_is_approved_at_once() -> None:
    assert run().state == "approved"


def test_what_a_node_sets_is_seen_by_the_conditions_behind_it() -> None:
    here = run(
        SetFields("mark", {}, {"level": "amount * 2"}),
        Branch("b", {}, (Way("w", "level > 100", (node("dir", "dan"),)),), (node("clerk", "kim"),)),
        world=Village({"amount": 60, "level": 0}),
    )
    assert here.asked == ["dan"]
    assert [(each.values, each.moment) for each in here.found(effects.SetFields)] == [({"level": "amount * 2"}, "node")]


def test_a_copy_tells_and_never_blocks() -> None:
    here = run(Copy("cc", {}, users("c1", "c2", "old")), node("n", "ann"), world=Village(gone=frozenset({"old"})))
    assert here.asked == ["ann"]
    assert here.found(effects.Copied) == [effects.Copied(("c1", "c2"), 1)]


def test_a_route_goes_back_while_its_condition_holds() -> None:
    nodes = (node("n1", "ann", fields={"tries": "write"}), Route("again", {}, "n1", "tries < 2"), node("n2", "bob"))
    here = run(*nodes, world=Village({"tries": 0}))
    here.world = here.world.with_(tries=1)
    assert here.approve("ann").asked == ["ann"]
    here.world = here.world.with_(tries=2)
    assert here.approve("ann").asked == ["bob"]
    assert [(each.node, each.undone) for each in here.request.visits] == [
        ("n1", True),
        ("again", True),
        ("n1", False),
        ("again", False),
        ("n2", False),
    ]


def test_a_loop_that_asks_nobody_ends() -> None:
    here = run(node("n1", empty="approve"), Route("again", {}, "n1"))
    assert here.state == "terminated"
    assert "again" in here.request.reason or "n1" in here.request.reason
    assert any(ADMIN in each.people for each in here.found(effects.Notify))


def test_a_delay_goes_on_when_its_time_is_over() -> None:
    here = run(Delay("pause", {}, "P1D"), node("n1", "ann"))
    assert here.asked == []
    assert here.later(hours=23).fire().asked == []
    assert here.later(hours=1).fire().asked == ["ann"]


def test_actions_locks_and_ends() -> None:
    actions = {"submitted": {"status": "'in'"}, "approved": {"status": "'ok'"}, "returned": {"status": "'back'"}}
    here = run(node("n1", "ann"), actions=actions)
    assert [type(each).__name__ for each in here.effects if not isinstance(each, effects.Entry)] == [
        "SetFields",
        "Lock",
        "OpenTasks",
    ]
    here.do(Return("ann", here.open("ann").id))
    assert here.found(effects.SetFields)[0].values == {"status": "'back'"} and here.found(effects.Unlock)
    here.do(Resubmit("ida"))
    assert here.found(effects.Lock)
    here.approve("ann")
    assert here.found(effects.SetFields)[0].values == {"status": "'ok'"}
    assert here.found(effects.Unlock) and here.found(effects.Ended) == [effects.Ended("approved")]
    kept = run(node("n1", "ann"), keep_lock=frozenset({"approved"})).approve("ann")
    assert not kept.found(effects.Unlock)


def test_submitting() -> None:
    here = Run(approval(node("n1", "ann"), entry="amount > 10", submitters=("sales",)), Village({"amount": 10}))
    refused(here, Submit("zoe"), NotYours, "approval_not_initiator")
    refused(here, Submit("ida"), NotYours, "approval_not_submitter")
    here.world = replace(here.world, holders={"sales": ("ida",)})
    refused(here, Submit("ida"), Wrong, "approval_not_needed")
    here.world = here.world.with_(amount=11)
    here.submit(snapshot={"amount": "11"})
    assert (here.request.snapshot, here.request.submitted_at) == ({"amount": "11"}, START)
    refused(here, Submit("ida"), TooLate, "approval_submitted")


def test_the_first_approval_whose_condition_holds_is_taken() -> None:
    big = replace(approval(entry="amount > 100"), id="big")
    off = replace(approval(), id="off", active=False)
    rest = replace(approval(), id="rest")
    assert [matching((big, off, rest), Village({"amount": n})).id for n in (101, 100)] == ["big", "rest"]  # type: ignore[union-attr]
    assert matching((big, off), Village({"amount": 1})) is None
