"""Exact numbers: every step is rounded half away from zero to 12 places, and empty when it reaches 10^24."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any

Number = Decimal | int

# Enough digits for the exact product of two numbers, and for a quotient to be rounded as if it were exact. Nothing is
# trapped: what has no answer is not a number, which `fit` makes empty.
EXACT = Context(prec=100, rounding=ROUND_HALF_UP, traps=[])
_DIGITS = 24
_PLACES = Decimal("1e-12")
_ONE = Decimal(1)
_TEXT = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,12})?")
_BLANKS = " \t\n\r"


def fit(exact: Decimal) -> Decimal | None:
    """An exact number as the language has it."""
    found = EXACT.quantize(exact, _PLACES)
    return found if found.is_finite() and found.adjusted() < _DIGITS else None


def add(x: Number, y: Number) -> Decimal | None:
    found = EXACT.add(x, y)  # of two numbers with 12 places: nothing to round
    return found if found.adjusted() < _DIGITS else None


def subtract(x: Number, y: Number) -> Decimal | None:
    found = EXACT.subtract(x, y)
    return found if found.adjusted() < _DIGITS else None


def multiply(x: Number, y: Number) -> Decimal | None:
    return fit(EXACT.multiply(x, y))


def divide(x: Number, y: Number) -> Decimal | None:
    return fit(EXACT.divide(x, y)) if y else None


def remainder(x: Number, y: Number) -> Decimal | None:
    return fit(EXACT.remainder(x, y)) if y else None


def negative(x: Number) -> Decimal:
    return EXACT.subtract(0, x)


def total(values: list[Number]) -> Decimal:
    """The exact sum."""
    found = Decimal(0)
    for each in values:
        found = EXACT.add(found, each)
    return found


def average(values: list[Number]) -> Decimal | None:
    return fit(EXACT.divide(total(values), len(values)))


def median(values: list[Number]) -> Decimal | None:
    """The one in the middle, or half of the sum of the two there. `values` are not empty."""
    found, at = sorted(values), len(values) - 1
    return fit(EXACT.divide(total([found[at // 2], found[at - at // 2]]), 2))


def whole(x: Number) -> int:
    """What counts of a number where digits after the point are cut off."""
    return int(x)


def _round(x: Number, places: Number = 0) -> Decimal | None:
    count = whole(places)
    if not -12 <= count <= 12:
        return None
    # Beyond twelve places there is nothing to round; a context of its own digits keeps large units exact.
    return fit(EXACT.multiply(EXACT.scaleb(x, count).to_integral_value(ROUND_HALF_UP), EXACT.scaleb(_ONE, -count)))


def _floor(x: Number) -> Decimal | None:
    return fit(Decimal(x).to_integral_value(ROUND_FLOOR))


def _ceil(x: Number) -> Decimal | None:
    return fit(Decimal(x).to_integral_value(ROUND_CEILING))


def _abs(x: Number) -> Decimal | None:
    return fit(EXACT.abs(Decimal(x)))


def seconds_of(hours: Number) -> int:
    """Hours as whole seconds, half away from zero."""
    return int(EXACT.multiply(hours, 3600).to_integral_value(ROUND_HALF_UP))


def hours_of(micros: int) -> Decimal | None:
    """Microseconds as hours."""
    return divide(micros, 3_600_000_000)


def number_text(x: Number) -> str:
    """`12.5`, `-3`: without needless zeros and never with an exponent."""
    text = format(Decimal(x), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _number(text: str) -> Decimal | None:
    stripped = text.strip(_BLANKS)
    return Decimal(stripped) if _TEXT.fullmatch(stripped) else None


OPERATORS: Mapping[str, Callable[[Any, Any], Decimal | None]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "number": _number,
    "round": _round,
    "floor": _floor,
    "ceil": _ceil,
    "abs": _abs,
    "least": min,
    "greatest": max,
}
