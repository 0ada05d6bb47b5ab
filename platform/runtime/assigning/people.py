"""The people that the rules of an assignment mean, with what is decided by: a few statements, however many they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from metadata.assignments import Assignment, Candidate
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.ids import is_uuid
from metadata.model import Entity, Model
from metadata.workflow_texts import scope_of_workflows
from runtime.account_tables import ROLE_ASSIGNMENT
from runtime.approvals.world.people import People
from runtime.assigning import log
from runtime.queries.cache import kept
from runtime.records.checking.pools import owned
from runtime.records.plans import WritePlan
from runtime.tables import DELETED_AT, table_of
from runtime.workspace import Workspace
from workflow.assigning import Person


@dataclass(slots=True)
class Found:
    """Who there is, by each way of naming people."""

    by_role: dict[str, list[str]] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    by_unit: dict[str, list[str]] = field(default_factory=dict)
    active: dict[str, bool] = field(default_factory=dict)
    """Everybody who was found and is there."""
    away: frozenset[str] = frozenset()
    facts: dict[str, Person] = field(default_factory=dict)

    def of(self, candidates: Iterable[Candidate]) -> tuple[Person, ...]:
        """The people whom some candidates stand for, each once: as whoever names him first says."""
        met: dict[str, Person] = {}
        for each in candidates:
            for user in self._users(each):
                if user in self.active and user not in met:
                    met[user] = self.person(user, each.weight, each.per_30_days)
        return tuple(met.values())

    def person(self, user: str, weight: int = 1, per_30_days: int | None = None) -> Person:
        known = self.facts[user]
        return Person(user, known.active, known.away, known.open, known.last_at, known.given, weight, per_30_days)

    def _users(self, candidate: Candidate) -> Iterable[str]:
        if candidate.role is not None:
            return self.by_role.get(candidate.role, ())
        if candidate.user is not None:
            return [self.by_email[candidate.user]] if candidate.user in self.by_email else ()
        return self.by_unit.get(candidate.unit or "", ())


def find(
    ws: Workspace, plan: WritePlan, assignment: Assignment, candidates: Collection[Candidate], further: Collection[str]
) -> Found:
    """Everybody that some candidates mean, and `further` users by id. Without regard to who asks."""
    found = Found()
    _by_role(ws, found, {each.role for each in candidates if each.role is not None})
    emails = {each.user for each in candidates if each.user is not None}
    units = {each.unit for each in candidates if each.unit is not None}
    ids = {*further, *(user for users in found.by_role.values() for user in users)}
    _people(ws, found, {each for each in ids if is_uuid(each)}, emails, units)
    if found.active:
        found.away = _away(ws)
        _facts(ws, plan, assignment, found)
    return found


def _by_role(ws: Workspace, found: Found, roles: Collection[str]) -> None:
    if not roles:
        return
    held = sa.select(ROLE_ASSIGNMENT.c.role_id, ROLE_ASSIGNMENT.c.user_id)
    rows: Any = ws.db.execute(held.where(ROLE_ASSIGNMENT.c.role_id.in_(sorted(roles))))
    for role, user in rows:
        found.by_role.setdefault(role, []).append(str(user))


def _people(ws: Workspace, found: Found, ids: Collection[str], emails: Collection[str], units: Collection[str]) -> None:
    user = ws.model.entity("user")
    if user is None or not (ids or emails or units):
        return
    held = table_of(ws.model, user, ws.db.dialect)
    origin: Any = held.table
    columns = [held.column(name) if name in user.fields else sa.null() for name in ("id", "active", "email")]
    meant = [held.column("id").in_(sorted(ids))]
    if emails and "email" in user.fields:
        meant.append(held.column("email").in_(sorted(emails)))
    unit = ws.model.entity("unit")
    code: Any = sa.null()
    if units and unit is not None and "unit" in user.fields and "code" in unit.fields:
        of = table_of(ws.model, unit, ws.db.dialect)
        origin = origin.outerjoin(
            of.table, sa.and_(of.column("id") == held.column("unit"), of.table.c[DELETED_AT].is_(None))
        )
        code = of.column("code")
        meant.append(code.in_(sorted(units)))
    chosen = sa.select(*columns, code).select_from(origin).where(sa.or_(*meant), held.table.c[DELETED_AT].is_(None))
    rows: Any = ws.db.execute(chosen)
    for id, active, email, lies in rows:
        found.active[str(id)] = active is None or bool(active)
        if email in emails:
            found.by_email[email] = str(id)
        if lies in units:
            found.by_unit.setdefault(lies, []).append(str(id))


def _away(ws: Workspace) -> frozenset[str]:
    """Who has somebody stand in for him in everything now, and does not decide himself: he is on leave."""
    return frozenset(
        each.principal for each in People(ws).proxies() if not (each.both or each.approvals or each.entities)
    )


def _facts(ws: Workspace, plan: WritePlan, assignment: Assignment, found: Found) -> None:
    users = sorted(user for user, active in found.active.items() if active)
    lately = log.lately(ws, plan.entity.id, users)
    loads = owned(ws, plan, _load(ws.model, plan.entity, assignment.open), users)
    for user, active in found.active.items():
        at, given = lately.get(user, (None, 0))
        found.facts[user] = Person(user, active, user in found.away, loads.get(user, 0), at, given)


def _load(model: Model, entity: Entity, text: str | None) -> Expression | None:
    if text is None:
        return None
    make = partial(parse_in, text, entity, scope_of_workflows(model))
    found: Expression = kept(model).get(("assignment load", entity.id, text), make)
    return found
