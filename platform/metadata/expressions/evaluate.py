"""Expression -> Python closure over plain values. Decides as the SQL does; never fetches anything."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from metadata.expressions.binding import Binding, bound
from metadata.expressions.money import compares_base
from metadata.expressions.tree import (
    Compare,
    Constant,
    Expression,
    FieldRef,
    In,
    Logic,
    Node,
    Not,
    TextMatch,
    Truth,
    walk,
)
from metadata.fieldtypes.links import AnyLink
from metadata.fieldtypes.registry import TYPES
from metadata.folding import fold

BASE = "__base"
"""Added to the id of a money field: its value in the tenant's currency."""

Values = Mapping[str, Any]
"""Field id -> Python value; None or absent when empty."""

Linked = Callable[[str, str], Values | None]
"""(entity id, record id) -> the linked record's values, loaded beforehand; None when it may not be seen."""


@dataclass(frozen=True, slots=True)
class Row:
    """The record that a condition is asked of, and what it links to."""

    values: Values
    linked: Linked


Condition = Callable[[Row, Sequence[Any]], bool]
Value = Callable[[Row, Sequence[Any]], Any]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(expression: Expression, values: Values, binding: Binding, linked: Linked | None = None) -> bool:
    """Whether a record meets a condition."""
    constants = bound_values(expression, binding)
    return condition(expression.root)(Row(values, linked or _nothing), constants)


def bound_values(expression: Expression, binding: Binding) -> list[object]:
    """The values of all slots."""
    found: list[object] = [None] * len(expression.values)
    for node in walk(expression.root):
        if isinstance(node, Constant):
            found[node.slot] = bound(node, expression.values, binding)
    return found


def _nothing(entity: str, record: str) -> Values | None:
    return None


def condition(node: Node) -> Condition:
    """A closure for a checked node; make it once and ask it of many rows."""
    match node:
        case Logic(op=op, parts=parts):
            return _logic(op, [condition(each) for each in parts])
        case Not(part=part):
            inner = condition(part)
            return lambda row, constants: not inner(row, constants)
        case Compare():
            return _comparison(node)
        case In():
            return _membership(node)
        case TextMatch():
            return _text_match(node)
        case Truth(part=part):
            value = _value(part)
            return lambda row, constants: _true(value(row, constants))
        case Constant() | FieldRef():
            raise TypeError("a value is not a condition")
        case _:
            assert_never(node)


def _true(value: Any) -> bool:
    # An empty moment or link is None; every other one counts.
    return bool(value)


def _logic(op: str, parts: list[Condition]) -> Condition:
    if op == "and":
        return lambda row, constants: all(part(row, constants) for part in parts)
    return lambda row, constants: any(part(row, constants) for part in parts)


def _comparison(node: Compare) -> Condition:
    base = compares_base(node)
    left, right = _value(node.left, base), _value(node.right, base)
    if node.op == "==":
        return lambda row, constants: bool(left(row, constants) == right(row, constants))
    if node.op == "!=":
        return lambda row, constants: bool(left(row, constants) != right(row, constants))
    compare = _ORDER[node.op]

    def ordered(row: Row, constants: Sequence[Any]) -> bool:
        first, second = left(row, constants), right(row, constants)
        return first is not None and second is not None and compare(first, second)

    return ordered


def _membership(node: In) -> Condition:
    needle = _value(node.needle, base=True)
    slots, nullable = [item.slot for item in node.items], node.nullable

    def among(row: Row, constants: Sequence[Any]) -> bool:
        value = needle(row, constants)
        return nullable if value is None else any(value == constants[slot] for slot in slots)

    return among


def _text_match(node: TextMatch) -> Condition:
    text, part = _value(node.text), _value(node.part)
    if isinstance(node.text, FieldRef) and node.text.kind == "set":
        exact = node.text.type == "multi_choice"

        def held(row: Row, constants: Sequence[Any]) -> bool:
            values, wanted = text(row, constants) or (), part(row, constants)
            return wanted in values if exact else fold(wanted) in map(fold, values)

        return held

    def matches(row: Row, constants: Sequence[Any]) -> bool:
        value, wanted = text(row, constants), part(row, constants)
        if value is None or wanted is None:
            return False
        held, sought = fold(value), fold(wanted)
        return sought in held if node.op == "contains" else held.startswith(sought)

    return matches


def _value(node: Node, base: bool = False) -> Value:
    match node:
        case Constant(slot=slot):
            return lambda row, constants: constants[slot]
        case FieldRef():
            key = node.field + BASE if base and node.type == "money" else node.field
            if node.type == "any_link":
                return lambda row, constants: _linked_id(_reached(row, node, key))
            if TYPES[node.type].compared:
                compared = TYPES[node.type].comparable
                return lambda row, constants: _if_any(compared, _reached(row, node, key))
            if not node.links:
                return lambda row, constants: row.values.get(key)
            return lambda row, constants: _reached(row, node, key)
    raise TypeError("a condition is not a value")


def _if_any(make: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else make(value)


def _linked_id(value: AnyLink | None) -> str | None:
    return None if value is None else value.id


def _reached(row: Row, node: FieldRef, key: str) -> Any:
    values = row.values
    for _, link, target in node.links:
        record = values.get(link)
        reached = row.linked(target, record) if record is not None else None
        if reached is None:
            return None
        values = reached
    return values.get(key)
