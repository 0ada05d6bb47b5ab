"""What the engine asks, answered from the rows of the tenant: the record as it is, or as it is about to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from metadata import durations
from metadata.access import platform_actor
from metadata.approvals import Approval, Who
from metadata.expressions.binding import Binding
from metadata.ids import uuid7
from metadata.model import Entity
from runtime.approvals.world.people import People
from runtime.queries.build import binding_of
from runtime.records.checking.lists import pair_plan
from runtime.records.checking.values import Readers, read, readers_of
from runtime.records.computing.asking import Asker
from runtime.records.computing.compute import compute
from runtime.records.computing.loading import plain_values
from runtime.records.computing.recipes import DoesNotFit
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import WritePlan, plan_of
from runtime.workspace import Workspace
from workflow.approvals.choosing import Proxy, climb, climb_up_to
from workflow.approvals.request import Request


class RecordWorld:
    """The world of one record. `values` are its own, by field id."""

    def __init__(self, ws: Workspace, plan: WritePlan, draft: Draft, people: People) -> None:
        self.ws, self.plan, self.draft, self.people = ws, plan, draft, people
        self.asker = Asker(ws, plan, draft, partial(_binding, ws))

    @property
    def now(self) -> dt.datetime:
        return self.ws.now

    # -- the record

    def holds(self, text: str) -> bool:
        return self.asker.holds(text)

    def setting(self, values: Mapping[str, str]) -> RecordWorld:
        after = self._copy()
        for id, text in values.items():
            field = self.plan.entity.fields.get(id)
            if field is not None:
                try:
                    after.values[id] = self.asker.value_of(field, text)
                except DoesNotFit:
                    continue  # the save will say so
        return self._computed(after)

    def writing(self, values: Mapping[str, object]) -> RecordWorld:
        after = self._copy()
        read(self.plan, platform_readers(self.ws, self.plan), values, after)
        after.values.update(after.sent)
        return self._computed(after)

    def _copy(self) -> Draft:
        draft = draft_of(self.draft.id, self.draft.values)
        draft.follows = True
        return draft

    def _computed(self, after: Draft) -> RecordWorld:
        compute(self.ws, self.plan, [after])
        return RecordWorld(self.ws, self.plan, after, self.people)

    # -- people

    def candidates(self, who: Who, request: Request, assignee: str | None) -> Sequence[str] | None:
        match who.by:
            case "user":
                found = None if who.user is None else self.people.by_email(who.user)
                return () if found is None else (found,)
            case "role":
                return self._holders(who, request)
            case "manager_of":
                return self._each(who, request, assignee, lambda user: climb(self._above(user), who.level, who.climb))
            case "managers_up_to":
                return self._each(who, request, assignee, partial(self._up_to, who))
            case "unit_head":
                return self._heads(who, request, assignee)
            case "field":
                return self._people_at(who.path or "")
            case "expression":
                return self._named(self.asker.value(who.expression or ""))
            case _:
                return ()  # the engine knows them itself

    def _above(self, user: str) -> Sequence[str]:
        return self.people.managers(user)

    def _up_to(self, who: Who, user: str) -> Sequence[str] | None:
        role = who.role
        reached = None if role is None else (lambda each: role in self.people.roles(each))
        return climb_up_to(self._above(user), who.level or None, reached, who.climb)

    def _each(self, who: Who, request: Request, assignee: str | None, ask: Any) -> Sequence[str] | None:
        found: list[str] = []
        for user in self._of(who, request, assignee):
            above = ask(user)
            if above is None:
                return None
            found += above
        return found

    def _of(self, who: Who, request: Request, assignee: str | None) -> Sequence[str]:
        if who.of == "initiator":
            return (request.initiator,)
        if who.of == "assignee":
            return () if assignee is None else (assignee,)
        return self._people_at(who.of)

    def _heads(self, who: Who, request: Request, assignee: str | None) -> Sequence[str] | None:
        found: list[str] = []
        for kind, id in self._ends(who, request, assignee):
            heads = self.people.heads_of_unit(id) if kind == "unit" else self.people.heads(id)
            above = climb(heads, who.level, who.climb)
            if above is None:
                return None
            found += above
        return found

    def _ends(self, who: Who, request: Request, assignee: str | None) -> list[tuple[str, str]]:
        if who.of in ("initiator", "assignee"):
            return [("user", each) for each in self._of(who, request, assignee)]
        return self._walked(who.of)

    def _holders(self, who: Who, request: Request) -> Sequence[str]:
        if who.role is None:
            return ()
        if who.within == "tenant":
            return self.people.holders(who.role)
        unit = self.people.unit(request.initiator) if who.within == "initiator_unit" else self.draft.values.get("unit")
        return () if unit is None else self.people.holders(who.role, str(unit))

    def _named(self, value: Any) -> Sequence[str]:
        if value is None:
            return ()
        found = [str(each) for each in value] if isinstance(value, (tuple, list, set, frozenset)) else [str(value)]
        self.people.known(found)
        return found

    def _people_at(self, path: str) -> Sequence[str]:
        """The people that a path leads to; of a unit its head."""
        found: list[str] = []
        for kind, id in self._walked(path):
            found += self.people.heads_of_unit(id)[:1] if kind == "unit" else [id]
        return found

    def _walked(self, path: str) -> list[tuple[str, str]]:
        """(`user` or `unit`, id) of what a path of the record leads to."""
        entity: Entity = self.plan.entity
        values: Mapping[str, Any] = self.draft.values
        *links, last = path.split(".")
        for name in links:
            step = self._linked(entity, values, name)
            if step is None:
                return []
            entity, values = step
        field = entity.find(last)
        if field is None:
            return []
        kind = field.to[0] if len(field.to) == 1 else field.type
        if kind not in ("user", "unit"):
            return []
        if field.type == "links":
            return [(kind, each) for each in self._pairs(entity, field.id, str(values["id"]))]
        value = self._value(entity, values, field.id)
        return [] if value is None else [(kind, str(value))]

    def _linked(self, entity: Entity, values: Mapping[str, Any], name: str) -> tuple[Entity, Mapping[str, Any]] | None:
        field = entity.find(name)
        if field is None:
            return None
        target = self.ws.model.entity(field.to[0] if len(field.to) == 1 else field.type)
        id = self._value(entity, values, field.id)
        return None if target is None or id is None else (target, {"id": str(id)})

    def _value(self, entity: Entity, values: Mapping[str, Any], field: str) -> Any:
        if field in values:
            return values[field]
        rows = plain_values(self.ws, entity, {field}, {str(values["id"])})
        return rows[0].get(field) if rows else None

    def _pairs(self, entity: Entity, field: str, record: str) -> list[str]:
        plan = plan_of(self.ws.model, entity, self.ws.db.dialect)
        pairs, near, far = pair_plan(self.ws, plan, entity.fields[field])
        return [str(row[far]) for row in plain_values(self.ws, pairs.entity, {near, far}, {record}, by=near)]

    def active(self, user: str) -> bool:
        return self.people.active(user)

    def managers(self, user: str) -> Sequence[str]:
        return self.people.managers(user)

    def heads(self, user: str) -> Sequence[str]:
        return self.people.heads(user)

    def admins(self, approval: Approval) -> Sequence[str]:
        return self.people.admins(approval)

    def roles(self, user: str) -> Collection[str]:
        return self.people.roles(user)

    def name(self, user: str) -> str:
        return self.people.name(user)

    def proxies(self) -> Sequence[Proxy]:
        return self.people.proxies()

    # -- time and ids

    def after(self, span: str, calendar: str | None, start: dt.datetime) -> dt.datetime:
        length = durations.parse_duration(span)
        held = None if calendar is None else self.ws.model.get("calendars", calendar)
        if held is not None:
            reached = durations.after_in(held, length, start)
            if reached is not None:
                return reached
        return durations.after(length, start, ZoneInfo(str(self.ws.model.settings.get("timezone", "UTC"))))

    def new_id(self) -> str:
        return uuid7()


def _binding(ws: Workspace) -> Binding:
    """What decides an approval does not depend on who acts."""
    return binding_of(ws.model, platform_actor(), ws.now)


def platform_readers(ws: Workspace, plan: WritePlan) -> Readers:
    """How values are read that the platform writes: what an actor may send has been asked before."""
    from dataclasses import replace

    return readers_of(replace(ws, actor=platform_actor(ws.actor.channel)), plan)
