"""How the text of one cell becomes a value of its column's field; the plain forms by a short way."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import FieldType, TextContext, ValueProblem
from metadata.fieldtypes.numbers import WIDEST, Number
from metadata.fieldtypes.texts import Text
from metadata.model import Field
from metadata.money import Money
from runtime.transfer.mapping import Column
from runtime.transfer.reading import unwrapped

Read = Callable[[str], Any]
"""Text -> value; None for a blank one; a Problem for one that the type refuses."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")


def reader(column: Column, context: TextContext) -> Read:
    """How the cells of a column are read."""
    usual = _usual(column.field, context)
    short = _short(column.field)

    def read(cell: str) -> Any:
        text = cell.strip()
        if column.values or text[:1] in WRAPPED:
            text = meant(column, cell)
        try:
            return usual(text) if short is None or (value := short(text)) is None else value
        except ValueProblem as refused:
            return refused.problem.under(column.field.key)

    return read


WRAPPED = ("'", "=")


def meant(column: Column, cell: str) -> str:
    """What a cell says: without the guards of spreadsheets, and translated where the mapping says so."""
    text = unwrapped(cell).strip()
    return column.values.get(text.casefold(), text) if column.values else text


def _usual(field: Field, context: TextContext) -> Read:
    type_ = registry.of(field)
    if type(type_).read_text is FieldType.read_text:
        # Which strips, and does this.
        return lambda text: type_.parse(field, text) if text else None
    return lambda text: type_.read_text(field, text, context)


def _short(field: Field) -> Read | None:
    """For the most frequent form of a type: what `read_text` would give, sooner; None for any other text."""
    type_ = registry.of(field)
    parse = partial(type_.parse, field)
    match field.type:
        case "text" | "long_text":
            return _line(field, type_) if isinstance(type_, Text) else None
        case "date":
            return _day
        case "datetime":
            return lambda text: parse(text) if _MOMENT.match(text) else None
        case "integer":
            return lambda text: parse(int(text)) if _WHOLE.match(text) else None
        case "decimal" | "percent" | "money":
            return _exact(field, type_) if isinstance(type_, Number) else None
    return None


def _line(field: Field, type_: Text) -> Read | None:
    """One line of printable ASCII, which is kept as it is."""
    if field.props.get("min"):
        return None
    longest = field.props.get("max", type_.longest)
    return lambda text: text if text and text.isascii() and text.isprintable() and len(text) <= longest else None


def _exact(field: Field, type_: Number) -> Read:
    """A number without signs that fits into its bounds and its scale as it is written."""
    low, high = (None if (said := field.props.get(each)) is None else Decimal(str(said)) for each in ("min", "max"))
    scale = type_.scale(field)
    quantum, most = Decimal(1).scaleb(-scale), Decimal(10) ** (WIDEST - scale)
    money = field.type == "money"

    def read(text: str) -> Any:
        if not _NUMBER.match(text):
            return None
        number = Decimal(text)
        if not -most < number < most or (low is not None and number < low) or (high is not None and number > high):
            return None  # the type says what is wrong
        exact = number.quantize(quantum)
        if exact != number:
            return None
        exact = exact or abs(exact)  # no minus before nothing
        return Money(exact) if money else exact

    return read


def _day(text: str) -> dt.date | None:
    if not _DAY.match(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
