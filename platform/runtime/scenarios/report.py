"""Plays the scenarios of a description and gathers what came of it: results with their places, and what is covered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from metadata.compilation import place_of
from metadata.compiler import Compiled, compile_layers, origin
from metadata.documents.package import Layer
from metadata.model import Entity
from metadata.problems import Position, Problem
from metadata.scenarios import Scenario
from runtime.scenarios.covering import KINDS, everything
from runtime.scenarios.play import Result, play
from runtime.scenarios.stage import opened


@dataclass(frozen=True, slots=True)
class Covered:
    """Of one kind of thing: how many there are, and the names of those that no scenario puts to use."""

    total: int
    missing: tuple[str, ...]

    @property
    def touched(self) -> int:
        return self.total - len(self.missing)


@dataclass(frozen=True, slots=True)
class Report:
    results: tuple[Result, ...]
    """Their problems have the places where the scenario says what is not so."""
    coverage: Mapping[str, Covered]
    """By kind, see `covering.KINDS`; of the packages that were asked for."""

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(each for each in self.results if not each.passed)


def names_of(layers: Sequence[Layer]) -> list[str]:
    """Keys of the scenarios of a description. Raises MetadataInvalid."""
    return [each.key for each in compile_layers(layers).model.all("scenarios")]


def played(layers: Sequence[Layer], only: Collection[str] = ()) -> Iterator[tuple[Result, Compiled]]:
    """Each result as soon as it is there. `only`: keys or ids. Raises MetadataInvalid."""
    compiled = compile_layers(layers)
    wanted: list[Scenario] = [
        each for each in compiled.model.all("scenarios") if not only or each.key in only or each.id in only
    ]
    if not wanted:
        return
    with opened(layers) as stage:
        for scenario in wanted:
            yield placed(compiled, play(stage, scenario)), compiled


def place(compiled: Compiled, scenario: Scenario) -> Position:
    return compiled.elements["scenarios"][scenario.id].mark.key_position


def placed(compiled: Compiled, result: Result) -> Result:
    """The same with the place of each problem."""
    element = compiled.elements["scenarios"][result.scenario.id]

    def at(problem: Problem) -> Problem:
        return problem.at(place_of(element, tuple(problem.path.split("."))))

    return replace(result, problems=tuple(map(at, result.problems)))


def report(layers: Sequence[Layer], codes: Collection[str], only: Collection[str] = ()) -> Report:
    """All at once. `codes`: of the packages whose coverage is told."""
    results = [result for result, _ in played(layers, only)]
    return Report(tuple(results), coverage(compile_layers(layers), codes, results))


def coverage(compiled: Compiled, codes: Collection[str], results: Sequence[Result]) -> Mapping[str, Covered]:
    touched = {name for result in results for name in result.touched}
    wanted = [name for name in everything(compiled.model) if _layer(compiled, name) in codes]
    found = {}
    for kind in KINDS:
        names = [name for name in wanted if name.startswith(f"{kind}.")]
        missing = tuple(name.removeprefix(f"{kind}.") for name in names if name not in touched)
        found[kind] = Covered(len(names), missing)
    return found


def _layer(compiled: Compiled, name: str) -> str | None:
    """The code of the package that described something last."""
    kind, id, part, *_ = name.split(".")
    if kind in ("rules", "states"):
        entity = compiled.model.entity(id)
        assert isinstance(entity, Entity)
        if kind == "rules":
            path = ("rules", next(each.key for each in entity.rules if each.id == part))
        else:
            path = ("fields", entity.fields[part].key)
        found = origin(compiled, "entities", id, *path)
    else:
        found = origin(compiled, "workflows" if kind in ("triggers", "branches") else "approvals", id)
    return None if found is None else found[0]
