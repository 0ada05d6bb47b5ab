"""What is asked of all records of a list that belongs to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from metadata.expressions.closures.fields import walked
from metadata.expressions.closures.numbers import average, fit, median, total
from metadata.expressions.closures.rows import Condition, Row, Value
from metadata.expressions.tree import Over


def records(node: Over) -> Callable[[Row], Sequence[Row]]:
    """The records of the list of a record."""
    links, listed = node.listed.links, replace(node.listed, links=())
    if not links:

        def own(row: Row) -> Sequence[Row]:
            owner = row.values.get("id")
            return () if owner is None else row.listed(listed, owner)

        return own
    way, (_, last, target) = links[:-1], links[-1]

    def reached(row: Row) -> Sequence[Row]:
        values = walked(row, row.values, way)
        owner = None if values is None else values.get(last)
        # A record that may not be seen has no lists either.
        return () if owner is None or row.linked(target, owner) is None else row.listed(listed, owner)

    return reached


def over(node: Over, condition: Condition | None, value: Value | None) -> Value:
    """The closure; `condition` and `value` are asked of each listed record."""
    of = records(node)

    def met(row: Row, constants: Sequence[Any]) -> Sequence[Row]:
        found = of(row)
        return found if condition is None else [each for each in found if condition(each, constants)]

    match node.op:
        case "any":
            if condition is None:
                return lambda row, constants: bool(of(row))
            return lambda row, constants: any(condition(each, constants) for each in of(row))
        case "all":
            assert condition is not None
            return lambda row, constants: all(condition(each, constants) for each in of(row))
        case "count":
            return lambda row, constants: len(met(row, constants))
    assert value is not None
    measure = _MEASURES[node.op]

    def measured(row: Row, constants: Sequence[Any]) -> Any:
        found = [value(each, constants) for each in met(row, constants)]
        return measure([each for each in found if each is not None])

    return measured


def _sum(values: list[Any]) -> Decimal | None:
    return fit(total(values))


def _average(values: list[Any]) -> Decimal | None:
    return average(values) if values else None


_MEASURES: Mapping[str, Callable[[list[Any]], Any]] = {
    "sum": _sum,
    "avg": _average,
    "median": lambda values: median(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}
