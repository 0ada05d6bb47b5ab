"""Exchange rates: data of the tenant (core entity `exchange_rate`), units of the base currency for one of another."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.money import SCALE
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.tables import DELETED_AT, EntityTable, table_of
from runtime.workspace import Workspace

DEFAULT_CURRENCY = "CNY"
_CURRENCY, _DATE, _RATE = "currency_code", "date", "rate"
_QUANTUM = Decimal(1).scaleb(-SCALE)


class Rates:
    """The rates of some currencies, each in the order of their dates."""

    def __init__(self, base: str, dated: Mapping[str, tuple[list[dt.date], list[Decimal]]]) -> None:
        self.base = base
        self._dated = dated

    def rate(self, currency: str, day: dt.date) -> Decimal | None:
        """The rate in force on a day: the latest one dated not after it."""
        if currency == self.base:
            return Decimal(1)
        dates, rates = self._dated.get(currency, ([], []))
        at = bisect_right(dates, day)
        return rates[at - 1] if at else None


def base_currency(ws: Workspace) -> str:
    """The currency in which the tenant sorts, filters and adds up."""
    return str(ws.model.settings.get("currency") or DEFAULT_CURRENCY)


def in_base(amount: Decimal, rate: Decimal) -> Decimal:
    """An amount in the base currency, rounded half away from zero."""
    return (amount * rate).quantize(_QUANTUM, ROUND_HALF_UP)


def load(ws: Workspace, currencies: Collection[str]) -> Rates:
    """The rates of some currencies; nothing is asked when all are the base currency."""
    base = base_currency(ws)
    foreign = sorted(set(currencies) - {base})
    entity = ws.model.entity("exchange_rate") if foreign else None
    dated: dict[str, tuple[list[dt.date], list[Decimal]]] = {}
    if entity is None:
        return Rates(base, dated)
    dialect = ws.db.dialect
    table = table_of(ws.model, entity, dialect)
    statement = kept(ws.model).get(("rates", dialect), lambda: _statement(table, dialect))
    codes = foreign if dialect == "postgresql" else "\n".join(foreign)
    day, rate = (table.fields[each].decode[0] for each in (_DATE, _RATE))
    for currency, date, value in statement.fetch(ws.db, {"codes": codes}):
        dates, rates = dated.setdefault(currency, ([], []))
        dates.append(day(date) if day else date)
        rates.append(rate(value) if rate else value)
    return Rates(base, dated)


def currencies(ws: Workspace) -> tuple[str, ...]:
    """The currencies that amounts may be in: the base currency, and every one that has a rate."""
    base = base_currency(ws)
    entity = ws.model.entity("exchange_rate")
    if entity is None:
        return (base,)
    dialect = ws.db.dialect
    table = table_of(ws.model, entity, dialect)
    statement = kept(ws.model).get(("currencies", dialect), lambda: _rated(table, dialect))
    return (base, *(code for (code,) in statement.fetch(ws.db, {}) if code != base))


def _rated(table: EntityTable, dialect: str) -> Prepared:
    currency, rate = table.column(_CURRENCY), table.column(_RATE)
    chosen = sa.select(currency).where(table.table.c[DELETED_AT].is_(None), rate.is_not(None), currency.is_not(None))
    return prepare(chosen.distinct().order_by(currency), dialect)


def _statement(table: EntityTable, dialect: str) -> Prepared:
    currency, date, rate = (table.column(each) for each in (_CURRENCY, _DATE, _RATE))
    if dialect == "postgresql":
        wanted = currency == sa.any_(sa.bindparam("codes", type_=postgresql.ARRAY(sa.Text())))
    else:
        wanted = sa.func.instr(sa.bindparam("codes", type_=sa.Text()), currency) > 0
    chosen = sa.select(currency, date, rate).where(
        wanted, table.table.c[DELETED_AT].is_(None), date.is_not(None), rate.is_not(None)
    )
    return prepare(chosen.order_by(currency, date), dialect)
