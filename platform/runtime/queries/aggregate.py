"""Groups and measures over the records that the actor may see, in one statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec
from metadata.model import Entity, Field
from metadata.money import amount_text
from metadata.problems import BadRequest
from runtime.codecs import decoder
from runtime.queries import query as questions
from runtime.queries.build import Build, Inputs, Joins, Source, Statement
from runtime.queries.cache import kept
from runtime.queries.convert import Convert, json_converter
from runtime.queries.names import Path, resolve
from runtime.queries.prepare import Asked, ask, conditions_of, near_of
from runtime.queries.query import Query
from runtime.queries.rules import row_rule
from runtime.queries.totals import sums, total

if TYPE_CHECKING:
    from runtime.workspace import Workspace

PERIODS = ("day", "month", "quarter", "year")
_MEASURE = re.compile(r"(sum|avg|min|max|count)\((.{1,200})\)")
_MOST_MEASURES = 20

Read = Callable[[Sequence[Any]], Any]
"""Row -> JSON value."""


@dataclass(frozen=True, slots=True)
class _Plan:
    statement: Statement
    readers: tuple[tuple[str, Read], ...]


def aggregate(
    ws: Workspace,
    entity: str,
    group: Sequence[str] = (),
    measures: Sequence[str] = ("count",),
    where: str | None = None,
    q: str | None = None,
) -> list[dict[str, Any]]:
    """One object per group, with the groups and measures under the names that they were asked by.

    Groups: choice, link, user, boolean, text or integer fields, and dates by `close_date:month` (day, quarter, year).
    Measures: `count`, `sum(f)`, `avg(f)`, `min(f)`, `max(f)`; amounts are in the tenant's currency.
    Raises BadRequest, Forbidden, ExpressionInvalid.
    """
    asked = ask(ws, Query(entity, where=where, q=q))
    key = ("aggregate", asked.shape, tuple(group), tuple(measures))
    plan = kept(ws.model).get(key, lambda: _Aggregate(asked).plan(group, measures))
    rows = plan.statement.fetch(ws, asked.inputs)
    if len(rows) > questions.MAX_GROUPS:
        raise BadRequest(questions.too_many_groups("group", limit=questions.MAX_GROUPS))
    return [{name: read(row) for name, read in plan.readers} for row in rows]


class _Aggregate:
    def __init__(self, asked: Asked) -> None:
        self.asked, ws = asked, asked.ws
        self.entity: Entity = asked.entity
        self.build = Build(ws.model, ws.actor, ws.db.dialect)
        table = self.build.table(asked.entity)
        self.joins = Joins(self.build, Source(asked.entity, table, table.table))
        self.currency = str(ws.model.settings.get("currency", ""))
        self.selected: list[sa.ColumnElement[Any]] = []

    def plan(self, group: Sequence[str], measures: Sequence[str]) -> _Plan:
        if len(group) > questions.MAX_SORTS:
            raise BadRequest(questions.too_many("group", what="group", limit=questions.MAX_SORTS))
        if not 1 <= len(measures) <= _MOST_MEASURES:
            raise BadRequest(questions.too_many("measures", what="measures", limit=_MOST_MEASURES))
        readers = [(name, self._group(name)) for name in dict.fromkeys(group)]
        grouped = len(self.selected)
        readers += [(name, self._measure(name)) for name in dict.fromkeys(measures)]
        conditions = conditions_of(self.asked, self.build, self.joins, near_of(self.asked, self.build))
        statement = sa.select(*self.selected).select_from(self.joins.origin).where(*conditions)
        # By position: a period's parameters would make its two mentions differ.
        positions: list[sa.ColumnElement[Any]] = [sa.literal_column(str(at + 1)) for at in range(grouped)]
        if positions:
            statement = statement.group_by(*positions).order_by(*[each.nulls_last() for each in positions])
        statement = statement.limit(sa.literal_column(str(questions.MAX_GROUPS + 1)))
        return _Plan(self.build.finish(statement), tuple(readers))

    def _select(self, column: sa.ColumnElement[Any]) -> int:
        self.selected.append(column.label(f"c{len(self.selected)}"))
        return len(self.selected) - 1

    def _column(self, path: Path, part: int = 0) -> tuple[sa.ColumnElement[Any], ColumnSpec]:
        source = self.joins.at(path.link_ids)
        return source.column(path.field.id, part), source.table.held(path.field.id).specs[part]

    def _group(self, name: str) -> Read:
        bare, _, period = name.partition(":")
        path = resolve(self.build, self.entity, bare, "group")
        dated = path.field.type in ("date", "datetime")
        if period or dated:
            if not dated or (period or "day") not in PERIODS:
                raise BadRequest(questions.not_groupable("group", name=name[:80]))
            return self._by_period(path, period or "day")
        if not registry.of(path.field).groupable:
            raise BadRequest(questions.not_groupable("group", name=name[:80]))
        if path.field.type in ("link", "user", "unit"):
            return self._by_link(path)
        column, spec = self._column(path)
        return _reader(self._select(column), json_converter(path.field, spec, self.build.dialect))

    def _by_link(self, path: Path) -> Read:
        column, _ = self._column(path)
        target = self.build.entity(path.field.to[0])
        if row_rule(self.build, self.build.aliased(target), "read") is None:
            return _reader(self._select(column), None)
        # Records linked to what the actor may not see make one group.
        seen = self._select(self.joins.at((*path.link_ids, path.field.id)).column("id"))
        linked = self._select(sa.case((column.is_not(None), sa.literal_column("1")), else_=sa.literal_column("0")))

        def read(row: Sequence[Any]) -> Any:
            return {"hidden": True} if row[seen] is None and row[linked] else row[seen]

        return read

    def _by_period(self, path: Path, period: str) -> Read:
        column, spec = self._column(path)
        day = self._local_day(column) if spec.kind == "datetime" else column
        if self.build.postgres:
            text: sa.ColumnElement[Any] = sa.func.to_char(day, sa.literal_column(f"'{_FORMATS[period]}'"))
        else:
            text = _period_text(day, period)
        return _reader(self._select(text), None)

    def _local_day(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        zone = self.build.parameter(sa.Text(), _zone)
        return sa.func.timezone(zone, moment) if self.build.postgres else sa.func.local_day(moment, zone)

    def _measure(self, name: str) -> Read:
        if name == "count":
            return _reader(self._select(sa.func.count()), None)
        found = _MEASURE.fullmatch(name)
        if found is None:
            raise BadRequest(questions.not_measurable("measures", name=name[:80]))
        function, path = found.group(1), resolve(self.build, self.entity, found.group(2), "measures")
        type_ = registry.of(path.field)
        if function == "count":
            return _reader(self._select(sa.func.count(self._column(path)[0])), None)
        measurable = (
            type_.summable if function in ("sum", "avg") else type_.summable or type_.kind in ("date", "datetime")
        )
        if not measurable:
            raise BadRequest(questions.not_measurable("measures", name=name[:80]))
        column, spec = self._column(path, 1 if path.field.type == "money" else 0)
        if function == "avg":
            return self._average(path.field, column, spec)
        made = sums(column, self.build.dialect) if function == "sum" else [getattr(sa.func, function)(column)]
        return self._number(path.field, spec, [self._select(each) for each in made])

    def _number(self, field: Field, spec: ColumnSpec, places: Sequence[int]) -> Read:
        """A measure that lies in one column, or in the parts of a sum."""
        first, end = places[0], places[-1] + 1
        # A sum of integers is NUMERIC on PostgreSQL.
        convert = int if spec.kind == "integer" else json_converter(field, spec, self.build.dialect)
        if field.type == "money":
            convert = self._amount(spec)

        def read(row: Sequence[Any]) -> Any:
            found = total(row[first:end])
            return found if found is None or convert is None else convert(found)

        return read

    def _amount(self, spec: ColumnSpec) -> Convert:
        decode, currency = decoder(spec, self.build.dialect), self.currency

        def convert(held: Any) -> Any:
            amount = held if decode is None else decode(held)
            return {"amount": amount_text(amount, currency), "currency": currency}

        return convert

    def _average(self, field: Field, column: sa.ColumnElement[Any], spec: ColumnSpec) -> Read:
        """Divided here, so that both databases round alike."""
        held_at = [self._select(each) for each in sums(column, self.build.dialect)]
        first, end = held_at[0], held_at[-1] + 1
        number = self._select(sa.func.count(column))
        scale = 0 if self.build.postgres else spec.scale
        money, currency = field.type == "money", self.currency
        places = Decimal(1).scaleb(-max(spec.scale, 6))

        def read(row: Sequence[Any]) -> Any:
            if not row[number]:
                return None
            with localcontext(prec=60):
                average = Decimal(total(row[first:end])).scaleb(-scale) / Decimal(row[number])
                average = average.quantize(places, ROUND_HALF_UP)
            return {"amount": amount_text(average, currency), "currency": currency} if money else format(average, "f")

        return read


_FORMATS = {"day": "YYYY-MM-DD", "month": "YYYY-MM", "quarter": 'YYYY-"Q"Q', "year": "YYYY"}


def _period_text(day: sa.ColumnElement[Any], period: str) -> sa.ColumnElement[Any]:
    """The same on SQLite, from an ISO date."""

    def number(value: int) -> sa.ColumnElement[Any]:
        return sa.literal_column(str(value))

    if period == "quarter":
        month = sa.cast(sa.func.substr(day, number(6), number(2)), sa.Integer())
        quarter = (month + number(2)).self_group().op("/")(number(3))
        text = sa.func.printf(sa.literal_column("'%s-Q%d'"), sa.func.substr(day, number(1), number(4)), quarter)
        return sa.case((day.is_not(None), text))
    return sa.func.substr(day, number(1), number({"day": 10, "month": 7, "year": 4}[period]))


def _zone(inputs: Inputs) -> str:
    return inputs.binding.timezone


def _reader(at: int, convert: Convert | None) -> Read:
    if convert is None:
        return lambda row: row[at]
    made = convert
    return lambda row: None if row[at] is None else made(row[at])
