"""How a migration of the platform's own tables is written down: new tables, columns and indexes, nothing else.

A build must serve tenants of the version before it, so a step may only add; what is no longer used is dropped by a
release that comes after every tenant has moved on.
"""

from __future__ import annotations

from dataclasses import dataclass

from metadata.fieldtypes.base import StorageKind


@dataclass(frozen=True, slots=True)
class Col:
    """A column. `default` is a literal of SQL, needed when a NOT NULL column joins a table that has rows."""

    name: str
    kind: StorageKind
    key: bool = False
    null: bool = True
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Ix:
    """An index; `where` makes it partial (SQL that both databases understand)."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Create:
    table: str
    columns: tuple[Col, ...]
    indexes: tuple[Ix, ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    table: str
    column: Col


@dataclass(frozen=True, slots=True)
class AddIndex:
    table: str
    index: Ix


Operation = Create | Add | AddIndex


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered migration. Steps are never changed once they have been released."""

    number: int
    title: str
    operations: tuple[Operation, ...]


def key(name: str, kind: StorageKind) -> Col:
    """A column of the primary key."""
    return Col(name, kind, key=True, null=False)


def must(name: str, kind: StorageKind, default: str | None = None) -> Col:
    """A column that always has a value."""
    return Col(name, kind, null=False, default=default)
