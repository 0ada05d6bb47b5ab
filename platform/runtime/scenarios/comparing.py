"""Whether what was found is what was expected, as values of a field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Field


def same(field: Field, expected: Any, found: Any) -> bool:
    """`expected` as the scenario says it, with ids; `found` as the API gives it."""
    if expected is None or found is None:
        return expected is None and found is None
    if field.type == "money":
        return _money(expected, found)
    if field.type in ("link", "user", "unit"):
        return bool(_id(expected) == _id(found))
    if field.type == "links":
        return {_id(each) for each in expected} == {_id(each) for each in found}
    try:
        kind = registry.of(field)
        return bool(kind.parse(field, expected) == kind.parse(field, found))
    except ValueProblem:
        return bool(expected == found) or str(expected) == str(found)


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _money(expected: Any, found: Any) -> bool:
    """An amount without a currency counts in whichever the record has."""
    wanted, currency = (expected, None) if not isinstance(expected, Mapping) else _parts(expected)
    amount, held = _parts(found) if isinstance(found, Mapping) else (found, None)
    try:
        return Decimal(str(wanted)) == Decimal(str(amount)) and currency in (None, held)
    except InvalidOperation:
        return False


def _parts(value: Mapping[str, Any]) -> tuple[Any, Any]:
    return value.get("amount"), value.get("currency")
