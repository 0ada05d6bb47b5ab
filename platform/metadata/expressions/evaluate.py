"""Expression -> Python closure over plain values. Decides as the SQL does; never fetches anything."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from metadata.expressions.binding import Binding, bound
from metadata.expressions.closures import fields, lists, numbers
from metadata.expressions.closures.calls import call, of_one
from metadata.expressions.closures.rows import (
    BASE,
    Condition,
    Constants,
    Linked,
    Listing,
    Row,
    Value,
    Values,
    binding_of,
    nothing,
)
from metadata.expressions.money import compares_base
from metadata.expressions.needs import Needs, needs
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Either,
    Expression,
    FieldRef,
    In,
    InUnit,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
    is_condition,
    kind_of,
    walk,
)
from metadata.folding import fold

__all__ = [
    "BASE",
    "Condition",
    "Constants",
    "Linked",
    "Listing",
    "Needs",
    "Row",
    "Value",
    "Values",
    "binder",
    "bound_values",
    "condition",
    "evaluate",
    "needs",
    "value",
]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def evaluate(expression: Expression, values: Values, binding: Binding, linked: Linked | None = None) -> bool:
    """Whether a record meets a condition."""
    return condition(expression.root)(Row(values, linked or nothing), bound_values(expression, binding))


def bound_values(expression: Expression, binding: Binding) -> Constants:
    """The values of all slots: what the closures of an expression are asked with."""
    return binder(expression)(binding)


def binder(expression: Expression) -> Callable[[Binding], Constants]:
    """The same made ready: what every binding leaves as it is has been found out once."""
    values = expression.values
    nodes = [node for node in walk(expression.root) if isinstance(node, Constant)]
    moving = [each for each in nodes if each.name is not None or each.kind in ("date", "datetime")]
    fixed: list[object] = [None] * len(values)
    for each in nodes:
        fixed[each.slot] = values[each.slot]

    steady: list[Constants] = []
    if not moving and not any(isinstance(node, (Call, InUnit)) for node in walk(expression.root)):
        steady.append(Constants(fixed, Binding(_EPOCH, "UTC", None)))  # nothing in it asks for the binding

    def bind(binding: Binding) -> Constants:
        if steady:
            return steady[0]
        found = Constants(fixed, binding)
        for node in moving:
            found[node.slot] = bound(node, values, binding)
        return found

    return bind


def condition(node: Node) -> Condition:
    """A closure for a checked condition; make it once and ask it of many rows."""
    match node:
        case Logic(op=op, parts=parts):
            return _logic(op, [condition(part) for part in parts])
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
            true = value(part)
            # An empty moment or link is None; every other one counts.
            return lambda row, constants: bool(true(row, constants))
        case Changed(ref=ref):
            return fields.changed(ref)
        case InUnit(part=part):
            return _in_unit(value(part))
        case Over(op="any" | "all"):
            return _over(node)
        case Constant() | FieldRef() | Arithmetic() | Negative() | Call() | Either() | Over():
            raise TypeError("a value is not a condition")
        case _:
            assert_never(node)


def value(node: Node, base: bool = False) -> Value:
    """A closure for a checked value; None is empty. `base`: amounts count in the tenant's currency."""
    if is_condition(node):
        return condition(node)
    match node:
        case Constant(slot=slot):
            return lambda row, constants: constants[slot]
        case FieldRef():
            return fields.field(node, base)
        case Arithmetic(op=op, left=left, right=right):
            return _arithmetic(numbers.OPERATORS[op], value(left, base), value(right, base))
        case Negative(part=part):
            return of_one(numbers.negative, value(part, base))
        case Call(function=function, arguments=arguments):
            return call(function, [value(each, base) for each in arguments])
        case Either():
            return _either(condition(node.condition), value(node.then, base), value(node.otherwise, base))
        case Over():
            return _over(node)
    raise TypeError(type(node).__name__)


def _arithmetic(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def calculated(row: Row, constants: Sequence[Any]) -> Any:
        first, second = left(row, constants), right(row, constants)
        return None if first is None or second is None else function(first, second)

    return calculated


def _either(asked: Condition, then: Value, otherwise: Value) -> Value:
    return lambda row, constants: then(row, constants) if asked(row, constants) else otherwise(row, constants)


def _over(node: Over) -> Value:
    """Amounts of several records meet in the tenant's currency."""
    inner = None if node.condition is None else condition(node.condition)
    return lists.over(node, inner, None if node.value is None else value(node.value, base=True))


def _logic(op: str, parts: list[Condition]) -> Condition:
    if len(parts) == 2:
        first, second = parts
        if op == "and":
            return lambda row, constants: first(row, constants) and second(row, constants)
        return lambda row, constants: first(row, constants) or second(row, constants)
    decided = op == "or"

    def joined(row: Row, constants: Sequence[Any]) -> bool:
        for part in parts:
            if part(row, constants) is decided:
                return decided
        return not decided

    return joined


def _comparison(node: Compare) -> Condition:
    base, compare = compares_base(node), _COMPARE[node.op]
    equality = node.op in ("==", "!=")
    plain = _plain(node.left, base)
    if plain is not None and isinstance(node.right, Constant):
        return _with_constant(plain, compare, node.right.slot, equality)
    left, right = value(node.left, base), value(node.right, base)
    if equality:
        return lambda row, constants: bool(compare(left(row, constants), right(row, constants)))

    def ordered(row: Row, constants: Sequence[Any]) -> bool:
        first, second = left(row, constants), right(row, constants)
        return first is not None and second is not None and compare(first, second)

    return ordered


def _plain(node: Node, base: bool) -> str | None:
    """The key of a field of the record itself that is read as it is kept: most comparisons are of those."""
    if not isinstance(node, FieldRef) or node.links or node.old or fields.reading(node.type) is not None:
        return None
    return fields.key_of(node, base)


def _with_constant(key: str, compare: Callable[[Any, Any], bool], slot: int, equality: bool) -> Condition:
    if equality:
        return lambda row, constants: bool(compare(row.values.get(key), constants[slot]))

    def ordered(row: Row, constants: Sequence[Any]) -> bool:
        first, second = row.values.get(key), constants[slot]
        return first is not None and second is not None and compare(first, second)

    return ordered


def _membership(node: In) -> Condition:
    needle = value(node.needle, base=True)
    slots, nullable = [item.slot for item in node.items], node.nullable

    def among(row: Row, constants: Sequence[Any]) -> bool:
        found = needle(row, constants)
        return nullable if found is None else any(found == constants[slot] for slot in slots)

    return among


def _text_match(node: TextMatch) -> Condition:
    text, part, op = value(node.text), value(node.part), node.op
    if kind_of(node.text) == "set":
        return _held(text, part, kind_of(node.part) == "set")

    def matches(row: Row, constants: Sequence[Any]) -> bool:
        found, wanted = text(row, constants), part(row, constants)
        if found is None or wanted is None:
            return False
        held, sought = fold(found), fold(wanted)
        if op == "contains":
            return sought in held
        return held.startswith(sought) if op == "starts_with" else held.endswith(sought)

    return matches


def _held(values: Value, part: Value, exact: bool) -> Condition:
    """A set holds a value: an option by id, a tag whatever its case."""

    def held(row: Row, constants: Sequence[Any]) -> bool:
        found, wanted = values(row, constants) or (), part(row, constants)
        return wanted in found if exact else fold(wanted) in map(fold, found)

    return held


def _in_unit(unit: Value) -> Condition:
    return lambda row, constants: unit(row, constants) in binding_of(constants).units
