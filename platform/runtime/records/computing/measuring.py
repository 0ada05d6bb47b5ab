"""Rollups as the database adds them up: one statement for all measures of a list that are wanted of some records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.expressions.closures.numbers import EXACT, divide, fit
from metadata.expressions.sql import NotInSql
from metadata.expressions.tree import FieldRef, Listed
from metadata.model import Model
from runtime.codecs import Codec
from runtime.queries.build import Build, Inputs, Joins, Source, Statement, binding_of
from runtime.queries.cache import kept
from runtime.queries.conditions import where
from runtime.queries.listed import middles
from runtime.queries.timed import with_values
from runtime.queries.totals import sums, total
from runtime.records.computing.recipes import Step
from runtime.records.targets import among, id_list
from runtime.workspace import Workspace

Found = Mapping[str, Mapping[str, Any]]
"""Field id of a rollup -> record id -> the measure; records without any listed one are not there."""


@dataclass(frozen=True, eq=False)
class _Measuring:
    """A statement for some rollups over one list: the owner, then what each step reads from its columns."""

    statement: Statement
    readers: Mapping[str, Callable[[Sequence[Any]], Any]]
    """Field id of the rollup -> row -> value."""


def measures(ws: Workspace, steps: Sequence[Step], ids: Sequence[str]) -> Found | None:
    """Rollups over one list, of some records; None when the database cannot say one of them."""
    key = ("measuring", steps[0].expression.entity, tuple(each.field.id for each in steps), ws.db.dialect)
    measuring = kept(ws.model).get(key, partial(_compiled, ws.model, ws.db.dialect, tuple(steps))).measuring
    if measuring is None:
        return None
    inputs = Inputs(platform_actor(), binding_of(ws.model, ws.actor, ws.now))
    inputs.q = {"wanted": id_list(ws.db.dialect, ids)}
    rows = measuring.statement.fetch(ws, inputs)
    return {field: {str(row[0]): read(row) for row in rows} for field, read in measuring.readers.items()}


@dataclass(frozen=True, eq=False)
class _Kept:
    measuring: _Measuring | None


def _compiled(model: Model, dialect: str, steps: Sequence[Step]) -> _Kept:
    try:
        return _Kept(_compile(model, dialect, steps))
    except NotInSql:
        return _Kept(None)


def _compile(model: Model, dialect: str, steps: Sequence[Step]) -> _Measuring:
    build = Build(model, platform_actor(), dialect)
    listed = steps[0].over.listed
    rows = build.aliased(build.entity(listed.entity))
    joins = Joins(build, rows)
    selected: list[sa.ColumnElement[Any]] = []
    readers: dict[str, Callable[[Sequence[Any]], Any]] = {}
    for step in steps:
        before = set(build.getters)
        columns, reader = _columns(build, joins, step)
        with_values(build, before, step.expression.values)
        readers[step.field.id] = partial(reader, 1 + len(selected))
        selected += columns
    owner, origin, conditions = _whose(build, joins, listed, rows)
    labelled = [each.label(f"m{at}") for at, each in enumerate(selected)]
    chosen = sa.select(owner.label("owner"), *labelled).select_from(origin).where(*conditions).group_by(owner)
    return _Measuring(build.finish(chosen), readers)


def _whose(
    build: Build, joins: Joins, listed: Listed, rows: Source
) -> tuple[sa.ColumnElement[Any], sa.FromClause, list[sa.ColumnElement[bool]]]:
    """The column that says whose a listed record is, where it comes from, and which are meant."""
    if listed.through is None or listed.far is None:
        owner = rows.column(listed.link)
        return owner, joins.origin, [among(owner, "wanted", build.dialect), rows.kept()]
    pairs = build.aliased(build.entity(listed.through))
    owner = pairs.column(listed.link)
    origin = joins.origin.join(pairs.origin, pairs.column(listed.far) == rows.column("id"))
    return owner, origin, [among(owner, "wanted", build.dialect), pairs.kept(), rows.kept()]


_Columns = tuple[list[sa.ColumnElement[Any]], Callable[[int, Sequence[Any]], Any]]


def _columns(build: Build, joins: Joins, step: Step) -> _Columns:
    over = step.over
    condition = None if over.condition is None else where(build, joins, over.condition)

    def of(aggregate: Any) -> sa.ColumnElement[Any]:
        found: sa.ColumnElement[Any] = aggregate if condition is None else aggregate.filter(condition)
        return found

    if over.value is None:
        return [of(sa.func.count())], _plain
    column, decode, scale = _value(build, joins, step)
    if over.op in ("min", "max"):
        aggregate = sa.func.min(column) if over.op == "min" else sa.func.max(column)
        return [of(aggregate)], partial(_decoded, decode)
    if over.op == "median":
        return [of(each) for each in _middles(column, build.dialect)], partial(_median, scale)
    totals = [of(each) for each in sums(column, build.dialect)]
    if over.op == "sum":
        return totals, partial(_summed, len(totals), scale)
    return [*totals, of(sa.func.count(column))], partial(_average, len(totals), scale)


def _value(build: Build, joins: Joins, step: Step) -> tuple[sa.ColumnElement[Any], Codec | None, int]:
    """The column that is measured, how its values are read, and the scale of the integers that SQLite keeps."""
    ref = step.over.value
    assert isinstance(ref, FieldRef)
    source = joins.at([link for _, link, _ in ref.links])
    part = 1 if ref.type == "money" and step.fixed else 0
    held = source.table.fields[ref.field]
    scale = held.specs[part].scale if build.dialect == "sqlite" else 0
    return source.column(ref.field, part), held.decode[part], scale


def _plain(at: int, row: Sequence[Any]) -> Any:
    return row[at]


def _decoded(decode: Codec | None, at: int, row: Sequence[Any]) -> Any:
    value = row[at]
    return value if value is None or decode is None else decode(value)


def _summed(parts: int, scale: int, at: int, row: Sequence[Any]) -> Any:
    return fit(_exactly(parts, scale, at, row))


def _average(parts: int, scale: int, at: int, row: Sequence[Any]) -> Any:
    count = row[at + parts]
    return divide(_exactly(parts, scale, at, row), count) if count else None


def _middles(column: sa.ColumnElement[Any], dialect: str) -> Sequence[Any]:
    """The two values in the middle, or on SQLite twice the median itself."""
    return middles(column) if dialect == "postgresql" else [sa.func.x_median(column, type_=sa.Text())] * 2


def _median(scale: int, at: int, row: Sequence[Any]) -> Any:
    if row[at] is None:
        return None
    return divide(EXACT.add(Decimal(row[at]), Decimal(row[at + 1])).scaleb(-scale, EXACT), 2)


def _exactly(parts: int, scale: int, at: int, row: Sequence[Any]) -> Decimal:
    return Decimal(total(row[at : at + parts]) or 0).scaleb(-scale, EXACT)
