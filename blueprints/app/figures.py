"""Sums and counts as people read them at a glance: `¥1.2M`, `1234万`, with the exact text beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from blueprints.app import cells
from metadata import money
from metadata.fieldtypes.base import TextContext
from metadata.model import Field

_UNITS = {
    "en": ((Decimal("1e9"), "B"), (Decimal("1e6"), "M"), (Decimal("1e3"), "K")),
    "zh": ((Decimal("1e8"), "亿"), (Decimal("1e4"), "万")),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`number` is for drawing, `short` for a glance, `text` exact."""

    label: str
    number: float
    short: str
    text: str


def figure(field: Field, value: Any, reading: TextContext) -> Figure:
    """A sum, average or extreme of a field from the JSON that an aggregate answers; nothing counts as zero."""
    lang = reading.language
    label = field.label.get(lang) or field.label.get("*") or next(iter(field.label.values()), "")
    if value is None:
        number, text, sign = Decimal(0), "", ""
        if field.type == "money" and reading.currency:
            text, sign = money.format_money(number, reading.currency, lang), money.symbol(reading.currency, lang)
        return Figure(label, 0.0, f"{sign}0", text or "0")
    currency = str(value.get("currency") or "") if isinstance(value, Mapping) else ""
    number = Decimal(str(value["amount"] if isinstance(value, Mapping) else value))
    if currency:
        text = money.format_money(number, currency, lang)
    else:
        text = money.grouped(format(number, "f")) if not _is_shown_otherwise(field) else _shown(field, value, reading)
    sign = money.symbol(currency, lang) if currency else ""
    end = "%" if field.type == "percent" else ""
    return Figure(label, float(number), compact(number, lang, sign) + end, text)


def _is_shown_otherwise(field: Field) -> bool:
    return field.type in ("percent", "duration", "rating")


def _shown(field: Field, value: Any, reading: TextContext) -> str:
    """As a value of the field: an average has more places than that has room for."""
    places = int(field.props.get("scale", 2)) if field.type == "percent" else 0
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return cells.text_of(field, int(number) if not places else format(number, "f"), reading)


def count(number: int, label: str, lang: str) -> Figure:
    return Figure(label, float(number), compact(Decimal(number), lang), f"{number:,}")


def compact(number: Decimal, lang: str, sign: str = "") -> str:
    """Three digits or so with a unit of the language: 12,340,000 is 12.3M and 1234万."""
    minus = "-" if number < 0 else ""
    size = abs(number)
    for unit, name in _UNITS.get(lang, _UNITS["en"]):
        if size >= unit:
            return f"{minus}{sign}{_digits(size / unit)}{name}"
    return f"{minus}{sign}{_digits(size)}"


def _digits(size: Decimal) -> str:
    places = Decimal(1) if size >= 100 else Decimal("0.1") if size >= 10 else Decimal("0.01")
    text = format(size.quantize(places, ROUND_HALF_UP), ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text
