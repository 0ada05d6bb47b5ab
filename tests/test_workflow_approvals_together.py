"""Several people at one node of an approval: how their decisions count."""

from __future__ import annotations

from metadata.approvals import (
    Branch,
    Mode,
    Way,
)
from tests.approving import (
    Run,
    Village,
    approval,
    node,
    refused,
    run,
)
from workflow.approvals import effects
from workflow.approvals.refusals import NotYours, TooLate, Wrong
from workflow.approvals.verbs import (
    Approve,
    Reject,
    Return,
)


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
