"""The approval engine, verb by verb: what people do to a request and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metadata.approvals import (
    Approval,
    Branch,
    Copy,
    Delay,
    MatrixRow,
    Mode,
    Node,
    Route,
    SetFields,
    Together,
    Way,
    Who,
)
from metadata.problems import LANGUAGES, Kind, Problem
from tests.approving import ADMIN, START, Run, Village, approval, node, timeout, users
from workflow.approvals import effects, refusals
from workflow.approvals.acting import act, matching, return_targets
from workflow.approvals.choosing import Proxy
from workflow.approvals.deciding import texts
from workflow.approvals.previewing import path, preview
from workflow.approvals.refusals import NotYours, Refused, TooLate, Wrong
from workflow.approvals.request import INITIATOR, changed_tasks
from workflow.approvals.storing import dumped, loaded
from workflow.approvals.verbs import (
    AddSigner,
    Approve,
    Comment,
    Delegate,
    Jump,
    Leave,
    Reassign,
    Reject,
    RemoveSigner,
    Resubmit,
    Return,
    Submit,
    TakeBack,
    Terminate,
    TimerDue,
    Transfer,
    Urge,
    Verb,
    Void,
    Withdraw,
)


def run(*nodes: Node, world: Village | None = None, **more: Any) -> Run:
    """A submitted request of an approval with these nodes."""
    return Run(approval(*nodes, **more), world or Village()).submit()


def refused(here: Run, verb: Verb, kind: type[Refused], code: str) -> Problem:
    """The problem for which a verb is refused, after it was proved to have changed nothing."""
    before = json.dumps(dumped(here.request))
    with pytest.raises(kind) as caught:
        here.do(verb)
    assert json.dumps(dumped(here.request)) == before
    (problem,) = caught.value.problems
    assert problem.code == code
    for lang in LANGUAGES:
        assert problem.message(lang)
    return problem


# --- several people at one node ---


def test_seq_3_all_ok() -> None:
    here = run(node("mgr", "ann", "bob", "cid", mode="sequential"))
    assert here.asked == ["ann"]
    assert here.approve("ann").asked == ["bob"]
    assert here.approve("bob").asked == ["cid"]
    assert here.approve("cid").state == "approved"


def test_seq_second_rejects_third_skipped() -> None:
    here = run(node("mgr", "ann", "bob", "cid", mode="sequential")).approve("ann").reject("bob")
    assert here.state == "rejected"
    assert here.states() == {"ann": "approved", "bob": "rejected", "cid": "skipped"}


def test_all_waits_for_last() -> None:
    here = run(node("mgr", "ann", "bob", "cid")).approve("cid", "ann")
    assert (here.state, here.asked) == ("running", ["bob"])
    assert here.approve("bob").state == "approved"


def test_all_first_reject_ends() -> None:
    here = run(node("mgr", "ann", "bob", "cid")).approve("ann").reject("bob")
    assert here.state == "rejected"
    assert (here.last("cid").state, here.last("cid").reason) == ("cancelled", "decided")


def test_all_may_wait_for_everybody_although_one_has_rejected() -> None:
    here = run(node("mgr", "ann", "bob", mode=Mode("all", wait_all=True))).reject("ann")
    assert (here.state, here.asked) == ("running", ["bob"])
    assert here.approve("bob").state == "rejected"


def test_any_first_ok_cancels_rest() -> None:
    here = run(node("mgr", "ann", "bob", "cid", mode="any")).approve("bob")
    assert here.state == "approved"
    assert here.states() == {"ann": "cancelled", "bob": "approved", "cid": "cancelled"}
    (closed,) = here.found(effects.CloseTasks)
    assert {each.assignee for each in closed.tasks} == {"ann", "bob", "cid"}


def test_any_reject_first_vs_all() -> None:
    assert run(node("mgr", "ann", "bob", mode="any")).reject("ann").state == "rejected"
    here = run(node("mgr", "ann", "bob", mode=Mode("any", any_reject="all"))).reject("ann")
    assert (here.state, here.asked) == ("running", ["bob"])
    assert here.reject("bob").state == "rejected"


def test_ratio_60_of_5_needs_3() -> None:
    here = run(node("mgr", "ann", "bob", "cid", "dot", "eve", mode=Mode("ratio", 60))).approve("ann", "dot")
    assert here.state == "running"
    assert here.approve("eve").state == "approved"


def test_ratio_unreachable_ends_early() -> None:
    here = run(node("mgr", "ann", "bob", "cid", "dot", mode=Mode("ratio", 60))).reject("ann")
    assert here.state == "running"
    assert here.reject("bob").state == "rejected"


def test_weighted_veto() -> None:
    world = Village(holders={"board": ("ann",), "legal": ("cid",)})
    mode = Mode("weighted", 3, weights={"board": 3}, veto=("legal",))
    assert Run(approval(node("m", "ann", "bob", "cid", mode=mode)), world).submit().approve("ann").state == "approved"
    here = Run(approval(node("m", "ann", "bob", "cid", mode=mode)), world).submit().reject("bob")
    assert here.state == "running"
    assert here.reject("cid").state == "rejected"


def test_random_asks_one_and_the_lot_stays_drawn() -> None:
    draws = [run(node("m", "ann", "bob", "cid", mode="random")).asked for _ in range(5)]
    assert len(draws[0]) == 1 and all(each == draws[0] for each in draws)


def test_two_who_decide_at_once_are_told_who_was_first() -> None:
    here = run(node("mgr", "ann", "bob", mode="any"), node("next", "cid"))
    late = Approve("bob", here.open("bob").id)
    here.approve("ann")
    problem = refused(here, late, TooLate, "approval_task_decided")
    assert TooLate.status == 409
    assert "Ann" in problem.message("en") and "Ann" in problem.message("zh")


def test_only_the_assignee_decides_and_only_when_asked() -> None:
    here = run(node("mgr", "ann", "bob", mode="sequential"))
    refused(here, Approve("zoe", here.open("ann").id), NotYours, "approval_not_assignee")
    problem = refused(here, Approve("bob", here.open("bob").id), TooLate, "approval_task_waiting")
    assert "Ann" in problem.message("en")
    refused(here, Approve("ann", "nothing"), Wrong, "approval_task_unknown")


def test_what_a_node_asks_for_has_to_be_given() -> None:
    here = run(node("mgr", "ann", comment_on=("approve", "reject", "return"), sign=True))
    task = here.open("ann").id
    refused(here, Approve("ann", task), Wrong, "approval_comment_needed")
    refused(here, Approve("ann", task, "fine"), Wrong, "approval_signature_needed")
    refused(here, Reject("ann", task, " "), Wrong, "approval_comment_needed")
    refused(here, Return("ann", task), Wrong, "approval_comment_needed")
    assert here.do(Approve("ann", task, "fine", "file9")).state == "approved"
    assert (here.last("ann").comment, here.last("ann").signature) == ("fine", "file9")


def test_a_handled_task_is_not_rejected() -> None:
    here = run(node("mgr", "ann", handle=True))
    refused(here, Reject("ann", here.open("ann").id), Wrong, "approval_handle_not_rejected")
    assert here.approve("ann").state == "approved"


def test_an_approver_writes_only_fields_that_are_open_to_him() -> None:
    here = run(
        node("mgr", "ann", fields={"note": "write", "cost": "read", "price": "read"}),
        Branch("b", {}, (Way("w", "note == 'big'", (node("dir", "dan"),)),)),
        open_fields=("extra", "price"),
        world=Village({"note": ""}),
    )
    task = here.open("ann").id
    for closed in ({"cost": 1}, {"amount": 1}, {"price": 1}):
        refused(here, Approve("ann", task, changes=closed), Wrong, "approval_fields_closed")
    here.do(Approve("ann", task, changes={"note": "big", "extra": 2}))
    assert here.asked == ["dan"]
    assert here.request.snapshot == {"note": "big", "extra": 2}
    (written,) = here.found(effects.WriteFields)
    assert written.values == {"note": "big", "extra": 2}
    (entry,) = [each for each in here.found(effects.Entry) if each.verb == "write"]
    assert entry.fields == {"note": (None, "big"), "extra": (None, 2)}


# --- signers ---


def test_before_sign_returns_to_me() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "before", ("sam", "sue")))
    assert here.asked == ["sam", "sue"]
    problem = refused(here, Approve("ann", here.open("ann").id), TooLate, "approval_task_waiting")
    assert "Sam, Sue" in problem.message("en")
    assert here.approve("sam").asked == ["sue"]
    assert here.approve("sue").asked == ["ann"]
    assert here.state == "running"
    assert here.approve("ann").state == "approved"


def test_before_sign_reject() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "before", ("sam", "sue"))).reject("sam")
    assert here.state == "rejected"
    assert here.states() == {"ann": "rejected", "sam": "rejected", "sue": "cancelled"}
    assert here.last("ann").reason == "signer"


def test_after_sign_waits() -> None:
    here = run(node("mgr", "ann"), node("dir", "dan"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",)))
    assert here.asked == ["ann"]
    here.approve("ann")
    assert (here.open("ann").state, here.asked) == ("approving", ["sam"])
    refused(here, Approve("ann", here.open("ann").id), TooLate, "approval_task_approving")
    assert here.approve("sam").asked == ["dan"]
    assert here.last("ann").state == "approved"


def test_signers_after_me_never_start_when_i_reject() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",))).reject("ann")
    assert (here.state, here.last("sam").state) == ("rejected", "skipped")


def test_a_rejection_by_a_signer_after_me_rejects_my_task() -> None:
    here = run(node("mgr", "ann", "bob", mode=Mode("any", any_reject="all")))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",))).approve("ann").reject("sam")
    assert (here.state, here.last("ann").state, here.asked) == ("running", "rejected", ["bob"])


def test_remove_last_signer_undecided_parent() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "before", ("sam", "sue"))).approve("sam")
    here.do(RemoveSigner("ann", here.open("sue").id))
    assert (here.state, here.asked) == ("running", ["ann"])
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",)))
    here.do(RemoveSigner("ann", here.open("sam").id))
    assert (here.state, here.asked) == ("running", ["ann"])


def test_removing_a_signer_after_a_task_that_a_helper_has_leaves_it_with_him() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",)))
    here.do(Delegate("ann", here.open("ann").id, "hal")).do(RemoveSigner("ann", here.open("sam").id))
    assert (here.asked, here.open("ann").state) == (["hal"], "waiting")


def test_removing_the_last_signer_after_me_completes_my_approval() -> None:
    here = run(node("mgr", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam",))).approve("ann")
    assert here.do(RemoveSigner("ann", here.open("sam").id)).state == "approved"


def test_only_who_added_a_signer_removes_him_and_only_before_he_decides() -> None:
    here = run(node("mgr", "ann", "bob"))
    here.do(AddSigner("ann", here.open("ann").id, "before", ("sam", "sue")))
    refused(here, RemoveSigner("bob", here.open("sam").id), NotYours, "approval_signer_not_added")
    refused(here, RemoveSigner("ann", here.open("bob").id), Wrong, "approval_signer_original")
    sam = here.open("sam").id
    here.approve("sam")
    refused(here, RemoveSigner("ann", sam), TooLate, "approval_task_decided")


def test_alongside_changes_n() -> None:
    here = run(node("mgr", "ann", "bob", mode=Mode("ratio", 50)))
    here.do(AddSigner("ann", here.open("ann").id, "alongside", ("sam",))).approve("bob")
    assert here.state == "running"
    assert here.approve("sam").state == "approved"


def test_alongside_in_a_sequence_comes_right_after_me() -> None:
    here = run(node("mgr", "ann", "bob", mode="sequential"))
    here.do(AddSigner("ann", here.open("ann").id, "alongside", ("sam", "sue")))
    order = []
    while here.asked:
        order += here.asked
        here.approve(*here.asked)
    assert (order, here.state) == (["ann", "sam", "sue", "bob"], "approved")


def test_limits_of_signers() -> None:
    here = run(node("mgr", "ann", "bob", cap=4), separated=("mgr",), world=Village(gone=frozenset({"old"})))
    task = here.open("ann").id
    for person, code in (
        ("ann", "approval_already_asked"),
        ("bob", "approval_already_asked"),
        ("old", "approval_person_inactive"),
        ("ida", "approval_duties_separated"),
    ):
        refused(here, AddSigner("ann", task, "alongside", (person,)), Wrong, code)
    refused(here, AddSigner("ann", task, "before", ()), Wrong, "approval_nobody_added")
    refused(here, AddSigner("ann", task, "before", ("sam", "sam")), Wrong, "approval_already_asked")
    refused(here, AddSigner("ann", task, "alongside", ("s1", "s2", "s3")), Wrong, "approval_too_many_voters")
    here.do(AddSigner("ann", task, "after", ("sam",)))
    refused(here, AddSigner("ann", task, "before", ("sue",)), TooLate, "approval_signers_one_kind")


def test_signers_add_signers_five_times_at_most() -> None:
    here = run(node("mgr", "p0"))
    for n in range(5):
        here.do(AddSigner(f"p{n}", here.open(f"p{n}").id, "before", (f"p{n + 1}",)))
    refused(here, AddSigner("p5", here.open("p5").id, "before", ("p6",)), Wrong, "approval_signers_too_deep")
    for n in range(5, -1, -1):
        assert here.asked == [f"p{n}"]
        here.approve(f"p{n}")
    assert here.state == "approved"


# --- other people ---


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


# --- through the nodes ---


def branch(amount: int, *, inclusive: bool = False) -> Run:
    ways = (
        Way("big", "amount >= 100", (node("dir", "dan"),)),
        Way("huge", "amount >= 1000", (node("ceo", "cleo"),)),
    )
    split = Branch("split", {}, ways, (node("clerk", "kim"),), inclusive)
    return run(split, node("last", "liz"), world=Village({"amount": amount}))


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


def both(**more: Any) -> Run:
    branches = {"x": (node("x1", "xav"), node("x2", "xia")), "y": (node("y1", "yan"),)}
    return run(node("first", "fay"), Together("par", {}, branches), node("last", "liz"), **more).approve("fay")


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


# --- going back ---


def test_return_to_passed_only() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"), node("n3", "cid"), node("n4", "dot")).approve("ann", "bob")
    task = here.open("cid").id
    assert return_targets(here.approval, here.request, task, here.world) == ("n2", "n1", INITIATOR)
    for to in ("n4", "n3", "nothing"):
        problem = refused(here, Return("cid", task, to), Wrong, "approval_return_refused")
        assert "n2, n1, initiator" in problem.message("en")
    assert here.do(Return("cid", task, "n1")).asked == ["ann"]
    back = here.open("ann").id
    assert return_targets(here.approval, here.request, back, here.world) == (INITIATOR,)
    refused(here, Return("ann", back, "n2"), Wrong, "approval_return_refused")
    assert here.approve("ann", "bob", "cid", "dot").state == "approved"
    assert [each.node for each in here.request.visits] == ["n1", "n2", "n3", "n1", "n2", "n3", "n4"]


def test_a_node_nobody_decided_is_no_place_to_return_to() -> None:
    here = run(node("n1", "ann"), node("n2", empty="approve"), node("n3", "cid")).approve("ann")
    assert return_targets(here.approval, here.request, here.open("cid").id, here.world) == ("n1", INITIATOR)


def test_a_return_goes_only_where_the_node_allows() -> None:
    first, second = node("n1", "ann"), node("n2", "bob")
    here = run(first, second, node("n3", "cid", return_to=("previous",))).approve("ann", "bob")
    refused(here, Return("cid", here.open("cid").id), Wrong, "approval_return_refused")
    assert here.do(Return("cid", here.open("cid").id, "previous")).asked == ["bob"]
    here = run(first, second, node("n3", "cid", return_to=("n1",))).approve("ann", "bob")
    refused(here, Return("cid", here.open("cid").id, "n2"), Wrong, "approval_return_refused")
    refused(here, Return("cid", here.open("cid").id, "previous"), Wrong, "approval_return_refused")
    assert here.do(Return("cid", here.open("cid").id, "n1")).asked == ["ann"]
    here = run(node("n1", "ann", return_to=()))
    refused(here, Return("ann", here.open("ann").id), Wrong, "approval_return_nowhere")


def test_a_return_by_one_ends_the_node_for_all() -> None:
    here = run(node("n1", "ann"), node("n2", "bob", "cid", "dot")).approve("ann", "dot")
    here.do(Return("bob", here.open("bob").id, "n1"))
    assert here.asked == ["ann"]
    assert (here.last("bob").state, here.last("cid").state, here.last("dot").state) == (
        "returned",
        "cancelled",
        "approved",
    )
    here.approve("ann")
    assert here.asked == ["bob", "cid", "dot"]


def test_return_in_parallel_keeps_sibling() -> None:
    here = both().approve("xav")
    here.do(Return("xia", here.open("xia").id, "x1"))
    assert here.asked == ["yan", "xav"]
    here.approve("yan", "xav", "xia")
    assert here.asked == ["liz"]


def test_a_return_to_before_a_parallel_leaves_all_its_branches() -> None:
    here = both()
    here.do(Return("xav", here.open("xav").id, "first"))
    assert (here.asked, here.last("yan").state, here.last("yan").reason) == (["fay"], "cancelled", "returned")
    assert here.approve("fay").asked == ["xav", "yan"]


def test_nobody_returns_into_one_of_several_branches() -> None:
    here = both().approve("xav", "xia", "yan")
    assert return_targets(here.approval, here.request, here.open("liz").id, here.world) == ("first", INITIATOR)


def test_a_return_into_the_way_that_was_taken() -> None:
    way = Way("big", "True", (node("b1", "ben"), node("b2", "bea")))
    here = run(node("first", "fay"), Branch("split", {}, (way,)), node("last", "liz")).approve("fay", "ben", "bea")
    here.do(Return("liz", here.open("liz").id, "b2"))
    assert here.asked == ["bea"]
    assert return_targets(here.approval, here.request, here.open("bea").id, here.world) == ("b1", "first", INITIATOR)
    here.do(Return("bea", here.open("bea").id, "b1")).approve("ben", "bea")
    assert here.asked == ["liz"]
    assert here.approve("liz").state == "approved"


def test_a_returned_request_belongs_to_its_initiator() -> None:
    here = run(node("n1", "ann"), node("n2", "bob")).approve("ann")
    here.do(Return("bob", here.open("bob").id))
    assert here.request.returned and here.state == "running" and here.asked == ["ida"]
    task = here.open("ida").id
    for verb in (Approve("ida", task), Reject("ida", task), Transfer("ida", task, "sam", "x")):
        refused(here, verb, TooLate, "approval_mend_first")
    refused(here, Resubmit("ann"), NotYours, "approval_not_initiator")
    here.do(Resubmit("ida", snapshot={"a": 2}))
    assert (here.request.returned, here.asked, here.request.snapshot) == (False, ["ann"], {"a": 2})
    refused(here, Resubmit("ida"), TooLate, "approval_not_returned")


def test_resubmit_direct_material_change_restarts() -> None:
    def returned() -> Run:
        here = Run(approval(node("n1", "ann"), node("n2", "bob"), node("n3", "cid"), resubmit="direct"))
        here.submit(deciding={"amount": "10"}).approve("ann")
        return here.do(Return("bob", here.open("bob").id))

    here = returned().do(Resubmit("ida", deciding={"amount": "10"}))
    assert here.asked == ["bob"]
    assert return_targets(here.approval, here.request, here.open("bob").id, here.world) == ("n1", INITIATOR)
    assert here.approve("bob", "cid").state == "approved"
    assert returned().do(Resubmit("ida", deciding={"amount": "11"})).asked == ["ann"]


def test_resubmit_direct_into_a_parallel_starts_all_its_branches() -> None:
    here = both(resubmit="direct").approve("yan")
    here.do(Return("xav", here.open("xav").id)).do(Resubmit("ida"))
    assert here.asked == ["xav", "yan"]


def test_a_rejection_may_return_instead_of_ending() -> None:
    here = run(node("n1", "ann"), node("n2", "bob", reject="return")).approve("ann").reject("bob")
    assert here.request.returned
    nodes = (node("n1", "ann"), node("n2", "bob", reject="return", return_to=("previous", "initiator")))
    assert run(*nodes).approve("ann").reject("bob").asked == ["ann"]


def test_a_node_run_twice_keeps_both_histories() -> None:
    here = run(node("n1", "ann"), node("n2", "bob")).approve("ann", comment="first")
    here.do(Return("bob", here.open("bob").id, "n1")).approve("ann", comment="second")
    told = [(each.visit, each.comment) for each in here.request.tasks if each.assignee == "ann"]
    assert told == [(1, "first"), (3, "second")]


def test_withdraw_after_first_action_refused() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"))
    refused(here, Withdraw("ann"), NotYours, "approval_not_initiator")
    here.approve("ann")
    problem = refused(here, Withdraw("ida"), TooLate, "approval_withdraw_late")
    assert "Ann" in problem.message("en") and "Ann" in problem.message("zh")
    assert run(node("n1", "ann")).do(Withdraw("ida")).state == "withdrawn"


def test_policies_of_withdrawal() -> None:
    here = run(node("n1", "ann"), node("n2", "bob"), withdraw="while_running").approve("ann")
    assert here.do(Withdraw("ida")).state == "withdrawn"
    here = run(node("n1", "ann"), withdraw="admin_only")
    refused(here, Withdraw("ida"), NotYours, "approval_withdraw_admin")
    assert here.do(Withdraw(ADMIN)).state == "withdrawn"
    returned = run(node("n1", "ann"))
    returned.do(Return("ann", returned.open("ann").id))
    assert returned.do(Withdraw("ida")).state == "withdrawn"
    refused(returned, Withdraw("ida"), TooLate, "approval_not_running")


def test_takeback_blocked_when_next_acted() -> None:
    here = run(node("n1", "ann"), node("n2", "bob", "cid")).approve("ann")
    task = here.last("ann").id
    refused(here, TakeBack("bob", task), NotYours, "approval_nothing_to_take_back")
    here.approve("bob")
    problem = refused(here, TakeBack("ann", task), TooLate, "approval_take_back_late")
    assert "Bob" in problem.message("en")


def test_a_decision_taken_back_is_asked_again() -> None:
    here = run(node("n1", "ann"), node("n2", "bob")).approve("ann")
    first = here.last("ann")
    here.do(TakeBack("ann", first.id))
    assert here.asked == ["ann"]
    assert here.request.task(first.id) == first, "what was decided stays written"
    assert (here.last("bob").state, here.last("bob").reason) == ("cancelled", "taken_back")
    refused(here, TakeBack("ann", first.id), TooLate, "approval_nothing_to_take_back")
    assert here.approve("ann").asked == ["bob"]
    assert here.approve("bob").state == "approved"


def test_taking_back_asks_those_again_who_were_cut_short() -> None:
    here = run(node("n1", "ann", "amy", mode="any"), node("n2", "bob")).approve("ann")
    here.do(TakeBack("ann", here.last("ann").id))
    assert here.asked == ["ann", "amy"]
    assert here.approve("amy").asked == ["bob"]


def test_taking_back_within_an_open_node() -> None:
    here = run(node("n1", "ann", "bob", "cid")).approve("ann", "bob")
    here.do(TakeBack("ann", here.last("ann").id))
    assert here.asked == ["cid", "ann"]
    here.approve("cid")
    assert here.state == "running"
    assert here.approve("ann").state == "approved"
    here = run(node("n1", "ann", "bob", mode="sequential")).approve("ann")
    here.do(TakeBack("ann", here.last("ann").id))
    assert (here.asked, here.last("bob").state) == (["ann"], "waiting")
    assert here.approve("ann", "bob").state == "approved"


def test_taking_back_out_of_a_join() -> None:
    for last in (("xia", "yan"), ("yan", "xia")):
        here = both().approve("xav", *last)
        assert here.asked == ["liz"]
        here.do(TakeBack(last[1], here.last(last[1]).id))
        assert here.asked == [last[1]]
        assert here.approve(last[1]).asked == ["liz"]
    here = both().approve("xav", "xia", "yan")
    here.do(TakeBack("xia", here.last("xia").id))
    assert here.asked == ["xia"]
    assert here.approve("xia").asked == ["liz"]


def test_nothing_is_taken_back_that_has_changed_the_record() -> None:
    here = run(node("n1", "ann"), SetFields("mark", {"en": "Mark"}, {"a": "1"}), node("n2", "bob")).approve("ann")
    refused(here, TakeBack("ann", here.last("ann").id), TooLate, "approval_take_back_passed")


def test_taking_back_while_signers_after_me_are_asked() -> None:
    here = run(node("n1", "ann"))
    here.do(AddSigner("ann", here.open("ann").id, "after", ("sam", "sue"))).approve("ann")
    here.do(TakeBack("ann", here.last("ann").id))
    assert (here.asked, here.last("sam").state) == (["ann"], "waiting")
    here.approve("ann")
    here.do(AddSigner("sam", here.open("sam").id, "before", ("sid",)))
    refused(here, TakeBack("ann", here.last("ann").id), TooLate, "approval_take_back_late")
    here.approve("sid", "sam")
    refused(here, TakeBack("ann", here.last("ann").id), TooLate, "approval_take_back_late")


def test_nothing_is_taken_back_from_a_returned_request() -> None:
    limit = timeout("P1D", "reject")
    here = run(node("n1", "ann"), node("n2", "bob", reject="return", timeout=limit)).approve("ann")
    assert here.later(days=1).fire().request.returned
    refused(here, TakeBack("ann", here.last("ann").id), TooLate, "approval_mend_first")


def test_void_then_edit() -> None:
    """An approved record that stays locked is free again once the approval is void."""
    here = run(node("n1", "ann"), keep_lock=frozenset({"approved"}), actions={"voided": {"status": "'draft'"}})
    refused(here, Void(ADMIN, "wrong price"), TooLate, "approval_not_approved")
    here.approve("ann")
    refused(here, Void("ida", "wrong price"), NotYours, "approval_not_admin")
    refused(here, Void(ADMIN, ""), Wrong, "approval_reason_needed")
    here.do(Void(ADMIN, "wrong price"))
    assert (here.state, here.request.reason) == ("voided", "wrong price")
    assert here.found(effects.Unlock) and here.found(effects.SetFields)[0].moment == "voided"
    other = run(node("n1", "ann")).approve("ann")
    assert other.do(Void(None, "reverse approval")).state == "voided"


# --- urging, talking, the clock ---


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


# --- administrators ---


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


# --- as a whole ---


def test_version_pinning() -> None:
    """A request goes on by the definition that it began with; a new one counts for new requests."""
    old = approval(node("n1", "ann"), node("n2", "bob"))
    new = approval(node("n1", "ann"), node("other", "zoe"))
    here = Run(old).submit().approve("ann")
    assert (here.asked, here.request.release) == (["bob"], 3)
    assert Run(new).submit().approve("ann").asked == ["zoe"]
    with pytest.raises(ValueError, match="not of other"):
        act(replace(new, id="other"), here.request, Withdraw("ida"), here.world)


def long_way(amount: int) -> Run:
    chosen = Branch(
        "split",
        {},
        (Way("big", "amount >= 100", (node("dir", "dan", "dot", mode="any"), Route("skip", {}, "last", "urgent"))),),
        (Delay("pause", {}, "P1D"), node("clerk", "kim", mode="random")),
    )
    par = Together("par", {}, {"x": (node("x1", "xav"), SetFields("mark", {}, {"amount": "5"})), "y": (node("y1"),)})
    nodes = (
        node("mgr", who=(Who("manager_of"),)),
        chosen,
        par,
        Branch("after", {}, (Way("w", "amount == 5", (node("small", "sue", "max", mode="sequential"),)),)),
        node("last", "liz", who=users("liz")),
        Copy("cc", {}, users("c1")),
    )
    world = Village({"amount": amount, "urgent": False}, managers_of={"ida": ("max",)})
    return Run(approval(*nodes, same_approver="once"), world)


@pytest.mark.parametrize("amount", [1, 100])
def test_preview_equals_run(amount: int) -> None:
    here = long_way(amount)
    before = here.request
    expected = preview(here.approval, here.world, here.request)
    assert here.request == before
    here.submit()
    while here.state == "running":
        if here.asked:
            here.approve(here.asked[0])
        else:
            here.later(days=1).fire()
        # The world has changed as the effects say.
        for effect in here.found(effects.SetFields):
            here.world = here.world.setting(effect.values)
        assert preview(here.approval, here.world, here.request) == expected
    assert here.state == "approved"
    assert path(here.approval, here.request) == expected
    assert [each.node for each in expected][:3] == ["mgr", "split", "dir" if amount >= 100 else "pause"]


def test_stored_between_any_two_verbs_nothing_changes() -> None:
    here = long_way(100)
    here.submit(snapshot={"a": [1, {"b": None}]}, deciding={"amount": "100"}, picks={}).approve("max")
    assert loaded(json.loads(json.dumps(dumped(here.request)))) == here.request
    here.do(AddSigner("dan", here.open("dan").id, "before", ("sam",))).later(hours=1).do(Urge("ida"))
    again = loaded(json.loads(json.dumps(dumped(here.request))))
    assert again == here.request and again.tasks[-1].urged_at == here.world.now


def test_changed_tasks_are_those_that_a_list_has_to_write() -> None:
    here = run(node("n1", "ann", "bob", mode="any"), node("n2", "cid"))
    before = here.request
    here.approve("ann")
    assert [(each.assignee, each.state) for each in changed_tasks(before, here.request)] == [
        ("ann", "approved"),
        ("bob", "cancelled"),
        ("cid", "pending"),
    ]


def test_the_version_grows_with_every_verb() -> None:
    here = run(node("n1", "ann"))
    assert here.request.version == 1
    assert here.approve("ann").request.version == 2


def test_what_decides_the_route_is_known() -> None:
    definition: Approval = approval(
        Branch("b", {}, (Way("w", "amount > 1", (node("n1", who=(Who("field", path="account.owner"),)),)),)),
        node(
            "n2", who=(Who("matrix", matrix="m"), Who("manager_of", of="owner"), Who("expression", expression="boss"))
        ),
        Route("r", {}, "b", "again"),
        entry="stage == 'x'",
        matrices={"m": (MatrixRow("big", "region == 'n'", users("u")), MatrixRow("rest", None, users("v")))},
    )
    assert set(texts(definition)) == {
        "stage == 'x'",
        "amount > 1",
        "account.owner",
        "owner",
        "boss",
        "again",
        "region == 'n'",
    }


def test_every_refusal_is_said_in_both_languages() -> None:
    kinds = [each for each in vars(refusals).values() if isinstance(each, Kind)]
    assert len(kinds) > 40
    for each in kinds:
        assert set(each.texts) == set(LANGUAGES), each.code
