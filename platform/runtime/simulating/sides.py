"""The two descriptions that are compared, ready to be asked; what lies beyond a record is read once, as of now."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metadata.access import Actor, platform_actor
from metadata.expressions.binding import Binding
from metadata.expressions.closures.rows import Row
from metadata.expressions.needs import Needs
from metadata.expressions.tree import Listed
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Entity, Model
from metadata.money import Money
from metadata.problems import Unauthenticated
from runtime.actors import load_actor
from runtime.queries.build import binding_of
from runtime.records.computing.loading import Loaded
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan, plan_of
from runtime.simulating.past import Moment
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Side:
    """One description of an entity. `ws` has its model; nothing is read from the database by that."""

    ws: Workspace
    plan: WritePlan
    retyped: tuple[str, ...] = ()
    """Ids of the fields that are of another type than in the released description."""

    @property
    def model(self) -> Model:
        return self.ws.model

    @property
    def entity(self) -> Entity:
        return self.plan.entity

    def at(self, moment: Moment) -> Workspace:
        """The description at a moment of the past."""
        return replace(self.ws, now=moment.at)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is released, and what would be; None where a description does not have the entity."""

    old: Side
    new: Side | None

    def each(self) -> Iterator[Side]:
        yield self.old
        if self.new is not None:
            yield self.new


def sides_of(ws: Workspace, entity: Entity, target: Model) -> Sides:
    """`ws` is the platform's, of the released model; `entity` is of that model."""
    old = plan_of(ws.model, entity, ws.db.dialect)
    found = target.entity(entity.id)
    if found is None or found.id != entity.id:
        return Sides(Side(ws, old), None)
    new = plan_of(target, found, ws.db.dialect)
    retyped = tuple(
        id
        for id, field in found.fields.items()
        if id in entity.fields and id in old.table.fields and entity.fields[id].type != field.type
    )
    return Sides(Side(ws, old), Side(replace(ws, model=target), new, retyped))


class People:
    """Who acted, as they are now; whoever is gone has no roles."""

    def __init__(self) -> None:
        self._known: dict[str, Actor] = {}

    def actor(self, ws: Workspace, moment: Moment) -> Actor:
        if moment.actor is None:
            return platform_actor(moment.channel)
        found = self._known.get(moment.actor)
        if found is None:
            try:
                found = load_actor(ws.model, ws.db, moment.actor, moment.channel, version=ws.system_version)
            except Unauthenticated:
                found = Actor(moment.actor, moment.actor_name, (), channel=moment.channel)
            self._known[moment.actor] = found
        return found


class Page:
    """Some moments with what is known beyond them: linked records and lists as they are now."""

    def __init__(self, sides: Sides, people: People, moments: Sequence[Moment]) -> None:
        self.sides, self.people, self.moments = sides, people, moments
        self._loaded: dict[Hashable, tuple[Loaded, Needs, object]] = {}
        self._bindings: dict[tuple[int, bool], Binding] = {}
        self._values: dict[int, tuple[dict[str, Any], Mapping[str, Any] | None, frozenset[str]]] = {}

    def binding(self, side: Side, at: int) -> Binding:
        """Who saved, and when."""
        key = (at, side is self.sides.old)
        if key not in self._bindings:
            moment = self.moments[at]
            actor = self.people.actor(self.sides.old.ws, moment)
            self._bindings[key] = binding_of(side.model, actor, moment.at)
        return self._bindings[key]

    def draft(self, side: Side, at: int) -> Draft:
        """The save as a side has its values; a new one each time."""
        moment = self.moments[at]
        if not side.retyped:
            return Draft(moment.record, dict(moment.values), moment.before)
        if at not in self._values:
            self._values[at] = self._converted(side, moment)
        values, before, _ = self._values[at]
        return Draft(moment.record, dict(values), before)

    def lost(self, side: Side, at: int) -> frozenset[str]:
        """Ids of the fields whose value of then a side does not have."""
        moment = self.moments[at]
        if not side.retyped:
            return moment.lost
        if at not in self._values:
            self._values[at] = self._converted(side, moment)
        return moment.lost | self._values[at][2]

    def _converted(self, side: Side, moment: Moment) -> tuple[dict[str, Any], Mapping[str, Any] | None, frozenset[str]]:
        lost: set[str] = set()
        values = self._retyped(side, moment.values, lost)
        before = None if moment.before is None else self._retyped(side, moment.before, lost)
        return values, before, frozenset(lost)

    def _retyped(self, side: Side, values: Mapping[str, Any], lost: set[str]) -> dict[str, Any]:
        found, keeps = dict(values), self.sides.old.plan.keeps
        for id in side.retyped:
            kept = None if values.get(id) is None else keeps[id](values)
            try:
                value = None if kept is None else side.plan.types[id].parse(side.entity.fields[id], kept)
            except ValueProblem:
                value = None
                lost.add(id)
            found[id] = value.amount if isinstance(value, Money) else value
        return found

    def row(self, key: Hashable, draft: Draft, wanted: Needs, owner: object = None) -> Row:
        """A draft with what an expression looks at. `key` names what wants it: it is read for a whole page at once."""
        if not (wanted.links or wanted.lists or (wanted.before and (wanted.before.links or wanted.before.lists))):
            draft.values.setdefault("id", draft.id)
            return Row(draft.values, before=draft.before)
        if key not in self._loaded:
            self._loaded[key] = (*self._load(wanted), owner)  # an identity is one only while its object lives
        loaded, there, _ = self._loaded[key]
        loaded.load([_held(draft.id, draft.values, draft.before)], there)
        return loaded.row(draft)

    def _load(self, wanted: Needs) -> tuple[Loaded, Needs]:
        old = self.sides.old
        there = known(wanted, old.model)
        loaded = Loaded(old.ws, old.plan, there)
        loaded.load([_held(each.record, each.values, each.before) for each in self.moments], there)
        return loaded, there


def _held(id: str, values: dict[str, Any], before: Mapping[str, Any] | None) -> Draft:
    """A record that is there: the lists of one that is being made would be what is sent with it."""
    return Draft(id, values, before or {})


def known(wanted: Needs, model: Model) -> Needs:
    """What is wanted without what the database does not have yet."""
    links = {step: known(inner, model) for step, inner in wanted.links.items() if model.entity(step[1]) is not None}
    lists = {listed: known(inner, model) for listed, inner in wanted.lists.items() if _is_there(listed, model)}
    before = None if wanted.before is None else known(wanted.before, model)
    return Needs(wanted.fields, links, lists, before)


def _is_there(listed: Listed, model: Model) -> bool:
    ends = ((listed.through or listed.entity, listed.link), (listed.through, listed.far))
    fields = ((name, field) for name, field in ends if name is not None and field is not None)
    return model.entity(listed.entity) is not None and all(_is_stored(model, *each) for each in fields)


def _is_stored(model: Model, name: str, field: str) -> bool:
    entity, storage = model.entity(name), model.storage.get(name)
    return entity is not None and field in entity.fields and storage is not None and field in storage.fields


def unlike(wanted: Needs, entity: Entity, old: Model, new: Model) -> bool:
    """Whether a linked or listed record has a field of another type than it would have: it cannot be asked then."""
    for (link, target), inner in wanted.links.items():
        if _differs(target, inner, old, new) or _differs(entity.id, Needs(frozenset((link,))), old, new):
            return True
    return any(_differs(listed.entity, inner, old, new) for listed, inner in wanted.lists.items()) or (
        wanted.before is not None and unlike(wanted.before, entity, old, new)
    )


def _differs(target: str, wanted: Needs, old: Model, new: Model) -> bool:
    was, now = old.entity(target), new.entity(target)
    if was is None or now is None:
        return False
    for id in wanted.fields:
        before, after = was.fields.get(id), now.fields.get(id)
        if before is not None and after is not None and before.type != after.type:
            return True
    return unlike(wanted, now, old, new)


def own_of(wanted: Needs) -> set[str]:
    """Ids of the fields of the record itself."""
    return set(wanted.fields) | (set() if wanted.before is None else set(wanted.before.fields))
