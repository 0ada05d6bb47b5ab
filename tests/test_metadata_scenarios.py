"""What a scenario may say, what is refused with its place, and how layers extend it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from metadata import parts
from metadata.compiler import compile_layers
from metadata.documents.package import read_text
from metadata.problems import LANGUAGES, MetadataInvalid
from metadata.scenarios import START, Scenario
from metadata.sections import SECTIONS
from tests import kit
from tests.processing import world

GIVEN = {
    "people": {"ann": {"roles": {"seller": {}}}, "bob": {}},
    "records": {
        "acme": {"entity": "account", "values": {"name": "Acme", "owner": "ann"}},
        "deal": {"entity": "deal", "values": {"name": "One", "account": "acme", "lines": [{"what": "a", "price": 5}]}},
    },
}
FLOWS = """
hand:
  entity: deal
  triggers: {go: {button: {label: Go}}}
  steps: {note: {update: {values: {note: "'seen'"}}}}
pair:
  entity: account
  triggers: {one: {button: {label: One}}, two: {button: {label: Two}}}
  steps: {note: {update: {values: {size: "5"}}}}
"""


def described(steps: dict[str, Any], given: dict[str, Any] | None = None, **more: Any) -> str:
    body = {"given": given or GIVEN, "steps": steps, **more}
    rules = {"big": {"when": "amount > 100", "reject": {"message": "Too much."}}}
    text = yaml.safe_load(world(FLOWS, scenarios={"one": body}))
    text["entities"]["deal"]["rules"] = rules
    return yaml.safe_dump(text, sort_keys=False, allow_unicode=True)


def compiled(steps: dict[str, Any], **more: Any) -> Scenario:
    found: Scenario | None = kit.compile_yaml(described(steps, **more)).get("scenarios", "one")
    assert found is not None
    return found


def test_a_scenario_is_compiled_with_ids_and_stored_without_loss() -> None:
    found = compiled(
        {
            "new": {
                "by": "ann",
                "create": {"entity": "mark", "values": {"name": "x", "deal": "deal", "about": "acme"}},
            },
            "win": {"by": "ann", "update": {"record": "deal", "values": {"amount": "200"}}, "refused": "big"},
            "go": {"by": "ann", "press": {"record": "deal", "button": "hand"}},
            "two": {"by": "ann", "press": {"record": "acme", "button": "pair.two"}},
            "later": {
                "wait": {"span": "P2D"},
                "expect": {
                    "records": {"new": {"name": "x", "created_by": "ann"}},
                    "holds": {"deal": "account.size > 5"},
                    "tasks": {"none": {"to": "bob", "count": 0}},
                },
            },
        }
    )
    assert (found.now, found.entities["new"]) == (START, "mark")
    assert [each.act.does if each.act else None for each in found.steps] == [
        "create",
        "update",
        "press",
        "press",
        "wait",
    ]
    assert found.steps[1].refused == "big"
    assert found.steps[3].act is not None and found.steps[3].act.name == "pair.two"
    assert parts.build("scenarios", parts.dump(found)) == found


@pytest.mark.parametrize(
    ("step", "code", "path"),
    [
        ({"by": "ann"}, "scenario_step_empty", "s"),
        ({"by": "ann", "delete": {"record": "deal"}, "restore": {"record": "deal"}}, "scenario_step_two", "s"),
        ({"delete": {"record": "dael"}}, "scenario_unknown_record", "s.delete.record"),
        ({"by": "deal", "delete": {"record": "deal"}}, "scenario_unknown_person", "s.by"),
        ({"press": {"record": "deal", "button": "hand"}}, "scenario_needs_by", "s.press"),
        ({"by": "ann", "press": {"record": "deal", "button": "hnad"}}, "scenario_unknown_button", "s.press.button"),
        ({"by": "ann", "press": {"record": "acme", "button": "pair"}}, "scenario_unknown_button", "s.press.button"),
        ({"by": "ann", "wait": {"span": "P1D"}}, "scenario_by_nobody", "s.by"),
        ({"receive": {"record": "deal", "body": {}}}, "scenario_no_webhook", "s.receive.record"),
        ({"wait": {"span": "P1D", "until": "2026-03-09"}}, "scenario_wait", "s.wait"),
        ({"wait": {"until": "2026-02-30"}}, "scenario_bad_moment", "s.wait.until"),
        ({"wait": {"span": "3 days"}}, "duration_unreadable", "s.wait.span"),
        ({"wait": {"span": "P1D", "calendar": "moon"}}, "reference_unknown", "s.wait.calendar"),
        ({"create": {"entity": "dael"}}, "reference_unknown", "s.create.entity"),
        ({"create": {"entity": "deal", "values": {"nam": "x"}}}, "reference_unknown", "s.create.values.nam"),
        ({"create": {"entity": "deal", "values": {"stage": "gone"}}}, None, "s.create.values.stage"),
        (
            {"create": {"entity": "deal", "values": {"account": "ann"}}},
            "scenario_wrong_record",
            "s.create.values.account",
        ),
        ({"create": {"entity": "deal", "values": {"lines": 5}}}, "scenario_field_not_given", "s.create.values.lines"),
        (
            {"create": {"entity": "deal", "values": {"version": 5}}},
            "value_of_platform_field",
            "s.create.values.version",
        ),
        ({"delete": {"record": "deal"}, "refused": "bgi"}, "scenario_unknown_refusal", "s.refused"),
        ({"expect": {"refused": {}}}, "grammar_unknown_key", "s.expect.refused"),
        ({"expect": {"records": {"x": {}}}}, "scenario_unknown_record", "s.expect.records.x"),
        ({"expect": {"records": {"deal": {"nam": "x"}}}}, "reference_unknown", "s.expect.records.deal.nam"),
        ({"expect": {"holds": {"deal": "nothing == 1"}}}, "expression_unknown_field", "s.expect.holds.deal"),
        ({"expect": {"visible": {"acme": {"deal": True}}}}, "scenario_unknown_person", "s.expect.visible.acme"),
        ({"expect": {"counts": {"a": {"entity": "x", "count": 1}}}}, "reference_unknown", "s.expect.counts.a.entity"),
        ({"expect": {"tasks": {"a": {"to": "acme"}}}}, "scenario_unknown_person", "s.expect.tasks.a.to"),
        ({"expect": {"runs": {"hnad": {}}}}, "reference_unknown", "s.expect.runs.hnad"),
        ({"expect": {"runs": {"hand": {"record": "acme"}}}}, "scenario_other_entity", "s.expect.runs.hand"),
        (
            {"expect": {"approvals": {"deal": {"node": "boss"}}}},
            "scenario_unknown_node",
            "s.expect.approvals.deal.node",
        ),
        ({"by": "ann", "submit": {"record": "deal", "approval": "x"}}, "reference_unknown", "s.submit.approval"),
        ({"by": "ann", "assign": {"record": "deal", "assignment": "x"}}, "reference_unknown", "s.assign.assignment"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(step: dict[str, Any], code: str | None, path: str) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(described({"s": step}))
    (problem,) = [each for each in refused.value.problems if each.path.startswith("scenarios.one")]
    assert (problem.code == code or code is None) and problem.path == f"scenarios.one.steps.{path}"
    assert problem.position is not None and all(problem.message(lang) for lang in LANGUAGES)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"people": {"ann": {"roles": {"nobody": {}}}}}, "reference_unknown"),
        ({"people": {"ann": {"values": {"manager": "x"}}}}, "scenario_unknown_record"),
        ({"people": {"ann": {}}, "records": {"ann": {"entity": "deal"}}}, "scenario_name_taken"),
        ({"records": {"deal": {"entity": "deal", "at": "2026-13-01"}}}, "scenario_bad_moment"),
    ],
)
def test_what_cannot_be_given_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(described({"s": {"wait": {"span": "P1D"}}}, given))
    assert [each.code for each in refused.value.problems] == [code]


def test_a_misspelt_name_is_suggested() -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(described({"s": {"delete": {"record": "dael"}}}))
    assert [each.suggestion for each in refused.value.problems] == ["deal"]


def test_a_layer_above_changes_one_step_and_takes_another_away() -> None:
    below = read_text(described({"a": {"wait": {"span": "P1D"}}, "b": {"delete": {"record": "deal"}}}))
    above = """
package: {code: over, version: 1.0.0, kind: tenant, requires: {worked: "*"}}
scenarios:
  one:
    steps:
      a: {wait: {span: P2D}}
      b: null
      x_c: {after: a, delete: {record: acme}}
"""
    layers = kit.layers(below, above)
    found: Scenario = compile_layers(layers).model.get("scenarios", "one")  # type: ignore[assignment]
    assert [(each.key, each.act.span if each.act else None) for each in found.steps] == [("a", "P2D"), ("x_c", None)]


def test_everything_that_a_scenario_mentions_is_known() -> None:
    text = described(
        {
            "go": {"by": "ann", "press": {"record": "deal", "button": "hand"}},
            "seen": {"expect": {"runs": {"pair": {}}, "holds": {"deal": "account.size > 5"}}},
        }
    )
    result = compile_layers(kit.layers(text))
    told = SECTIONS["scenarios"].references("one", result.parts["scenarios"]["one"], result.model)
    found = {(each.section, each.element, each.field) for each in told}
    assert {
        ("roles", "seller", None),
        ("workflows", "hand", None),
        ("workflows", "pair", None),
        ("entities", "account", "size"),
        ("entities", "line", "price"),
    } <= found
