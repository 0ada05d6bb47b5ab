"""Plays scenarios on a stage: given, done, expected; what differs is told at its place."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metadata.ids import uuid7
from metadata.model import Entity, Model
from metadata.problems import PlatformError, Problem
from metadata.rules import Rule
from metadata.scenarios import Scenario, Step
from runtime.scenarios import differing as d
from runtime.scenarios.checking import Mark, differences, said, stuck_runs
from runtime.scenarios.covering import touched
from runtime.scenarios.doing import do
from runtime.scenarios.naming import Cast
from runtime.scenarios.passing import work
from runtime.scenarios.setting import set_up
from runtime.scenarios.stage import Stage


@dataclass(frozen=True, slots=True)
class Result:
    """How a scenario went. It ends at the first step that is not as expected."""

    scenario: Scenario
    problems: tuple[Problem, ...]
    """What differs; the paths lead from the scenario: `steps.win.expect.records.deal.stage`."""
    seconds: float
    touched: frozenset[str]
    """What of the description it has put to use, see `covering`."""

    @property
    def passed(self) -> bool:
        return not self.problems


def play_all(stage: Stage, names: Sequence[str] = ()) -> Iterator[Result]:
    """All scenarios of the description, or those with these keys or ids, each on a cleared stage."""
    for scenario in stage.model.all("scenarios"):
        if not names or scenario.key in names or scenario.id in names:
            yield play(stage, scenario)


def play(stage: Stage, scenario: Scenario) -> Result:
    began = time.monotonic()
    stage.clear()
    cast = Cast(stage.model, scenario.entities)
    problems: tuple[Problem, ...] = ()
    try:
        set_up(stage, scenario, cast)
        work(stage)
    except PlatformError as error:
        problems = (d.GIVEN("given", found=said(error.problems)),)
    if not problems:
        stage.watch()
        problems = next((found for step in scenario.steps if (found := _step(stage, cast, step))), ())
    return Result(scenario, problems, time.monotonic() - began, frozenset(touched(stage)))


def _step(stage: Stage, cast: Cast, step: Step) -> tuple[Problem, ...]:
    mark = Mark(uuid7(), len(stage.doors.letters), len(stage.doors.calls))
    path = f"steps.{step.key}"
    refused: PlatformError | None = None
    try:
        if step.act is not None:
            do(stage, cast, step.act, step.key, step.by)
    except PlatformError as error:
        refused = error
    wrong = _judged(stage.model, step, refused, path)
    if wrong is not None:
        return (wrong,)
    try:
        work(stage)
    except PlatformError as error:
        return (d.REFUSED(path, found=said(error.problems)),)
    found = () if step.expect is None else differences(stage, cast, step.expect, mark)
    stuck = stuck_runs(stage, cast, step.expect)
    return (*(each.under(f"{path}.expect") for each in found), *(each.under(path) for each in stuck))


def _judged(model: Model, step: Step, refused: PlatformError | None, path: str) -> Problem | None:
    """What is wrong about whether a step was refused."""
    if step.refused is None:
        does = "" if step.act is None else f".{step.act.does}"
        return None if refused is None else d.REFUSED(path + does, found=said(refused.problems))
    entity = model.entity(step.act.entity) if step.act is not None and step.act.entity is not None else None
    rule = _rule(entity, step.refused)
    expected = step.refused if rule is None else rule.key
    if refused is None:
        return d.NOT_REFUSED(f"{path}.refused", expected=expected)
    if any(_is(each, step.refused, rule) for each in refused.problems):
        return None
    return d.REFUSED_OTHERWISE(f"{path}.refused", expected=expected, found=said(refused.problems))


def _rule(entity: Entity | None, name: str) -> Rule | None:
    return next((each for each in entity.rules if each.id == name), None) if entity is not None else None


def _is(problem: Problem, name: str, rule: Rule | None) -> bool:
    """Whether a problem is the one that is meant: by its code, or said by the rule."""
    if rule is None:
        return problem.code == name
    by = problem.params.get("rule")
    return by == rule.key or by == rule.label
