"""A literal of an expression as a value of the field that it is compared with."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext

from metadata.expressions import problems as p
from metadata.expressions.tree import Kind
from metadata.fieldtypes import registry
from metadata.model import Field
from metadata.problems import Kind as ProblemKind
from metadata.problems import Label, Problem

_WANTED: dict[str, Label] = {
    "text": {"en": "a text in quotes", "zh": "带引号的文本"},
    "number": {"en": "a number", "zh": "数字"},
    "boolean": {"en": "true or false", "zh": "true 或 false"},
    "date": {"en": "a date like '2026-01-31' or $today", "zh": "日期，如 '2026-01-31' 或 $today"},
    "datetime": {
        "en": "a moment like '2026-01-31T09:30:00Z', $now or $today",
        "zh": "时间，如 '2026-01-31T09:30:00Z'、$now 或 $today",
    },
    "id": {"en": "the id of a record in quotes, or $user for a person", "zh": "带引号的记录 ID；人员可用 $user"},
    "set": {"en": "a text in quotes", "zh": "带引号的文本"},
    "json": {"en": "null only", "zh": "只能是 null"},
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")
_DIGITS = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")


class LiteralRefused(Exception):
    """A literal that the field cannot hold."""

    def __init__(self, code: ProblemKind, suggestion: str | None = None, kind: Kind = "text", **params: object) -> None:
        super().__init__(code.code)
        self.code, self.suggestion, self.kind, self.params = code, suggestion, kind, params

    def problem(self, label: Label | str, column: int) -> Problem:
        """In words; `label` is what the literal was compared with or meant for."""
        wanted = _WANTED.get(self.kind, "")
        problem = self.code(suggestion=self.suggestion, label=label, wanted=wanted, column=column)
        return replace(problem, params={**problem.params, **self.params})


def literal_value(field: Field, kind: Kind, raw: str | bool, number: bool) -> object:
    """The value to compare with. `number`: `raw` was written without quotes. Raises LiteralRefused."""
    if field.options:
        return _option(field, raw, number)
    if kind == "text" and isinstance(raw, str) and not number:
        return registry.of(field).literal(field, raw)
    return plain_literal(kind, raw, number)


def plain_literal(kind: Kind, raw: str | bool, number: bool) -> object:
    """The same where no field says more than the kind. Raises LiteralRefused."""
    if isinstance(raw, bool):
        if kind == "boolean":
            return raw
    elif number:
        if kind == "number":
            return _number(raw)
    elif kind in ("text", "set"):
        return raw
    elif (kind == "date" and _DATE.fullmatch(raw)) or (kind == "datetime" and _DATE.fullmatch(raw)):
        return _moment(dt.date.fromisoformat, kind, raw)
    elif kind == "datetime" and _DATETIME.fullmatch(raw):
        return _moment(_instant, kind, raw)
    elif kind == "id":
        return _id(raw)
    raise _refused(kind, raw)


def _refused(kind: Kind, raw: str | bool) -> LiteralRefused:
    shown = str(raw).lower() if isinstance(raw, bool) else repr(raw[:40])
    return LiteralRefused(p.wrong_type, kind=kind, value=shown)


def _option(field: Field, raw: str | bool, number: bool) -> str:
    from metadata.expressions.names import closest

    if isinstance(raw, bool) or number:
        raise _refused("text", raw)
    option = field.option(raw)
    if option is not None:
        return option.id
    keys = [each.key for each in field.options]
    shown = keys if len(keys) <= 20 else [*keys[:20], "…"]
    raise LiteralRefused(p.unknown_option, closest(raw, keys), value=raw[:40], options=tuple(shown))


def _number(raw: str) -> Decimal:
    if len(raw) <= 60 and _DIGITS.fullmatch(raw):
        value = Decimal(raw)
        if not value:
            return Decimal(0)
        if value.adjusted() < 24:
            with localcontext(prec=100):
                # One form for equal numbers: neither an exponent nor zeros at the end.
                value = value.normalize()
                if int(value.as_tuple().exponent) >= -12:
                    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
    raise LiteralRefused(p.bad_number, value=raw[:40])


def _id(raw: str) -> str:
    try:
        value = str(uuid.UUID(raw))
    except ValueError:
        raise _refused("id", raw) from None
    if value != raw.lower():
        raise _refused("id", raw)
    return value


def _instant(raw: str) -> dt.datetime:
    value = dt.datetime.fromisoformat(raw)
    return value.astimezone(dt.UTC) if value.tzinfo else value


def _moment(read: Callable[[str], object], kind: Kind, raw: str) -> object:
    try:
        return read(raw)
    except (ValueError, OverflowError):
        raise _refused(kind, raw) from None
