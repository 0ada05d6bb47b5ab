"""Formulas that depend on the time, for a record in memory: what reading it would give."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from metadata.expressions.closures.rows import Row
from metadata.expressions.evaluate import bound_values
from metadata.expressions.needs import needs
from metadata.model import Entity, Field, Model
from runtime.queries.build import binding_of
from runtime.queries.cache import kept
from runtime.queries.timed import expression_of
from runtime.records.computing.loading import Loaded
from runtime.records.computing.recipes import DoesNotFit, Step, fitting
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.workspace import Workspace


def timed_values(ws: Workspace, plan: WritePlan, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a record's formulas that no column holds, by field id."""
    steps = kept(ws.model).get(("timed", plan.entity.id), partial(_steps, ws.model, plan.entity))
    binding = binding_of(ws.model, ws.actor, ws.now)
    draft = Draft(str(values["id"]), dict(values), values)
    found: dict[str, Any] = {}
    for step in steps:
        wanted = needs(step.expression.root)
        loaded = Loaded(ws, plan, wanted)
        loaded.load([draft], wanted)
        row: Row = loaded.row(draft)
        made = step.value(row, bound_values(step.expression, binding))
        try:
            found[step.field.id] = None if made is None else step.fit(made)
        except DoesNotFit:
            found[step.field.id] = None
        draft.values[step.field.id] = found[step.field.id]
        if step.field.type == "money":
            draft.values[step.field.id + BASE] = found[step.field.id]
    return found


def _steps(model: Model, entity: Entity) -> tuple[Step, ...]:
    """Each after those that it reads."""
    due = [each for each in entity.fields.values() if each.computed is not None and not each.computed.stored]
    found: list[Step] = []
    while due:
        ids = {each.id for each in due}
        ready = [each for each in due if ids.isdisjoint(_own(each) - {each.id})]
        for each in ready or due:
            found.append(Step(each, expression_of(model, entity, each), (), fitting(each)))
        due = [each for each in due if each not in ready] if ready else []
    return tuple(found)


def _own(field: Field) -> set[str]:
    assert field.computed is not None
    return {id for entity, id in field.computed.reads if entity == field.entity}
