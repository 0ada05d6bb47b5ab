"""Approvals at work: who is asked, what is written, who may see it."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from typing import Any

import pytest

from metadata.model import Entity
from metadata.problems import BadRequest, Conflict, Forbidden, Invalid, NotFound, PlatformError
from runtime import approvals, files, records
from runtime.host import Host
from runtime.workspace import Workspace
from tests.signing import WORLD, Firm, firm


def test_a_request_runs_through_its_nodes_and_sets_what_its_actions_say(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    request = f.submit(quote)
    assert f.asked(request) == ["bob"]
    assert f.values(quote)["status"] == "in_approval"
    request = f.act("bob", "approve")
    assert f.asked(request) == ["cleo"]
    request = f.act("cleo", "approve")
    assert request.state == "approved"
    assert f.values(quote)["status"] == "approved"


def test_matrix_amount_boundary(host: Host) -> None:
    f = firm(host)
    for amount, asked in (("499999.99", ["cleo"]), ("500000", ["dan", "dora"])):
        f.submit(f.quote(amount=amount))
        assert sorted(f.asked(f.act("bob", "approve"))) == asked
    assert f.asked(f.act("dora", "approve")) == ["carl"]


def test_concurrent_any_409(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote(amount="600000"))
    request = f.act("bob", "approve")
    tasks = {name: f.task(request, name).id for name in ("dora", "dan")}
    outcomes: list[Any] = []
    start = threading.Barrier(20)

    def decide(name: str) -> None:
        start.wait()
        try:
            f.act(name, "approve", request.id, task=tasks[name])
            outcomes.append("won")
        except PlatformError as refused:
            outcomes.append((type(refused).status, refused.problems[0].code, refused.problems[0].message("en")))

    threads = [threading.Thread(target=decide, args=(("dora", "dan")[at % 2],)) for at in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.count("won") == 1
    lost = [each for each in outcomes if each != "won"]
    assert len(lost) == 19
    assert {each[0] for each in lost} == {409}
    assert all("has already decided" in each[2] for each in lost)
    shown = f.show("kay")
    assert [each["verb"] for each in shown["history"]].count("approve") == 2  # bob's and the winner's


def test_two_who_submit_at_once_make_one_request(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def submit() -> None:
        start.wait()
        try:
            f.submit(quote)
            outcomes.append("won")
        except Conflict as refused:
            outcomes.append(refused.problems[0].code)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["approval_runs_already"] * 7 + ["won"]


def test_nobody_else_sees_a_request_or_that_there_is_one(host: Host) -> None:
    f = firm(host)
    request = f.submit(f.quote())
    for stranger in ("zoe", "sid", "carl", "olga", "cleo"):
        with pytest.raises(NotFound) as refused:
            f.show(stranger)
        with pytest.raises(NotFound) as unknown:
            f.show(stranger, "00000000-0000-7000-8000-000000000000")
        assert refused.value.problems == unknown.value.problems
        for verb in ("approve", "comment", "withdraw", "read"):
            with pytest.raises(NotFound):
                f.act(stranger, verb, **({"comment": "hello"} if verb == "comment" else {}))
        for box in approvals.BOXES:
            assert f.box(stranger, box) == []
    assert f.show("ida")["id"] == request.id


def test_cc_gives_read_only_here(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    f.act("bob", "approve")
    with pytest.raises(NotFound):
        f.show("olga")
    f.act("cleo", "approve")
    shown = f.show("olga")
    assert shown["record"]["fields"]["amount"] == "1000.00"
    assert "note" not in shown["record"]["fields"]  # her roles know nothing of quotes: the summary and no more
    assert {each["verb"] for each in shown["verbs"]} == {"comment", "read"}
    with f.as_("olga", write=False) as ws:
        from runtime import queries

        with pytest.raises(PlatformError):
            queries.get(ws, "quote", quote)
    assert [each["unread"] for each in f.box("olga", "copied")] == [True]
    with f.as_("olga", write=False) as ws:
        assert approvals.counts(ws)["unread"] == 1
    f.act("olga", "read")
    assert [each["unread"] for each in f.box("olga", "copied")] == [False]


def test_the_snapshot_shows_what_roles_and_nodes_allow(host: Host) -> None:
    f = firm(host)
    with f.as_(None) as ws:
        account = records.create(ws, "account", {"name": "Quince Ltd"}).id
    quote = f.quote(account=account)
    with f.as_(None) as ws:
        records.update(ws, "quote", quote, {"cost": "700", "wage": "opulent"})
    f.submit(quote)
    bob = f.show("bob")["record"]
    assert "cost" not in bob["fields"]  # the node hides it from him
    assert "wage" not in bob["fields"]  # no node opens what is personal
    assert bob["fields"]["account"]["title"] == "Quince Ltd"
    assert bob["moved"] == {}
    ida = f.show("ida")
    assert not {"cost", "wage"} & ida["record"]["fields"].keys()
    assert "opulent" not in str(ida) + str(f.show("bob"))
    f.act("bob", "approve")
    cleo = f.show("cleo")["record"]
    assert cleo["fields"].keys() == {"account", "amount", "discount"}
    assert cleo["fields"]["account"] == {"hidden": True}


def test_what_moved_since_is_told(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    with f.as_("kay") as ws:
        records.update(ws, "quote", quote, {"amount": "1200"}, confirm=["lock"])
    record = f.show("bob")["record"]
    # What an administrator changes under lock is in the snapshot as well, and in the trail.
    assert record["fields"]["amount"] == "1200.00"
    edits = [each for each in f.show("bob")["history"] if each["verb"] == "edit"]
    assert [(each["changes"], each["detail"]["why"]) for each in edits] == [
        ({"amount": {"before": "1000.00", "after": "1200.00"}}, "override")
    ]


def test_preview_equals_run(host: Host) -> None:
    f = firm(host)
    for amount in ("1000", "700000"):
        quote = f.quote(amount=amount)
        before = f.values(quote)
        with f.as_("ida", write=False) as ws:
            seen = approvals.preview(ws, "quote", quote)
        assert f.values(quote) == before
        assert f.box("ida", "started") == [] or amount != "1000"
        request = f.submit(quote)
        while request.running:
            task = request.pending()[0]
            name = next(key for key, id in f.people.items() if id == task.assignee)
            request = f.act(name, "approve", task=task.id)
        ran = f.show("ida")
        assert seen["complete"] and request.state == "approved"
        assert [_way(each) for each in seen["route"]] == [_way(each) for each in ran["route"]]
        assert seen["title"] == ran["title"] == "Marmalade: 20% for Quince Ltd"


def _way(visit: dict[str, Any]) -> tuple[str, list[str]]:
    asked = [] if visit["kind"] == "cc" else [each["assignee"]["name"] for each in visit["tasks"]]
    return visit["node"], asked


def test_what_needs_no_approval_is_refused(host: Host) -> None:
    f = firm(host)
    with pytest.raises(Invalid) as refused:
        f.submit(f.quote(discount=5))
    assert refused.value.problems[0].code == "approval_none_fits"
    quote = f.quote()
    with pytest.raises(NotFound):
        f.submit(quote, by="sid")  # he does not see it
    with pytest.raises(Conflict):
        f.submit(quote, version=99)
    f.submit(quote)
    with pytest.raises(Conflict):
        f.submit(quote)


def test_void_then_edit(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    f.act("bob", "approve")
    f.act("cleo", "approve")
    with f.as_("ida") as ws, pytest.raises(Conflict) as refused:
        records.update(ws, "quote", quote, {"amount": "5"})
    assert refused.value.problems[0].code == "records.locked_for_good"
    with pytest.raises(Forbidden):
        f.act("ida", "void", comment="typo")
    assert f.act("kay", "void", comment="a typo").state == "voided"
    with f.as_("ida") as ws:
        assert records.update(ws, "quote", quote, {"amount": "5"}).version > 1
    assert f.values(quote)["status"] == "draft"


def test_a_change_of_what_mattered_asks_for_a_new_approval(host: Host) -> None:
    f = firm(host)
    quote = f.quote()

    def state() -> str:
        with f.as_("ida", write=False) as ws:
            return approvals.standing(ws, "quote", quote).need

    assert state() == "needs_approval"
    f.submit(quote)
    assert state() == "running"
    f.act("bob", "approve")
    f.act("cleo", "approve")
    assert state() == "approved"
    with f.as_("kay") as ws:
        records.update(ws, "quote", quote, {"note": "nothing that matters"}, confirm=["lock"])
    assert state() == "approved"
    with f.as_("kay") as ws:
        records.update(ws, "quote", quote, {"amount": "2000"}, confirm=["lock"])
    assert state() == "needs_approval"  # whoever may pass the lock approves nothing by that


def test_a_material_change_after_approval_needs_another(host: Host) -> None:
    f = firm(host, WORLD.replace(", keep_after: {approved: {}}", ""))
    quote = f.quote()
    f.submit(quote)
    f.act("bob", "approve")
    f.act("cleo", "approve")
    for values, expected in (({"note": "x"}, "approved"), ({"amount": "2000"}, "needs_approval")):
        with f.as_("ida") as ws:
            records.update(ws, "quote", quote, values)
        with f.as_("ida", write=False) as ws:
            found = approvals.standing_json(ws, _quote(ws), quote)
        assert found["state"] == expected
    assert found["may_submit"] is True
    assert f.submit(quote).state == "running"


def _quote(ws: Workspace) -> Entity:
    entity = ws.model.entity("quote")
    assert entity is not None
    return entity


def test_returned_mended_and_sent_again(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    request = f.act("bob", "return", comment="too much")
    assert request.returned
    assert [each["kind"] for each in f.box("ida")] == ["initiator"]
    with f.as_("ida") as ws:
        records.update(ws, "quote", quote, {"discount": 15})
    assert {each["verb"] for each in f.show("ida")["verbs"]} >= {"resubmit", "withdraw"}
    request = f.act("ida", "resubmit")
    assert f.asked(request) == ["bob"]
    assert f.show("bob")["record"]["fields"]["discount"] == 15
    with f.as_("ida") as ws, pytest.raises(Conflict):
        records.update(ws, "quote", quote, {"discount": 50})


def test_withdrawing_opens_the_record(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    assert f.act("ida", "withdraw").state == "withdrawn"
    with f.as_("ida") as ws:
        records.update(ws, "quote", quote, {"discount": 12})
    assert f.values(quote)["status"] == "draft"
    assert f.box("bob") == []


def test_an_approver_changes_what_his_node_opens(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    for values, error in (({"amount": "1"}, Invalid), ({"price_note": "never"}, Invalid), ({"nonsense": 1}, Invalid)):
        with pytest.raises(error):
            f.act("bob", "approve", values=values)
    assert [each["node"]["id"] for each in f.box("bob")] == ["boss"]  # what is refused has changed nothing
    f.act("bob", "approve", values={"price_note": "as agreed", "note": "fine"})
    assert f.values(quote)["price_note"] == "as agreed"
    shown = f.show("ida")
    assert shown["record"]["fields"]["price_note"] == "as agreed"
    assert shown["record"]["moved"] == {}
    written = next(each for each in shown["history"] if each["verb"] == "write")
    assert written["changes"]["note"] == {"before": None, "after": "fine"}


def test_an_approver_names_only_what_he_sees(host: Host) -> None:
    f = firm(
        host,
        WORLD.replace(
            "empty: admin\n        else", "empty: admin\n                fields: {partner: write}\n        else"
        ),
    )
    f.submit(f.quote(amount="600000"))
    f.act("bob", "approve")
    with f.as_("ida") as ws:
        partner = records.create(ws, "account", {"name": "Secret Partner Ltd"}).id
    unknown = "00000000-0000-7000-8000-000000000000"
    told = []
    for id in (
        partner,
        unknown,
    ):  # dan sees no accounts: one that there is, and one that there is not, are alike to him
        with pytest.raises(Invalid) as refused:
            f.act("dan", "approve", values={"partner": id})
        told.append([each.code for each in refused.value.problems])
    assert told == [["records.no_such_target"]] * 2
    assert f.show("kay")["record"]["fields"]["partner"] is None
    f.act("dan", "approve")


def test_a_rule_that_refuses_an_action_refuses_the_verb(host: Host) -> None:
    world = WORLD.replace("approved: {set: {status: \"'approved'\"}}", "approved: {set: {price_note: \"'never'\"}}")
    f = firm(host, world)
    quote = f.quote()
    f.submit(quote)
    f.act("bob", "approve")
    with pytest.raises(Invalid):
        f.act("cleo", "approve")
    assert f.show("cleo")["state"] == "running"
    assert f.values(quote)["price_note"] is None
    assert len(f.box("cleo")) == 1


def test_boxes_tell_what_waits_and_what_was_done(host: Host) -> None:
    f = firm(host)
    first, second = f.submit(f.quote()), f.submit(f.quote(name="Quince jelly"))
    assert [each["request"] for each in f.box("bob")] == [second.id, first.id]
    assert [each["title"] for each in f.box("bob", q="jelly")] == ["Quince jelly: 20% for Quince Ltd"]
    assert f.box("bob", approval="nothing") == []
    assert len(f.box("bob", approval="discount")) == 2
    with f.as_("bob", write=False) as ws:
        assert approvals.counts(ws) == {"waiting": 2, "unread": 0}
    f.act("bob", "approve", first.id, comment="yes")
    assert [each["request"] for each in f.box("bob")] == [second.id]
    assert [(each["request"], each["comment"]) for each in f.box("bob", "done")] == [(first.id, "yes")]
    assert {each["request"]: each["state"] for each in f.box("ida", "started")} == {
        first.id: "running",
        second.id: "running",
    }
    assert f.box("ida", "started")[0]["approval"] == {"key": "discount", "label": "Discount approval"}


def test_many_are_approved_together_and_each_has_a_verdict(host: Host) -> None:
    f = firm(host)
    requests = [f.submit(f.quote(name=f"No {at}")) for at in range(3)]
    tasks = [each.pending()[0].id for each in requests]
    f.act("bob", "approve", requests[1].id)
    with f.as_("bob") as ws:
        verdicts = approvals.approve_many(ws, [*tasks, "00000000-0000-7000-8000-000000000000"])
    assert [each.action for each in verdicts] == ["updated", "refused", "updated", "refused"]
    cleos = [each["task"] for each in f.box("cleo")]
    assert len(cleos) == 3
    with f.as_("cleo") as ws:
        verdicts = approvals.approve_many(ws, cleos)
    assert {each.problems[0].code for each in verdicts} == {"approval_not_in_bulk"}


def test_what_is_sent_is_looked_at(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    for verb, body in (
        ("frobnicate", {}),
        ("approve", {"to": "x"}),
        ("approve", {"comment": 3}),
        ("add_signer", {"people": ["x"]}),
        ("add_signer", {"people": ["x"], "how": "beside"}),
        ("transfer", {}),
        ("approve", {"picks": {"boss": "bob"}}),
        ("approve", {"version": True}),
        ("comment", {"comment": "x" * 5000}),
    ):
        with pytest.raises(BadRequest):
            f.act("bob", verb, **body)
    with pytest.raises(Conflict):
        f.act("bob", "approve", version=77)
    for name in ("not an id", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(PlatformError):
            f.act("bob", "transfer", to=name, comment="please")


def test_signers_and_helpers_take_part_and_may_look(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    request = f.act("bob", "add_signer", how="before", people=[f.people["sid"]])
    assert f.asked(request) == ["sid"]
    assert "amount" in f.show("sid")["record"]["fields"]
    assert f.asked(f.act("sid", "approve")) == ["bob"]
    request = f.act("bob", "delegate", to=f.people["dora"], comment="what do you think?")
    assert f.asked(request) == ["dora"]
    assert f.asked(f.act("dora", "approve", comment="good")) == ["bob"]
    request = f.act("bob", "transfer", to=f.people["dan"], comment="yours")
    assert f.asked(request) == ["dan"]
    with pytest.raises(PlatformError):
        f.act("bob", "approve")


def test_a_signature_is_kept_with_its_task(host: Host) -> None:
    f = firm(host, WORLD.replace("bulk: true", "sign: true"))
    f.submit(f.quote())
    with pytest.raises(Invalid):
        f.act("bob", "approve")

    def upload(name: str) -> str:
        with f.as_(name) as ws:
            return files.store(ws, io.BytesIO(_png()), "signature.png", "image/png")

    for wrong in ("nonsense", "00000000-0000-7000-8000-000000000000", upload("zoe")):
        with pytest.raises(Invalid) as refused:
            f.act("bob", "approve", signature=wrong)
        assert refused.value.problems[0].code == "approval_no_signature"
    signature = upload("bob")
    f.act("bob", "approve", signature=signature)
    [task] = f.show("ida")["route"][0]["tasks"]
    assert task["signature"] == signature
    with f.as_("ida", write=False) as ws:
        assert files.find(ws, signature).name == "signature.png"
    with f.as_("zoe", write=False) as ws, pytest.raises(NotFound):
        files.find(ws, signature)


def _png() -> bytes:
    """A white picture of twenty by ten."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\xff" * 20 for _ in range(10))
    header = struct.pack(">IIBBBBB", 20, 10, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_only_who_may_see_a_request_is_mentioned(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    with pytest.raises(Invalid):
        f.act("ida", "comment", comment="look", mentions=[f.people["zoe"]])
    f.act("ida", "comment", comment="look", mentions=[f.people["bob"]])
    assert _told(f, "bob") == ["approval.asked", "approval.mentioned"]
    assert _told(f, "zoe") == []


def _told(f: Firm, name: str) -> list[str]:
    from runtime import notifications

    with f.as_(name, write=False) as ws:
        return sorted(each.kind for each in notifications.listing(ws)[0])


def test_people_are_told(host: Host) -> None:
    f = firm(host)
    f.submit(f.quote())
    f.act("bob", "approve")
    f.act("cleo", "approve")
    assert _told(f, "bob") == ["approval.asked"]
    assert _told(f, "cleo") == ["approval.asked"]
    assert _told(f, "olga") == ["approval.copied"]
    assert _told(f, "ida") == ["approval.approved"]


def test_deleting_is_refused_or_ends_the_request(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    with f.as_("ida") as ws, pytest.raises(Conflict):
        records.delete(ws, "quote", quote)
    f = firm(host, WORLD.replace("withdraw: while_running", "withdraw: while_running\n    on_delete: terminate"))
    quote = f.quote()
    f.submit(quote)
    with f.as_("ida") as ws:
        records.delete(ws, "quote", quote)
    shown = f.show("ida")
    assert shown["state"] == "terminated"
    assert shown["record"]["deleted"]
    assert f.box("bob") == []
