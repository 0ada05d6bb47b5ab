"""The record that a request is about: taken for a transition, kept as submitted, shown as far as one may read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from metadata.access import rights
from metadata.model import SENSITIVITIES, Entity, Field
from metadata.problems import NotFound
from runtime.queries.fields import right_in
from runtime.queries.rules import token_allows
from runtime.records.checking.children import child_plan
from runtime.records.checking.lists import pair_plan
from runtime.records.computing.loading import plain_values
from runtime.records.computing.times import timed_values
from runtime.records.locked import lock
from runtime.records.plans import KEPT, WritePlan, plan_of
from runtime.records.policies import NOT_FOUND
from runtime.records.targets import TargetKey, found_targets
from runtime.workspace import Workspace

_MOST_ROWS = 200
"""Rows of one list that a snapshot keeps."""


def plan_for(ws: Workspace, entity: str) -> WritePlan:
    """How the records of an entity are written. Raises NotFound when there is no such entity any more."""
    found = ws.model.entity(entity)
    if found is None:
        raise NotFound(NOT_FOUND(entity=entity))
    return plan_of(ws.model, found, ws.db.dialect)


def take(ws: Workspace, plan: WritePlan, id: str) -> dict[str, Any] | None:
    """The record's values; nobody changes it, nor adds to it, until this transaction ends. None: it is deleted."""
    held = lock(ws, plan, [id], "update", deleting=True, everything=True).get(id)
    return None if held is None else _whole(ws, plan, held.values)


def look(ws: Workspace, plan: WritePlan, id: str) -> dict[str, Any] | None:
    """The record's values as they are, what is sealed not among them. None: it is deleted."""
    rows = plain_values(ws, plan.entity, set(plan.table.fields) - _sealed(plan), [id])
    return _whole(ws, plan, rows[0]) if rows else None


def _whole(ws: Workspace, plan: WritePlan, values: dict[str, Any]) -> dict[str, Any]:
    """With what is computed at each look: conditions may ask for it."""
    return {**values, **timed_values(ws, plan, values)} if plan.table.timed else values


def _sealed(plan: WritePlan) -> frozenset[str]:
    return frozenset(field for field, _ in plan.encrypted) | frozenset(each.id for each in plan.secrets)


def snapshot(ws: Workspace, plan: WritePlan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field id -> value as events keep it; of lists the rows. What is sealed or computed at each look is not in it."""
    kept = {id: plan.keeps[id](values) for id in _told(plan)}
    record = str(values["id"])
    for field in plan.children:
        kept[field.id] = list(_rows(ws, field, record))
    for field in plan.lists:
        pairs, near, far = pair_plan(ws, plan, field)
        rows = plain_values(ws, pairs.entity, {near, far}, {record}, by=near)
        kept[field.id] = sorted(str(row[far]) for row in rows)
    return kept


def _told(plan: WritePlan) -> Iterator[str]:
    left = KEPT | _sealed(plan)
    yield from (id for id in plan.table.fields if id not in left)


def _rows(ws: Workspace, field: Field, record: str) -> Iterator[dict[str, Any]]:
    rows, link = child_plan(ws, field)
    wanted = [each for each in _told(rows) if each != link]
    for values in plain_values(ws, rows.entity, {*wanted, link}, {record}, by=link)[:_MOST_ROWS]:
        yield {"id": values["id"], **{id: rows.keeps[id](values) for id in wanted}}


def moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs: field id -> as it was submitted, and as it is."""
    return {id: (value, now.get(id)) for id, value in before.items() if id in now and value != now[id]}


# -- what somebody is shown


def readable(
    ws: Workspace,
    entity: Entity,
    values: Mapping[str, Any] | None,
    granted: Collection[str],
    withheld: Collection[str],
) -> frozenset[str]:
    """Ids of the fields of a snapshot that the actor may read: by his roles, or since the request shows them to him.

    `granted`: what the node and the summary show, as far as it is not personal or secret; `withheld`: what the node
    hides. `values`: the record as it is, for rights that depend on it; None: those are not given. A token that does not
    reach such records shows nothing of them.
    """
    if not token_allows(ws.model, ws.actor, entity, "read"):
        return frozenset()
    may = rights(ws.model, ws.actor, entity)
    reads = right_in(ws, entity, "read", [values] if values else [])
    found = set()
    for id, field in entity.fields.items():
        by_role = may.may_read(id) and (id not in may.narrowed or (values is not None and reads(id, values)))
        open_ = SENSITIVITIES.index(field.sensitivity) <= SENSITIVITIES.index("internal")
        if (by_role or (id in granted and open_)) and id not in withheld:
            found.add(id)
    return frozenset(found)


class Shown:
    """Kept values as the actor is shown them: options by today's keys, links with titles where he sees the target."""

    def __init__(self, ws: Workspace, entity: Entity, fields: Collection[str], *kept: Mapping[str, Any]) -> None:
        self.ws, self.entity, self.fields = ws, entity, fields
        self._seen = self._targets(kept)

    def of(self, id: str, value: Any) -> Any:
        return self._value(self.entity.fields[id], value)

    def all(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """By today's keys, the fields that he may read."""
        known = ((self.entity.fields[id], value) for id, value in kept.items() if id in self.entity.fields)
        return {field.key: self._value(field, value) for field, value in known if field.id in self.fields}

    def _value(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        if field.type == "children":
            return list(self._rows(field, value))
        if field.options:
            if isinstance(value, list):
                return [self._value(field, each) for each in value]
            option = field.option(value) if isinstance(value, str) else None
            return option.key if option is not None else value
        if _links(field):
            if isinstance(value, list):
                shown = (self._link(field, each) for each in value)
                return [each for each in shown if "hidden" not in each]
            return self._link(field, value)
        return value

    def _link(self, field: Field, value: Any) -> dict[str, Any]:
        target, id = _target(field, value)
        title = self._seen.get((target, "read"), {}).get(id, False)
        if title is False:
            return {"hidden": True}
        entity = self.ws.model.entity(target)
        return {"entity": entity.key if entity else target, "id": id, "title": title}

    def _rows(self, field: Field, rows: Any) -> Iterator[dict[str, Any]]:
        """Rows of a list are shown by the rights to their own fields."""
        entity = self.ws.model.entity(field.to[0])
        if entity is None:
            return
        fields = readable(self.ws, entity, None, (), ())
        shown = Shown(self.ws, entity, fields, *rows)
        for row in rows:
            yield {"id": row["id"], **shown.all({id: value for id, value in row.items() if id != "id"})}

    def _targets(self, kept: Collection[Mapping[str, Any]]) -> dict[TargetKey, dict[str, Any]]:
        wanted: dict[TargetKey, set[str]] = {}
        for values in kept:
            for id, value in values.items():
                field = self.entity.fields.get(id)
                if field is None or value is None or id not in self.fields or not _links(field):
                    continue
                for each in value if isinstance(value, list) else [value]:
                    target, record = _target(field, each)
                    wanted.setdefault((target, "read"), set()).add(record)
        titles = {}
        for target, _ in wanted:
            entity = self.ws.model.entity(target)
            if entity is not None and rights(self.ws.model, self.ws.actor, entity).always_read(entity.title):
                titles[target] = entity.title
        return {key: dict(found) for key, found in found_targets(self.ws, wanted, titles).items()} if wanted else {}


def _links(field: Field) -> bool:
    return field.type in ("link", "links", "user", "unit", "any_link")


def _target(field: Field, value: Any) -> tuple[str, str]:
    if isinstance(value, dict):
        return str(value.get("entity")), str(value.get("id"))
    return (field.to[0] if field.to else field.type), str(value)
