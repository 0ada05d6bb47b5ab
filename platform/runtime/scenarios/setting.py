"""What a scenario is given: people and records, written as an import writes them, so that no workflow starts by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from metadata.model import Entity
from metadata.problems import Invalid, kind
from metadata.scenarios import Given, Scenario
from runtime import assignments, records
from runtime.scenarios.naming import Cast
from runtime.scenarios.passing import work
from runtime.scenarios.stage import Stage
from runtime.workspace import Workspace

CIRCLE = kind(
    "scenario.given_circle",
    en="These records cannot be without each other: {names}. Leave out one of the links and set it in a step.",
    zh="这些记录相互依赖，无法先后创建：{names}。请去掉其中一个关联，并在步骤中设置。",
)
USER = "user"
_CHANNEL = "command"


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: str
    entity: Entity
    values: dict[str, Any]
    given: Given


def set_up(stage: Stage, scenario: Scenario, cast: Cast) -> None:
    """Write everything that is given. Raises PlatformError for what cannot be saved."""
    stage.doors.answers = scenario.outside
    stage.clock.moment = stage.local(scenario.now)
    work(stage)  # what the tenant planned when it was made is planned anew from here on
    with stage.acting(None, channel=_CHANNEL) as ws:
        later = _write(stage, ws, cast, [*_people(stage, scenario), *_records(stage, scenario)])
        for wanted, values in later:
            records.update(ws, wanted.entity, cast.ids[wanted.key], cast.values(wanted.entity, values), confirm=("*",))
        for person in scenario.people:
            if person.roles:
                assignments.set_roles(ws, cast.ids[person.key], person.roles)


def _people(stage: Stage, scenario: Scenario) -> list[_Wanted]:
    user = stage.model.entity(USER)
    if user is None:
        return []
    return [
        _Wanted(each.key, user, {**_called(user, each.key), **each.values}, Given(each.key, USER))
        for each in scenario.people
    ]


def _called(user: Entity, key: str) -> dict[str, Any]:
    """What everybody has: a name and an address."""
    made = {"name": key.replace("_", " ").title(), "email": f"{key}@example.com"}
    return {name: value for name, value in made.items() if name in user.fields}


def _records(stage: Stage, scenario: Scenario) -> list[_Wanted]:
    found = []
    for each in scenario.records:
        entity = stage.model.entity(each.entity)
        assert entity is not None, each.entity
        found.append(_Wanted(each.key, entity, dict(each.values), each))
    return found


def _write(stage: Stage, ws: Workspace, cast: Cast, wanted: Sequence[_Wanted]) -> list[tuple[_Wanted, dict[str, Any]]]:
    """Records before those that name them; links that lead in circles are told, to be set afterwards."""
    waiting, later = list(wanted), []
    while waiting:
        each = next(
            (one for one in waiting if not _missing(cast, one)),
            next((one for one in waiting if not any(needed for _, needed in _missing(cast, one))), None),
        )
        if each is None:
            raise Invalid(CIRCLE(names=[one.key for one in waiting]))
        gone = {field for field, _ in _missing(cast, each)}
        now = {name: value for name, value in each.values.items() if name not in gone}
        if gone:
            later.append((each, {name: each.values[name] for name in gone}))
        at = ws if each.given.at is None else replace(ws, now=stage.local(each.given.at))
        cast.ids[each.key] = records.create(at, each.entity, cast.values(each.entity, now), confirm=("*",)).id
        waiting.remove(each)
    return later


def _missing(cast: Cast, wanted: _Wanted) -> set[tuple[str, bool]]:
    """(field id, whether it is required) of each link to a record that is not there yet."""
    named = cast.mentioned(wanted.entity, wanted.values)
    return {(field, needed) for field, key, needed in named if key in cast.entities and key not in cast.ids}
