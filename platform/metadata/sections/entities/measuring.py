"""What lookups and rollups are: the type of their value, from that of the field they take it from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata.fieldtypes import registry
from metadata.model import EMPTY, Field
from metadata.problems import Problem

MEASURES = ("count", "sum", "avg", "median", "min", "max")

LOOKED_UP = frozenset(
    "text long_text integer decimal money percent rating duration boolean date datetime time choice multi_choice tags"
    " color email phone url barcode link user unit".split()
)
"""Types of fields that can be looked up as they are."""
_AS_TEXT = frozenset({"sequence"})
_KEPT_PROPS = ("scale", "unit", "options", "names")


class Refused(Exception):
    """A computed field that cannot be; what is wrong with it, each problem at its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


def said_measure(data: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The measure of a rollup and the field it is of; None when it does not say exactly one."""
    said = [name for name in MEASURES if name in data]
    if len(said) != 1:
        return None
    value = data[said[0]]
    return said[0], value if isinstance(value, str) else None


def can_be_looked_up(far: Field) -> bool:
    return far.type in LOOKED_UP or far.type in _AS_TEXT


def looked_up(far: Field, currency: str) -> Mapping[str, Any]:
    """What a lookup takes over from its field. Money of another record is told in the tenant's currency."""
    props = {name: value for name, value in far.props.items() if name in _KEPT_PROPS}
    if far.type == "rating":
        props |= far.props
    if far.type == "money":
        props["currency"] = currency
    type_ = "text" if far.type in _AS_TEXT else far.type
    return {"type": type_, "options": far.options, "to": far.to, "props": props or EMPTY}


def measured(measure: str, far: Field | None, currency: str | None) -> Mapping[str, Any]:
    """What a rollup is. `currency`: the tenant's, when amounts are added up in it."""
    if measure == "count" or far is None:
        return {"type": "integer", "props": EMPTY}
    type_, props = far.type, {name: value for name, value in far.props.items() if name in ("scale", "unit")}
    if registry.of(far).kind == "number" and type_ not in ("integer", "decimal", "money", "percent", "duration"):
        type_ = "integer"  # ratings add up to more than a rating may be
    if measure in ("avg", "median") and type_ == "integer":
        type_ = "decimal"
    if type_ == "money" and currency is not None:
        props["currency"] = currency
    return {"type": type_, "props": props or EMPTY}
