"""What an SLA may say, and what is refused with its place and in both languages."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from metadata import parts
from metadata.problems import LANGUAGES, MetadataInvalid
from metadata.sections import SECTIONS
from metadata.sla import Sla, slas_of
from tests import kit

SUPPORT = yaml.safe_load((kit.PACKAGES / "support" / "package.yaml").read_text("utf-8"))


def changed(*changes: tuple[str, Any]) -> str:
    """The package with values of its SLA replaced: dotted path -> value, None removes it."""
    body = copy.deepcopy(SUPPORT)
    for path, value in changes:
        *way, last = path.split(".")
        place = body["sla"]["support"]
        for step in way:
            place = place.setdefault(step, {})
        if value is None:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def test_an_sla_is_compiled_with_ids_and_stored_without_loss() -> None:
    model = kit.compile_yaml("support")
    found: Sla | None = model.get("sla", "support")
    assert found is not None and slas_of(model, "ticket") == (found,)
    first, resolution = found.targets
    assert (first.measures, first.reopen, first.since, first.due) == (
        "response",
        "keep",
        "received_at",
        "first_response_due",
    )
    assert (resolution.measures, resolution.reopen) == ("resolution", "resume")
    assert [(each.id, each.at) for each in resolution.alerts] == [("half", 50), ("most", 75), ("breach", 100)]
    assert [step.kind for step in resolution.alerts[2].steps] == ["update", "assign", "run"]
    assert [(policy.id, policy.calendar) for policy in found.policies] == [("gold", None), ("usual", "desk")]
    assert parts.build("sla", parts.dump(found)) == found
    for lang in LANGUAGES:
        assert "PT8H" in SECTIONS["sla"].documentation(parts.dump(found), lang, model)


SEND = {"tell": {"send": {"to": {"o": {"path": "owner"}}, "subject": "x"}}}


@pytest.mark.parametrize(
    ("path", "value", "code", "place"),
    [
        ("entity", "notification", "sla_of_platform", "entity"),
        ("policies.usual.when", "priority == 'urgent'", "sla_no_default", "policies.usual"),
        ("policies.usual.levels.normal.when", "priority == 'normal'", "sla_no_default", "policies.usual.levels.normal"),
        ("policies.gold.when", None, "sla_never_reached", "policies.gold"),
        ("targets.first_response.pause", "status == 'pending'", "sla_response_paused", "targets.first_response.pause"),
        (
            "policies.usual.levels.urgent.within.first_response",
            "P3D",
            "sla_response_longer",
            "policies.usual.levels.urgent.within",
        ),
        ("targets.extra", {"stop": "escalated"}, "sla_not_measured", "targets.extra"),
        ("targets.resolution.due", "first_response_due", "sla_kept_twice", "targets.resolution.due"),
        ("targets.resolution.due", "subject", "sla_not_a_moment", "targets.resolution.due"),
        ("targets.resolution.due", "created_at", "sla_not_kept", "targets.resolution.due"),
        ("targets.resolution.since", "nothing", "reference_unknown", "targets.resolution.since"),
        ("targets.resolution.stop", "resolution_due != null", "sla_reads_due", "targets.resolution.stop"),
        ("when", "owner == $user", "sla_condition", "when"),
        ("policies.gold.when", "$now > created_at", "sla_condition", "policies.gold.when"),
        ("targets.resolution.stop", "nothing == 1", "expression_unknown_field", "targets.resolution.stop"),
        ("targets.resolution.stop", "false", "workflow_never", "targets.resolution.stop"),
        (
            "targets.resolution.alerts.half",
            {"at": 50, "left": "PT1H", "do": SEND},
            "sla_alert_time",
            "targets.resolution.alerts.half",
        ),
        ("targets.resolution.alerts.half", {"do": SEND}, "sla_alert_time", "targets.resolution.alerts.half"),
        ("targets.resolution.alerts.half.at", 0, "grammar_range", "targets.resolution.alerts.half.at"),
        (
            "targets.resolution.alerts.half",
            {"left": "P1D", "do": SEND},
            "sla_alert_days",
            "targets.resolution.alerts.half.left",
        ),
        (
            "targets.resolution.alerts.half.do",
            {"a": {}},
            "workflow_no_kind",
            "targets.resolution.alerts.half.do.a",
        ),
        (
            "targets.resolution.alerts.half.do",
            {"a": {**SEND["tell"], "run": {"workflow": "raise"}}},
            "workflow_two_kinds",
            "targets.resolution.alerts.half.do.a",
        ),
        (
            "targets.resolution.alerts.half.do",
            {"a": {"run": {"workflow": "nothing"}}},
            "reference_unknown",
            "targets.resolution.alerts.half.do.a.run.workflow",
        ),
        (
            "targets.resolution.alerts.half.do",
            {"a": {"update": {"values": {"late_days": "1"}}}},
            "workflow_not_written",
            "targets.resolution.alerts.half.do.a.update.values.late_days",
        ),
        ("policies.usual.calendar", "nothing", "reference_unknown", "policies.usual.calendar"),
        ("policies.usual.levels.normal.within.resolution", "P1M", "workflow_span_months", None),
        ("policies.usual.levels.normal.within.resolution", "PT0S", "workflow_span_negative", None),
        ("policies.usual.levels.normal.within.nothing", "PT1H", "reference_unknown", None),
        ("targets.resolution.stop", None, "grammar_missing", "targets.resolution.stop"),
        ("targets.resolution.reopen", "perhaps", "grammar_choice", "targets.resolution.reopen"),
    ],
)
def test_what_cannot_be_is_refused(path: str, value: Any, code: str, place: str | None) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(changed((path, value)))
    problems = {each.code: each for each in refused.value.problems}
    assert code in problems, [(each.code, each.path) for each in refused.value.problems]
    said = problems[code]
    assert said.position is not None
    assert place is None or said.path == f"sla.support.{place}"
    assert len({said.message(lang) for lang in LANGUAGES}) == 2


def test_steps_of_different_alerts_may_be_called_alike() -> None:
    times: dict[str, dict[str, Any]] = {"half": {"at": 50}, "most": {"left": "PT30M"}, "late": {"over": "PT1H"}}
    more = {id: {**when, "do": copy.deepcopy(SEND)} for id, when in times.items()}
    kit.compile_yaml(changed(("targets.resolution.alerts", more)))


def test_an_upper_layer_gives_one_level_another_time() -> None:
    own = """
package: {code: mine, kind: tenant}
sla: {support: {policies: {usual: {levels: {urgent: {within: {resolution: PT4H}}}}}}}
"""
    found: Sla | None = kit.compile_yaml("support", own).get("sla", "support")
    assert found is not None
    assert dict(found.policies[1].levels[0].within) == {"first_response": "PT2H", "resolution": "PT4H"}
