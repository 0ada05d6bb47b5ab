"""How each kind of column is declared and how its values pass to and from the driver, per dialect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes.base import ColumnSpec

Codec = Callable[[Any], Any]
"""Converts one value that is not None."""


def column_type(spec: ColumnSpec, dialect: str) -> sa.types.TypeEngine[Any]:
    """The SQL type of a column."""
    if dialect == "postgresql":
        return _POSTGRES[spec.kind](spec)
    return _SQLITE[spec.kind](spec)


_POSTGRES: dict[str, Callable[[ColumnSpec], sa.types.TypeEngine[Any]]] = {
    # Text compares by code point, as Python and the browser do.
    "text": lambda spec: sa.Text(collation="C"),
    "integer": lambda spec: sa.BigInteger(),
    "decimal": lambda spec: sa.Numeric(28, spec.scale),
    "boolean": lambda spec: sa.Boolean(),
    "date": lambda spec: sa.Date(),
    "datetime": lambda spec: sa.DateTime(timezone=True),
    "uuid": lambda spec: sa.Uuid(as_uuid=False),
    "json": lambda spec: postgresql.JSONB(none_as_null=True),
    "list": lambda spec: postgresql.ARRAY(sa.Text(collation="C")),
}
_SQLITE: dict[str, Callable[[ColumnSpec], sa.types.TypeEngine[Any]]] = {
    "text": lambda spec: sa.Text(),
    "integer": lambda spec: sa.Integer(),
    "decimal": lambda spec: sa.Integer(),
    "boolean": lambda spec: sa.Integer(),
    "date": lambda spec: sa.Text(),
    "datetime": lambda spec: sa.Text(),
    "uuid": lambda spec: sa.Text(),
    "json": lambda spec: sa.Text(),
    "list": lambda spec: sa.Text(),
}


def encoder(spec: ColumnSpec, dialect: str) -> Codec | None:
    """Python value -> driver value for raw statements; None when the driver takes it as it is."""
    if dialect == "postgresql":
        return _to_jsonb if spec.kind == "json" else list if spec.kind == "list" else None
    match spec.kind:
        case "decimal":
            return partial(_scaled, spec.scale)
        case "boolean":
            return int
        case "date":
            return dt.date.isoformat
        case "datetime":
            return datetime_text
        case "json":
            return json_text
        case "list":
            return lambda value: json_text(list(value))
    return None


def decoder(spec: ColumnSpec, dialect: str) -> Codec | None:
    """Driver value -> Python value; None when it is that already. UUIDs come as str on both (see database.postgres)."""
    if dialect == "postgresql":
        return tuple if spec.kind == "list" else None
    match spec.kind:
        case "decimal":
            return partial(_unscaled, spec.scale)
        case "boolean":
            return bool
        case "date":
            return dt.date.fromisoformat
        case "datetime":
            return datetime_value
        case "json":
            return orjson.loads
        case "list":
            return lambda value: tuple(orjson.loads(value))
    return None


def _scaled(scale: int, value: Decimal) -> int:
    return int(value.scaleb(scale))


def _unscaled(scale: int, value: int) -> Decimal:
    return Decimal(value).scaleb(-scale)


def datetime_text(value: dt.datetime) -> str:
    """UTC with six digits of the second and `Z`, so that text order is time order."""
    # Not strftime, which writes the years before 1000 without their zeros.
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def datetime_value(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@lru_cache(maxsize=4_096)
def moment_text(value: dt.date) -> str:
    """A date or a point in time for PostgreSQL. Rows that are written together share most of theirs."""
    return value.isoformat()


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _to_jsonb(value: Any) -> Any:
    from psycopg.types.json import Jsonb

    return Jsonb(value, dumps=json_text)


def array_text(values: Iterable[str]) -> str:
    """A list of texts as PostgreSQL writes it: what COPY takes, sooner than the driver makes it."""
    return "{" + ",".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in values) + "}"
