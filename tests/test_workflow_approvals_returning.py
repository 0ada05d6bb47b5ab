"""Going back: returns, resubmission, withdrawal, decisions taken back, voiding."""

from __future__ import annotations

from metadata.approvals import (
    Branch,
    SetFields,
    Way,
)
from tests.approving import (
    ADMIN,
    Run,
    approval,
    both,
    node,
    refused,
    run,
    timeout,
)
from workflow.approvals import effects
from workflow.approvals.acting import return_targets
from workflow.approvals.refusals import NotYours, TooLate, Wrong
from workflow.approvals.request import INITIATOR
from workflow.approvals.verbs import (
    AddSigner,
    Approve,
    Reject,
    Resubmit,
    Return,
    TakeBack,
    Transfer,
    Void,
    Withdraw,
)


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
