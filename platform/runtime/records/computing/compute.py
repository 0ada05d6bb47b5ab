"""The one pass of a save over everything that gives fields their values: formulas, lookups, rollups and rules' `set`.

Each comes after what it reads. A step is taken where something that it looks at has changed, on a new record, and
where it is asked for (`forced`) since a record that it looks at has changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from metadata.expressions.closures import numbers
from metadata.expressions.closures.rows import Constants, Row
from metadata.expressions.evaluate import bound_values
from metadata.expressions.needs import Needs, needs
from metadata.expressions.tree import Listed
from metadata.problems import kind
from runtime import rates
from runtime.queries.build import binding_of
from runtime.records.checking.money import TOO_LARGE as BASE_TOO_LARGE
from runtime.records.checking.money import rate_day
from runtime.records.computing.loading import Loaded
from runtime.records.computing.measuring import measures
from runtime.records.computing.recipes import DoesNotFit, Recipe, Step, recipe_of
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.workspace import Workspace

TOO_LARGE = kind(
    "records.computed_too_large",
    en="{label} would become too large to be kept. Check the values that it is computed from.",
    zh="{label}的计算结果过大，无法保存。请检查其来源数值。",
)
_MOST = Decimal(10) ** 24


def compute(
    ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], forced: Collection[str] = (), *, rules: bool = True
) -> None:
    """Give the drafts the values that follow from others. `forced`: ids of computed fields whose sources changed."""
    recipe = recipe_of(ws.model, plan.entity)
    if recipe is None or not drafts:
        return
    run = _Pass(ws, plan, recipe, frozenset(forced))
    for step in recipe.steps:
        if step.rule is not None and not rules:
            continue
        due = [draft for draft in drafts if run.is_due(step, draft)]
        if due:
            run.take(step, due)


def fires(step: Step, draft: Draft) -> bool:
    """Whether a rule's step is taken in a save."""
    rule = step.rule
    assert rule is not None
    new = draft.before is None
    if rule.on != "save" and (rule.on == "create") != new:
        return False
    return new or step.when is None or touched(step, draft)


def touched(step: Step, draft: Draft) -> bool:
    """Whether something of the record that the step looks at has changed in this save."""
    values, before = draft.values, draft.before or {}
    return any(
        values.get(key) != before.get(key) or values.get(key + BASE) != before.get(key + BASE) for key in step.own
    )


class _Pass:
    def __init__(self, ws: Workspace, plan: WritePlan, recipe: Recipe, forced: frozenset[str]) -> None:
        self.ws, self.plan, self.recipe, self.forced = ws, plan, recipe, forced
        self.binding = binding_of(ws.model, ws.actor, ws.now)
        self._loaded: Loaded | None = None
        self._rates: dict[str, rates.Rates] = {}
        self._measured: dict[tuple[Listed, frozenset[str]], dict[str, Mapping[str, Any]]] = {}

    # -- which steps are taken

    def is_due(self, step: Step, draft: Draft) -> bool:
        if step.rule is not None:
            return fires(step, draft)
        new = draft.before is None
        if step.how == "rollup":
            return new or step.field.id in self.forced or self._rows_sent(step, draft)
        return new or step.field.id in self.forced or touched(step, draft)

    def _rows_sent(self, step: Step, draft: Draft) -> bool:
        """Whether the rows that a rollup adds up are saved with the record, all of them."""
        field = self._children_field(step)
        return field is not None and field in draft.children

    def _children_field(self, step: Step) -> str | None:
        listed = step.over.listed
        if listed.field is None or listed.through is not None:
            return None
        return self.plan.entity.fields[listed.field].key

    # -- what a step does

    def take(self, step: Step, due: Sequence[Draft]) -> None:
        if step.how == "rollup":
            self._measure(step, due)
            return
        rows = self._rows(step, due)
        constants = step.bind(self.binding)
        conditions = None if step.bind_when is None else step.bind_when(self.binding)
        for draft, row in zip(due, rows, strict=True):
            if conditions is not None and not _holds(step, row, conditions):
                continue
            if step.rule is not None and self.ws.host.fired is not None:
                self.ws.host.fired(self.plan.entity.id, step.rule.id)
            self._put(step, draft, step.value(row, constants))

    def _rows(self, step: Step, due: Sequence[Draft]) -> list[Row]:
        wanted = step.needs
        if not (wanted.links or wanted.lists or wanted.before):
            for draft in due:
                draft.values.setdefault("id", draft.id)
            return [Row(draft.values, before=draft.before) for draft in due]
        return self._load(due, wanted)

    def _load(self, due: Sequence[Draft], wanted: Needs) -> list[Row]:
        if self._loaded is None:
            roots = [each.expression.root for each in self.recipe.steps]
            roots += [each.when.root for each in self.recipe.steps if each.when is not None]
            self._loaded = Loaded(self.ws, self.plan, needs(*roots))
        self._loaded.load(due, wanted)
        return [self._loaded.row(draft) for draft in due]

    def _measure(self, step: Step, due: Sequence[Draft]) -> None:
        """A rollup: of rows that are saved with the record as they are there, else as the database has them."""
        field = self._children_field(step)
        here = [draft for draft in due if field is not None and field in draft.children]
        if here:
            constants = bound_values(step.expression, self.binding)
            for draft, row in zip(here, self._load(here, needs(step.expression.root)), strict=True):
                self._put(step, draft, _measured(step, row.listed(step.over.listed, draft.id), constants))
        rest = [draft for draft in due if field is None or field not in draft.children]
        for draft in rest:
            if draft.before is None:
                self._put(step, draft, 0 if step.over.op in ("count", "sum") else None)
        held = [draft for draft in rest if draft.before is not None]
        if held:
            found = self._found(step, [draft.id for draft in held])
            for draft in held:
                self._put(step, draft, found.get(draft.id, 0 if step.over.op in ("count", "sum") else None))

    def _found(self, step: Step, ids: Sequence[str]) -> Mapping[str, Any]:
        """What a rollup is of each record; all that are wanted over one list are asked for at once."""
        known = self._measured.setdefault((step.over.listed, frozenset(ids)), {})
        if step.field.id not in known:
            wanted = [each for each in self.recipe.steps if each is step or self._goes_with(each, step)]
            known.update(measures(self.ws, wanted, ids) or measures(self.ws, [step], ids) or {})
        if step.field.id not in known:
            known[step.field.id] = self._by_closures(step, ids)
        return known[step.field.id]

    def _goes_with(self, other: Step, step: Step) -> bool:
        return other.how == "rollup" and other.field.id in self.forced and other.over.listed == step.over.listed

    def _by_closures(self, step: Step, ids: Sequence[str]) -> Mapping[str, Any]:
        """What the database cannot say is worked out of the records themselves."""
        loaded = Loaded(self.ws, self.plan, needs(step.expression.root))
        drafts = [Draft(id, {"id": id}, {}) for id in ids]
        loaded.load(drafts, needs(step.expression.root))
        constants = bound_values(step.expression, self.binding)
        return {
            each.id: _measured(step, loaded.row(each).listed(step.over.listed, each.id), constants) for each in drafts
        }

    def _put(self, step: Step, draft: Draft, value: Any) -> None:
        field = step.field
        try:
            draft.values[field.id] = None if value is None else step.fit(value)
        except DoesNotFit:
            draft.wrong(TOO_LARGE(field.key, label=field.label))
            return
        if field.type == "money":
            draft.values[field.id + BASE] = self._base(step, draft, draft.values[field.id])

    def _base(self, step: Step, draft: Draft, amount: Decimal | None) -> Decimal | None:
        """An amount in the tenant's currency."""
        if amount is None or step.fixed:
            return amount
        currency = str(draft.values.get("currency") or rates.base_currency(self.ws))
        if currency == rates.base_currency(self.ws):
            return amount
        rate = self._rate(currency, rate_day(self.ws, self.plan.entity, draft))
        base = None if rate is None else rates.in_base(amount, rate)
        if base is not None and abs(base) >= _MOST:
            draft.wrong(BASE_TOO_LARGE(step.field.key, label=step.field.label))
        return base

    def _rate(self, currency: str, day: dt.date) -> Decimal | None:
        """The rate of a currency. That there is none has been told of what the amount is made of."""
        if currency not in self._rates:
            self._rates[currency] = rates.load(self.ws, {currency})
        return self._rates[currency].rate(currency, day)


def _holds(step: Step, row: Row, constants: Constants) -> bool:
    return step.condition is None or step.condition(row, constants)


def _measured(step: Step, rows: Sequence[Row], constants: Constants) -> Any:
    counted: Callable[[Row, Any], bool] | None = step.counted
    met = [each for each in rows if counted is None or counted(each, constants)]
    if step.measured is None:
        return len(met)
    values = [value for each in met if (value := step.measured(each, constants)) is not None]
    match step.over.op:
        case "sum":
            return numbers.fit(numbers.total(values))
        case "avg":
            return numbers.average(values) if values else None
        case "median":
            return numbers.median(values) if values else None
        case "min":
            return min(values, default=None)
    return max(values, default=None)
