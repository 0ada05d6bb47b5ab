"""The section `approvals`: what it means when it is right, and what others ask of it."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from metadata.approvals import (
    Approval,
    Branch,
    Copy,
    Delay,
    Human,
    MatrixRow,
    Mode,
    Route,
    SetFields,
    Timeout,
    Together,
    Way,
    Who,
    approvals_of,
    conditions_of,
    deciding_fields,
)
from metadata.compiler import Compiled, compile_layers
from metadata.parts import build, dump
from metadata.plan import plan_changes
from metadata.problems import LANGUAGES
from metadata.schemas import published
from metadata.sections import SECTIONS
from tests import kit
from tests.describing import DISCOUNT, compiled, shop
from tests.signing import WORLD


@pytest.fixture(scope="module")
def discount() -> Compiled:
    return compiled(shop())


def test_an_approval_is_compiled_with_ids_and_checked_texts(discount: Compiled) -> None:
    (approval,) = approvals_of(discount.model, "quote")
    assert approval == Approval(
        id="discount",
        key="discount",
        label={"en": "Discount", "zh": "折扣"},
        entity="quote",
        priority=20,
        entry="discount > 10",
        submitters=("seller",),
        title={"en": "{name} of {account.name}", "zh": "{account.name}的{name}"},
        summary=("amount", "discount"),
        withdraw="while_running",
        resubmit="direct",
        same_approver="once",
        open_fields=("note",),
        keep_lock=frozenset({"approved"}),
        separated=("finance",),
        material=("amount",),
        admins=("boss",),
        on_delete="terminate",
        matrices={
            "limits": (
                MatrixRow("small", "amount < 1000", (Who("manager_of"),)),
                MatrixRow("rest", None, (Who("role", role="boss", within="record_unit"),)),
            )
        },
        nodes=(
            Human(
                "first",
                {"en": "Manager", "zh": "主管"},
                who=(Who("manager_of", level=2, climb="skip"), Who("field", path="account.keeper")),
                empty="climb",
                self_="to_manager",
                timeout=Timeout("PT8H", "office", "PT4H", 2, "escalate", (Who("manager_of", of="assignee"),)),
                reject="return",
                return_to=("initiator",),
                comment_on=("reject", "return"),
                fields={"note": "write", "amount": "read", "discount": "hidden"},
            ),
            Branch(
                "size",
                {"*": "Size"},
                (
                    Way(
                        "large",
                        "amount >= 500000",
                        (
                            Human(
                                "director",
                                {"*": "Director"},
                                who=(Who("role", role="boss"),),
                                empty="users",
                                empty_users=(Who("user", user="a@b.example"),),
                            ),
                        ),
                        {"*": "Large"},
                    ),
                ),
            ),
            Together(
                "both",
                {"*": "Both"},
                {
                    "numbers": (
                        Human(
                            "finance",
                            {"*": "Finance"},
                            who=(Who("matrix", matrix="limits"),),
                            mode=Mode("weighted", 3, weights={"money": 2}, veto=("boss",)),
                            self_="skip",
                        ),
                    ),
                    "words": (
                        Human(
                            "legal",
                            {"*": "Legal"},
                            handle=True,
                            who=(Who("expression", expression="if(amount > 5, lawyer, owner)"),),
                            empty="approve",
                            return_to=("first",),
                        ),
                    ),
                },
            ),
            Delay("pause", {"*": "Pause"}, "P1D", "office"),
            SetFields("mark", {"*": "Mark"}, {"note": "concat(name, '!')", "discount": "5"}),
            Route("again", {"*": "Again"}, "first", "discount > 50"),
            Copy("inform", {"*": "Inform"}, (Who("field", path="team"),)),
        ),
        actions={"submitted": {"status": "'asked'"}, "approved": {"status": "'agreed'", "lawyer": "$user"}},
    )


def test_an_approval_is_data_and_back(discount: Compiled) -> None:
    part = discount.parts["approvals"]["discount"]
    again = build("approvals", json.loads(json.dumps(part)))
    assert again == discount.model.get("approvals", "discount")
    assert dump(again) == part
    assert [each.id for each in again.every()] == [
        *("first", "size", "director", "both", "finance", "legal", "pause", "mark", "again", "inform"),
    ]


def test_names_are_ids_although_keys_have_changed() -> None:
    data = yaml.safe_load(shop())
    fields = data["entities"]["quote"]["fields"]
    fields["price"] = {**fields.pop("amount"), "id": "amount"}
    fields["double"]["value"] = "price * 2"
    approval = data["approvals"]["discount"]
    approval["nodes"]["boss_first"] = {**approval["nodes"].pop("first"), "id": "first", "before": "size"}
    approval["nodes"]["size"]["ways"]["large"]["when"] = "price >= 500000"
    approval["nodes"]["both"]["branches"]["words"]["legal"]["return_to"] = {"boss_first": {}}
    approval["nodes"]["again"]["to"] = "boss_first"
    approval["summary"] = {"price": {}}
    (made,) = approvals_of(compiled(json.dumps(data)).model, "quote")
    nodes = {node.id: node for node in made.every()}
    assert made.summary == ("amount",)
    assert isinstance(nodes["size"], Branch) and nodes["size"].ways[0].when == "amount >= 500000"
    assert isinstance(nodes["legal"], Human) and nodes["legal"].return_to == ("first",)
    assert isinstance(nodes["again"], Route) and nodes["again"].to == "first"
    assert made.nodes[0].id == "first"


def test_an_upper_layer_adds_changes_and_removes_nodes() -> None:
    upper = {
        "package": {"code": "ours", "kind": "module", "requires": {"shop": "*"}},
        "approvals": {
            "discount": {
                "nodes": {
                    "first": {"cap": 3},
                    "pause": None,
                    "audit": {"type": "handle", "after": "size", "who": {"b": {"by": "initiator"}}},
                    "size": {"ways": {"large": {"nodes": {"director": {"sign": True}}}}},
                }
            }
        },
    }
    (made,) = approvals_of(compiled(shop(), json.dumps(upper)).model, "quote")
    nodes = {node.id: node for node in made.every()}
    assert [each.id for each in made.nodes] == ["first", "size", "audit", "both", "mark", "again", "inform"]
    assert isinstance(nodes["first"], Human) and nodes["first"].cap == 3
    assert isinstance(nodes["director"], Human) and nodes["director"].sign


def test_a_record_looks_for_its_approval_in_the_order_of_priority() -> None:
    other = {"entity": "quote", "priority": 5, "nodes": {"me": {"type": "approve", "who": {"i": {"by": "initiator"}}}}}
    found = approvals_of(compiled(shop(None, early=other)).model, "quote")
    assert [each.id for each in found] == ["early", "discount"]


def test_the_fields_that_decide_are_those_of_entry_ways_routes_and_matrices(discount: Compiled) -> None:
    (approval,) = approvals_of(discount.model, "quote")
    assert {".".join(path) for path, _ in conditions_of(approval)} == {
        "entry",
        "matrices.limits.small.when",
        "nodes.size.ways.large.when",
        "nodes.again.when",
    }
    assert deciding_fields(approval, discount.model) == {"discount", "amount"}


def test_what_a_condition_reads_elsewhere_decides_by_its_link_or_list() -> None:
    approval = yaml.safe_load(DISCOUNT)
    approval["entry"] = "account.name != null and count(lines, qty > 2) > 1"
    model = compiled(shop(approval)).model
    (made,) = approvals_of(model, "quote")
    assert deciding_fields(made, model) == {"account", "lines", "amount", "discount"}


def test_where_something_is_used_is_known(discount: Compiled) -> None:
    part = discount.parts["approvals"]["discount"]
    used: dict[tuple[str, str, str | None], set[str]] = {}
    for each in SECTIONS["approvals"].references("discount", part, discount.model):
        used.setdefault((each.section, each.element, each.field), set()).add(".".join(each.path))
    assert used["entities", "quote", "amount"] == {
        "summary.amount",
        "material.amount",
        "matrices.limits.small.when",
        "nodes.first.fields.amount",
        "nodes.size.ways.large.when",
        "nodes.legal.who",
    }
    assert used["entities", "quote", "status"] == {"actions.submitted.set.status", "actions.approved.set.status"}
    assert used["entities", "account", "name"] == {"title.en", "title.zh"}
    assert used["entities", "account", "keeper"] == {"nodes.first.who"}
    assert used["roles", "boss", None] == {
        "admins.boss",
        "matrices.limits.rest.who.boss",
        "nodes.director.who.boss",
        "nodes.finance.mode.veto.boss",
    }
    assert used["calendars", "office", None] == {"nodes.first.timeout.calendar", "nodes.pause.calendar"}


def test_a_difference_is_told_node_by_node() -> None:
    changed = yaml.safe_load(DISCOUNT)
    changed["nodes"]["first"]["empty"] = "reject"
    changed["nodes"]["size"]["ways"]["large"]["when"] = "amount >= 400000"
    del changed["nodes"]["pause"]
    one, two = (compiled(shop(each)).parts["approvals"]["discount"] for each in (None, changed))
    told = SECTIONS["approvals"].difference("approvals", "discount", one, two)
    assert {(each.kind, ".".join(each.path)) for each in told} == {
        ("changed", "discount.nodes.first.empty"),
        ("changed", "discount.nodes.size.ways.large.when"),
        ("removed", "discount.nodes.pause"),
    }


def test_an_approval_is_told_as_a_tree_in_both_languages(discount: Compiled) -> None:
    part = discount.parts["approvals"]["discount"]
    english, chinese = (SECTIONS["approvals"].documentation(part, lang, discount.model) for lang in LANGUAGES)
    assert (
        "\n- **Manager** `first`: approved by manager of the initiator, 2 levels up, `account.keeper`; all" in english
    )
    assert "\n  - Large: if `amount >= 500000`\n    - **Director** `director`: approved by holders of `boss`" in english
    assert "weights of at least 3" in english
    assert "\n- **主管** `first`: 审批 发起人的上级（第 2 级）, `account.keeper`; 会签" in chinese
    assert "权重之和不少于 3" in chinese


def test_a_change_of_an_approval_is_planned(discount: Compiled) -> None:
    changed = yaml.safe_load(DISCOUNT)
    changed["priority"] = 30
    plan = plan_changes(discount.model, compiled(shop(changed)).model)
    assert [(each.section, each.path) for each in plan.changes] == [("approvals", "approvals.discount.priority")]


def test_the_published_schema_takes_an_approval_and_what_a_layer_writes_of_it() -> None:
    validator = Draft202012Validator(json.loads(published()["approvals.json"]))
    assert not list(validator.iter_errors(yaml.safe_load(DISCOUNT)))
    layer = {"nodes": {"first": {"cap": 3}, "size": {"ways": {"large": {"nodes": {"director": None}}}}}}
    assert not list(validator.iter_errors(layer))
    assert list(validator.iter_errors({"nodes": {"size": {"ways": {"large": {"nodes": {"director": {"cpa": 3}}}}}}}))


def test_a_warning_tells_of_roles_by_which_nobody_could_see_what_he_is_asked() -> None:
    assert [each.code for each in compile_layers(kit.layers(WORLD)).warnings] == []
    closed = WORLD + "  member: {entities: {approval_task: null, approval_request: null}}\n"
    [warning] = compile_layers(kit.layers(closed)).warnings
    assert (warning.code, warning.path) == ("approval_blind_roles", "approvals.discount")
    for lang in LANGUAGES:
        assert "Clerk" in warning.message(lang) and "approval_task" in warning.message(lang)
    opened = closed + "  everybody: {entities: {approval_task: {read: all}, approval_request: {read: all}}}\n"
    assert [each.code for each in compile_layers(kit.layers(opened)).warnings if "approval" in each.code] == []
