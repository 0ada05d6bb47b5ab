"""Numbers: integer, decimal and percent. Exact throughout: a binary fraction never comes in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from metadata import money
from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, ValueProblem, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.fieldtypes.texts import min_above_max
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Problem, kind

not_integer = kind(
    "value_not_integer",
    en="{label} takes a whole number. Send it without quotes and decimals.",
    zh="{label} 需要整数，请不要加引号或小数。",
)
not_decimal = kind(
    "value_not_decimal",
    en='{label} takes an exact number. Send it as text, like "12.50", or as a whole number.',
    zh='{label} 需要精确数值，请以文本发送（例如 "12.50"）或发送整数。',
)
unreadable = kind(
    "value_unreadable_number",
    en="{label}: {text} is not a number. Write it like 1234.50 or 1,234.50, with a point before the decimals.",
    zh="{label}：{text} 不是数字，请写作 1234.50 或 1,234.50，小数用点。",
)
too_many_decimals = kind(
    "value_too_many_decimals",
    en="{label} takes at most {scale} decimals. Round it first.",
    zh="{label} 最多 {scale} 位小数，请先四舍五入。",
)
too_small = kind("value_too_small", en="{label} is at least {min}. Raise it.", zh="{label} 不能小于 {min}，请调大。")
too_large = kind("value_too_large", en="{label} is at most {max}. Lower it.", zh="{label} 不能大于 {max}，请调小。")
WIDEST = 18
"""Digits of a scaled decimal: what an integer of 64 bits holds for certain, as SQLite stores them."""

_TYPED = re.compile(
    r"(?P<open>\()?(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:(?P<gap>[ ,'’])\d{3})(?:(?P=gap)\d{3})*|\d+|)(?P<rest>\.\d*)?"
    r" ?(?P<unit>[万亿]?)(?(open)\))",
    re.ASCII,
)
_UNITS = {"": 0, "万": 4, "亿": 8}


def read_number(text: str) -> Decimal | None:
    """The number in a text as people write it; None when it is not clearly one.

    A comma always groups thousands and a point always begins the decimals: a file that does it the other way round
    would be misread in part of its rows, so all of it is refused.
    """
    text = plain(text).replace("−", "-").replace("–", "-")
    if len(text) > 60:
        return None
    found = _TYPED.fullmatch(text)
    if found is None or not (found["whole"] or len(found["rest"] or "") > 1):
        return None
    whole = re.sub(r"[ ,'’]", "", found["whole"]) or "0"
    # From text and without arithmetic, which would round to the precision of the context.
    number = Decimal(f"{whole}{(found['rest'] or '').rstrip('.')}e{_UNITS[found['unit']]}")
    return number.copy_negate() if (found["sign"] == "-") != bool(found["open"]) and number else number


@lru_cache(maxsize=500)
def _below_zero(low: Any) -> bool:
    return low is None or Decimal(str(low)) < 0


@lru_cache(maxsize=1_000)
def _frame(scale: int, low: Any, high: Any) -> tuple[int, Decimal | None, Decimal | None, Decimal]:
    """What a number must stay below, its bounds, and its smallest step."""
    return 10 ** (WIDEST - scale), _bound(low), _bound(high), Decimal(1).scaleb(-scale)


def _bound(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _is_whole(raw: Any) -> bool:
    """Whether JSON calls a number an integer: `5.0` is one."""
    if isinstance(raw, bool):
        return False
    return isinstance(raw, int) or (isinstance(raw, float) and raw.is_integer())


class Integer(FieldType):
    """A whole number of 64 bits."""

    name = "integer"
    kind = "number"
    groupable = True
    summable = True
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in")
    control = "number"
    properties: Mapping[str, Any] = {
        "min": {"type": "integer", "description": "Smallest value."},
        "max": {"type": "integer", "description": "Largest value."},
    }

    def limits(self, field: Field) -> tuple[int, int]:
        """The smallest and the largest value."""
        most = 2**63 - 1
        return max(field.props.get("min", -most), -most), min(field.props.get("max", most), most)

    def check(self, field: Field) -> tuple[Problem, ...]:
        low, high = self.limits(field)
        return (min_above_max("min", min=low, max=high),) if low > high else ()

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("integer"),)

    def parse(self, field: Field, raw: Any) -> int | None:
        if raw is None:
            return None
        if not _is_whole(raw):
            raise refuse(not_integer, field)
        low, high = self.limits(field)
        if raw < low:
            raise refuse(too_small, field, min=low)
        if raw > high:
            raise refuse(too_large, field, max=high)
        return int(raw)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        number = read_number(text)
        if number is None:
            raise refuse(unreadable, field, text=text.strip()[:40])
        if number != number.to_integral_value():
            raise refuse(too_many_decimals, field, scale=0)
        return self.parse(field, int(number))

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        # Four digits stay together, as typographers do: most of them are years or codes.
        return "" if value is None else str(value) if abs(value) < 10_000 else f"{value:,}"

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(value)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        low, high = self.limits(field)
        return {"type": "integer", "minimum": low, "maximum": high}

    def samples(self, field: Field) -> tuple[Any, ...]:
        low, high = self.limits(field)
        return tuple(dict.fromkeys(min(max(each, low), high) for each in (7, 1200, low, high)))

    def refused(self, field: Field) -> tuple[Any, ...]:
        low, high = self.limits(field)
        return ("7", 1.5, True, [], {}, low - 1, high + 1, 1e300, math.inf, math.nan)


class Number(FieldType):
    """An exact number with a fixed scale. In JSON a text (`"12.50"`) or a whole number."""

    name = "decimal"
    kind = "number"
    summable = True
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in")
    control = "decimal"
    _limit: Mapping[str, Any] = {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"}]
    }
    properties: Mapping[str, Any] = {
        "scale": {"type": "integer", "minimum": 0, "maximum": 12, "description": "Decimals; 2 if not given."},
        "min": {**_limit, "description": "Smallest value."},
        "max": {**_limit, "description": "Largest value."},
    }

    def scale(self, field: Field) -> int:
        return int(field.props.get("scale", 2))

    def check(self, field: Field) -> tuple[Problem, ...]:
        low, high = _bound(field.props.get("min")), _bound(field.props.get("max"))
        return (min_above_max("min", min=low, max=high),) if low is not None and high is not None and low > high else ()

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("decimal", scale=self.scale(field)),)

    def parse(self, field: Field, raw: Any) -> Any:
        if raw is None:
            return None
        if isinstance(raw, str):
            if _form(self.scale(field), self._signed(field)).search(raw) is None:
                raise self._misshapen(field, raw, not_decimal)
            return self.checked(field, Decimal(raw))
        if isinstance(raw, Decimal) and raw.is_finite():
            return self.checked(field, raw)
        if _is_whole(raw):
            return self.checked(field, Decimal(int(raw)))
        raise refuse(not_decimal, field)

    def checked(self, field: Field, number: Decimal) -> Decimal:
        """The number in the field's scale. Nothing is rounded: what does not fit is refused."""
        scale = self.scale(field)
        most, low, high, step = _frame(scale, field.props.get("min"), field.props.get("max"))
        if number <= -most or (low is not None and number < low):
            raise refuse(too_small, field, min=low if low is not None else 1 - most)
        if number >= most or (high is not None and number > high):
            raise refuse(too_large, field, max=high if high is not None else most - 1)
        exact = number.quantize(step)
        if exact != number:
            raise refuse(too_many_decimals, field, scale=scale)
        return exact if exact else abs(exact)

    def _signed(self, field: Field) -> bool:
        return _below_zero(field.props.get("min"))

    def _misshapen(self, field: Field, raw: str, otherwise: Any) -> ValueProblem:
        """Says what is wrong with a text that the pattern refuses."""
        found = re.fullmatch(r"(-?[0-9]{1,1000})(?:\.([0-9]{1,1000}))?", raw)
        if found is None:
            return refuse(otherwise, field)
        try:
            self.checked(field, Decimal(found[1]))
        except ValueProblem as problem:
            return problem
        if len(found[2] or "") > self.scale(field):
            return refuse(too_many_decimals, field, scale=self.scale(field))
        return refuse(otherwise, field)

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else format(value, "f")

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        number = read_number(text)
        if number is None:
            raise refuse(unreadable, field, text=text.strip()[:40])
        return self.checked(field, number)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else money.grouped(format(value, "f"))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else format(value, "f")

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        scale = self.scale(field)
        low, high = _bound(field.props.get("min")), _bound(field.props.get("max"))
        most = 10 ** (WIDEST - scale) - 1
        whole = {
            "type": "integer",
            "minimum": -most if low is None else max(-most, math.ceil(low)),
            "maximum": most if high is None else min(most, math.floor(high)),
        }
        return {"anyOf": [{"type": "string", "pattern": _source(scale, self._signed(field))}, whole]}

    def samples(self, field: Field) -> tuple[Any, ...]:
        scale = self.scale(field)
        low, high = _bound(field.props.get("min")), _bound(field.props.get("max"))
        found: list[str] = []
        for each in ("12.50", "0", "-3.25", "1234567", "0.000001"):
            number = Decimal(each) if low is None else max(Decimal(each), low)
            number = number if high is None else min(number, high)
            if _form(scale).search(format(number, "f")):
                found.append(format(number, "f"))
        return tuple(dict.fromkeys(found))

    def refused(self, field: Field) -> tuple[Any, ...]:
        scale = self.scale(field)
        texts = ("", " 1", "1,000", "1e5", "NaN", "Infinity", "0x1", "١٢", "1.", ".5", "+1", "9" * (WIDEST - scale + 1))
        return (1.5, True, [], {}, math.inf, math.nan, 1e300, 10**WIDEST, "0." + "1" * (scale + 1), *texts)


@cache
def _source(scale: int, signed: bool = True) -> str:
    """The form of a decimal text: the same in the schema and in `parse`."""
    decimals = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    return rf"^{'-?' if signed else ''}[0-9]{{1,{WIDEST - scale}}}{decimals}$"


@cache
def _form(scale: int, signed: bool = True) -> re.Pattern[str]:
    return ecma(_source(scale, signed))


class Percent(Number):
    """A number of percent: 10 means 10 %."""

    name = "percent"
    control = "percent"

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        return super().read_text(field, plain(text).removesuffix("%"), context)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        text = money.grouped(format(value, "f"))
        return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"
