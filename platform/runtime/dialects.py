"""SQLAlchemy's dialects by name, for statements that are compiled without a connection."""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

_URLS = {"postgresql": "postgresql+psycopg://", "sqlite": "sqlite://"}


@cache
def dialect_named(name: str) -> sa.Dialect:
    """The dialect of `postgresql` or `sqlite` as our drivers speak it."""
    return sa.make_url(_URLS[name]).get_dialect()()


def adding_column(table: str, column: sa.Column[Any], dialect: str) -> str:
    """The text that adds a column to a table."""
    made = sa.Table(table, sa.MetaData(), column)
    text = CreateColumn(made.c[column.name]).compile(dialect=dialect_named(dialect))
    return f'ALTER TABLE "{table}" ADD COLUMN {text}'
