"""A record as its writers hand it back, and as JSON for the actor who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from metadata.access import Rights, rights
from metadata.model import Entity, Field
from runtime.queries.cache import kept
from runtime.queries.fields import masked, right_in
from runtime.records.computing.times import timed_values
from runtime.records.plans import KEPT, WritePlan, plan_of
from runtime.records.targets import TargetKey, found_targets, targets_of
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its values by field id, links and children lists not among them."""

    entity: Entity
    id: str
    version: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Face:
    """The fields of an entity that a set of roles may see, and how all of them are told where that is always alike."""

    shown: list[Field]
    plain: tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...] | None
    """Today's key and writer of each field; None where it depends on the record who may read what."""


def as_json(ws: Workspace, record: Record) -> dict[str, Any]:
    """A record by today's keys: the fields that the actor may read. A link to what he may not see is `hidden`."""
    plan = plan_of(ws.model, record.entity, ws.db.dialect)
    may = rights(ws.model, ws.actor, record.entity)
    key = ("as json", plan.entity.id, plan.dialect, ws.actor.platform or ws.actor.roles)
    face = kept(ws.model).get(key, lambda: _face(plan, may))
    hidden = hidden_links(ws, plan, record.values, face.shown)
    values = {**record.values, **timed_values(ws, plan, record.values)} if plan.table.timed else record.values
    if face.plain is not None and not hidden:
        return {name: dump(values) for name, dump in face.plain}
    dumped = dump_of(ws, plan, may)
    return {each.key: {"hidden": True} if each.id in hidden else dumped(each, values) for each in face.shown}


def _face(plan: WritePlan, may: Rights) -> _Face:
    held = {**plan.table.fields, **plan.table.timed}
    shown = [each for each in plan.entity.fields.values() if each.id in held and may.may_see(each.id)]
    alike = all(may.may_read(each.id) and each.id not in may.narrowed for each in shown)
    return _Face(shown, tuple((each.key, plan.dumps[each.id]) for each in shown) if alike else None)


def dump_of(ws: Workspace, plan: WritePlan, may: Rights) -> Callable[[Field, Mapping[str, Any]], Any]:
    """Field and values of a record -> JSON as the actor may know it: the value, its mask, or nothing."""
    reads = right_in(ws, plan.entity, "read")
    sees = right_in(ws, plan.entity, "masked")

    def dumped(each: Field, values: Mapping[str, Any]) -> Any:
        if may.may_read(each.id) and (each.id not in may.narrowed or reads(each.id, values)):
            return plan.dumps[each.id](values)
        return masked(each, values.get(each.id)) if may.ever_masked(each.id) and sees(each.id, values) else None

    return dumped


def hidden_links(ws: Workspace, plan: WritePlan, values: Mapping[str, Any], shown: list[Field]) -> frozenset[str]:
    """Ids of the shown links whose target the actor may not see."""
    if ws.actor.platform:
        return frozenset()
    pointing = {each.id: target for each, target in _links(plan, values, shown)}
    wanted: dict[TargetKey, set[str]] = {}
    for entity, id in pointing.values():
        wanted.setdefault((entity, "read"), set()).add(id)
    found = found_targets(ws, wanted, {}, skip_open=True)
    return frozenset(each for each, (entity, id) in pointing.items() if id not in found[entity, "read"])


def _links(plan: WritePlan, values: Mapping[str, Any], shown: list[Field]) -> Iterator[tuple[Field, tuple[str, str]]]:
    links = {each.id for each in (*plan.links, *plan.any_links)}
    for each in shown:
        value = values.get(each.id)
        # Who made and last changed a record is told with it.
        if value is not None and each.id in links and each.id not in KEPT:
            yield each, targets_of(each, value)
