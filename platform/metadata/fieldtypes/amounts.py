"""Money: an amount in the currency of its record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from metadata import money
from metadata.fieldtypes.base import ColumnSpec, TextContext, ValueProblem, refuse
from metadata.fieldtypes.numbers import Number, not_decimal, read_number, unreadable
from metadata.folding import plain
from metadata.model import Field
from metadata.money import Money
from metadata.problems import kind

not_money = kind(
    "value_not_money",
    en='{label} takes an amount. Send {{"amount": "12.50", "currency": "CNY"}}, or the amount alone as text.',
    zh='{label} 需要金额，请发送 {{"amount": "12.50", "currency": "CNY"}}，或仅以文本发送金额。',
)
unknown_currency = kind(
    "value_unknown_currency",
    en="{label}: {currency} is not a currency code. Use three letters of ISO 4217, like CNY or USD.",
    zh="{label}：{currency} 不是货币代码，请使用 ISO 4217 三位字母代码，例如 CNY 或 USD。",
)

_CODE_FORM = r"^[A-Z]{3}$"
_SIGNS = re.compile(r"^(?:[A-Z]{2})?[¥$€£₩₹₫]|[¥$€£₩₹₫元]$|人民币|RMB")
_CODE = re.compile(r"^([A-Z]{3})(?=[ \d(+.-])|(?<=[ \d).万亿])([A-Z]{3})$")


class MoneyType(Number):
    """An amount in the currency of its record, and beside it the value in the tenant's base currency."""

    name = "money"
    control = "money"
    properties: Mapping[str, Any] = {key: rule for key, rule in Number.properties.items() if key != "scale"}

    def scale(self, field: Field) -> int:
        return money.SCALE

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("decimal", scale=money.SCALE), ColumnSpec("decimal", "__base", money.SCALE))

    def parse(self, field: Field, raw: Any) -> Money | None:
        if raw is None:
            return None
        if isinstance(raw, Money):
            return Money(self.checked(field, raw.amount), raw.currency)
        if not isinstance(raw, Mapping):
            return Money(self._amount(field, raw))
        if raw.get("amount") is None or set(raw) - {"amount", "currency"}:
            raise refuse(not_money, field)
        currency = raw.get("currency")
        if "currency" in raw and not isinstance(currency, str):
            raise refuse(not_money, field)
        return Money(self._amount(field, raw["amount"]), None if currency is None else _currency(field, currency))

    def _amount(self, field: Field, raw: Any) -> Decimal:
        try:
            amount = super().parse(field, raw)
        except ValueProblem as problem:
            raise refuse(not_money, field) if problem.problem.code == not_decimal.code else problem from None
        if amount is None:
            raise refuse(not_money, field)
        return Decimal(amount)

    def dump(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Decimal):
            return money.amount_text(value, None)
        text = money.amount_text(value.amount, value.currency)
        return {"amount": text, "currency": value.currency} if value.currency else text

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """An amount with or without a currency code; a sign such as $ is of many currencies and names none."""
        typed = plain(text)
        if not typed:
            return None
        code = _CODE.search(typed)
        rest = _CODE.sub("", typed).strip().replace("−", "-")
        negative = rest.startswith("-")
        number = read_number(_SIGNS.sub("", rest.removeprefix("-").strip()))
        if number is None or (negative and number < 0):
            raise refuse(unreadable, field, text=text.strip()[:40])
        amount = self.checked(field, number.copy_negate() if negative else number)
        if code is None:
            return Money(amount)
        named = code[1] or code[2]
        return Money(amount, _currency(field, "CNY" if named == "RMB" else named))

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        amount, currency = _parts(value)
        return money.format_money(amount, currency or context.currency or None, context.language)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        """The plain amount, so that a spreadsheet can add it up; with its code where that is not the record's."""
        if value is None:
            return ""
        amount, currency = _parts(value)
        text = money.amount_text(amount, currency or context.currency)
        return text if currency in (None, context.currency) else f"{text} {currency}"

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else (money.amount_text(_parts(value)[0], None),)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        amount = super().json_schema(field)
        whole = {
            "type": "object",
            "properties": {"amount": amount, "currency": {"type": "string", "pattern": _CODE_FORM}},
            "required": ["amount"],
            "additionalProperties": False,
        }
        return {"anyOf": [whole, *amount["anyOf"]]}

    def samples(self, field: Field) -> tuple[Any, ...]:
        amounts = super().samples(field)
        return tuple(
            {"amount": each, "currency": code} for each, code in zip(amounts, ("CNY", "USD") * 3, strict=False)
        )

    def refused(self, field: Field) -> tuple[Any, ...]:
        objects: tuple[Any, ...] = (
            {},
            {"amount": None},
            {"amount": 1.5},
            {"amount": "12,50"},
            {"amount": "1", "currency": "cny"},
            {"amount": "1", "currency": None},
            {"amount": "1", "tax": "1"},
            {"currency": "CNY"},
        )
        return (*super().refused(field), *objects)


def _currency(field: Field, raw: str) -> str:
    if raw not in money.CURRENCIES:
        raise refuse(unknown_currency, field, currency=raw[:20])
    return raw


def _parts(value: Any) -> tuple[Decimal, str | None]:
    return (value.amount, value.currency) if isinstance(value, Money) else (value, None)
