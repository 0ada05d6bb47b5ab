"""Functions that SQL may call on SQLite, beside its own. All are pure, and total for what there is."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from metadata.expressions import portable
from metadata.expressions.binding import Binding
from metadata.expressions.closures.numbers import average, fit, median, number_text, total
from metadata.expressions.closures.rows import Constants, Row
from metadata.expressions.evaluate import value
from metadata.expressions.tree import FieldRef, walk
from metadata.folding import fold
from runtime.codecs import datetime_text, json_text

_INT64 = 2**63
_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
_EVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""What `now` is to a tree: it never asks, since it is handed its constants."""

Read = Callable[[Any], Any]


def _local_day(moment: str | None, timezone: str) -> str | None:
    """The day of a moment in a zone, as `timezone(zone, moment)` gives it on PostgreSQL."""
    if moment is None:
        return None
    try:
        return dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone)).date().isoformat()
    except OverflowError:  # the first or last day that there is
        return moment[:10]


# -- expressions


class _Expression:
    """A tree with how its leaves are read and its value is written."""

    def __init__(self, text: str) -> None:
        told = orjson.loads(text)
        tree = portable.load(told["tree"])
        self.ask = value(tree)
        self.reads = [_reader(code) for code in told["reads"]]
        self.write = _WRITE.get(told["gives"])
        self.grouped = bool(told["grouped"])
        self.sets = [node.field for node in walk(tree) if isinstance(node, FieldRef)]

    def __call__(self, timezone: str, leaves: tuple[Any, ...]) -> Any:
        if self.grouped:
            leaves = tuple([leaf for each in leaves for leaf in orjson.loads(each)])
        values = [
            leaf if leaf is None or read is None else read(leaf) for read, leaf in zip(self.reads, leaves, strict=True)
        ]
        row = Row({field: values[int(field)] for field in self.sets})
        found = self.ask(row, Constants(values, Binding(_EVER, timezone, None)))
        return found if found is None or self.write is None else self.write(found)


@lru_cache(maxsize=1_000)
def _made(text: str) -> _Expression:
    return _Expression(text)


def _expression(text: str, timezone: str, *leaves: Any) -> Any:
    return _made(text)(timezone, leaves)


def _reader(code: str) -> Read | None:
    if code.startswith("i"):
        scale = int(code[1:])
        return lambda leaf: Decimal(leaf).scaleb(-scale)
    return _READ.get(code)


_READ: dict[str, Read] = {
    "n": Decimal,
    "b": bool,
    "d": dt.date.fromisoformat,
    "m": dt.datetime.fromisoformat,
    "s": lambda leaf: tuple(orjson.loads(leaf)),
}
_WRITE: dict[str, Read] = {
    "number": number_text,
    "boolean": int,
    "date": dt.date.isoformat,
    "datetime": datetime_text,
    "set": lambda found: json_text(list(found)),
}


# -- numbers


def _decimal(scaled: int | None, scale: int) -> str | None:
    """A scaled integer as a number."""
    return None if scaled is None else number_text(Decimal(scaled).scaleb(-scale))


def _scaled(number: str | None, scale: int) -> int | None:
    """A number as a column of scaled integers holds it, rounded half away from zero; empty where it has no room."""
    if number is None:
        return None
    found = int(_EXACT.scaleb(Decimal(number), scale).to_integral_value(ROUND_HALF_UP))
    return found if abs(found) < _INT64 else None


class _Aggregate:
    """Numbers of several rows; those that are empty do not count."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def step(self, number: str | None) -> None:
        if number is not None:
            self.values.append(Decimal(number))

    def finalize(self) -> str | None:
        found = self.measure() if self.values else None
        return None if found is None else number_text(found)

    def measure(self) -> Decimal | None:
        raise NotImplementedError


class _Sum(_Aggregate):
    def finalize(self) -> str | None:
        """A text without characters when it is out of range: no rows at all are another thing."""
        found = fit(total(self.values))
        return "" if found is None else number_text(found)


class _Average(_Aggregate):
    def measure(self) -> Decimal | None:
        return average(self.values)


class _Median(_Aggregate):
    def measure(self) -> Decimal | None:
        return median(self.values)


class _Least(_Aggregate):
    def measure(self) -> Decimal:
        found: Decimal = min(self.values)
        return found


class _Greatest(_Aggregate):
    def measure(self) -> Decimal:
        found: Decimal = max(self.values)
        return found


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "fold": (1, lambda text: None if text is None else fold(text)),
    "local_day": (2, _local_day),
    "x_expression": (-1, _expression),
    "x_decimal": (2, _decimal),
    "x_scaled": (2, _scaled),
    "x_ends": (2, lambda text, end: None if text is None or end is None else int(text.endswith(end))),
}
"""Name -> number of arguments (-1: any), function."""
AGGREGATES: dict[str, Callable[[], Any]] = {
    "x_sum": _Sum,
    "x_avg": _Average,
    "x_median": _Median,
    "x_min": _Least,
    "x_max": _Greatest,
}


def register(raw: sqlite3.Connection) -> None:
    """Make them known to a connection."""
    for name, (arguments, function) in FUNCTIONS.items():
        raw.create_function(name, arguments, function, deterministic=True)
    for name, aggregate in AGGREGATES.items():
        raw.create_aggregate(name, 1, aggregate)
