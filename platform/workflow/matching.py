"""What a value of a record and one of a message have in common when they mean the same: one text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST = 400
"""Longer texts name nothing."""


def at(body: Any, path: str) -> Any:
    """What stands at a dotted path in a body (`customer.name`, `lines.0.total`); None where there is nothing."""
    for name in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(name)
        elif isinstance(body, list) and name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(body):
            body = body[int(name)]
        else:
            return None
    return body


def told_value(value: Any) -> str | None:
    """A value as a text to be compared: numbers without needless zeros. None for what names nothing."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return _number(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= LONGEST else None


def _number(value: float | Decimal) -> str | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found.adjusted()) > LONGEST // 2:
        return None
    return format(found.normalize() + 0, "f")
