"""The approval engine as a whole: versions, previews, storing, refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from metadata.approvals import (
    Approval,
    Branch,
    MatrixRow,
    Route,
    Way,
    Who,
)
from metadata.problems import LANGUAGES, Kind
from tests.approving import (
    Run,
    approval,
    long_way,
    node,
    run,
    users,
)
from workflow.approvals import effects, refusals
from workflow.approvals.acting import act
from workflow.approvals.deciding import texts
from workflow.approvals.previewing import path, preview
from workflow.approvals.request import changed_tasks
from workflow.approvals.storing import dumped, loaded
from workflow.approvals.verbs import (
    AddSigner,
    Urge,
    Withdraw,
)


def test_version_pinning() -> None:
    """A request goes on by the definition that it began with; a new one counts for new requests."""
    old = approval(node("n1", "ann"), node("n2", "bob"))
    new = approval(node("n1", "ann"), node("other", "zoe"))
    here = Run(old).submit().approve("ann")
    assert (here.asked, here.request.release) == (["bob"], 3)
    assert Run(new).submit().approve("ann").asked == ["zoe"]
    with pytest.raises(ValueError, match="not of other"):
        act(replace(new, id="other"), here.request, Withdraw("ida"), here.world)


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
