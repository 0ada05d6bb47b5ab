"""Lists of records that belong to a record, as subqueries: whether there are any, how many, and their measures."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from metadata.expressions.tree import Listed, Over
from runtime.queries.build import Build, Joins
from runtime.queries.rules import row_rule


class Listing:
    """The records of one list: those in the bin are not there, nor those that the actor may not see."""

    def __init__(self, build: Build, outer: Joins, listed: Listed) -> None:
        owner = outer.at([link for _, link, _ in listed.links]).column("id")
        self.root = build.aliased(build.entity(listed.entity))
        self.joins = Joins(build, self.root)
        self._conditions: list[sa.ColumnElement[bool]] = [self.root.kept()]
        rule = row_rule(build, self.root, "read")
        if rule is not None:
            self._conditions.append(rule)
        self._through = None
        if listed.through is None or listed.far is None:
            self._conditions.insert(0, self.root.column(listed.link) == owner)
        else:
            self._through = build.aliased(build.entity(listed.through))
            self._far = self._through.column(listed.far)
            self._conditions[:0] = [self._through.column(listed.link) == owner, self._through.kept()]

    def require(self, condition: sa.ColumnElement[bool]) -> None:
        """Only those that meet it."""
        self._conditions.append(condition)

    def exists(self) -> sa.ColumnElement[bool]:
        return sa.exists(self.select(sa.literal_column("1")))

    def select(self, column: sa.ColumnElement[Any]) -> sa.Select[Any]:
        origin = self.joins.origin
        if self._through is not None:
            origin = origin.join(self._through.origin, self._far == self.root.column("id"))
        chosen: sa.Select[Any] = sa.select(column).select_from(origin).where(*self._conditions)
        return chosen.correlate_except(self.root.origin)


def measure(build: Build, outer: Joins, node: Over) -> sa.ColumnElement[Any]:
    """`count`, `sum`, `avg`, `median`, `min` or `max` of a list; numbers as `values` has them. Raises NotInSql."""
    from runtime.queries.conditions import where
    from runtime.queries.values import value

    inner = Listing(build, outer, node.listed)
    if node.condition is not None:
        inner.require(where(build, inner.joins, node.condition))
    if node.value is None:
        count: sa.ColumnElement[Any] = sa.func.count()
        return inner.select(sa.cast(count, sa.Numeric() if build.postgres else sa.Text())).scalar_subquery()
    # Amounts of several records meet in the tenant's currency.
    found = value(build, inner.joins, node.value, base=True)
    aggregate = _postgres(node.op, found.column) if build.postgres else _sqlite(node, found.column)
    return inner.select(aggregate).scalar_subquery()


def middles(column: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """The last value of the lower half and the first of the upper one on PostgreSQL, exactly: what it calls a median
    (`percentile_cont`) is a floating point number."""
    half = sa.func.percentile_disc(sa.literal_column("0.5"))
    return half.within_group(column), half.within_group(column.desc())


def _postgres(op: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    platform = sa.func.platform
    match op:
        case "sum":
            return platform.x_number(sa.func.coalesce(sa.func.sum(column), sa.literal_column("0")), type_=sa.Numeric())
        case "avg":
            # Nothing is divided by their number where there are none.
            count = sa.cast(sa.func.count(column), sa.Numeric())
            return platform.x_divide(sa.func.sum(column), count, type_=sa.Numeric())
        case "median":
            lower, upper = middles(column)
            return platform.x_divide(lower + upper, sa.literal_column("2::numeric"), type_=sa.Numeric())
    return sa.func.min(column) if op == "min" else sa.func.max(column)


def _sqlite(node: Over, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if node.kind != "number":
        # Days and moments are kept as texts that compare as they do.
        return sa.func.min(column) if node.op == "min" else sa.func.max(column)
    found = getattr(sa.func, f"x_{node.op}")(column, type_=sa.Text())
    if node.op == "sum":
        # Nothing of no rows, a text without characters when out of range.
        found = sa.func.nullif(sa.func.coalesce(found, sa.literal_column("'0'")), sa.literal_column("''"))
    return found  # type: ignore[no-any-return]
