"""Signers added before, after and alongside a task, and taken away."""

from __future__ import annotations

from metadata.approvals import (
    Mode,
)
from tests.approving import (
    Village,
    node,
    refused,
    run,
)
from workflow.approvals.refusals import NotYours, TooLate, Wrong
from workflow.approvals.verbs import (
    AddSigner,
    Approve,
    Delegate,
    RemoveSigner,
)


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
