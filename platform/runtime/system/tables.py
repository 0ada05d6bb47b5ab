"""The platform's own tables as SQLAlchemy Core: what the migrations add up to, so that neither can differ."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sqlalchemy as sa

from metadata.fieldtypes.base import ColumnSpec
from runtime.codecs import column_type
from runtime.system.migrations.m0001_beginning import STEP as BEGINNING
from runtime.system.migrations.m0002_people_at_work import STEP as PEOPLE_AT_WORK
from runtime.system.migrations.m0003_what_was_deleted import STEP as WHAT_WAS_DELETED
from runtime.system.migrations.m0004_pools_and_shares import STEP as POOLS_AND_SHARES
from runtime.system.migrations.m0005_processes import STEP as PROCESSES
from runtime.system.schema import Add, AddIndex, Col, Create, Ix, Step

STEPS: tuple[Step, ...] = (BEGINNING, PEOPLE_AT_WORK, WHAT_WAS_DELETED, POOLS_AND_SHARES, PROCESSES)
"""Every migration, in order."""

VERSION = STEPS[-1].number
"""The version of the system tables that this build writes. It serves the one before, too."""


def table(name: str, dialect: str) -> sa.Table:
    """A system table by name (`_job`) for a dialect."""
    return _all(dialect)[name]


@cache
def _all(dialect: str) -> dict[str, sa.Table]:
    return add_up(STEPS, dialect)


def add_up(steps: Iterable[Step], dialect: str) -> dict[str, sa.Table]:
    """The tables that these steps make together."""
    made: dict[str, sa.Table] = {}
    for step in steps:
        for operation in step.operations:
            match operation:
                case Create(name, columns, indexes):
                    made[name] = sa.Table(name, sa.MetaData(), *(column(each, dialect) for each in columns))
                    for index_ in indexes:
                        index(made[name], index_)
                case Add(name, column_):
                    made[name].append_column(column(column_, dialect))
                case AddIndex(name, index_):
                    index(made[name], index_)
    return made


def column(col: Col, dialect: str) -> sa.Column[object]:
    """A column of a system table."""
    return sa.Column(
        col.name,
        column_type(ColumnSpec(col.kind), dialect),
        primary_key=col.key,
        nullable=col.null,
        autoincrement=False,
        server_default=sa.text(col.default) if col.default is not None else None,
    )


def index(table: sa.Table, ix: Ix) -> sa.Index:
    """An index of a system table."""
    where = sa.text(ix.where) if ix.where else None
    return sa.Index(
        ix.name, *(table.c[each] for each in ix.columns), unique=ix.unique, postgresql_where=where, sqlite_where=where
    )
