"""Constants of a condition as the driver takes them, so that every comparison stays exact on both databases."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

import sqlalchemy as sa

from metadata.expressions.binding import bound
from metadata.expressions.tree import Constant, FieldRef
from metadata.fieldtypes.base import ColumnSpec
from metadata.folding import fold
from runtime.codecs import column_type, encoder
from runtime.queries.build import Build, Inputs

_INT64 = 2**63
_NEVER = 0.5
"""What a column of integers never holds."""


def constant_parameter(
    build: Build, ref: FieldRef, spec: ColumnSpec, op: str, constant: Constant
) -> sa.BindParameter[Any]:
    """A parameter that compares with a column of this kind by this operator."""
    encode = _encoder(spec, build.dialect, op)
    type_: sa.types.TypeEngine[Any] = column_type(spec, build.dialect)
    if spec.kind in ("integer", "decimal"):
        type_ = sa.Numeric()  # rendered without a cast: a cast would round the value to the column's type
    if encode is None:
        return build.parameter(type_, lambda inputs: bound(constant, inputs.values, inputs.binding))
    convert = encode

    def encoded(inputs: Inputs) -> Any:
        value = bound(constant, inputs.values, inputs.binding)
        return None if value is None else convert(value)

    return build.parameter(type_, encoded)


def _encoder(spec: ColumnSpec, dialect: str, op: str) -> Callable[[Any], Any] | None:
    if spec.kind in ("integer", "decimal"):
        if dialect == "sqlite":
            return lambda value: scaled(Decimal(value), spec.scale, op)
        return (lambda value: int_if_whole(Decimal(value))) if spec.kind == "integer" else None
    return encoder(spec, dialect)


def int_if_whole(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value


def scaled(value: Decimal, scale: int, op: str) -> int | float:
    """A number as it compares with integers scaled by 10^scale, when it may be finer or larger than they are."""
    with localcontext(prec=100):
        exact = value.scaleb(scale)
        if exact != exact.to_integral_value():
            if op in ("==", "!="):
                return _NEVER
            exact = exact.to_integral_value(ROUND_CEILING if op in ("<", ">=") else ROUND_FLOOR)
        whole = int(exact)
    return whole if -_INT64 <= whole < _INT64 else float(whole)


def text_parameter(build: Build, op: str, constant: Constant) -> sa.BindParameter[Any]:
    """The folded text of `contains` and the like; on PostgreSQL as a pattern, for the trigram index."""

    def folded(inputs: Inputs) -> str:
        return fold(str(bound(constant, inputs.values, inputs.binding)))

    if not build.postgres:
        return build.parameter(sa.Text(), folded)
    before = "" if op == "starts_with" else "%"
    after = "" if op == "ends_with" else "%"

    def pattern(inputs: Inputs) -> str:
        text = folded(inputs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{before}{text}{after}"

    return build.parameter(sa.Text(), pattern)
