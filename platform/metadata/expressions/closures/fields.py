"""Fields of a record, reached over what it links to, before the save or after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from metadata.expressions.closures.rows import BASE, Condition, Row, Value, Values
from metadata.expressions.tree import FieldRef
from metadata.fieldtypes.registry import TYPES

Step = tuple[str, str, str]


def field(node: FieldRef, base: bool = False) -> Value:
    """The closure of a field; `base`: of an amount in the tenant's currency."""
    key = key_of(node, base)
    seen = reading(node.type)
    if node.links or node.old:
        return _reached(node, key, seen)
    if seen is None:
        return lambda row, constants: row.values.get(key)
    see = seen

    def converted(row: Row, constants: Sequence[Any]) -> Any:
        value = row.values.get(key)
        return None if value is None else see(value)

    return converted


def key_of(node: FieldRef, base: bool) -> str:
    return node.field + BASE if base and node.type == "money" else node.field


def reading(type: str) -> Callable[[Any], Any] | None:
    """How a value that is not None is read by the language; None: as it is kept."""
    if type == "any_link":
        return lambda value: value.id
    found = TYPES[type]
    if found.compared:
        return found.comparable
    if found.kind == "set":
        return lambda value: value or None  # a set without values is empty
    return None


def _reached(node: FieldRef, key: str, seen: Callable[[Any], Any] | None) -> Value:
    links, old = node.links, node.old

    def value_of(row: Row, constants: Sequence[Any]) -> Any:
        values = walked(row, row.before if old else row.values, links)
        value = None if values is None else values.get(key)
        return value if value is None or seen is None else seen(value)

    return value_of


def walked(row: Row, values: Values | None, links: Sequence[Step]) -> Values | None:
    """The values of the record that links lead to."""
    for _, link, target in links:
        record = None if values is None else values.get(link)
        values = None if record is None else row.linked(target, record)
    return values


def changed(node: FieldRef) -> Condition:
    """Whether a field differs from before the save; on a new record, whether it has a value."""
    key = node.field

    def differs(row: Row, constants: Sequence[Any]) -> bool:
        before = None if row.before is None else row.before.get(key)
        return bool(row.values.get(key) != before)

    def holds_others(row: Row, constants: Sequence[Any]) -> bool:
        before = None if row.before is None else row.before.get(key)
        return (row.values.get(key) or None) != (before or None)  # without values or not there: the same

    return holds_others if node.kind == "set" else differs
