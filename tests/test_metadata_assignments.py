"""What an assignment may say, and what is refused with its place; and how a workflow names one."""

from __future__ import annotations

from typing import Any

import pytest

from metadata import parts
from metadata.assignments import Assignment, Candidate, assignments_of
from metadata.problems import MetadataInvalid
from tests import kit
from tests.processing import world

ROLE = {"s": {"role": "seller"}}
TURNS = {"strategy": "round_robin", "candidates": ROLE}


def described(rules: dict[str, Any], workflows: str = "", **more: Any) -> str:
    body = {"entity": "deal", "rules": rules, "fallback": {"role": "boss"}, **more}
    return world(workflows, assignments={"deals": body})


def test_an_assignment_is_compiled_with_ids_and_stored_without_loss() -> None:
    model = kit.compile_yaml(
        described(
            {
                "keep": {"strategy": "sticky", "path": "account.owner"},
                "cap": {"strategy": "capacity", "candidates": {"m": {"user": "Mia@Example.com", "per_30_days": 60}}},
            },
            open="stage == 'open'",
        )
    )
    found: Assignment | None = model.get("assignments", "deals")
    assert found is not None and assignments_of(model, "deal") == (found,)
    assert [(each.id, each.strategy) for each in found.rules] == [("keep", "sticky"), ("cap", "capacity")]
    assert found.rules[1].candidates == (Candidate("m", user="mia@example.com", per_30_days=60),)
    assert parts.build("assignments", parts.dump(found)) == found


@pytest.mark.parametrize(
    ("rules", "more", "code"),
    [
        ({"a": {"strategy": "round_robin"}}, {}, "assignment_needs"),
        ({"a": {"strategy": "sticky", "candidates": ROLE}}, {}, "assignment_needs"),
        ({"a": {**TURNS, "path": "account.owner"}}, {}, "assignment_unfit"),
        ({"a": {"strategy": "capacity", "candidates": ROLE}}, {}, "assignment_needs"),
        ({"a": {**TURNS, "candidates": {"s": {"role": "seller", "weight": 2}}}}, {}, "assignment_unfit"),
        ({"a": {**TURNS, "candidates": {"s": {"role": "seller", "unit": "x"}}}}, {}, "assignment_not_one"),
        ({"a": {**TURNS, "candidates": {"s": {"role": "nobody"}}}}, {}, "reference_unknown"),
        ({"a": {"strategy": "sticky", "path": "account.name"}}, {}, "workflow_not_a_person"),
        ({"a": {**TURNS, "when": "nothing == 1"}}, {}, "expression_unknown_field"),
        ({"a": TURNS}, {"fallback": {}}, "assignment_not_one"),
        ({"a": TURNS}, {"entity": "line"}, "assignment_not_owned"),
    ],
)
def test_what_cannot_be_is_refused(rules: dict[str, Any], more: dict[str, Any], code: str) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(described(rules, **more))
    problems = {each.code: each for each in refused.value.problems}
    assert code in problems, problems
    assert problems[code].at is not None


def test_the_fallback_is_not_optional() -> None:
    with pytest.raises(MetadataInvalid, match="fallback"):
        kit.compile_yaml(world(assignments={"deals": {"entity": "deal", "rules": {"a": TURNS}}}))


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("{assignment: nothing}", "reference_unknown"),
        ("{}", "workflow_no_kind"),
        ("{assignment: deals, to: {b: {role: boss}}}", "workflow_two_kinds"),
    ],
)
def test_a_step_names_people_or_an_assignment_that_is_there(step: str, code: str) -> None:
    flow = f"give: {{entity: deal, triggers: {{made: {{created: {{}}}}}}, steps: {{g: {{assign: {step}}}}}}}"
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(described({"a": TURNS}, flow))
    assert code in {each.code for each in refused.value.problems}


def test_a_step_about_other_records_cannot_use_it() -> None:
    flow = "give: {entity: account, triggers: {made: {created: {}}}, steps: {g: {assign: {assignment: deals}}}}"
    with pytest.raises(MetadataInvalid, match="another entity"):
        kit.compile_yaml(described({"a": TURNS}, flow))
