"""Sorting and keyset paging: the keys of an order, the cursor, and the rows that come after it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ColumnSpec
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import BadRequest
from runtime.codecs import column_type
from runtime.queries import query as q
from runtime.queries.build import Build, Joins
from runtime.queries.names import resolve

_NEVER_EMPTY = ("id", "version", "created_at", "updated_at")

Phase = Literal["first", "after", "rest"]
"""The first page; what comes after a cursor; the records on the other side of where empty values begin."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of an order. Empty values come last when ascending and first when descending."""

    links: tuple[str, ...]
    field: str
    part: int
    descending: bool
    nullable: bool
    spec: ColumnSpec


def sort_keys(build: Build, entity: Entity, names: Sequence[str]) -> tuple[SortKey, ...]:
    """The order asked for, else the entity's own; the id at the end makes it total. Raises BadRequest."""
    if len(names) > q.MAX_SORTS:
        raise BadRequest(q.too_many("sort", what="sort", limit=q.MAX_SORTS))
    given = bool(names)
    found: dict[tuple[object, ...], SortKey] = {}
    for name in names or entity.default_sort:
        plain = name.lstrip("-") if name.startswith("-") and not name.startswith("--") else name
        try:
            path = resolve(build, entity, plain, "sort")
        except BadRequest:
            if given:
                raise
            continue  # the entity's own order may lean on what this actor may not read
        if not registry.of(path.field).sortable:
            raise BadRequest(q.not_sortable("sort", name=plain[:80]))
        # Amounts are sorted in the tenant's currency.
        part = 1 if path.field.type == "money" else registry.of(path.field).compared
        spec = build.table(path.entity).held(path.field.id).specs[part]
        nullable = bool(path.links) or path.field.id not in _NEVER_EMPTY
        key = SortKey(path.link_ids, path.field.id, part, name.startswith("-"), nullable, spec)
        found.setdefault((key.links, key.field), key)
    keys = list(found.values())
    for position, key in enumerate(keys):
        if not key.links and key.field == "id":
            return tuple(keys[: position + 1])
    descending = keys[-1].descending if keys else False
    return (*keys, SortKey((), "id", 0, descending, False, ColumnSpec("uuid")))


def ordering(build: Build, joins: Joins, keys: Sequence[SortKey], phase: Phase) -> list[sa.ColumnElement[Any]]:
    """ORDER BY. Where empty values stand is said only where it is not what the database does by itself."""
    found = []
    for position, key in enumerate(keys):
        column = joins.at(key.links).column(key.field, key.part)
        order: Any = column.desc() if key.descending else column.asc()
        # Within a phase the first key is empty for all records or for none.
        if not build.postgres and key.nullable and not (position == 0 and phase != "first"):
            order = order.nulls_first() if key.descending else order.nulls_last()
        found.append(order)
    return found


def by_position(keys: Sequence[SortKey], positions: Sequence[int]) -> list[sa.ColumnElement[Any]]:
    """The same order of rows that have been selected, by the places of their columns. PostgreSQL only."""
    return [
        sa.literal_column(f"{position + 1} {'DESC' if key.descending else 'ASC'}")
        for key, position in zip(keys, positions, strict=True)
    ]


def after(
    build: Build, joins: Joins, keys: Sequence[SortKey], empty: Sequence[bool], phase: Phase
) -> sa.ColumnElement[bool] | None:
    """The condition of a phase, for a cursor whose values are empty where `empty` says."""
    if phase == "first":
        return None
    return _After(build, joins, keys, empty).condition(phase)


def has_rest(keys: Sequence[SortKey], empty: Sequence[bool]) -> bool:
    """Whether records on the other side of the empty values follow those after the cursor."""
    return keys[0].nullable and keys[0].descending == empty[0]


class _After:
    def __init__(self, build: Build, joins: Joins, keys: Sequence[SortKey], empty: Sequence[bool]) -> None:
        self.build, self.keys, self.empty = build, keys, empty
        self.columns = [joins.at(key.links).column(key.field, key.part) for key in keys]

    def condition(self, phase: Phase) -> sa.ColumnElement[bool]:
        first = self.columns[0]
        if phase == "rest":
            return first.is_(None) if not self.keys[0].descending else first.is_not(None)
        if self.empty[0]:
            return sa.and_(first.is_(None), self._beyond(1))
        if self._comparable():
            values = [self._value(at) for at in range(len(self.keys))]
            left, right = sa.tuple_(*self.columns), sa.tuple_(*values)
            return left < right if self.keys[0].descending else left > right
        if len(self.keys) == 1:
            return self._strictly(0)
        # The bound on the first key is implied, but it is what an index can use.
        bound = first <= self._value(0) if self.keys[0].descending else first >= self._value(0)
        return sa.and_(bound, sa.or_(self._strictly(0), sa.and_(first == self._value(0), self._beyond(1))))

    def _comparable(self) -> bool:
        """Whether `(a, b, id) > (x, y, z)` says it: one direction, and no empty value that would come later."""
        if len(self.keys) < 2 or any(self.empty) or len({key.descending for key in self.keys}) > 1:
            return False
        return self.keys[0].descending or not any(key.nullable for key in self.keys[1:])

    def _beyond(self, at: int) -> sa.ColumnElement[bool]:
        """After the cursor by the keys from `at` on."""
        key, column = self.keys[at], self.columns[at]
        strictly = self._strictly(at)
        if key.nullable and not key.descending and not self.empty[at]:
            strictly = sa.or_(strictly, column.is_(None))
        if at == len(self.keys) - 1:
            return strictly
        same = column.is_(None) if self.empty[at] else column == self._value(at)
        return sa.or_(strictly, sa.and_(same, self._beyond(at + 1)))

    def _strictly(self, at: int) -> sa.ColumnElement[bool]:
        key, column = self.keys[at], self.columns[at]
        if self.empty[at]:
            return column.is_not(None) if key.descending else sa.false()
        return column < self._value(at) if key.descending else column > self._value(at)

    def _value(self, at: int) -> sa.BindParameter[Any]:
        spec = self.keys[at].spec
        type_ = sa.Numeric() if spec.kind in ("integer", "decimal") else column_type(spec, self.build.dialect)
        return self.build.parameter(type_, lambda inputs: inputs.cursor[at])


def digest_of(*parts: object) -> str:
    """What a cursor belongs to, in short."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def cursor_text(digest: str, values: Sequence[Any]) -> str:
    """A cursor after the record with these sort values, as the driver gave them."""
    text = orjson.dumps([digest, *values], default=str)
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def cursor_values(text: str, digest: str, keys: Sequence[SortKey], dialect: str) -> list[Any]:
    """The values of a cursor as the driver takes them. Raises BadRequest for one of another question, or none."""
    problem = BadRequest(q.bad_cursor("after"))
    if len(text) > 4000 or not text.isascii():
        raise problem
    try:
        parts = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise problem from None
    if not isinstance(parts, list) or len(parts) != len(keys) + 1 or parts[0] != digest:
        raise problem
    try:
        return [_cursor_value(value, key, dialect) for value, key in zip(parts[1:], keys, strict=True)]
    except (ValueError, InvalidOperation, OverflowError):
        raise problem from None


def _cursor_value(value: Any, key: SortKey, dialect: str) -> Any:
    if value is None:
        if not key.nullable:
            raise ValueError
        return None
    return _READ[dialect][key.spec.kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _decimal(value: Any) -> Decimal:
    number = Decimal(_text(value))
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _uuid(value: Any) -> str:
    if not is_uuid(value):
        raise ValueError
    return str(value)


def _moment(value: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _refuse(value: Any) -> Any:
    raise ValueError


_READ: dict[str, dict[str, Callable[[Any], Any]]] = {
    "postgresql": {
        "text": _text,
        "integer": _integer,
        "decimal": _decimal,
        "boolean": _boolean,
        "date": lambda value: dt.date.fromisoformat(_text(value)),
        "datetime": _moment,
        "uuid": _uuid,
        "json": _refuse,
        "list": _refuse,
    },
    "sqlite": {
        "text": _text,
        "integer": _integer,
        "decimal": _integer,
        "boolean": _integer,
        "date": _text,
        "datetime": _text,
        "uuid": _uuid,
        "json": _refuse,
        "list": _refuse,
    },
}
