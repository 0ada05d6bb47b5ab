"""The tables as SQLAlchemy sees them, and how the SQLite file holds what it has no type for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class Scaled(sa.TypeDecorator[Decimal]):
    """An exact decimal in an integer column."""

    impl = sa.Integer
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        return None if value is None else int(value.scaleb(self.scale))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-self.scale)


class Instant(sa.TypeDecorator[dt.datetime]):
    """A point in time as text in UTC, with six digits of the second."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        return None if value is None else dt.datetime.fromisoformat(value)


class Data(sa.TypeDecorator[Any]):
    """JSON in a text column."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def _decimal(scale: int) -> sa.types.TypeEngine[Any]:
    return sa.Numeric(28, scale).with_variant(Scaled(scale), "sqlite")


UUID = sa.Uuid().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(Instant(), "sqlite")
JSON = postgresql.JSONB(none_as_null=True).with_variant(Data(), "sqlite")
TEXTS = postgresql.ARRAY(sa.Text).with_variant(Data(), "sqlite")

metadata = sa.MetaData()

user = sa.Table("e_user", metadata, sa.Column("id", UUID, primary_key=True), sa.Column("f_name", sa.Text))

account = sa.Table(
    "e_account",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("version", sa.BigInteger),
    sa.Column("created_at", INSTANT),
    sa.Column("created_by", UUID),
    sa.Column("updated_at", INSTANT),
    sa.Column("updated_by", UUID),
    sa.Column("owner", UUID),
    sa.Column("unit", UUID),
    sa.Column("f_name", sa.Text),
    sa.Column("f_industry", sa.Text),
    sa.Column("f_city", sa.Text),
    sa.Column("f_website", sa.Text),
    sa.Column("f_employees", sa.BigInteger),
    sa.Column("deleted_at", INSTANT),
)

opportunity = sa.Table(
    "e_opportunity",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("version", sa.BigInteger),
    sa.Column("created_at", INSTANT),
    sa.Column("created_by", UUID),
    sa.Column("updated_at", INSTANT),
    sa.Column("updated_by", UUID),
    sa.Column("owner", UUID),
    sa.Column("unit", UUID),
    sa.Column("currency", sa.Text),
    sa.Column("f_name", sa.Text),
    sa.Column("f_account", UUID),
    sa.Column("f_stage", sa.Text),
    sa.Column("f_amount", _decimal(4)),
    sa.Column("f_amount__base", _decimal(4)),
    sa.Column("f_probability", _decimal(2)),
    sa.Column("f_close_date", sa.Date),
    sa.Column("f_engaged_at", INSTANT),
    sa.Column("f_source", sa.Text),
    sa.Column("f_next_step", sa.Text),
    sa.Column("f_description", sa.Text),
    sa.Column("f_quantity", sa.BigInteger),
    sa.Column("f_discount", _decimal(2)),
    sa.Column("f_score", sa.BigInteger),
    sa.Column("f_hot", sa.Boolean),
    sa.Column("f_email", sa.Text),
    sa.Column("f_website", sa.Text),
    sa.Column("f_region", sa.Text),
    sa.Column("f_contact_name", sa.Text),
    sa.Column("f_external_number", sa.Text),
    sa.Column("f_tags", TEXTS),
    sa.Column("deleted_at", INSTANT),
)

event = sa.Table(
    "_event",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("at", INSTANT),
    sa.Column("actor", UUID),
    sa.Column("actor_name", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("depth", sa.Integer),
    sa.Column("release", sa.Integer),
    sa.Column("kind", sa.Text),
    sa.Column("entity", sa.Text),
    sa.Column("record", UUID),
    sa.Column("digest", sa.Text),
    sa.Column("changes", JSON),
)

token = sa.Table(
    "_token",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("hash", sa.Text),
    sa.Column("account", UUID),
    sa.Column("expires_at", INSTANT),
    sa.Column("revoked_at", INSTANT),
)

sign_in = sa.Table(
    "_account",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("disabled_at", INSTANT),
)
