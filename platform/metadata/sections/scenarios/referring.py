"""Everything that a scenario mentions, for where-used and renaming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from metadata.expressions.parser import parse_in
from metadata.model import Model
from metadata.problems import PlatformError
from metadata.scenarios import Act, Expect, Scenario
from metadata.section import Reference
from metadata.workflow_texts import scope_of_workflows

Path = tuple[str, ...]
_NAMED = {"submit": "approvals", "assign": "assignments", "give_back": "pools"}


def told(scenario: Scenario, model: Model) -> Iterator[Reference]:
    """Each entity, field, role, workflow, approval, assignment, pool and calendar, with its place."""
    for person in scenario.people:
        here: Path = ("given", "people", person.key)
        yield from (Reference((*here, "roles", each), "roles", each) for each in person.roles)
        yield from _values("user", person.values, (*here, "values"), model)
    for given in scenario.records:
        here = ("given", "records", given.key)
        yield Reference((*here, "entity"), "entities", given.entity)
        yield from _values(given.entity, given.values, (*here, "values"), model)
    for step in scenario.steps:
        here = ("steps", step.id)
        if step.act is not None:
            yield from _act(step.act, (*here, step.act.does), model)
        if step.expect is not None:
            yield from _expect(step.expect, scenario.entities, (*here, "expect"), model)


def _act(act: Act, path: Path, model: Model) -> Iterator[Reference]:
    if act.entity is not None:
        yield Reference((*path, "entity"), "entities", act.entity)
        yield from _values(act.entity, act.values, (*path, "values"), model)
        yield from _reads(act.where, act.entity, (*path, "where"), model)
    if act.does in _NAMED and act.name is not None:
        yield Reference(path, _NAMED[act.does], act.name)
    if act.does == "press" and act.name is not None:
        workflow = model.get("workflows", act.name.split(".")[0])
        if workflow is not None:
            yield Reference(path, "workflows", workflow.id)
    if act.calendar is not None:
        yield Reference((*path, "calendar"), "calendars", act.calendar)


def _expect(expect: Expect, entities: Mapping[str, str], path: Path, model: Model) -> Iterator[Reference]:
    for key, values in expect.records.items():
        yield from _values(entities.get(key), values, (*path, "records", key), model)
    for holds in expect.holds:
        yield from _reads(holds.condition, entities.get(holds.record), (*path, "holds", holds.record), model)
    for count in expect.counts:
        yield Reference((*path, "counts", count.key, "entity"), "entities", count.entity)
        yield from _reads(count.where, count.entity, (*path, "counts", count.key, "where"), model)
    for run in expect.runs:
        yield Reference((*path, "runs", run.workflow), "workflows", run.workflow)
    for standing in expect.approvals:
        if standing.approval is not None:
            yield Reference((*path, "approvals", standing.record), "approvals", standing.approval)


def _values(entity: str | None, values: Mapping[str, Any], path: Path, model: Model) -> Iterator[Reference]:
    held = None if entity is None else model.entity(entity)
    for id, value in values.items() if held is not None else ():
        assert held is not None
        yield Reference((*path, id), "entities", held.id, id)
        field = held.fields.get(id)
        if field is not None and field.type == "children" and field.to:
            for row in value or ():
                below = model.entity(field.to[0])
                by_id = {found.id: each for key, each in row.items() if below and (found := below.find(key))}
                yield from _values(field.to[0], by_id, (*path, id), model)


def _reads(text: str | None, entity: str | None, path: Path, model: Model) -> Iterator[Reference]:
    held = None if entity is None else model.entity(entity)
    if text is None or held is None:
        return
    try:
        expression = parse_in(text, held, scope_of_workflows(model))
    except PlatformError:
        return
    for name, field in expression.reads():
        yield Reference(path, "entities", name, field)
