"""Scenarios on the real engine: every kind of step and expectation, time that passes, failures with their values."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from metadata.problems import LANGUAGES
from metadata.scenarios import Scenario
from runtime.scenarios import Result, Stage, opened, play
from runtime.scenarios.covering import everything
from runtime.scenarios.report import report
from tests import kit
from tests.processing import WORLD

HERE = Path(__file__).parent / "scenarios"
PASSING = (HERE / "passing.yaml").read_text("utf-8")
FAILING = (HERE / "failing.yaml").read_text("utf-8")


def package(scenarios: str) -> str:
    """The business with these scenarios; each is given the same unless it says otherwise."""
    more = yaml.safe_load((HERE / "business.yaml").read_text("utf-8"))
    rules, given = more.pop("rules"), more.pop("given")
    body = yaml.safe_load(WORLD) | more
    body["entities"]["deal"]["rules"] = rules
    body["entities"]["account"]["pooled"] = True
    body["scenarios"] = yaml.safe_load(scenarios)
    for each in body["scenarios"].values():
        outside = {"outside": each.pop("outside")} if "outside" in each else {}
        each.setdefault("given", {**copy.deepcopy(given), **outside})
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


NAMES = tuple(yaml.safe_load(PASSING))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with opened(kit.layers(package(PASSING))) as stage:
        yield stage


def named(stage: Stage, name: str) -> Scenario:
    found: Scenario | None = stage.model.get("scenarios", name)
    assert found is not None
    return found


def told(result: Result) -> list[str]:
    return [f"{each.path}: {each.message('en')}" for each in result.problems]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_step_and_expectation_holds_on_the_engine(stage: Stage, name: str) -> None:
    assert told(play(stage, named(stage, name))) == []


def test_a_scenario_leaves_nothing_to_the_next(stage: Stage) -> None:
    scenario = named(stage, "asked")
    one, two = play(stage, scenario), play(stage, scenario)
    assert (one.problems, one.touched) == (two.problems, two.touched)
    assert not stage.doors.calls and stage.clock.moment.year == 2026


SAID = {
    "value": [
        "steps.s.expect.records.deal.note: deal: Note should be y, and is x.",
        "steps.s.expect.records.deal.account: deal: Account should be free, and is acme.",
        "steps.s.expect.records.deal.amount: deal: Amount should be 51, and is 50.00.",
    ],
    "done": ["steps.s.refused: This should be refused (too_much), and was done."],
    "undone": [
        "steps.s.update: This should be possible, and was refused: [amount records.rejected] Too much.",
    ],
    "other": [
        "steps.s.refused: This should be refused by many, and was refused by another: "
        "[amount records.rejected] Too much."
    ],
    "stays": ["steps.s.expect.deleted.deal: deal should lie in the recycle bin, and does not."],
    "seen": [
        "steps.s.expect.visible.ann.deal: ann should not see deal, and does.",
        "steps.s.expect.visible.eve.acme: eve should see acme, and does not.",
    ],
    "counted": ["steps.s.expect.counts.d: There should be 2 of Deal, and there are 1."],
    "untold": [
        "steps.s.expect.mails.m: A mail should be there (ann@example.com). There is: nothing.",
        "steps.s.expect.calls.c: A request to another system should be there ({'rank': 6}). There is: "
        "POST https://erp.example.com/in {'rank': 5, 'what': 'a'}.",
    ],
    "runs": [
        "steps.s.expect.runs.hand: A run of hand should be there (failed). There is: deal done.",
        "steps.s.expect.runs.due: A run of due (*) should be there 1 times, and 0 fit. There is: nothing.",
    ],
    "asked": [
        "steps.s.expect.approvals.deal.state: The approval of deal should be running, and is none.",
        "steps.s.expect.approvals.deal.waiting: Whose turn it is for deal should be bob, and is –.",
    ],
    "given": ["given: What is given cannot be saved: [amount records.rejected] Too much."],
}
"""Of scenarios that fail, what is said."""


def test_what_is_not_as_expected_is_told_with_place_and_values() -> None:
    found = report(kit.layers(package(FAILING)), {"worked"})
    assert {each.scenario.key for each in found.results if each.passed} == set()
    said = {each.scenario.key: told(each) for each in found.results}
    assert {name: said[name] for name in SAID} == SAID
    assert "should hold of deal" in said["holds"][0] and "= 10" in said["holds"][0]
    assert said["stuck"][0].startswith("steps.s: A run of broken has failed in its step twice: ")
    assert said["went"][0].startswith("steps.t.expect.records.old: old is not there any more")
    for result in found.results:
        for problem in result.problems:
            assert problem.position is not None and problem.position.line > 1
            assert all(problem.message(lang) for lang in LANGUAGES)


CIRCLE = """
package: {code: circle, version: 1.0.0, kind: core}
entities:
  hen: {title: name, fields: {name: {type: text}, lays: {type: children, of: nest, by: hen}}}
  nest:
    title: name
    fields:
      name: {type: text}
      hen: {type: link, to: hen, required: true, on_delete: cascade, inverse: {key: nests}}
      egg: {type: link, to: egg, inverse: {key: nests}}
  egg: {title: name, fields: {name: {type: text}, hen: {type: link, to: hen, required: true, inverse: {key: eggs}}}}
scenarios:
  first:
    given: {records: {one: {entity: hen, values: {lays: [{egg: two}]}}, two: {entity: egg, values: {hen: one}}}}
    steps: {s: {wait: {span: P1D}}}
"""


def test_records_that_cannot_be_without_each_other_are_told() -> None:
    (found,) = report(kit.layers(CIRCLE), {"circle"}).results
    assert [each.path for each in found.problems] == ["given"] and "one, two" in told(found)[0]


SMALL = """
one:
  given:
    people: {ann: {roles: {seller: {}}}, bob: {roles: {boss: {}}}}
    records: {deal: {entity: deal, values: {name: a, owner: ann, amount: 200}}}
  steps:
    ask: {by: ann, submit: {record: deal}}
    yes: {by: bob, decide: {record: deal, verb: approve}}
    rank: {by: ann, create: {entity: mark, values: {name: a, rank: 1}}}
    much: {by: ann, update: {record: deal, values: {amount: 9999}}, refused: too_much}
"""


def test_coverage_is_exactly_what_was_put_to_use() -> None:
    text = yaml.safe_load(package(SMALL))
    for name in ("hand", "later", "due", "weekly", "intake", "broken"):
        del text["workflows"][name]
    found = report(kit.layers(yaml.safe_dump(text, sort_keys=False, allow_unicode=True)), {"worked"})
    assert [told(each) for each in found.results] == [[]]
    told_of = {kind: (each.touched, each.missing) for kind, each in found.coverage.items()}
    assert told_of == {
        "rules": (1, ("deal.many", "deal.never")),
        "triggers": (1, ("do.made",)),
        "branches": (1, ("send.erp.failed", "do.call.done", "do.kind.small", "do.kind.else")),
        "nodes": (2, ("large.second",)),
        "decisions": (1, ("large.first.rejected", "large.second.approved", "large.second.rejected")),
        "ways": (1, ("large.size.huge",)),
        "states": (1, ("deal.stage.won", "deal.stage.lost")),
    }


def test_everything_that_can_be_covered_has_one_name(stage: Stage) -> None:
    names = list(everything(stage.model))
    assert len(names) == len(set(names)) and "rules.deal.never" in names and "ways.large.size.else" in names


BOUND = 60.0
"""Seconds for fifty scenarios; about 5 on an idle machine."""


def test_fifty_scenarios_are_played_in_bounded_time_and_twice_alike() -> None:
    one = (
        "{steps: {s: {by: ann, update: {record: deal, values: {stage: won}}, expect: {records: {deal: {stage: won}}}}}}"
    )
    text = package("\n".join(f"s{number}: {one}" for number in range(50)))
    began = time.monotonic()
    first = report(kit.layers(text), {"worked"})
    assert len(first.results) == 50 and not first.failed
    assert time.monotonic() - began < BOUND
    assert len({each.touched for each in first.results}) == 1


def test_the_page_of_the_guide_shows_what_holds() -> None:
    guide = (Path(kit.ROOT) / "docs" / "scenarios.md").read_text("utf-8")
    example = guide.split("```yaml\n", 1)[1].split("```", 1)[0]
    text = {
        "package": {"code": "shown", "version": "1.0.0", "kind": "industry", "requires": {"sales": "*"}},
        "scenarios": {"guide": yaml.safe_load(example)},
    }
    found = report(kit.layers(yaml.safe_dump(text, sort_keys=False, allow_unicode=True)), {"shown"}, ["guide"])
    assert [told(each) for each in found.results] == [[]]
