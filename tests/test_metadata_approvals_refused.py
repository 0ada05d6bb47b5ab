"""The section `approvals`: everything that is refused, with its place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.approvals import (
    Human,
    approvals_of,
)
from tests.describing import compiled, found, shop

BOSS: dict[str, Any] = {"type": "approve", "who": {"b": {"by": "role", "role": "boss"}}, "empty": "admin"}
ME: dict[str, Any] = {"type": "approve", "who": {"i": {"by": "initiator"}}}


def of(nodes: Any, **more: Any) -> dict[str, Any]:
    return {"entity": "quote", "nodes": nodes, **more}


def boss(**more: Any) -> dict[str, Any]:
    return of({"a": {**BOSS, **more}})


def asked(**who: Any) -> dict[str, Any]:
    return boss(who={"w": who})


def branch(*whens: str, **more: Any) -> dict[str, Any]:
    ways = {f"w{at}": {"when": when, "nodes": {f"n{at}": BOSS}} for at, when in enumerate(whens)}
    return {"type": "branch", "ways": ways, "else": {}, **more}


def parallel(**branches: Any) -> dict[str, Any]:
    return {"type": "parallel", "branches": branches}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # publication
    ("approval_unreachable", of({"a": BOSS, "r": {"type": "route", "to": "a"}, "b": BOSS}), "nodes.b"),
    (
        "approval_unreachable",
        of({"a": BOSS, "r": {"type": "route", "to": "a"}, "b": parallel(x={"p": BOSS}, y={"q": BOSS})}),
        "nodes.b",
    ),
    ("approval_no_else", of({"s": {k: v for k, v in branch("amount > 1").items() if k != "else"}}), "nodes.s"),
    ("approval_asks_nobody", of({"c": {"type": "cc", "who": {"b": {"by": "role", "role": "boss"}}}}), "nodes"),
    ("approval_empty_unsaid", of({"a": {"type": "approve", "who": {"b": {"by": "manager_of"}}}}), "nodes.a"),
    ("approval_empty_unsaid", of({"a": {**ME, "self": "skip"}}), "nodes.a"),
    (
        "approval_empty_unsaid",
        of({"a": {"type": "approve", "who": {"p": {"by": "initiator_picks", "least": 0}}}}),
        "nodes.a",
    ),
    ("approval_separated_self", of({"a": BOSS}, separated={"a": {}}), "nodes.a"),
    (
        "approval_separated_empty",
        of({"a": {**BOSS, "self": "skip", "empty": "approve"}}, separated={"a": {}}),
        "nodes.a.empty",
    ),
    (
        "approval_not_human",
        of({"a": BOSS, "d": {"type": "delay", "span": "P1D"}}, separated={"d": {}}),
        "separated",
    ),
    ("reference_unknown", of({"a": BOSS}, separated={"b": {}}), "separated.b"),
    (
        "approval_endless",
        of({"a": BOSS, "d": {"type": "delay", "span": "P1D"}, "r": {"type": "route", "to": "d", "when": "amount > 1"}}),
        "nodes.r.to",
    ),
    (
        "approval_endless",
        of({"s": branch("amount > 3"), "r": {"type": "route", "to": "s", "when": "amount > 1"}, "a": BOSS}),
        "nodes.r.to",
    ),
    ("approval_route_into", of({"s": branch("amount > 1"), "r": {"type": "route", "to": "n0"}}), "nodes.r.to"),
    ("reference_unknown", of({"a": BOSS, "r": {"type": "route", "to": "b"}}), "nodes.r.to"),
    (
        "approval_return_into",
        of({"p": parallel(x={"a": BOSS}, y={"b": {**BOSS, "return_to": {"a": {}}}})}),
        "nodes.p.branches.y.b.return_to",
    ),
    (
        "approval_return_into",
        of({"p": parallel(x={"a": BOSS}, y={"b": BOSS}), "c": {**BOSS, "return_to": {"a": {}}}}),
        "nodes.c.return_to",
    ),
    (
        "approval_return_into",
        of({"p": branch("amount > 1", type="inclusive"), "c": {**BOSS, "return_to": {"n0": {}}}}),
        "nodes.c.return_to",
    ),
    ("approval_return_ahead", of({"a": {**BOSS, "return_to": {"b": {}}}, "b": BOSS}), "nodes.a.return_to"),
    ("approval_return_ahead", of({"a": {**BOSS, "return_to": {"a": {}}}}), "nodes.a.return_to"),
    (
        "approval_not_human",
        of({"d": {"type": "delay", "span": "P1D"}, "a": {**BOSS, "return_to": {"d": {}}}}),
        "nodes.a.return_to",
    ),
    ("reference_unknown", boss(return_to={"b": {}}), "nodes.a.return_to.b"),
    ("approval_nobody_before", asked(by="approver_picks"), "nodes.a.who"),
    ("approval_handle_rejects", boss(type="handle", empty="reject"), "nodes.a.empty"),
    (
        "approval_handle_rejects",
        boss(type="handle", timeout={"after": "P1D", "then": "reject"}),
        "nodes.a.timeout.then",
    ),
    ("approval_bulk_asks", boss(bulk=True, sign=True), "nodes.a.bulk"),
    ("approval_bulk_asks", boss(bulk=True, comment_on={"approve": {}}), "nodes.a.bulk"),
    # names
    ("approval_of_platform", {"entity": "log", "nodes": {"a": BOSS}}, "entity"),
    ("reference_unknown", {"entity": "quot", "nodes": {"a": BOSS}}, "entity"),
    ("approval_node_twice", of({"a": BOSS, "s": {**branch("amount > 1"), "else": {"a": BOSS}}}), "nodes.s.else.a"),
    ("approval_name_reserved", of({"initiator": BOSS}), "nodes.initiator"),
    (
        "approval_name_reserved",
        of({"s": {**branch("amount > 1"), "ways": {"else": {"when": "amount > 1", "nodes": {"a": BOSS}}}}}),
        "nodes.s.ways.else",
    ),
    ("reference_unknown", boss(fields={"prise": "read"}), "nodes.a.fields.prise"),
    ("approval_not_written", boss(fields={"double": "write"}), "nodes.a.fields.double"),
    ("reference_unknown", of({"a": BOSS}, summary={"amont": {}}), "summary.amont"),
    ("reference_unknown", of({"a": BOSS}, material={"amont": {}}), "material.amont"),
    ("approval_not_written", of({"a": BOSS}, lock={"open": {"double": {}}}), "lock.open.double"),
    ("reference_unknown", of({"a": BOSS}, submitters={"bos": {}}), "submitters.bos"),
    ("reference_unknown", of({"a": BOSS}, admins={"bos": {}}), "admins.bos"),
    ("reference_unknown", boss(timeout={"after": "P1D", "calendar": "of"}), "nodes.a.timeout.calendar"),
    # conditions and values
    ("expression_unknown_field", of({"a": BOSS}, entry="amont > 1"), "entry"),
    ("expression_unknown_field", of({"s": branch("amont > 1")}), "nodes.s.ways.w0.when"),
    ("approval_never", of({"a": BOSS}, entry="false"), "entry"),
    ("approval_always", of({"s": branch("true")}), "nodes.s.ways.w0.when"),
    ("approval_never", of({"s": branch("amount > 1", "status in []")}), "nodes.s.ways.w1.when"),
    ("approval_asks_who", of({"a": BOSS}, entry="owner == $user"), "entry"),
    ("approval_asks_who", of({"a": BOSS}, entry="has_role('boss')"), "entry"),
    ("approval_asks_who", of({"a": BOSS}, entry="in_unit(owner.unit)"), "entry"),
    ("expression_no_change", of({"a": BOSS}, entry="changed('amount')"), "entry"),
    ("expression_unknown_field", of({"a": BOSS}, title={"en": "{nam}"}), "title.en"),
    (
        "approval_not_written",
        of({"a": BOSS}, actions={"approved": {"set": {"double": "1"}}}),
        "actions.approved.set.double",
    ),
    (
        "approval_not_written",
        of({"a": BOSS}, actions={"approved": {"set": {"version": "1"}}}),
        "actions.approved.set.version",
    ),
    (
        "approval_not_written",
        of({"a": BOSS}, actions={"approved": {"set": {"lines": "1"}}}),
        "actions.approved.set.lines",
    ),
    ("reference_unknown", of({"a": BOSS}, actions={"approved": {"set": {"stat": "1"}}}), "actions.approved.set.stat"),
    (
        "expression_unknown_option",
        of({"a": BOSS}, actions={"approved": {"set": {"status": "'x'"}}}),
        "actions.approved.set.status",
    ),
    (
        "expression_wrong_kind",
        of({"a": BOSS, "s": {"type": "set", "values": {"amount": "name"}}}),
        "nodes.s.values.amount",
    ),
    # keys and types
    ("approval_key_misplaced", boss(span="P1D"), "nodes.a.span"),
    ("approval_key_misplaced", boss(type="handle", reject="end"), "nodes.a.reject"),
    ("approval_key_missing", of({"a": {"type": "approve"}, "b": BOSS}), "nodes.a"),
    ("approval_key_missing", of({"a": BOSS, "r": {"type": "route"}}), "nodes.r"),
    ("approval_key_missing", boss(empty="users"), "nodes.a"),
    ("approval_key_missing", boss(empty_users={"u": {"by": "initiator"}}), "nodes.a"),
    ("approval_key_missing", boss(timeout={"after": "P1D", "then": "escalate"}), "nodes.a.timeout"),
    ("approval_key_missing", boss(timeout={"after": "P1D", "to": {"i": {"by": "initiator"}}}), "nodes.a.timeout"),
    ("approval_key_missing", boss(timeout={"after": "P1D", "reminders": 2}), "nodes.a.timeout"),
    ("duration_unreadable", boss(timeout={"after": "8h"}), "nodes.a.timeout.after"),
    ("approval_not_forward", boss(timeout={"after": "-P1D"}), "nodes.a.timeout.after"),
    ("approval_key_missing", boss(mode={"kind": "ratio"}), "nodes.a.mode"),
    ("approval_key_misplaced", boss(mode={"kind": "any", "at_least": 5}), "nodes.a.mode.at_least"),
    ("approval_over_all", boss(mode={"kind": "ratio", "at_least": 101}), "nodes.a.mode.at_least"),
    (
        "reference_unknown",
        boss(mode={"kind": "weighted", "at_least": 2, "weights": {"x": 1}}),
        "nodes.a.mode.weights.x",
    ),
    ("grammar_unknown_key", boss(cpa=5), "nodes.a.cpa"),
    ("grammar_choice", boss(type="subflow"), "nodes.a.type"),
    ("grammar_missing", {"entity": "quote"}, "nodes"),
    # people
    ("reference_unknown", asked(by="role", role="bos"), "nodes.a.who.w.role"),
    ("approval_key_missing", asked(by="role"), "nodes.a.who.w"),
    ("approval_key_misplaced", asked(by="initiator", level=2), "nodes.a.who.w.level"),
    (
        "approval_no_unit",
        {**asked(by="role", role="boss", within="record_unit"), "entity": "account"},
        "nodes.a.who.w.within",
    ),
    ("approval_no_person", asked(by="field", path="amount"), "nodes.a.who.w.path"),
    ("approval_no_person", asked(by="field", path="account"), "nodes.a.who.w.path"),
    ("approval_no_person", asked(by="field", path="team.name"), "nodes.a.who.w.path"),
    ("reference_unknown", asked(by="field", path="account.keper"), "nodes.a.who.w.path"),
    ("approval_no_person", asked(by="manager_of", of="owner.unit"), "nodes.a.who.w.of"),
    ("approval_no_person", asked(by="manager_of", of="team"), "nodes.a.who.w.of"),
    ("approval_no_assignee", asked(by="manager_of", of="assignee"), "nodes.a.who.w.of"),
    (
        "approval_no_user",
        asked(by="expression", expression="amount > 5 ? account : account"),
        "nodes.a.who.w.expression",
    ),
    ("expression_wrong_kind", asked(by="expression", expression="amount"), "nodes.a.who.w.expression"),
    ("approval_asks_who", asked(by="expression", expression="$user"), "nodes.a.who.w.expression"),
    ("reference_unknown", asked(by="matrix", matrix="m"), "nodes.a.who.w.matrix"),
    ("approval_too_few", asked(by="initiator_picks", least=3, most=2), "nodes.a.who.w"),
    (
        "approval_no_picking",
        boss(empty="users", empty_users={"p": {"by": "initiator_picks"}}),
        "nodes.a.empty_users.p.by",
    ),
    (
        "approval_matrix_within",
        of({"a": BOSS}, matrices={"m": {"r": {"who": {"m": {"by": "matrix", "matrix": "m"}}}}}),
        "matrices.m.r.who.m.by",
    ),
    (
        "approval_row_behind",
        of({"a": BOSS}, matrices={"m": {"r": {"who": BOSS["who"]}, "s": {"when": "amount > 1", "who": BOSS["who"]}}}),
        "matrices.m.r",
    ),
    (
        "expression_unknown_field",
        of({"a": BOSS}, matrices={"m": {"r": {"when": "amont > 1", "who": BOSS["who"]}}}),
        "matrices.m.r.when",
    ),
]


@pytest.mark.parametrize(
    ("code", "approval", "path"), REFUSED, ids=[f"{at}-{each[0]}" for at, each in enumerate(REFUSED)]
)
def test_what_is_wrong_is_refused_with_its_place_and_a_remedy(code: str, approval: Any, path: str) -> None:
    problems = found(approval)
    assert [(each.code, each.path) for each in problems] == [(code, f"approvals.discount.{path}")]
    assert problems[0].position is not None
    assert problems[0].message("en") != problems[0].message("zh")


@pytest.mark.parametrize(
    "approval",
    [
        of({"a": BOSS, "r": {"type": "route", "to": "a", "when": "amount > 1"}}),
        of({"a": BOSS, "s": branch("amount > 1"), "b": {**BOSS, "return_to": {"n0": {}, "a": {}}}}),
        of(
            {
                "a": BOSS,
                "p": parallel(
                    x={"b": {**BOSS, "return_to": {"a": {}}}}, y={"c": BOSS, "d": {**BOSS, "return_to": {"c": {}}}}
                ),
            }
        ),
        of({"a": BOSS, "r": {"type": "route", "to": "c", "when": "amount > 1"}, "b": BOSS, "c": BOSS}),
        of({"a": BOSS, "b": {"type": "approve", "who": {"p": {"by": "approver_picks", "most": 3}}}}),
        of({"a": ME}),
        of({"a": {**BOSS, "self": "to_manager"}}, separated={"a": {}}),
        asked(by="unit_head", of="owner.unit", level=2),
        asked(by="unit_head", of="lawyer"),
        asked(by="managers_up_to", role="boss", climb="empty"),
        asked(by="field", path="unit"),
        asked(by="expression", expression="coalesce(lawyer, account.keeper, owner)"),
        of({"a": BOSS}, entry="true"),
    ],
)
def test_what_is_right_is_taken(approval: Any) -> None:
    assert len(approvals_of(compiled(shop(approval)).model, "quote")) == 1


def test_managers_up_to_nobody_go_to_the_top() -> None:
    levels = []
    for more in ({}, {"level": 3}, {"role": "boss"}):
        (made,) = approvals_of(compiled(shop(asked(by="managers_up_to", **more))).model, "quote")
        (node,) = made.nodes
        assert isinstance(node, Human)
        levels.append((node.who[0].level, node.who[0].role))
    assert levels == [(0, None), (3, None), (1, "boss")]
