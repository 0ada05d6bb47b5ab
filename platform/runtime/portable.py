"""Column types of the platform's own tables for SQLAlchemy Core: the same Python values on both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes.base import ColumnSpec
from runtime.codecs import column_type, datetime_text, datetime_value


class Moment(sa.types.TypeDecorator[dt.datetime]):
    """A moment: TIMESTAMPTZ, or text whose order is the order of time."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(column_type(ColumnSpec("datetime"), dialect.name))

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> Any:
        return datetime_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        return datetime_value(value) if isinstance(value, str) else value


class Json(sa.types.TypeDecorator[Any]):
    """JSON data: JSONB, or text. None is NULL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        made = postgresql.JSONB(none_as_null=True) if dialect.name == "postgresql" else sa.Text()
        return dialect.type_descriptor(made)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if dialect.name != "sqlite" or value is None:
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return orjson.loads(value) if dialect.name == "sqlite" and isinstance(value, str) else value


class Id(sa.types.TypeDecorator[str]):
    """An id: UUID, or text; a `str` either way."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(column_type(ColumnSpec("uuid"), dialect.name))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)


class Flag(sa.types.TypeDecorator[bool]):
    """True or false: BOOLEAN, or 0 and 1."""

    impl = sa.Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(column_type(ColumnSpec("boolean"), dialect.name))

    def process_bind_param(self, value: bool | None, dialect: sa.Dialect) -> Any:
        return int(value) if dialect.name == "sqlite" and value is not None else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bool | None:
        return None if value is None else bool(value)
