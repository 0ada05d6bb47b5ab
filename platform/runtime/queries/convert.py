"""Driver value -> JSON value of a field, made once per column; None where the driver's value is JSON already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec, Masked, Typed
from metadata.fieldtypes.links import AnyLink
from metadata.model import Field
from metadata.money import CURRENCIES, amount_text, minor_units
from runtime.codecs import decoder

Convert = Callable[[Any], Any]


def json_converter(field: Field, spec: ColumnSpec, dialect: str) -> Convert | None:
    """For values that are not None. Gives what the field type's `dump` gives for the decoded value."""
    postgres = dialect == "postgresql"
    if registry.of(field).concealed:
        return partial(registry.of(field).dump, field)
    if field.options and spec.kind == "text":
        # An option that is gone is shown as it is stored.
        keys = {each.id: each.key for each in field.options}
        if all(id == key for id, key in keys.items()):
            return None
        return lambda value: keys.get(value, value)
    match spec.kind:
        case "text" | "uuid" | "integer":
            return None
        case "date":
            return dt.date.isoformat if postgres else None
        case "datetime":
            return _moment_json if postgres else _moment_text_json
        case "boolean":
            return None if postgres else bool
        case "decimal":
            return decimal_json if postgres else _scaled_json(spec.scale)
    decode, dump = decoder(spec, dialect), registry.of(field).dump
    return (lambda value: dump(field, value)) if decode is None else (lambda value: dump(field, decode(value)))


def is_date(convert: Convert) -> bool:
    """Whether a converter only writes out a date or time, which a JSON writer can do as well."""
    return convert is _moment_json or convert is dt.date.isoformat


def _moment_json(value: dt.datetime) -> str:
    return value.isoformat()[:-6] + "Z"


def _moment_text_json(value: str) -> str:
    return value[:-8] + "Z" if value.endswith(".000000Z") else value


def decimal_json(value: Decimal) -> str:
    return format(value, "f")


def _scaled_json(scale: int) -> Convert:
    if not scale:
        return str

    def convert(value: int) -> str:
        digits = f"{abs(value):0{scale + 1}d}"
        return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"

    return convert


def money_json(index: int, currency: int | None, base: str, decode: Convert | None) -> Convert:
    """Row -> amount with its currency: the record's (a column), else the given one."""
    cents = {code: minor_units(code) == 2 for code in CURRENCIES}

    def convert(row: Any) -> Any:
        value = row[index]
        if value is None:
            return None
        code = (row[currency] if currency is not None else None) or base
        if decode is not None:
            value = decode(value)
        text = str(value)
        # Nearly all amounts are whole cents, held with four decimals.
        if value and text[-2:] == "00" and text[-5:-4] == "." and cents.get(code):
            return {"amount": text[:-2], "currency": code}
        return {"amount": amount_text(value, code), "currency": code}

    return convert


def any_link_value(index: int, entity: int) -> Convert:
    """Row -> AnyLink, or None."""

    def convert(row: Any) -> Any:
        return None if row[index] is None else AnyLink(row[entity], row[index])

    return convert


def typed_value(index: int, typed: int) -> Convert:
    """Row -> a value with what was typed beside it."""

    def convert(row: Any) -> Any:
        value = row[index]
        # What does not open stays what stands for it.
        return value if row[typed] is None or isinstance(value, Masked) else Typed(value, row[typed])

    return convert
