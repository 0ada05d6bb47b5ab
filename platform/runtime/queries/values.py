"""Checked value -> SQL expression: selected, sorted, grouped and compared like a column.

On PostgreSQL every node is SQL, over the functions of `runtime.database.postgres_functions`; on SQLite see `whole`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import ClauseList, Grouping

from metadata.expressions.binding import bound
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.money import compares_base
from metadata.expressions.sql import NotInSql, not_in_sql
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    Either,
    FieldRef,
    In,
    Kind,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
    is_condition,
    kind_of,
)
from metadata.fieldtypes.base import ColumnSpec
from runtime.codecs import column_type
from runtime.queries import listed, whole
from runtime.queries.build import Build, Joins
from runtime.queries.columns import column_of, holds, zone


@dataclass(frozen=True, slots=True)
class Value:
    """What a value is in a statement.

    On PostgreSQL numbers are NUMERIC, whatever they come from. On SQLite they are texts (`12.5`, `-3`, one form for
    equal numbers): a scaled integer holds neither twelve places nor 10^24. Everything else is as columns hold it.
    """

    column: sa.ColumnElement[Any]
    kind: Kind


def value(build: Build, joins: Joins, node: Node, base: bool = False) -> Value:
    """The SQL of a checked value (or condition, which is then a boolean). Raises NotInSql.

    `base`: amounts count in the tenant's currency.
    """
    kind = kind_of(node)
    if build.postgres:
        return Value(Calculation(build, joins).value(node, base), kind)
    return Value(whole.value(build, joins, node, base), kind)


def fitted(build: Build, found: Value, spec: ColumnSpec) -> sa.ColumnElement[Any]:
    """A value as a column of this kind would hold it: numbers rounded to its places, empty where it has no room."""
    if found.kind != "number":
        return found.column
    scale: sa.ColumnElement[Any] = sa.literal_column(str(spec.scale))
    if not build.postgres:
        return sa.func.x_scaled(found.column, scale, type_=sa.Integer())
    rounded = sa.func.platform.x_fitted(found.column, scale, type_=sa.Numeric())
    return sa.cast(rounded, column_type(spec, build.dialect))


_OPERATORS = {"+": "x_add", "-": "x_subtract", "*": "x_multiply", "/": "x_divide", "%": "x_remainder"}
_RENAMED = {"text": "x_text_of", "number": "x_number_of", "day": "x_day_of"}
_TYPES: Mapping[Kind, tuple[str, Callable[[], sa.types.TypeEngine[Any]]]] = {
    "text": ("text", sa.Text),
    "number": ("numeric", sa.Numeric),
    "boolean": ("boolean", sa.Boolean),
    "date": ("date", sa.Date),
    "datetime": ("timestamptz", lambda: sa.DateTime(timezone=True)),
    "id": ("uuid", lambda: sa.Uuid(as_uuid=False)),
    "set": ("text[]", lambda: postgresql.ARRAY(sa.Text())),
    "json": ("jsonb", postgresql.JSONB),
    "null": ("text", sa.Text),
}
Pieces = list[str | sa.ColumnElement[Any]]
"""SQL as a row of pieces: however deep a tree is, what SQLAlchemy has to compile is flat."""


class Calculation:
    """Values and the conditions on them, on PostgreSQL. Every part stands in the SQL once, however deep it lies."""

    def __init__(self, build: Build, joins: Joins) -> None:
        self.build, self.joins = build, joins

    def condition(self, node: Node) -> sa.ColumnElement[bool]:
        """True exactly when the node is; else false or NULL."""
        return _joined(self._condition(node), sa.Boolean())

    def value(self, node: Node, base: bool = False) -> sa.ColumnElement[Any]:
        kind = kind_of(node)
        return _joined(self._value(node, kind, base), _TYPES[kind][1]())

    # -- conditions

    def _condition(self, node: Node) -> Pieces:
        match node:
            case Logic(op=op, parts=parts):
                found: Pieces = ["("]
                for at, part in enumerate(parts):
                    found += [f" {op.upper()} "] * bool(at) + self._condition(part)
                return [*found, ")"]
            case Not(part=part):
                return ["(", *self._condition(part), " IS NOT TRUE)"]
            case Compare():
                return self._comparison(node)
            case In():
                return self._membership(node)
            case TextMatch(text=text) if kind_of(text) != "set":
                return self._match(node)
            case TextMatch(part=Constant() as part):
                held = _joined(self._value(node.text, "set", False), _TYPES["set"][1]())
                return [holds(self.build, held, part, part.kind == "set")]
            case Truth(part=part):
                return self._truth(part)
        from runtime.queries.conditions import where

        return ["(", where(self.build, self.joins, node), ")"]

    def _comparison(self, node: Compare) -> Pieces:
        base = compares_base(node)
        kind = kind_of(node.right) if kind_of(node.left) == "null" else kind_of(node.left)
        operator = {"==": "IS NOT DISTINCT FROM", "!=": "IS DISTINCT FROM"}.get(node.op, node.op)
        left, right = self._value(node.left, kind, base), self._value(node.right, kind, base)
        return ["(", *left, f" {operator} ", *right, ")"]

    def _membership(self, node: In) -> Pieces:
        kind = kind_of(node.needle)
        needle = self._value(node.needle, kind, base=True)
        if not node.items:
            return ["(", *needle, " IS NULL)"] if node.nullable else ["false"]
        items: Pieces = []
        for at, each in enumerate(node.items):
            items += [", "] * bool(at) + self._value(each, kind, False)
        found: Pieces = ["(", *needle, " IN (", *items, "))"]
        return ["coalesce(", *found, ", true)"] if node.nullable else found

    def _match(self, node: TextMatch) -> Pieces:
        text, part = (_call("fold", self._value(each, "text", False)) for each in (node.text, node.part))
        match node.op:
            case "contains":
                return ["(strpos(", *text, ", ", *part, ") > 0)"]
            case "starts_with":
                return ["starts_with(", *text, ", ", *part, ")"]
        return _call("x_ends", text, part)

    def _truth(self, part: Node) -> Pieces:
        kind = kind_of(part)
        asked = {"boolean": "IS TRUE", "number": "<> 0", "text": "<> ''"}.get(kind, "IS NOT NULL")
        return ["(", *self._value(part, kind, False), f" {asked})"]

    # -- values

    def _value(self, node: Node, kind: Kind, base: bool) -> Pieces:
        """A value of a kind, which an empty one without a kind of its own takes."""
        if is_condition(node):
            return ["((", *self._condition(node), ") IS TRUE)"]
        match node:
            case FieldRef():
                column, spec = column_of(self.joins, node, base)
                return [column, "::numeric"] if spec.kind == "integer" else [column]
            case Arithmetic(op=op, left=left, right=right):
                sides = self._value(left, "number", base), self._value(right, "number", base)
                return _call(_OPERATORS[op], *sides)
            case Negative(part=part):
                return ["(- ", *self._value(part, "number", base), ")"]
            case Over():
                return [listed.measure(self.build, self.joins, node)]
            case Constant():
                made = self._constant(node, kind)
            case Call():
                made = self._call(node, base)
            case Either():
                then, otherwise = (self._value(each, node.kind, base) for each in (node.then, node.otherwise))
                made = ["CASE WHEN ", *self._condition(node.condition), " THEN ", *then, " ELSE ", *otherwise, " END"]
            case _:
                raise TypeError(type(node).__name__)
        # Made texts compare by code points, as columns do.
        return ["(", *made, ' COLLATE "C")'] if kind in ("text", "null") else ["(", *made, ")"]

    def _constant(self, node: Constant, kind: Kind) -> Pieces:
        """Cast, so that an empty one has a type as well."""
        name, type_ = _TYPES[kind]
        if node.kind == "null":
            return [f"CAST(NULL AS {name})"]
        parameter = self.build.parameter(type_(), lambda inputs: bound(node, inputs.values, inputs.binding))
        return ["CAST(", parameter, f" AS {name})"]

    def _call(self, node: Call, base: bool) -> Pieces:
        function = FUNCTIONS[node.function]
        if not function.sql:
            raise NotInSql(not_in_sql(name=function.name))
        kinds = [self._kind(node, at) for at in range(len(node.arguments))]
        given = [self._value(each, kind, base) for each, kind in zip(node.arguments, kinds, strict=True)]
        match function.name:
            case "is_empty" if kinds[0] == "set":
                return ["coalesce(cardinality(", *given[0], "), 0) = 0"]
            case "is_empty":
                return [*given[0], " IS NULL"]
            case "concat":
                return _concat(given, kinds)
            case "coalesce":
                return ["coalesce(", *_listed(given), ")"]
            case "abs":
                return ["abs(", *given[0], ")"]
            case "least" | "greatest":
                found = given[0]
                for each in given[1:]:
                    found = _call(f"x_{function.name}", found, each)
                return found
            case "date" | "hour":
                given.append([zone(self.build)])
        return _call(_RENAMED.get(function.name, f"x_{function.name}"), *given)

    def _kind(self, node: Call, at: int) -> Kind:
        """The kind of an argument."""
        takes = FUNCTIONS[node.function].takes
        wanted = takes[min(at, len(takes) - 1)]
        if wanted == "same":
            return node.kind
        return kind_of(node.arguments[at]) if wanted == "any" else wanted  # type: ignore[return-value]


def _concat(given: list[Pieces], kinds: list[Kind]) -> Pieces:
    """Empty ones count as nothing."""
    texts = [
        each if kind in ("text", "null") else _call("x_text_of", each) for each, kind in zip(given, kinds, strict=True)
    ]
    return _call("x_text", ["concat(", *_listed(texts), ")"])


def _call(name: str, *arguments: Pieces) -> Pieces:
    """A function of the schema `platform`, which every tenant may use."""
    return [f"platform.{name}(", *_listed(list(arguments)), ")"]


def _listed(arguments: list[Pieces]) -> Pieces:
    return [piece for at, each in enumerate(arguments) for piece in ([", "] * bool(at) + each)]


def _joined(pieces: Pieces, type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """One expression of SQLAlchemy."""
    clauses = [sa.literal_column(each) if isinstance(each, str) else each for each in pieces]
    row = ClauseList(*clauses, operator=cast(Any, None), group=False)
    made: sa.ColumnElement[Any] = Grouping(row)
    made.type = type_
    return made
