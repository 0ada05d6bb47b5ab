"""How the fields of an entity are computed: its writers with their closures, made once for each model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, partial
from typing import Any

from metadata.computing import Read, reads_of
from metadata.expressions import evaluate
from metadata.expressions.binding import Binding
from metadata.expressions.closures.rows import Condition, Constants, Value
from metadata.expressions.names import Wanted
from metadata.expressions.needs import Needs, needs
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression, FieldRef, Over
from metadata.fieldtypes import registry
from metadata.fieldtypes.numbers import WIDEST
from metadata.model import Entity, Field, Model, Writer
from metadata.rules import Rule
from runtime.queries.cache import kept
from runtime.queries.timed import expression_of, scope_of


class DoesNotFit(Exception):
    """A number that is too large for its field."""


@dataclass(frozen=True, eq=False)
class Step:
    """One writer of a save."""

    field: Field
    expression: Expression
    reads: tuple[Read, ...]
    fit: Callable[[Any], Any]
    """The value of the expression, not empty -> what the field holds. Raises DoesNotFit."""
    rule: Rule | None = None
    when: Expression | None = None

    @property
    def how(self) -> str:
        return "set" if self.field.computed is None or self.rule is not None else self.field.computed.how

    @cached_property
    def own(self) -> tuple[str, ...]:
        """Keys of the record's own values that it looks at. A rule fires by what its condition looks at."""
        reads = self.reads if self.when is None else reads_of(self.when.root)
        found = dict.fromkeys(each.field for each in reads if not each.way)
        if self.rule is not None and self.field.id in self.rule.cleared:
            found[self.field.id] = None  # what is sent for a hidden field is emptied too
        return tuple(found)

    @cached_property
    def reaches_out(self) -> bool:
        """Whether it looks at other records."""
        return any(each.way for each in self.reads)

    @cached_property
    def fixed(self) -> bool:
        """Money in the tenant's currency, whatever that of the record is."""
        return "currency" in self.field.props

    @cached_property
    def value(self) -> Value:
        root = self.expression.root
        if isinstance(root, FieldRef) and root.links and root.type == "money" and self.fixed:
            return evaluate.value(root, base=True)
        return evaluate.value(root)

    @cached_property
    def condition(self) -> Condition | None:
        return None if self.when is None else evaluate.condition(self.when.root)

    @cached_property
    def needs(self) -> Needs:
        """What a row must bring."""
        return needs(self.expression.root, *(() if self.when is None else (self.when.root,)))

    @cached_property
    def bind(self) -> Callable[[Binding], Constants]:
        """The constants of the value, ready to be bound."""
        return evaluate.binder(self.expression)

    @cached_property
    def bind_when(self) -> Callable[[Binding], Constants] | None:
        return None if self.when is None else evaluate.binder(self.when)

    @property
    def over(self) -> Over:
        """Of a rollup: what is measured."""
        assert isinstance(self.expression.root, Over)
        return self.expression.root

    @cached_property
    def measured(self) -> Value | None:
        """Of a rollup: the value of one listed record."""
        if self.over.value is None:
            return None
        return evaluate.value(self.over.value, base=self.fixed and self.field.type == "money")

    @cached_property
    def counted(self) -> Condition | None:
        """Of a rollup: whether a listed record counts."""
        return None if self.over.condition is None else evaluate.condition(self.over.condition)


@dataclass(frozen=True, eq=False)
class Recipe:
    """The writers of one entity, in order."""

    steps: tuple[Step, ...]

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        return tuple(dict.fromkeys(read for step in self.steps for read in step.reads))

    def step(self, field: str) -> Step | None:
        return next((each for each in self.steps if each.field.id == field and each.rule is None), None)

    def among(self, fields: Iterable[str]) -> tuple[Step, ...]:
        wanted = frozenset(fields)
        return tuple(each for each in self.steps if each.field.id in wanted and each.rule is None)

    @cached_property
    def by_children(self) -> Mapping[str, tuple[Step, ...]]:
        """Id of the field that lists the rows of a record -> the rollups over them: a save of all works them out."""
        found: dict[str, list[Step]] = {}
        for each in self.steps:
            if each.how == "rollup" and each.over.listed.field is not None and each.over.listed.through is None:
                found.setdefault(each.over.listed.field, []).append(each)
        return {field: tuple(held) for field, held in found.items()}


def recipe_of(model: Model, entity: Entity) -> Recipe | None:
    """How an entity's fields are computed; None when none is."""
    if not entity.writers:
        return None
    return kept(model).get(("recipe", entity.id), partial(_recipe, model, entity))


def _recipe(model: Model, entity: Entity) -> Recipe:
    return Recipe(tuple(_step(model, entity, each) for each in entity.writers))


def _step(model: Model, entity: Entity, writer: Writer) -> Step:
    field = entity.fields[writer.field]
    if writer.rule is None:
        expression = expression_of(model, entity, field)
        return Step(field, expression, reads_of(expression.root), fitting(field))
    rule = next(each for each in entity.rules if each.id == writer.rule)
    scope = scope_of(model, changes=True)
    value = parse_in(rule.set[field.id], entity, scope, Wanted(registry.of(field).kind, field))
    when = None if rule.when is None else parse_in(rule.when, entity, scope)
    reads = (*reads_of(value.root), *(reads_of(when.root) if when is not None else ()))
    return Step(field, value, tuple(dict.fromkeys(reads)), fitting(field), rule, when)


# -- from a value of the language to what a field holds


def fitting(field: Field) -> Callable[[Any], Any]:
    """How a value of an expression becomes one of a field."""
    type_ = registry.of(field)
    if type_.kind == "number":
        spec = type_.columns(field)[0]
        if spec.kind == "integer":
            return partial(_whole, _bounds(field))
        return partial(_decimal, Decimal(1).scaleb(-spec.scale), Decimal(10) ** (WIDEST - spec.scale))
    if type_.kind == "set":
        return tuple
    if type_.kind == "text":
        return _text
    return _same


def _bounds(field: Field) -> tuple[int, int]:
    most = 2**63 - 1
    if field.type == "duration":
        return 0, most
    return (1, int(field.props.get("max", 5))) if field.type == "rating" else (-most, most)


def _whole(bounds: tuple[int, int], value: Any) -> int | None:
    found = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
    if bounds[0] <= found <= bounds[1]:
        return found
    if abs(found) > 2**63 - 1:
        raise DoesNotFit
    return None  # no length of time is negative, and no rating is more than the best


def _decimal(step: Decimal, most: Decimal, value: Any) -> Decimal:
    number = Decimal(value)
    if abs(number) >= most:
        raise DoesNotFit
    exact = number.quantize(step, ROUND_HALF_UP)
    if abs(exact) >= most:
        raise DoesNotFit
    return exact if exact else abs(exact)


def _text(value: Any) -> str | None:
    return value or None


def _same(value: Any) -> Any:
    return value
