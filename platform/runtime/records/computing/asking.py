"""Conditions and values asked of one record in memory, over everything, whoever acts: what processes are decided by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import bound_values, condition, needs, value
from metadata.expressions.parser import parse_in
from metadata.expressions.printing import write
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Expression, FieldRef, Node, Over, parts_of
from metadata.model import Entity, Field, Model
from metadata.workflow_texts import any_value, value_for
from runtime.queries.cache import kept
from runtime.queries.timed import scope_of
from runtime.records.computing.loading import Loaded
from runtime.records.computing.recipes import fitting
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace


class Asker:
    """One record, and what its texts are worth. A text that says nothing under today's model is empty, or not so."""

    def __init__(self, ws: Workspace, plan: WritePlan, draft: Draft, binding: Callable[[], Binding]) -> None:
        self.ws, self.plan, self.draft = ws, plan, draft
        self._binding = binding

    def holds(self, text: str) -> bool:
        expression = self._read("condition", text, partial(_condition, text))
        return expression is not None and bool(self._ask(expression, condition(expression.root)))

    def value(self, text: str) -> Any:
        """The value of an expression, whatever its kind; of a path to a record its id."""
        expression = self._read("value", text, partial(_value, text))
        return None if expression is None else self._ask(expression, value(expression.root))

    def value_of(self, field: Field, text: str) -> Any:
        """What a field gets by the text of a value. Raises DoesNotFit."""
        expression = self._read(f"value of {field.id}", text, partial(_value_of, text, field))
        found = None if expression is None else self._ask(expression, value(expression.root))
        return None if found is None else fitting(field)(found)

    def reads(self, texts: Iterable[str]) -> dict[str, Any]:
        """What the fields and lists that some texts look at are worth, as plain JSON by how they are written."""
        found: dict[str, Any] = {}
        for text in texts:
            expression = self._read("condition", text, partial(_condition, text)) or self._read(
                "value", text, partial(_value, text)
            )
            for node in () if expression is None else _looked_at(expression.root):
                assert expression is not None
                key = write(node, expression.values, self.ws.model.entity, ids=True)
                if key not in found:
                    found[key] = _plain(self._ask(expression, value(node), node))
        return found

    def _read(self, how: str, text: str, make: Callable[[Model, Entity], Expression]) -> Expression | None:
        def read() -> Expression | None:
            try:
                return make(self.ws.model, self.plan.entity)
            except ExpressionInvalid:
                return None  # of an older release: what it names is gone

        return kept(self.ws.model).get(("asked", how, self.plan.entity.id, text), read)

    def _ask(self, expression: Expression, ask: Callable[..., Any], node: Node | None = None) -> Any:
        wanted = needs(node or expression.root)
        loaded = Loaded(self.ws, self.plan, wanted)
        loaded.load([self.draft], wanted)
        return ask(loaded.row(self.draft), bound_values(expression, self._binding()))


def _condition(text: str, model: Model, entity: Entity) -> Expression:
    return parse_in(text, entity, scope_of(model))


def _value(text: str, model: Model, entity: Entity) -> Expression:
    return any_value(text, entity, scope_of(model))


def _value_of(text: str, field: Field, model: Model, entity: Entity) -> Expression:
    return value_for(text, entity, field, scope_of(model))


def _looked_at(node: Node) -> Iterator[Node]:
    """The fields and lists in an expression, each as a whole."""
    if isinstance(node, (FieldRef, Over)):
        yield node
        return
    for part in parts_of(node):
        yield from _looked_at(part)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (tuple, list, set, frozenset)):
        return sorted(str(each) for each in value)
    return str(value.normalize()) if hasattr(value, "normalize") else str(value)
