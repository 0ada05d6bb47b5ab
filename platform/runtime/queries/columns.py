"""Fields of a checked tree as columns, and what a column holds: sets, units."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.expressions.binding import bound
from metadata.expressions.sql import NotInSql, needs_save
from metadata.expressions.tree import Constant, FieldRef, Node
from metadata.fieldtypes.base import ColumnSpec
from metadata.fieldtypes.registry import TYPES
from metadata.folding import fold
from runtime.codecs import json_text
from runtime.queries.build import Build, Inputs, Joins

_NEVER_EMPTY = ("id", "version", "created_at", "updated_at")


def column_of(joins: Joins, ref: FieldRef, base: bool = False) -> tuple[sa.ColumnElement[Any], ColumnSpec]:
    """The column that conditions look at; `base`: of an amount in the tenant's currency. Raises NotInSql."""
    if ref.old:
        raise NotInSql(needs_save(name="old"))
    source = joins.at([link for _, link, _ in ref.links])
    part = 1 if base and ref.type == "money" else TYPES[ref.type].compared
    return source.column(ref.field, part), source.table.held(ref.field).specs[part]


def never_empty(ref: FieldRef) -> bool:
    return not ref.links and ref.field in _NEVER_EMPTY


def of_asker(node: Node) -> bool:
    """A value of the record of the one who asks: alone among the constants it may be empty."""
    return isinstance(node, Constant) and node.name is not None and node.name.startswith("$user.")


def holds_all(build: Build, column: sa.ColumnElement[Any], part: Constant) -> sa.ColumnElement[bool]:
    """A set of options holds one, said so that an index serves it; NULL for an empty set. PostgreSQL only."""
    values = sa.cast(postgresql.array([_text(build, part)]), postgresql.ARRAY(sa.Text()))
    return column.op("@>", is_comparison=True)(values)


def holds(build: Build, column: sa.ColumnElement[Any], part: Constant, exact: bool) -> sa.ColumnElement[bool]:
    """A set holds a value, exactly or whatever its case; false for an empty set."""
    value = _text(build, part) if exact else _folded(build, part)
    name = f"i{len(build.getters)}"
    if build.postgres:
        item: Any = sa.func.unnest(column).column_valued(name)
        of, item = item.scalar_alias, item if exact else sa.func.platform.fold(item)
    else:
        of = sa.func.json_each(column).table_valued("value", name=name)
        item = of.c.value if exact else sa.func.fold(of.c.value)
    return sa.exists(sa.select(sa.literal_column("1")).select_from(of).where(item == value))


def _text(build: Build, part: Constant) -> sa.BindParameter[Any]:
    return build.parameter(sa.Text(), lambda inputs: bound(part, inputs.values, inputs.binding))


def _folded(build: Build, part: Constant) -> sa.BindParameter[Any]:
    return build.parameter(sa.Text(), lambda inputs: fold(str(bound(part, inputs.values, inputs.binding))))


def among_units(build: Build, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The unit is one of those of the one who asks, or below one of them."""
    if build.postgres:
        return column == sa.any_(build.parameter(postgresql.ARRAY(build.uuid), _units))
    text = build.parameter(sa.Text(), lambda inputs: json_text(_units(inputs)))
    return column.in_(sa.select(sa.func.json_each(text).table_valued("value").c.value))


def _units(inputs: Inputs) -> list[str]:
    return sorted(inputs.binding.units)


def zone(build: Build) -> sa.BindParameter[Any]:
    """The tenant's zone, where days begin."""
    return build.parameter(sa.Text(), lambda inputs: inputs.binding.timezone)
