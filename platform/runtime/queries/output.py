"""Requested fields -> the columns that a statement selects, and how its rows become Python values and JSON objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import Masked
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field
from metadata.problems import BadRequest
from runtime.codecs import decoder
from runtime.queries import query as q
from runtime.queries.build import Build, Guarded, Joins, Source
from runtime.queries.convert import Convert, any_link_value, is_date, json_converter, money_json, typed_value
from runtime.queries.names import MAX_LINKS, Listed, find_list, readable, target_of, visible
from runtime.queries.query import Column
from runtime.queries.rules import row_rule
from runtime.sealing import Sealed, rows

if TYPE_CHECKING:
    from runtime.workspace import Workspace

Row = Sequence[Any]
Lists = Mapping[str, Mapping[str, list[Any]]]
"""List key -> record id -> its records."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a JSON object is made of a row: columns as they are, some converted, some made of several."""

    keys: tuple[str, ...]
    indexes: tuple[int, ...]
    converters: tuple[tuple[str, int, Convert], ...]
    specials: tuple[tuple[str, Convert], ...]
    in_order: bool
    """The columns are the first of the row, in the order of the keys."""

    def make(self, row: Row, converters: Sequence[tuple[str, int, Convert]] | None = None) -> dict[str, Any]:
        """The object of a row. `converters`: fewer than those of the shape."""
        if self.in_order:
            made = dict(zip(self.keys, row, strict=False))
        else:
            made = {key: row[index] for key, index in zip(self.keys, self.indexes, strict=True)}
        for key, index, convert in self.converters if converters is None else converters:
            value = row[index]
            if value is not None:
                made[key] = convert(value)
        for key, special in self.specials:
            made[key] = special(row)
        return made


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list of other records that is asked for: `names` of their fields, or None for ids alone."""

    listed: Listed
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Output:
    """What is selected and how it is read."""

    columns: tuple[Column, ...]
    readers: tuple[Convert | str, ...]
    """For each column: row -> value, or the key of a list."""
    shape: Shape
    lists: tuple[ListRequest, ...]
    sealed: tuple[Sealed, ...] = ()
    """The columns that are to be opened before anything is made of a row."""

    def opened(self, ws: Workspace, raw: Sequence[Row]) -> Sequence[Any]:
        """Rows as they were selected, with what is encrypted in them opened."""
        return rows(ws, self.sealed, raw) if self.sealed else raw

    def rows(self, raw: Sequence[Row], lists: Lists) -> list[tuple[Any, ...]]:
        readers = self.readers
        if not any(isinstance(each, str) for each in readers):
            return [tuple([read(row) for read in readers]) for row in raw]  # type: ignore[operator]
        return [
            tuple([lists[read].get(row[0], []) if isinstance(read, str) else read(row) for read in readers])
            for row in raw
        ]

    def objects(self, raw: Sequence[Row], lists: Lists, dates_as_text: bool = True) -> list[dict[str, Any]]:
        make, converters = self.shape.make, self.shape.converters
        if not dates_as_text:
            converters = tuple([each for each in converters if not is_date(each[2])])
        found = [make(row, converters) for row in raw]
        for request in self.lists:
            key = request.listed.key
            of = lists[key]
            for row, made in zip(raw, found, strict=True):
                made[key] = of.get(row[0], [])
        return found


@dataclass(slots=True)
class _Wanted:
    """The fields asked of one record, by key; links that are followed lead to further ones."""

    fields: dict[str, Field] = field(default_factory=dict)
    followed: dict[str, _Wanted] = field(default_factory=dict)


class Selection:
    """The columns of one statement, each selected once. The first is the record's id."""

    def __init__(self, build: Build, joins: Joins, base_currency: str) -> None:
        self.build, self.joins, self.base_currency = build, joins, base_currency
        self.selected: list[sa.ColumnElement[Any]] = []
        self.sealed: list[Sealed] = []
        self._indexes: dict[tuple[Any, ...], int] = {}
        self.add((), "id")

    def add(self, path: tuple[str, ...], field_id: str, part: int = 0) -> int:
        key = (path, field_id, part)
        if key not in self._indexes:
            self._indexes[key] = self.expression(key, self.joins.at(path).column(field_id, part))
        return self._indexes[key]

    def masked(self, path: tuple[str, ...], field_id: str) -> int:
        """The column of a value that is shown as a mask."""
        source = self.joins.at(path)
        if not isinstance(source, Guarded):
            return self.add(path, field_id)
        return self.expression((path, field_id, "masked"), source.masked(field_id))

    def expression(self, key: tuple[Any, ...], column: sa.ColumnElement[Any]) -> int:
        if key not in self._indexes:
            self.selected.append(column.label(f"c{len(self.selected)}"))
            at = self._indexes[key] = len(self.selected) - 1
            path, field_id = key[:2]
            entity = self.joins.at(path).entity
            if field_id in entity.fields and entity.fields[field_id].encrypted:
                self.sealed.append((at, self.add(path, "id"), entity.id, field_id))
        return self._indexes[key]

    def output(self, entity: Entity, names: Sequence[str] | None) -> Output:
        """Select what is asked for; None: every stored field that the actor may read."""
        if names is None:
            fields = [each for each in entity.fields.values() if registry.of(each).stored]
            names = [each.id for each in fields if self.build.may_see(entity, each)]
        if len(names) > q.MAX_FIELDS:
            raise BadRequest(q.too_many("fields", what="fields", limit=q.MAX_FIELDS))
        return _OutputBuilder(self, entity).output(list(dict.fromkeys(names)))


class _OutputBuilder:
    def __init__(self, selection: Selection, entity: Entity) -> None:
        self.selection, self.build, self.entity = selection, selection.build, entity
        self.wanted = _Wanted()
        self.lists: dict[str, tuple[Listed, list[str] | None]] = {}
        self.columns: list[Column] = []
        self.paths: list[tuple[tuple[str, ...], Field] | str] = []

    def output(self, names: list[str]) -> Output:
        for name in names:
            self._ask(name)
        # The record's own columns come first and in order, so that most of an object is one `zip`.
        for each in self.wanted.fields.values():
            if not self.build.rights(self.entity).ever_masked(each.id):
                self.selection.add((), each.id)
        shape = self._shape((), self.entity, self.wanted)
        readers = [path if isinstance(path, str) else self._reader(*path) for path in self.paths]
        requests = [
            ListRequest(listed, None if fields is None else tuple(fields)) for listed, fields in self.lists.values()
        ]
        return Output(tuple(self.columns), tuple(readers), shape, tuple(requests), tuple(self.selection.sealed))

    def _ask(self, name: str) -> None:
        steps = name.split(".")
        if len(steps) > MAX_LINKS + 1:
            raise BadRequest(q.path_too_long("fields", name=name[:80], limit=MAX_LINKS))
        listed = find_list(self.build, self.entity, steps[0])
        if listed is not None:
            return self._ask_list(listed, steps[1:])
        entity, wanted = self.entity, self.wanted
        path: list[Field] = []
        for step in steps[:-1]:
            link = readable(self.build, entity, step, "fields")
            target = target_of(self.build, entity, link, name, "fields")
            wanted.fields[link.key] = link
            wanted = wanted.followed.setdefault(link.key, _Wanted())
            path.append(link)
            entity = target
        last = visible(self.build, entity, steps[-1], "fields")
        if not registry.of(last).stored:
            raise BadRequest(q.list_in_list("fields", name=name[:80]))
        wanted.fields[last.key] = last
        self.paths.append((tuple(each.id for each in path), last))
        self.columns.append(Column(".".join(each.key for each in (*path, last)), last, entity))

    def _ask_list(self, listed: Listed, rest: list[str]) -> None:
        known = self.lists.get(listed.key)
        # The rows of a record are asked for as a whole, other records by their id.
        if known is None:
            shown: list[str] | None = None
            self.lists[listed.key] = known = (listed, shown)
            self.paths.append(listed.key)
            field = listed.field or listed.link
            self.columns.append(Column(listed.key, field, listed.entity, listed=True))
        if rest:
            names = [*(known[1] or ()), ".".join(rest)]
            self.lists[listed.key] = (listed, names)

    def _shape(self, path: tuple[str, ...], entity: Entity, wanted: _Wanted) -> Shape:
        keys, indexes = ["id"], [self.selection.add(path, "id")]
        converters: list[tuple[str, int, Convert]] = []
        specials: list[tuple[str, Convert]] = []
        for key, each in wanted.fields.items():
            if self.build.rights(entity).ever_masked(each.id):
                specials.append((key, self._masked(path, entity, each)))
                continue
            index = self.selection.add(path, each.id)
            if each.id != "id":
                keys.append(key)
                indexes.append(index)
            special = self._special(path, each, index, wanted.followed.get(key))
            if special is not None:
                specials.append((key, special))
            else:
                spec = self.selection.joins.at(path).table.held(each.id).specs[0]
                convert = json_converter(each, spec, self.build.dialect)
                if convert is not None:
                    converters.append((key, index, convert))
        in_order = indexes == list(range(len(indexes)))
        return Shape(tuple(keys), tuple(indexes), tuple(converters), tuple(specials), in_order)

    def _special(self, path: tuple[str, ...], each: Field, index: int, followed: _Wanted | None) -> Convert | None:
        """Row -> JSON value, for what takes more than one column."""
        if followed is not None:
            return self._followed(path, each, index, followed)
        if each.type == "money":
            return self._money(path, each, index)
        if each.type == "any_link":
            value = any_link_value(index, self.selection.add(path, each.id, 1))
            seen = self._seen(path, each)
            return _any_link_json(each, value, seen)
        if each.type in ("link", "user", "unit"):
            seen = self._seen(path, each)
            return None if seen is None else _link_json(index, seen)
        return self._typed(path, each, index)

    def _masked(self, path: tuple[str, ...], entity: Entity, each: Field) -> Convert:
        """Row -> the value where it may be read, its mask where it may not."""
        mask, hidden = registry.of(each).mask, self.selection.masked(path, each.id)
        whole: Convert | None = None
        at = hidden
        if self.build.may_read(entity, each):
            at = self.selection.add(path, each.id)
            whole = self._special(path, each, at, None)
            if whole is None:
                spec = self.selection.joins.at(path).table.held(each.id).specs[0]
                convert = json_converter(each, spec, self.build.dialect)
                whole = (lambda row: row[at]) if convert is None else (lambda row: convert(row[at]))

        def convert_row(row: Row) -> Any:
            if whole is not None and row[at] is not None:
                return whole(row)
            return None if row[hidden] is None else Masked(mask(row[hidden]))

        return convert_row

    def _typed(self, path: tuple[str, ...], each: Field, index: int) -> Convert | None:
        """Row -> the value with what was typed, where that is kept."""
        if not registry.of(each).as_typed or len(self.selection.joins.at(path).table.held(each.id).columns) < 2:
            return None
        return typed_value(index, self.selection.add(path, each.id, 1))

    def _money(self, path: tuple[str, ...], each: Field, index: int) -> Convert:
        source = self.selection.joins.at(path)
        currency = self.selection.add(path, "currency") if "currency" in source.table.fields else None
        decode = decoder(source.table.held(each.id).specs[0], self.build.dialect)
        return money_json(index, currency, self.selection.base_currency, decode)

    def _followed(self, path: tuple[str, ...], link: Field, index: int, followed: _Wanted) -> Convert:
        target = self.build.entity(link.to[0])
        inner = self._shape((*path, link.id), target, followed)
        joined = self.selection.add((*path, link.id), "id")
        make = inner.make

        def convert(row: Row) -> Any:
            if row[joined] is not None:
                return make(row)
            return None if row[index] is None else {"hidden": True}

        return convert

    def _seen(self, path: tuple[str, ...], link: Field) -> int | None:
        """The column that is not NULL when the actor may see the linked record; None when he may see all of them."""
        source = self.selection.joins.at(path)
        if link.type != "any_link":
            target = self.build.entity(link.to[0])
            if row_rule(self.build, self.build.aliased(target), "read") is None:
                return None
            return self.selection.add((*path, link.id), "id")
        condition = any_link_seen(self.build, source, link)
        if condition is None:
            return None
        return self.selection.expression((path, link.id, "seen"), condition)

    def _reader(self, path: tuple[str, ...], each: Field) -> Convert:
        """Row -> Python value."""
        entity = self.selection.joins.at(path).entity
        if self.build.rights(entity).ever_masked(each.id):
            return self._masked(path, entity, each)
        index = self.selection.add(path, each.id)
        if each.type == "any_link":
            value = any_link_value(index, self.selection.add(path, each.id, 1))
            return _if_seen(value, self._seen(path, each))
        spec = self.selection.joins.at(path).table.held(each.id).specs[0]
        decode = decoder(spec, self.build.dialect)
        if each.type in ("link", "user", "unit"):
            return _if_seen(lambda row: row[index], self._seen(path, each))
        if (typed := self._typed(path, each, index)) is not None:
            return typed
        if decode is None:
            return lambda row: row[index]
        convert = decode
        return lambda row: None if row[index] is None else convert(row[index])


def any_link_seen(build: Build, source: Source, link: Field) -> sa.ColumnElement[Any] | None:
    """1 when the actor may see the linked record, NULL when not; None when he may see all of every kind."""
    cases: list[tuple[Any, Any]] = []
    hidden = False
    for target in link.to:
        other = build.aliased(build.entity(target))
        rule = row_rule(build, other, "read")
        named = source.column(link.id, 1) == sa.literal_column(f"'{target}'", sa.Text())
        if rule is not None:
            hidden = True
            found = sa.select(1).select_from(other.origin)
            found = found.where(other.column("id") == source.column(link.id), other.kept(), rule)
            named = sa.and_(named, sa.exists(found))
        cases.append((named, sa.literal_column("1")))
    return sa.case(*cases) if hidden else None


def _link_json(index: int, seen: int) -> Convert:
    def convert(row: Row) -> Any:
        value = row[index]
        return {"hidden": True} if value is not None and row[seen] is None else value

    return convert


def _any_link_json(link: Field, value: Convert, seen: int | None) -> Convert:
    dump = registry.of(link).dump

    def convert(row: Row) -> Any:
        found: AnyLink | None = value(row)
        if found is not None and seen is not None and row[seen] is None:
            return {"hidden": True}
        return dump(link, found)

    return convert


def _if_seen(value: Convert, seen: int | None) -> Convert:
    if seen is None:
        return value
    return lambda row: value(row) if row[seen] is not None else None
