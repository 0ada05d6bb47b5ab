"""SQLAlchemy Core statements compiled once to driver text: a hot path pays for neither building nor compiling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

if TYPE_CHECKING:
    from runtime.database.db import Db

_DIALECTS: dict[str, sa.Dialect] = {
    "postgresql": psycopg.dialect(),  # type: ignore[no-untyped-call]
    "sqlite": sqlite.dialect(),
}

_TEXT_SEARCH = re.compile(r" (@@|I?LIKE) ")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as the driver takes it. Values pass as they are: encode them with the codecs of their columns."""

    sql: str
    names: tuple[str, ...] | None
    """The parameters by position (SQLite), or None where they go by name (PostgreSQL)."""
    constants: Mapping[str, Any]
    anew: bool = False
    """Looks into texts: how many rows that finds depends on the value alone, and so does the right plan."""

    def bind(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them; a literal of the statement need not be among them."""
        if self.names is None:
            return {**self.constants, **values} if self.constants else values
        constants = self.constants
        return tuple([values[each] if each in values else constants[each] for each in self.names])

    def fetch(self, db: Db, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        return db.fetch(self.sql, self.bind(values), anew=self.anew)

    def run(self, db: Db, values: Mapping[str, Any]) -> int:
        """Run a statement that gives no rows; how many it touched."""
        return db.run(self.sql, self.bind(values))

    def many(self, db: Db, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it once for each set of values."""
        return db.many(self.sql, [self.bind(each) for each in rows])


def prepare(statement: sa.sql.expression.ClauseElement, dialect: str) -> Prepared:
    """Compile a statement. Parameters that have no value yet must be given by every `fetch`."""
    compiled: Any = statement.compile(dialect=_DIALECTS[dialect])
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    names = tuple(compiled.positiontup) if compiled.positional else None
    text = str(compiled)
    return Prepared(text, names, constants, anew=_TEXT_SEARCH.search(text) is not None)
