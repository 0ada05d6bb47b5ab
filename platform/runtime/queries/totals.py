"""Sums of columns, exact on both databases: SQLite adds integers of 64 bits up, and gives up when they overflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

_HALF = 2**32


def sums(column: sa.ColumnElement[Any], dialect: str) -> list[sa.ColumnElement[Any]]:
    """The aggregates that `total` makes a sum of: one, or on SQLite the upper and the lower halves of the numbers, of
    which four thousand million have room."""
    if dialect == "postgresql":
        return [sa.func.sum(column)]
    half: sa.ColumnElement[Any] = sa.literal_column(str(_HALF))
    return [sa.func.sum(column.self_group().op(sign)(half)) for sign in ("/", "%")]


def total(parts: Sequence[Any]) -> Any:
    """The sum, as the column keeps its numbers; None of nothing."""
    if len(parts) == 1 or parts[0] is None:
        return parts[0]
    upper, lower = parts
    return upper * _HALF + lower
