"""Checked expression -> WHERE. Negation is pushed down: the SQL is true exactly when the expression is."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.expressions.binding import bound
from metadata.expressions.money import compares_base
from metadata.expressions.tree import Compare, Constant, FieldRef, In, Logic, Node, Not, TextMatch, Truth
from metadata.fieldtypes.base import ColumnSpec
from metadata.fieldtypes.registry import TYPES
from metadata.folding import fold
from runtime.queries.build import Build, Joins
from runtime.queries.constants import constant_parameter, text_parameter

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_NEVER_EMPTY = ("id", "version", "created_at", "updated_at")

Condition = sa.ColumnElement[bool]


def where(build: Build, joins: Joins, node: Node) -> Condition:
    """The condition of a checked tree over the root of some joins."""
    return _Where(build, joins).condition(node, True)


class _Where:
    def __init__(self, build: Build, joins: Joins) -> None:
        self.build, self.joins = build, joins

    def condition(self, node: Node, positive: bool) -> Condition:
        """True exactly when the node is (`positive`), or is not; may be NULL where it would be false."""
        match node:
            case Logic(op=op, parts=parts):
                join = sa.and_ if (op == "and") == positive else sa.or_
                return join(*[self.condition(part, positive) for part in parts])
            case Not(part=part):
                return self.condition(part, not positive)
            case Compare():
                return self._comparison(node, positive)
            case In():
                return self._membership(node, positive)
            case TextMatch():
                return self._text_match(node, positive)
            case Truth(part=part):
                return self._truth(part, positive)
            case Constant() | FieldRef():
                raise TypeError("a value is not a condition")
            case _:
                assert_never(node)

    def _column(self, ref: FieldRef, base: bool = False) -> tuple[sa.ColumnElement[Any], ColumnSpec]:
        source = self.joins.at([link for _, link, _ in ref.links])
        part = 1 if base and ref.type == "money" else TYPES[ref.type].compared
        return source.column(ref.field, part), source.table.fields[ref.field].specs[part]

    def _or_empty(self, condition: Condition, *columns: tuple[sa.ColumnElement[Any], FieldRef]) -> Condition:
        empty = [column.is_(None) for column, ref in columns if _nullable(ref)]
        return sa.or_(condition, *empty) if empty else condition

    def _comparison(self, node: Compare, positive: bool) -> Condition:
        assert isinstance(node.left, FieldRef)
        left, spec = self._column(node.left, compares_base(node))
        equality = node.op in ("==", "!=")
        wanted = (node.op == "==") == positive
        if isinstance(node.right, Constant):
            if node.right.kind == "null":
                return left.is_(None) if wanted else left.is_not(None)
            if equality:
                value = constant_parameter(self.build, node.left, spec, "==", node.right)
                return left == value if wanted else self._or_empty(left != value, (left, node.left))
            return self._ordered(node, left, spec, positive)
        assert isinstance(node.right, FieldRef)
        right, other = self._column(node.right, compares_base(node))
        first, second = left, right
        if not self.build.postgres and spec.scale != other.scale:
            # Integers scaled differently: bring the coarser one to the scale of the finer.
            factor: sa.ColumnElement[Any] = sa.literal_column(str(10 ** abs(spec.scale - other.scale)))
            first, second = (left, right * factor) if spec.scale > other.scale else (left * factor, right)
        if equality:
            return first.is_not_distinct_from(second) if wanted else first.is_distinct_from(second)
        if positive:
            condition: Condition = _COMPARE[node.op](first, second)
            return condition
        negated: Condition = _COMPARE[_NEGATED[node.op]](first, second)
        return self._or_empty(negated, (left, node.left), (right, node.right))

    def _ordered(self, node: Compare, left: sa.ColumnElement[Any], spec: ColumnSpec, positive: bool) -> Condition:
        assert isinstance(node.left, FieldRef) and isinstance(node.right, Constant)
        op = node.op if positive else _NEGATED[node.op]
        # The constant is rounded for the operator that is really asked.
        condition: Condition = _COMPARE[op](left, constant_parameter(self.build, node.left, spec, op, node.right))
        return condition if positive else self._or_empty(condition, (left, node.left))

    def _membership(self, node: In, positive: bool) -> Condition:
        assert isinstance(node.needle, FieldRef)
        ref = node.needle
        column, spec = self._column(ref, base=True)
        values = [constant_parameter(self.build, ref, spec, "==", item) for item in node.items]
        if positive:
            parts = [column.in_(values)] if values else []
            if node.nullable:
                parts.append(column.is_(None))
            return sa.or_(*parts) if parts else sa.false()
        absent = column.not_in(values) if values else sa.true()
        if node.nullable:
            return sa.and_(column.is_not(None), absent)
        return self._or_empty(absent, (column, ref)) if values else sa.true()

    def _text_match(self, node: TextMatch, positive: bool) -> Condition:
        assert isinstance(node.text, FieldRef) and isinstance(node.part, Constant)
        column, _ = self._column(node.text)
        if node.text.kind == "set":
            return self._held(column, node.text, node.part, positive)
        text = text_parameter(self.build, node.op, node.part)
        if self.build.postgres:
            found: Condition = sa.func.platform.fold(column).like(text)
        elif node.op == "contains":
            found = sa.func.instr(sa.func.fold(column), text) > 0
        else:
            found = sa.func.substr(sa.func.fold(column), 1, sa.func.length(text)) == text
        return found if positive else self._or_empty(sa.not_(found), (column, node.text))

    def _held(self, column: sa.ColumnElement[Any], ref: FieldRef, part: Constant, positive: bool) -> Condition:
        """A set holds a value: an option by id, a tag whatever its case."""
        exact = ref.type == "multi_choice"
        value = self._text(part) if exact else self._folded(part)
        if exact and self.build.postgres:
            values = sa.cast(postgresql.array([value]), postgresql.ARRAY(sa.Text()))
            found: Condition = column.op("@>", is_comparison=True)(values)
            return found if positive else self._or_empty(sa.not_(found), (column, ref))
        name = f"i{len(self.build.getters)}"
        if self.build.postgres:
            item: Any = sa.func.unnest(column).column_valued(name)
            of, item = item.scalar_alias, sa.func.platform.fold(item)
        else:
            of = sa.func.json_each(column).table_valued("value", name=name)
            item = of.c.value if exact else sa.func.fold(of.c.value)
        found = sa.exists(sa.select(sa.literal_column("1")).select_from(of).where(item == value))
        return found if positive else sa.not_(found)

    def _text(self, part: Constant) -> sa.BindParameter[Any]:
        return self.build.parameter(sa.Text(), lambda inputs: bound(part, inputs.values, inputs.binding))

    def _folded(self, part: Constant) -> sa.BindParameter[Any]:
        return self.build.parameter(sa.Text(), lambda inputs: fold(str(bound(part, inputs.values, inputs.binding))))

    def _truth(self, part: Node, positive: bool) -> Condition:
        if isinstance(part, Constant):
            slot = part
            value = self.build.parameter(sa.Numeric(), lambda inputs: int(bool(inputs.values[slot.slot])))
            return value == sa.literal_column("1") if positive else value == sa.literal_column("0")
        assert isinstance(part, FieldRef)
        column, _ = self._column(part)
        match part.kind:
            case "boolean":
                true: Condition = column.is_(True) if self.build.postgres else column == sa.literal_column("1")
                false: Condition = column.is_(False) if self.build.postgres else column == sa.literal_column("0")
                return true if positive else self._or_empty(false, (column, part))
            case "number":
                zero: sa.ColumnElement[Any] = sa.literal_column("0")
                return column != zero if positive else self._or_empty(column == zero, (column, part))
            case "text":
                blank: sa.ColumnElement[Any] = sa.literal_column("''")
                return column != blank if positive else self._or_empty(column == blank, (column, part))
        return column.is_not(None) if positive else column.is_(None)


def _nullable(ref: FieldRef) -> bool:
    return bool(ref.links) or ref.field not in _NEVER_EMPTY
