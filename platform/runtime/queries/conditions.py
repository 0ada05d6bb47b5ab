"""Checked condition -> WHERE. Negation is pushed down: the SQL is true exactly when the expression is.

Here: what columns can be asked directly, so that indexes serve it. What has to be calculated first is said by
`values` on PostgreSQL and by `whole` on SQLite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import sqlalchemy as sa

from metadata.expressions.binding import bound
from metadata.expressions.money import compares_base
from metadata.expressions.sql import NotInSql, needs_save
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Either,
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
)
from metadata.fieldtypes.base import ColumnSpec
from runtime.queries import values, whole
from runtime.queries.build import Build, Joins
from runtime.queries.columns import among_units, column_of, holds, holds_all, never_empty, of_asker
from runtime.queries.constants import constant_parameter, text_parameter
from runtime.queries.listed import Listing

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_DEEPEST = 12
"""Levels of `and`, `or` and `not` that are said as such: what lies deeper no parser of SQL has to follow."""

Condition = sa.ColumnElement[bool]


def where(build: Build, joins: Joins, node: Node) -> Condition:
    """The condition of a checked tree over the root of some joins. Raises NotInSql."""
    return _Where(build, joins).condition(node, True)


def unless(build: Build, joins: Joins, node: Node) -> Condition:
    """The condition that it is not met."""
    return _Where(build, joins).condition(node, False)


class _Where:
    def __init__(self, build: Build, joins: Joins) -> None:
        self.build, self.joins = build, joins

    def condition(self, node: Node, positive: bool, depth: int = 0) -> Condition:
        """True exactly when the node is (`positive`), or is not; may be NULL where it would be false."""
        match node:
            case Logic() | Not() if depth == _DEEPEST:
                return self._calculated(node, positive)
            case Logic(op=op, parts=parts):
                join = sa.and_ if (op == "and") == positive else sa.or_
                return join(*[self.condition(part, positive, depth + 1) for part in parts])
            case Not(part=part):
                return self.condition(part, not positive, depth + 1)
            case Compare(left=FieldRef(), right=Constant() as constant) if of_asker(constant):
                return self._with_asker(node, positive)
            case Compare(left=FieldRef(), right=FieldRef() | Constant()):
                return self._comparison(node, positive)
            case In(needle=FieldRef()):
                return self._membership(node, positive)
            case TextMatch(text=FieldRef(kind="set")):
                return self._held(node, positive)
            case TextMatch(text=FieldRef(), part=Constant() as constant) if not of_asker(constant):
                return self._text_match(node, positive)
            case Truth(part=part):
                return self._truth(part, positive)
            case InUnit(part=part):
                return self._in_unit(part, positive)
            case Over():
                return self._quantified(node, positive)
            case Compare() | In() | TextMatch():
                return self._calculated(node, positive)
            case Changed():
                raise NotInSql(needs_save(name="changed"))
            case Constant() | FieldRef() | Arithmetic() | Negative() | Call() | Either():
                raise TypeError("a value is not a condition")
            case _:
                assert_never(node)

    def _calculated(self, node: Node, positive: bool) -> Condition:
        if not self.build.postgres:
            return whole.condition(self.build, self.joins, node, positive)
        found = values.Calculation(self.build, self.joins).condition(node)
        return found if positive else found.is_not(sa.true())

    def _or_empty(self, condition: Condition, *columns: tuple[sa.ColumnElement[Any], FieldRef]) -> Condition:
        empty = [column.is_(None) for column, ref in columns if not never_empty(ref)]
        return sa.or_(condition, *empty) if empty else condition

    def _comparison(self, node: Compare, positive: bool) -> Condition:
        assert isinstance(node.left, FieldRef)
        left, spec = column_of(self.joins, node.left, compares_base(node))
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
        right, other = column_of(self.joins, node.right, compares_base(node))
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

    def _with_asker(self, node: Compare, positive: bool) -> Condition:
        """Compared with a value of the one who asks, which may be empty as well."""
        assert isinstance(node.left, FieldRef) and isinstance(node.right, Constant)
        left, spec = column_of(self.joins, node.left, compares_base(node))
        value = constant_parameter(self.build, node.left, spec, node.op, node.right)
        if node.op in ("==", "!="):
            if (node.op == "==") == positive:
                return sa.or_(left == value, sa.and_(left.is_(None), value.is_(None)))
            return left.is_distinct_from(value)
        found: Condition = _COMPARE[node.op](left, value)
        return found if positive else found.is_not(sa.true())

    def _ordered(self, node: Compare, left: sa.ColumnElement[Any], spec: ColumnSpec, positive: bool) -> Condition:
        assert isinstance(node.left, FieldRef) and isinstance(node.right, Constant)
        op = node.op if positive else _NEGATED[node.op]
        # The constant is rounded for the operator that is really asked.
        condition: Condition = _COMPARE[op](left, constant_parameter(self.build, node.left, spec, op, node.right))
        return condition if positive else self._or_empty(condition, (left, node.left))

    def _membership(self, node: In, positive: bool) -> Condition:
        assert isinstance(node.needle, FieldRef)
        ref = node.needle
        column, spec = column_of(self.joins, ref, base=True)
        given = [constant_parameter(self.build, ref, spec, "==", item) for item in node.items]
        if positive:
            parts = [column.in_(given)] if given else []
            if node.nullable:
                parts.append(column.is_(None))
            return sa.or_(*parts) if parts else sa.false()
        absent = column.not_in(given) if given else sa.true()
        if node.nullable:
            return sa.and_(column.is_not(None), absent)
        return self._or_empty(absent, (column, ref)) if given else sa.true()

    def _text_match(self, node: TextMatch, positive: bool) -> Condition:
        assert isinstance(node.text, FieldRef) and isinstance(node.part, Constant)
        column, _ = column_of(self.joins, node.text)
        text = text_parameter(self.build, node.op, node.part)
        if self.build.postgres:
            found: Condition = sa.func.platform.fold(column).like(text)
        elif node.op == "contains":
            found = sa.func.instr(sa.func.fold(column), text) > 0
        elif node.op == "starts_with":
            found = sa.func.substr(sa.func.fold(column), 1, sa.func.length(text)) == text
        else:
            # Counted from the end; a longer text than there is can be no end of it.
            found = sa.func.x_ends(sa.func.fold(column), text) == sa.literal_column("1")
        return found if positive else self._or_empty(sa.not_(found), (column, node.text))

    def _held(self, node: TextMatch, positive: bool) -> Condition:
        """A set holds a value: an option by id, a tag whatever its case."""
        assert isinstance(node.text, FieldRef) and isinstance(node.part, Constant)
        column, ref = column_of(self.joins, node.text)[0], node.text
        exact = ref.type == "multi_choice"
        if exact and self.build.postgres:
            found = holds_all(self.build, column, node.part)
            return found if positive else self._or_empty(sa.not_(found), (column, ref))
        found = holds(self.build, column, node.part, exact)
        return found if positive else sa.not_(found)

    def _truth(self, part: Node, positive: bool) -> Condition:
        if isinstance(part, Constant):
            slot = part
            value = self.build.parameter(
                sa.Numeric(), lambda inputs: int(bool(bound(slot, inputs.values, inputs.binding)))
            )
            return value == sa.literal_column("1") if positive else value == sa.literal_column("0")
        if not isinstance(part, FieldRef):
            return self._calculated(Truth(part), positive)
        column, _ = column_of(self.joins, part)
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

    def _in_unit(self, part: Node, positive: bool) -> Condition:
        column = values.value(self.build, self.joins, part).column
        found = among_units(self.build, column)
        return found if positive else found.is_not(sa.true())

    def _quantified(self, node: Over, positive: bool) -> Condition:
        """There is one that meets the condition; there is none that does not."""
        inner = Listing(self.build, self.joins, node.listed)
        if node.condition is not None:
            inner.require((where if node.op == "any" else unless)(self.build, inner.joins, node.condition))
        found = inner.exists()
        return found if (node.op == "any") == positive else sa.not_(found)
