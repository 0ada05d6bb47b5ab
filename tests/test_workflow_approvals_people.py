"""Other people: transfer, delegation, proxies, leavers, and who is asked when nobody is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from metadata.approvals import (
    MatrixRow,
    Who,
)
from tests.approving import (
    ADMIN,
    START,
    Run,
    Village,
    approval,
    node,
    refused,
    run,
    users,
)
from workflow.approvals import effects
from workflow.approvals.choosing import Proxy
from workflow.approvals.previewing import preview
from workflow.approvals.refusals import TooLate, Wrong
from workflow.approvals.verbs import (
    AddSigner,
    Approve,
    Delegate,
    Jump,
    Leave,
    Reassign,
    Return,
    Submit,
    Transfer,
)


def test_transfer_keeps_original() -> None:
    here = run(node("mgr", "ann", "bob"))
    task = here.open("ann").id
    refused(here, Transfer("ann", task, "sam", ""), Wrong, "approval_comment_needed")
    refused(here, Transfer("ann", task, "ann", "busy"), Wrong, "approval_already_asked")
    refused(here, Transfer("ann", task, "bob", "busy"), Wrong, "approval_already_asked")
    here.do(Transfer("ann", task, "sam", "busy")).do(Transfer("sam", here.open("sam").id, "sue", "me too"))
    assert here.states() == {"ann": "transferred", "bob": "pending", "sam": "transferred", "sue": "pending"}
    assert here.open("sue").original_assignee == "ann"
    refused(here, Approve("ann", task), TooLate, "approval_task_over")
    assert here.approve("sue", "bob").state == "approved"


@pytest.mark.parametrize("more", [{"self_": "skip"}, {"self_": "to_manager"}])
def test_nobody_hands_a_task_to_an_initiator_who_may_not_decide_himself(more: dict[str, Any]) -> None:
    here = run(node("mgr", "ann", **more))
    task = here.open("ann").id
    for verb in (
        Transfer("ann", task, "ida", "yours"),
        Delegate("ann", task, "ida"),
        AddSigner("ann", task, "alongside", ("ida",)),
        Reassign(ADMIN, task, "ida", "yours"),
    ):
        refused(here, verb, Wrong, "approval_duties_separated")
    free = run(node("mgr", "ann"))
    assert free.do(Transfer("ann", free.open("ann").id, "ida", "yours")).asked == ["ida"]


def test_delegate_comes_back() -> None:
    here = run(node("mgr", "ann"))
    here.do(Delegate("ann", here.open("ann").id, "sam", "your view?"))
    assert here.asked == ["sam"]
    for verb in (
        Return("sam", here.open("sam").id),
        Delegate("sam", here.open("sam").id, "sue"),
        Transfer("sam", here.open("sam").id, "sue", "x"),
        AddSigner("sam", here.open("sam").id, "before", ("sue",)),
    ):
        refused(here, verb, TooLate, "approval_opinion_only")
    here.reject("sam", "I would not")
    assert (here.state, here.asked) == ("running", ["ann"])
    assert here.approve("ann").state == "approved"
    assert [(each.actor, each.verb) for each in here.trail if each.actor in ("ann", "sam")] == [
        ("ann", "delegate"),
        ("sam", "reject"),
        ("ann", "approve"),
    ]
    assert here.last("sam").comment == "I would not"


def test_a_standing_proxy_decides_for_somebody() -> None:
    proxy = Proxy("ann", "sam", START, START + timedelta(days=3))
    here = run(node("mgr", "ann"), world=Village(standing=(proxy,)))
    assert here.asked == ["sam"]
    here.approve("sam")
    assert here.last("sam").behalf == "ann"
    (entry,) = [each for each in here.trail if each.verb == "approve"]
    assert (entry.actor, entry.behalf) == ("sam", "ann")


def test_a_deputy_decides_as_well_as_his_principal() -> None:
    proxy = Proxy("ann", "sam", START, START + timedelta(days=3), both=True)
    for who, behalf in (("ann", None), ("sam", "ann")):
        here = run(node("mgr", "ann"), world=Village(standing=(proxy,))).approve(who)
        assert here.state == "approved"
        (entry,) = [each for each in here.trail if each.verb == "approve"]
        assert (entry.actor, entry.behalf, here.last("ann").decided_by) == (who, behalf, who)


def test_proxy_window_and_cycle() -> None:
    late = Proxy("ann", "sam", START + timedelta(days=1), START + timedelta(days=3))
    assert run(node("mgr", "ann"), world=Village(standing=(late,))).asked == ["ann"]
    circle = tuple(Proxy(a, b, START, START + timedelta(days=3)) for a, b in (("ann", "sam"), ("sam", "ann")))
    assert run(node("mgr", "ann"), world=Village(standing=circle)).asked == [ADMIN]


@pytest.mark.parametrize(
    ("policy", "asked"), [("allow", ["ida"]), ("skip", ["bob"]), ("to_manager", ["max"]), ("to_unit_head", ["hal"])]
)
def test_initiator_is_approver(policy: str, asked: list[str]) -> None:
    world = Village(managers_of={"ida": ("max",)}, heads_of={"ida": ("hal",)})
    names = ("ida", "bob") if policy == "skip" else ("ida",)
    assert run(node("mgr", *names, self_=policy), world=world).asked == asked


def test_dup_adjacent_vs_once() -> None:
    nodes = (node("n1", "ann"), node("n2", "bob"), node("n3", "ann"))
    assert run(*nodes, same_approver="adjacent").approve("ann", "bob").asked == ["ann"]
    assert run(*nodes, same_approver="once").approve("ann", "bob").state == "approved"
    here = run(node("n1", "ann"), node("n2", "ann", "bob"), same_approver="adjacent").approve("ann")
    assert here.asked == ["bob"]
    assert (here.last("ann").state, here.last("ann").reason) == ("approved", "duplicate")


def test_dup_not_after_return() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"), node("n3", "ann"), same_approver="once").approve("ann")
    here.do(Return("bob", here.open("bob").id, "n1")).approve("ann", "bob")
    assert here.asked == ["ann"]


@pytest.mark.parametrize(
    ("policy", "asked", "state"),
    [
        ("climb", ["max"], "running"),
        ("approve", [], "approved"),
        ("reject", [], "rejected"),
        ("users", ["sue"], "running"),
        ("admin", [ADMIN], "running"),
    ],
)
def test_empty(policy: str, asked: list[str], state: str) -> None:
    world = Village(managers_of={"ida": ("max",)})
    here = run(node("mgr", empty=policy, empty_users=users("sue")), world=world)
    assert (here.asked, here.state) == (asked, state)


def test_a_node_that_nobody_looks_after_waits_and_can_be_jumped() -> None:
    here = run(node("mgr"), node("dir", "dan"), world=Village(keepers=()))
    assert (here.state, here.asked) == ("running", [])
    assert not here.found(effects.Notify), "there is nobody to tell but the initiator, who acts himself"
    here.world = replace(here.world, keepers=(ADMIN,))
    assert here.do(Jump(ADMIN, "dir", "nobody there")).asked == ["dan"]


def test_manager_level_missing_climb() -> None:
    world = Village(managers_of={"ida": ("max", "top")})
    for how, asked in (("next_up", ["top"]), ("skip", [ADMIN]), ("empty", [ADMIN])):
        who = (Who("manager_of", level=3, climb=how),)  # type: ignore[arg-type]
        assert run(node("mgr", who=who), world=world).asked == asked


@pytest.mark.parametrize(("amount", "asked"), [(499_999.99, ["bob"]), (500_000, ["dan"]), (500_000.01, ["dan"])])
def test_matrix_amount_boundary(amount: float, asked: list[str]) -> None:
    rows = (MatrixRow("big", "amount >= 500000", users("dan")), MatrixRow("rest", None, users("bob")))
    world = Village({"amount": amount})
    assert run(node("m", who=(Who("matrix", matrix="fin"),)), matrices={"fin": rows}, world=world).asked == asked


def test_people_are_picked_by_who_is_asked_to() -> None:
    def fresh() -> Run:
        first = node("n1", "ann")
        second = node("n2", who=(Who("initiator_picks", most=2, least=1, among=("buyers",)),))
        third = node("n3", who=(Who("approver_picks", most=1, least=1),))
        return Run(approval(first, second, third), Village(holders={"buyers": ("b1", "b2", "b3")}))

    here = fresh()
    refused(here, Submit("ida"), Wrong, "approval_pick")
    refused(here, Submit("ida", picks={"n2": ("b1", "b2", "b3")}), Wrong, "approval_pick")
    refused(here, Submit("ida", picks={"n2": ("ann",)}), Wrong, "approval_pick_among")
    refused(here, Submit("ida", picks={"n3": ("b1",)}), Wrong, "approval_not_to_pick")
    assert [(each.node, each.picks) for each in preview(here.approval, here.world, here.request)] == [
        ("n1", None),
        ("n2", "initiator_picks"),
        ("n3", "approver_picks"),
    ]
    here.submit(picks={"n2": ("b2",)}).approve("ann")
    assert here.asked == ["b2"]
    task = here.open("b2").id
    refused(here, Approve("b2", task), Wrong, "approval_pick")
    assert here.do(Approve("b2", task, picks={"n3": ("zoe",)})).asked == ["zoe"]


def test_leaver_task_rerouted() -> None:
    here = run(node("mgr", "ann", "bob", empty="climb"), world=Village(managers_of={"ann": ("max",)}))
    here.world = replace(here.world, gone=frozenset({"ann"}))
    here.do(Leave("ann"))
    assert here.asked == ["bob", "max"]
    assert (here.last("ann").state, here.last("ann").reason) == ("transferred", "left")
    assert (here.open("max").original_assignee, here.open("max").behalf) == ("ann", "ann")
