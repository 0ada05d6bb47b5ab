"""What the expressions of a save look at beyond the record itself: one query for a link or list of all drafts.

Read over everything, whoever saves: what a record becomes does not depend on who looks. On PostgreSQL the records read
stay as they are until the transaction ends, so that a value taken from one cannot be that of yesterday.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.expressions.closures.rows import Row, Values
from metadata.expressions.needs import Needs
from metadata.expressions.tree import Listed
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Model
from runtime.codecs import Codec
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.records.targets import among, id_list
from runtime.tables import DELETED_AT, EntityTable, table_of
from runtime.workspace import Workspace


def rows_of(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], needs: Needs) -> Mapping[str, Row]:
    """Each draft, by its id, as its expressions are asked of it."""
    loaded = Loaded(ws, plan, needs)
    loaded.load(drafts, needs)
    return {draft.id: loaded.row(draft) for draft in drafts}


class Loaded:
    """The records that expressions of one entity look at. `needs`: of all that will be asked, so that a record is
    read once with everything that any of them wants of it."""

    def __init__(self, ws: Workspace, plan: WritePlan, needs: Needs) -> None:
        self.ws, self.plan = ws, plan
        self._fields: dict[str, set[str]] = {}
        _collect(ws.model, plan.entity, needs, self._fields)
        self._records: dict[tuple[str, str], Values] = {}
        self._asked: set[tuple[str, str]] = set()
        self._lists: dict[tuple[Listed, str], list[Row]] = {}
        # Whoever will change those records next takes them as a writer at once: two that both hold one for reading
        # would wait for each other.
        self._writing = frozenset(each.entity for each in plan.entity.triggers)

    def row(self, draft: Draft) -> Row:
        """A draft with what is loaded; its values are those that it will have when it is asked."""
        values = draft.values
        values.setdefault("id", draft.id)
        return Row(values, self._linked, draft.before, self._listed)

    def _linked(self, entity: str, record: Any) -> Values | None:
        return self._records.get((entity, record.id if type(record) is AnyLink else record))

    def _listed(self, listed: Listed, record: str) -> Sequence[Row]:
        return self._lists.get((listed, record), ())

    def load(self, drafts: Sequence[Draft], needs: Needs) -> None:
        """Read what is not yet there."""
        if not (needs.links or needs.lists or needs.before):
            return
        for draft in drafts:
            draft.values.setdefault("id", draft.id)
            if draft.parent is not None and self.plan.entity.parent is not None:
                target = self.plan.entity.fields[self.plan.entity.parent].to
                if draft.values.get(self.plan.entity.parent) == draft.parent.id and len(target) == 1:
                    self._records[target[0], draft.parent.id] = draft.parent.values
                    self._asked.add((target[0], draft.parent.id))
        self._given(drafts, needs)
        self._walk(needs, [draft.values for draft in drafts], self.plan.entity)
        if needs.before is not None:
            self._walk(needs.before, [draft.before for draft in drafts if draft.before], self.plan.entity)

    def _given(self, drafts: Sequence[Draft], needs: Needs) -> None:
        """Rows that are saved with their record are what they will be, not what the database has."""
        for listed in needs.lists:
            field = None if listed.field is None else self.plan.entity.fields.get(listed.field)
            if field is None or field.type != "children":
                continue
            for draft in drafts:
                if field.key in draft.children:
                    rows = [self.row(child) for child in draft.children[field.key]]
                    self._lists[listed, draft.id] = rows
                elif draft.before is None:
                    self._lists[listed, draft.id] = []

    def _walk(self, needs: Needs, records: Sequence[Values], entity: Entity) -> None:
        for (link, target), inner in needs.links.items():
            found = self._follow(target, [each.get(link) for each in records])
            if found and (inner.links or inner.lists):
                self._walk(inner, found, self._entity(target))
        for listed, inner in needs.lists.items():
            rows = self._list(listed, [str(each["id"]) for each in records if each.get("id")])
            if rows and (inner.links or inner.lists):
                self._walk(inner, rows, self._entity(listed.entity))

    def _entity(self, id: str) -> Entity:
        found = self.ws.model.entity(id)
        if found is None:
            raise LookupError(id)
        return found

    def _follow(self, entity: str, values: Iterable[Any]) -> list[Values]:
        ids = {value.id if type(value) is AnyLink else value for value in values if value is not None}
        missing = sorted(id for id in ids if (entity, id) not in self._asked)
        if missing:
            self._asked.update((entity, id) for id in missing)
            self._read(entity, "id", missing)
        return [self._records[entity, id] for id in ids if (entity, id) in self._records]

    def _read(self, entity: str, by: str, ids: Collection[str]) -> list[dict[str, Any]]:
        found = _records(self.ws, self._entity(entity), self._fields.get(entity, set()), by, ids, self._lock(entity))
        for values in found:
            self._records[entity, values["id"]] = values
            self._asked.add((entity, values["id"]))
        return found

    def _lock(self, entity: str) -> str | None:
        if self.ws.db.dialect != "postgresql" or not self.ws.write:
            return None
        return "write" if entity in self._writing else "read"

    def _list(self, listed: Listed, owners: Sequence[str]) -> list[Values]:
        """Read the lists of some records; the values of all the records in them."""
        missing = [owner for owner in dict.fromkeys(owners) if (listed, owner) not in self._lists]
        for owner in missing:
            self._lists[listed, owner] = []
        for owner, id in self._members(listed, missing) if missing else ():
            values = self._records.get((listed.entity, id))
            if values is not None:
                self._lists[listed, owner].append(Row(values, self._linked, None, self._listed))
        return [row.values for owner in owners for row in self._lists[listed, owner]]

    def _members(self, listed: Listed, owners: Sequence[str]) -> Iterator[tuple[str, str]]:
        if listed.through is None or listed.far is None:
            for values in self._read(listed.entity, listed.link, owners):
                yield _id(values[listed.link]), values["id"]
            return
        pairs = _records(self.ws, self._entity(listed.through), {listed.link, listed.far}, listed.link, owners, None)
        self._follow(listed.entity, (each[listed.far] for each in pairs))
        for each in pairs:
            yield _id(each[listed.link]), _id(each[listed.far])


def _id(value: Any) -> str:
    return value.id if type(value) is AnyLink else str(value)


def _collect(model: Model, entity: Entity, needs: Needs, found: dict[str, set[str]]) -> None:
    """Everything that is wanted of the records of each entity, wherever they are met."""
    found.setdefault(entity.id, set()).update(needs.fields)
    for (_, target), inner in needs.links.items():
        other = model.entity(target)
        if other is not None:
            _collect(model, other, inner, found)
    for listed, inner in needs.lists.items():
        other = model.entity(listed.entity)
        if other is not None:
            found.setdefault(listed.entity, set()).update(() if listed.through else (listed.link,))
            _collect(model, other, inner, found)
    if needs.before is not None:
        _collect(model, entity, needs.before, found)


# -- reading


def currencies(ws: Workspace, entity: Entity, ids: Collection[str]) -> Mapping[str, str | None]:
    """The currencies of living records. On PostgreSQL they stay what they are until the transaction ends: whoever asks
    is about to have the sums of those records change."""
    lock = "write" if ws.write and ws.db.dialect == "postgresql" else None
    return {each["id"]: each["currency"] for each in _records(ws, entity, {"currency"}, "id", sorted(ids), lock)}


def plain_values(
    ws: Workspace, entity: Entity, fields: Collection[str], ids: Collection[str], *, by: str = "id", lock: bool = False
) -> list[dict[str, Any]]:
    """Values of living records, whoever may see them, chosen by their id or by a link. `lock`: as by a writer."""
    held = "write" if lock and ws.write and ws.db.dialect == "postgresql" else None
    return _records(ws, entity, fields, by, sorted(ids), held)


def _records(
    ws: Workspace, entity: Entity, fields: Collection[str], by: str, ids: Collection[str], lock: str | None
) -> list[dict[str, Any]]:
    """Values of living records, chosen by their id or by a link."""
    table = table_of(ws.model, entity, ws.db.dialect)
    wanted = tuple(sorted({"id", by, *fields} & table.fields.keys()))
    key = ("computing read", entity.id, wanted, by, lock, ws.db.dialect)
    statement = kept(ws.model).get(key, partial(_statement, table, wanted, by, lock, ws.db.dialect))
    readers = kept(ws.model).get((*key, "readers"), partial(_readers, entity, table, wanted))
    found = []
    for row in statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)}):
        values: dict[str, Any] = {}
        for name, at, decode, kind_at in readers:
            value = row[at]
            if value is not None:
                if kind_at is not None:
                    value = AnyLink(entity=row[kind_at], id=value)
                elif decode is not None:
                    value = decode(value)
            values[name] = value
        found.append(values)
    return found


def _statement(table: EntityTable, fields: Sequence[str], by: str, lock: str | None, dialect: str) -> Prepared:
    columns = [column for each in fields for column in table.fields[each].columns]
    chosen: Any = sa.select(*columns).where(
        among(table.column(by), "wanted", dialect), table.table.c[DELETED_AT].is_(None)
    )
    chosen = chosen.order_by(table.column("id"))
    if lock is not None and by == "id":
        chosen = chosen.with_for_update(read=lock == "read", key_share=lock == "write", of=table.table)
    return prepare(chosen, dialect)


_Reader = tuple[str, int, Codec | None, int | None]


def _readers(entity: Entity, table: EntityTable, fields: Sequence[str]) -> tuple[_Reader, ...]:
    """For each value: its name, its place in the row, how it is read, and the place of the entity of an any_link."""
    found: list[_Reader] = []
    at = 0
    for id in fields:
        held = table.fields[id]
        any_link = entity.fields[id].type == "any_link"
        found.append((id, at, held.decode[0], at + 1 if any_link else None))
        if entity.fields[id].type == "money":
            found.append((id + BASE, at + 1, held.decode[1], None))
        at += len(held.columns)
    return tuple(found)
