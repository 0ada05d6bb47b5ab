"""The section `approvals`: what it means when it is right, and every way in which it is refused."""

from __future__ import annotations

import json
from typing import Any

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
from metadata.documents.package import read_text
from metadata.parts import build, dump
from metadata.plan import plan_changes
from metadata.problems import LANGUAGES, MetadataInvalid, Problem
from metadata.schemas import published
from metadata.sections import SECTIONS

SHOP = """
package: {code: shop}
calendars: {office: {timezone: Asia/Shanghai, hours: {monday: ["09:00-18:00"]}}}
roles: {seller: {}, boss: {}, money: {}}
entities:
  user: {fields: {name: {type: text}, manager: {type: link, to: user}, unit: {type: link, to: unit}}}
  unit: {fields: {name: {type: text}, head: {type: user}}}
  account: {fields: {name: {type: text}, keeper: {type: user}}}
  line: {fields: {quote: {type: link, to: quote}, qty: {type: integer}}}
  log: {written_by: platform, fields: {name: {type: text}}}
  quote:
    owned: true
    fields:
      name: {type: text}
      amount: {type: decimal}
      discount: {type: percent}
      double: {type: formula, as: decimal, value: "amount * 2"}
      status: {type: choice, options: {draft: {}, asked: {}, agreed: {}}}
      note: {type: text}
      account: {type: link, to: account}
      lawyer: {type: user}
      team: {type: links, to: user}
      lines: {type: children, of: line, by: quote}
"""
DISCOUNT = """
label: {en: Discount, zh: 折扣}
entity: quote
priority: 20
entry: "discount > 10"
submitters: {seller: {}}
title: {en: "{name} of {account.name}", zh: "{account.name}的{name}"}
summary: {amount: {}, discount: {}}
withdraw: while_running
resubmit: direct
same_approver: once
lock: {open: {note: {}}, keep_after: {approved: {}}}
separated: {finance: {}}
material: {amount: {}}
admins: {boss: {}}
on_delete: terminate
matrices:
  limits:
    small: {when: "amount < 1000", who: {m: {by: manager_of}}}
    rest: {who: {b: {by: role, role: boss, within: record_unit}}}
nodes:
  first:
    type: approve
    label: {en: Manager, zh: 主管}
    who:
      manager: {by: manager_of, level: 2, climb: skip}
      keeper: {by: field, path: account.keeper}
    empty: climb
    self: to_manager
    timeout:
      after: PT8H
      calendar: office
      remind: PT4H
      reminders: 2
      then: escalate
      to: {up: {by: manager_of, of: assignee}}
    reject: return
    return_to: {initiator: {}}
    comment_on: {reject: {}, return: {}}
    fields: {note: write, amount: read, discount: hidden}
  size:
    type: branch
    ways:
      large:
        when: "amount >= 500000"
        nodes:
          director:
            type: approve
            who: {r: {by: role, role: boss}}
            empty: users
            empty_users: {u: {by: user, user: a@b.example}}
    else: {}
  both:
    type: parallel
    branches:
      numbers:
        finance:
          type: approve
          who: {m: {by: matrix, matrix: limits}}
          empty: admin
          self: skip
          mode: {kind: weighted, at_least: 3, weights: {money: 2}, veto: {boss: {}}}
      words:
        legal:
          type: handle
          who: {l: {by: expression, expression: "amount > 5 ? lawyer : owner"}}
          empty: approve
          return_to: {first: {}}
  pause: {type: delay, span: P1D, calendar: office}
  mark: {type: set, values: {note: "concat(name, '!')", discount: 5}}
  again: {type: route, to: first, when: "discount > 50"}
  inform: {type: cc, who: {t: {by: field, path: team}}}
actions:
  submitted: {set: {status: "'asked'"}}
  approved: {set: {status: "'agreed'", lawyer: "$user"}}
"""


def shop(approval: Any = None, **others: Any) -> str:
    data = yaml.safe_load(SHOP)
    data["approvals"] = {"discount": yaml.safe_load(DISCOUNT) if approval is None else approval, **others}
    return json.dumps(data)


def compiled(*texts: str) -> Compiled:
    return compile_layers([read_text(text, f"{place}.json") for place, text in enumerate(texts)])


def found(approval: Any) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(shop(approval))
    return list(caught.value.problems)


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


# -- what others ask of it


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


# -- what is refused

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
