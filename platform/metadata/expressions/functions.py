"""The functions of the language: what each takes and gives, and what it costs. Every back end has all of them.

What each does is said once, in `docs/expressions.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from metadata.expressions.tree import Kind

Takes = Literal["text", "number", "date", "datetime", "boolean", "id", "any", "same", "calendar"]
"""What an argument may be. A moment serves as a date: its day in the tenant's zone. `same`: of the kind of the first
argument (number, date, datetime or text); `calendar`: the name of a calendar in quotes, taken at compile time."""


@dataclass(frozen=True, slots=True)
class Function:
    """A pure function; empty when an argument is, unless it `takes_empty`."""

    name: str
    takes: tuple[Takes, ...]
    gives: Kind | Literal["same"]
    optional: int = 0
    """How many of the last arguments may be left out."""
    repeats: bool = False
    """Whether the last argument may be given again, up to `MOST_ARGUMENTS` in all."""
    takes_empty: bool = False
    sql: bool = True
    """Whether a database can answer it: what it cannot is refused in filters, segments and permissions."""
    price: int = 1
    """Of one call, in fuel; a field or an operator costs 1."""
    integers: tuple[int, ...] = ()
    """Arguments of which only the whole part counts."""


MOST_ARGUMENTS = 20
FUEL = 5_000
"""What one evaluation may cost: the sum of the prices, a list counted as `LIST_PRICE` times its inner expression."""
LIST_PRICE = 50
LONGEST_TEXT = 20_000
"""Characters of a text that a function makes; a longer one is empty."""

_ALL = (
    Function("length", ("text",), "number"),
    Function("lower", ("text",), "text", price=2),
    Function("upper", ("text",), "text", price=2),
    Function("trim", ("text",), "text", price=2),
    Function("left", ("text", "number"), "text", integers=(1,)),
    Function("right", ("text", "number"), "text", integers=(1,)),
    Function("substring", ("text", "number", "number"), "text", optional=1, integers=(1, 2)),
    Function("replace", ("text", "text", "text"), "text", price=10),
    Function("concat", ("any",), "text", repeats=True, takes_empty=True, price=5),
    Function("text", ("any",), "text", price=2),
    Function("number", ("text",), "number", price=2),
    Function("round", ("number", "number"), "number", optional=1, integers=(1,)),
    Function("floor", ("number",), "number"),
    Function("ceil", ("number",), "number"),
    Function("abs", ("number",), "number"),
    Function("least", ("same",), "same", repeats=True),
    Function("greatest", ("same",), "same", repeats=True),
    Function("coalesce", ("same",), "same", repeats=True, takes_empty=True),
    Function("is_empty", ("any",), "boolean", takes_empty=True),
    Function("date", ("datetime",), "date"),
    Function("year", ("date",), "number"),
    Function("quarter", ("date",), "number"),
    Function("month", ("date",), "number"),
    Function("day", ("date",), "number"),
    Function("weekday", ("date",), "number"),
    Function("hour", ("datetime",), "number"),
    Function("start_of_week", ("date",), "date"),
    Function("start_of_month", ("date",), "date"),
    Function("end_of_month", ("date",), "date"),
    Function("start_of_quarter", ("date",), "date"),
    Function("start_of_year", ("date",), "date"),
    Function("add_days", ("date", "number"), "date", integers=(1,)),
    Function("add_months", ("date", "number"), "date", integers=(1,)),
    Function("days_between", ("date", "date"), "number"),
    Function("months_between", ("date", "date"), "number"),
    Function("add_hours", ("datetime", "number"), "datetime"),
    Function("hours_between", ("datetime", "datetime"), "number"),
    Function("is_business_day", ("date", "calendar"), "boolean", optional=1, sql=False, price=5),
    Function(
        "add_business_days", ("date", "number", "calendar"), "date", optional=1, sql=False, price=50, integers=(1,)
    ),
    Function("business_days_between", ("date", "date", "calendar"), "number", optional=1, sql=False, price=50),
    Function("add_business_hours", ("datetime", "number", "calendar"), "datetime", optional=1, sql=False, price=50),
    Function("business_hours_between", ("datetime", "datetime", "calendar"), "number", optional=1, sql=False, price=50),
)

FUNCTIONS: Mapping[str, Function] = {each.name: each for each in _ALL}

TEXT_MATCHES = ("contains", "starts_with", "ends_with")
LISTS = ("any", "all", "count", "sum", "min", "max", "avg", "median")
SPECIAL = (*TEXT_MATCHES, *LISTS, "if", "changed", "has_role", "in_unit")
"""Functions that are nodes of their own."""
EVERY = (*FUNCTIONS, *SPECIAL)
