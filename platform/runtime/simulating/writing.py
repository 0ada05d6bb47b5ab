"""What a save would have set by a description's rules and formulas: the pass of a save, without its lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.expressions.closures.rows import Row
from metadata.model import Field
from runtime.records.computing.compute import fires, touched
from runtime.records.computing.recipes import DoesNotFit, Step, recipe_of
from runtime.records.drafts import Draft
from runtime.records.plans import BASE
from runtime.simulating.sides import Page, Side


@dataclass(slots=True)
class Written:
    """A save after the pass."""

    draft: Draft
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rule id -> field id -> what it gave the field."""
    given: set[str] = field(default_factory=set)
    """Ids of the fields that need not be as they are on record."""


class Writers:
    """The writers of one side. `other`: the recipe of the other side, to know which formulas are not the same."""

    def __init__(self, side: Side, other: Side | None) -> None:
        self.side = side
        self.recipe = recipe_of(side.model, side.entity)
        self.forced = frozenset(() if other is None else _other_values(side, other))
        """Ids of the formulas whose value of then this side does not have."""
        self.unknown = frozenset(
            step.field.id for step in self.steps() if step.how == "rollup" and step.field.id in self.forced
        )
        """Ids of the rollups of which nobody knows what they would have been."""
        self.again = frozenset(
            step.field.id
            for step in self.steps()
            if step.rule is not None and step.field.id in {each.field for each in step.reads if not each.way}
        )
        """Ids of the fields that a rule sets by what they are: they begin as they were before the save."""

    def steps(self) -> tuple[Step, ...]:
        return () if self.recipe is None else self.recipe.steps

    @property
    def works(self) -> bool:
        """Whether a save may come out otherwise than it was recorded."""
        return any(step.rule is not None for step in self.steps()) or bool(self.forced)

    def write(self, page: Page, at: int, unset: Collection[str] = ()) -> Written:
        """One save as this side would have had it. `unset`: fields that only the other side's rules gave a value."""
        draft = page.draft(self.side, at)
        written = Written(draft)
        if self.recipe is None or not self.works:
            return written
        if draft.before is not None and self.forced:
            draft.before = self._before(page, at, draft.before)
        before: Mapping[str, Any] = draft.before or {}
        given = dict(draft.values)
        for id in (*unset, *self.again):
            draft.values[id] = before.get(id)
            written.given.add(id)
        for id in self.unknown:
            draft.values[id] = None
        for step in self.recipe.steps:
            if step.how != "rollup" and self._is_due(step, draft, given):
                self._take(page, at, step, written)
        return written

    def as_it_was(self, page: Page, at: int) -> Draft:
        """A record that nobody saves at that moment."""
        draft = page.draft(self.side, at)
        if self.forced:
            draft.values = self._before(page, at, draft.values)
        return draft

    def _before(self, page: Page, at: int, before: Mapping[str, Any]) -> dict[str, Any]:
        """The record before the save, with this side's formulas."""
        draft = Draft(page.moments[at].record, dict(before), before)
        for step in self.steps():
            if step.rule is None and step.how != "rollup" and step.field.id in self.forced:
                self._take(page, at, step, Written(draft))
        for id in self.unknown:
            draft.values[id] = None
        return draft.values

    def _is_due(self, step: Step, draft: Draft, given: Mapping[str, Any]) -> bool:
        if step.rule is not None:
            return fires(step, draft)
        # What a formula came to is on record, unless something that it looks at would have been another value.
        return step.field.id in self.forced or (
            touched(step, draft) and any(draft.values.get(key) != given.get(key) for key in step.own)
        )

    def _take(self, page: Page, at: int, step: Step, written: Written) -> None:
        draft, side = written.draft, self.side
        binding = page.binding(side, at)
        row: Row = page.row(("step", id(step)), draft, step.needs)
        bind_when = step.bind_when
        if step.condition is not None and bind_when is not None and not step.condition(row, bind_when(binding)):
            return
        found = step.value(row, step.bind(binding))
        try:
            value = None if found is None else step.fit(found)
        except DoesNotFit:
            return
        target = step.field
        draft.values[target.id] = value
        written.given.add(target.id)
        if target.type == "money":
            draft.values[target.id + BASE] = value
        if step.rule is not None:
            kept = side.plan.keeps[target.id](draft.values)
            written.sets.setdefault(step.rule.id, {})[target.id] = kept


def _other_values(side: Side, other: Side) -> list[str]:
    """Ids of the stored computed fields that the other side computes otherwise, or not at all."""
    found: set[str] = set()
    fields, theirs = side.entity.fields, other.entity.fields
    for id, each in fields.items():
        if each.computed is None or not each.computed.stored:
            continue
        before = theirs.get(id)
        if before is None or before.computed is None or before.computed.value != each.computed.value:
            found.add(id)
    while True:
        more = {id for id, each in fields.items() if id not in found and _reads_any(side.entity.id, each, found)}
        if not more:
            return sorted(found)
        found |= more


def _reads_any(entity: str, field: Field, ids: Collection[str]) -> bool:
    return field.computed is not None and any(of == entity and id in ids for of, id in field.computed.reads)
