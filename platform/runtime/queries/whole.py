"""Values and conditions that SQLite is not asked piece by piece: one function takes the tree and what it reads.

SQLite has neither exact decimals nor Unicode nor zones, and its parser gives up after a few dozen nested calls. So
`x_expression` (see `runtime.database.sqlite_functions`) carries out the closure of the tree over the columns, lists and
constants handed to it. The tree is part of the SQL, with nothing in it but its structure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.expressions import portable
from metadata.expressions.binding import bound
from metadata.expressions.closures.numbers import number_text
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.money import compares_base
from metadata.expressions.sql import NotInSql, needs_save, not_in_sql
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
    is_condition,
    kind_of,
)
from metadata.fieldtypes.base import ColumnSpec
from runtime.codecs import datetime_text
from runtime.queries import listed
from runtime.queries.build import Build, Inputs, Joins
from runtime.queries.columns import column_of, zone

_MOST = 100
"""Arguments that are handed over one by one; SQLite takes 127 at most."""
_HELD = {"text": "t", "number": "n", "boolean": "b", "date": "d", "datetime": "m", "id": "t", "set": "s"}
"""How a value of a kind is read; `i<scale>` is a scaled integer, `x` anything that is there."""


def value(build: Build, joins: Joins, node: Node, base: bool) -> sa.ColumnElement[Any]:
    """A value: numbers as texts, everything else as columns hold it."""
    match node:
        case Constant():
            return _constant(build, node)
        case FieldRef():
            column, spec = column_of(joins, node, base)
            if node.kind != "number":
                return column
            return sa.func.x_decimal(column, sa.literal_column(str(spec.scale)), type_=sa.Text())
        case Over() if not is_condition(node):
            return listed.measure(build, joins, node)
    type_ = sa.Integer() if kind_of(node) == "boolean" else sa.Text()
    return _Whole(build, joins).call(node, base, type_)


def condition(build: Build, joins: Joins, node: Node, positive: bool) -> sa.ColumnElement[bool]:
    """True or false, never NULL."""
    found = _Whole(build, joins).call(node, False, sa.Integer())
    return found == sa.literal_column("1" if positive else "0")


def _constant(build: Build, node: Constant) -> sa.BindParameter[Any]:
    return build.parameter(sa.Text(), lambda inputs: _written(node, inputs))


def _written(node: Constant, inputs: Inputs) -> Any:
    found: Any = bound(node, inputs.values, inputs.binding)
    if found is None:
        return None
    match node.kind:
        case "number":
            return number_text(found)
        case "boolean":
            return int(found)
        case "date":
            return found.isoformat()
        case "datetime":
            return datetime_text(found)
    return found


class _Whole:
    """Takes a tree apart into its structure and the leaves that a row has to bring."""

    def __init__(self, build: Build, joins: Joins) -> None:
        self.build, self.joins = build, joins
        self.leaves: dict[object, tuple[int, sa.ColumnElement[Any], str]] = {}

    def call(self, node: Node, base: bool, type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
        tree = self.part(node, base)
        columns = [column for _, column, _ in self.leaves.values()]
        grouped = len(columns) > _MOST
        if grouped:
            columns = [sa.func.json_array(*columns[at : at + _MOST]) for at in range(0, len(columns), _MOST)]
        told = {
            "tree": portable.dump(tree),
            "reads": [code for _, _, code in self.leaves.values()],
            "gives": kind_of(node),
            "grouped": grouped,
        }
        text = orjson.dumps(told).decode().replace("'", "''")
        return sa.func.x_expression(sa.literal_column(f"'{text}'"), zone(self.build), *columns, type_=type_)

    def part(self, node: Node, base: bool = False) -> Node:
        """The same node over leaves. `base`: amounts in it count in the tenant's currency."""
        match node:
            case Constant():
                return self._constant(node)
            case FieldRef():
                return self._field(node, base)
            case Over() | InUnit():
                return self._asked(node)
            case Logic(parts=parts):
                return replace(node, parts=tuple(self.part(each) for each in parts))
            case Not(part=part) | Truth(part=part):
                return replace(node, part=self.part(part))
            case Compare(left=left, right=right):
                based = compares_base(node)
                return replace(node, left=self.part(left, based), right=self.part(right, based))
            case In(needle=needle, items=items):
                constants = tuple(self._constant(each) for each in items)
                return replace(node, needle=self.part(needle, base=True), items=constants)
            case TextMatch(text=text, part=part):
                return replace(node, text=self.part(text), part=self.part(part))
            case Arithmetic(left=left, right=right):
                return replace(node, left=self.part(left, base), right=self.part(right, base))
            case Negative(part=part):
                return replace(node, part=self.part(part, base))
            case Call(function=function, arguments=arguments):
                if not FUNCTIONS[function].sql:
                    raise NotInSql(not_in_sql(name=function))
                return replace(node, arguments=tuple(self.part(each, base) for each in arguments))
            case Either():
                chosen = self.part(node.then, base), self.part(node.otherwise, base)
                return replace(node, condition=self.part(node.condition), then=chosen[0], otherwise=chosen[1])
            case Changed():
                raise NotInSql(needs_save(name="changed"))

    def _leaf(self, key: object, code: str, column: sa.ColumnElement[Any] | None = None) -> int:
        if key not in self.leaves:
            assert column is not None
            self.leaves[key] = (len(self.leaves), column, code)
        return self.leaves[key][0]

    def _constant(self, node: Constant) -> Constant:
        code = "t" if node.kind in ("set", "null") else _HELD[node.kind]
        key = ("constant", node.slot)
        column = None if key in self.leaves else _constant(self.build, node)
        return Constant(node.kind, self._leaf(key, code, column))

    def _field(self, node: FieldRef, base: bool) -> Node:
        column, spec = column_of(self.joins, node, base)
        at = self._leaf((node, base and node.type == "money"), _code(node, spec), column)
        if node.kind != "set":
            return Constant(node.kind, at)
        # Sets are read by their type.
        return FieldRef("", str(at), node.type, node.kind)

    def _asked(self, node: Over | InUnit) -> Node:
        from runtime.queries.conditions import where

        if not is_condition(node):
            assert isinstance(node, Over)
            return Constant(node.kind, self._leaf(node, _HELD[node.kind], listed.measure(self.build, self.joins, node)))
        found = sa.case((where(self.build, self.joins, node), sa.literal_column("1")), else_=sa.literal_column("0"))
        return Truth(Constant("boolean", self._leaf(node, "b", found)))


def _code(node: FieldRef, spec: ColumnSpec) -> str:
    if node.kind == "number":
        return f"i{spec.scale}"
    return _HELD.get(node.kind, "x")
