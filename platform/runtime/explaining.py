"""Explanations of access: loads what the pure decision needs; of a part, the record whose rights it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from metadata.access import Actor, policy_field, rights, rights_of
from metadata.access_explaining import Case, Explained, Given, Ground, explain, explain_field
from metadata.expressions.evaluate import Row
from metadata.fieldtypes.links import AnyLink
from metadata.granting import USERS, capabilities_of
from metadata.ids import is_uuid
from metadata.model import ACTIONS, Entity, Right
from metadata.problems import BadRequest, Forbidden, Unauthenticated, kind
from runtime import sealing
from runtime.actors import load_actor
from runtime.queries.build import Build, binding_of
from runtime.queries.names import unknown
from runtime.queries.policies import links_of
from runtime.queries.rules import inherited, sees, token_allows
from runtime.records.plans import plan_of
from runtime.sharing import shares_of
from runtime.tables import table_of
from runtime.workspace import Workspace

PART = kind(
    "explain_part",
    en="A {entity} is seen and changed as its {parent}, so that decides.",
    zh="{entity}随其{parent}查看和修改，由后者决定。",
)
LOOSE = kind(
    "explain_loose",
    en="This {entity} belongs to nothing: only people who reach every {parent} reach it.",
    zh="该{entity}没有所属记录：只有能访问所有{parent}的人才能访问。",
)
NOT_OTHERS = kind(
    "explain_others",
    en="Only people who manage users may ask what others may do. Ask about yourself.",
    zh="只有管理用户的人员可以查询他人的权限。您可以查询自己的权限。",
)
NO_ACTION = kind(
    "explain_no_action",
    en="{action} is not an action. Actions are: {known}.",
    zh="{action} 不是操作，可用操作：{known}。",
)
MOST = 50
"""People that one page of `who` looks at."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may do it, and the first thing that lets him."""

    user: str
    name: str
    ground: Ground


def why(
    ws: Workspace, entity: Entity, id: str, user: str | None = None, action: str = "read", field: str | None = None
) -> Explained:
    """Why a person (the actor himself if not given) may do something with a record or one of its fields.

    Raises NotFound for a record that the actor does not see, Forbidden for others than himself, BadRequest.
    """
    if action not in ACTIONS:
        raise BadRequest(NO_ACTION("action", action=action[:40], known=ACTIONS))
    _require(ws, entity, id, user)
    who = ws.actor if user is None or user == ws.actor.user else load_actor(ws.model, ws.db, user, ws.actor.channel)
    if field is not None:
        named = entity.find(field)
        if named is None or not Build(ws.model, ws.actor, ws.db.dialect).may_see(entity, named):
            raise BadRequest(unknown(Build(ws.model, ws.actor, ws.db.dialect), entity, field, "field"))
        wanted: Right = "read" if action == "read" else "write"
        return explain_field(_case(ws, who, entity, _values(ws, entity, id), ()), named, wanted)
    return _explained(ws, who, entity, id, action)


def who(ws: Workspace, entity: Entity, id: str, action: str = "read", after: str | None = None) -> dict[str, Any]:
    """People who may do this with a record, by pages: `{"data": [Person], "next": id or None}`. Raises as `why`."""
    _require(ws, entity, id, "everybody")
    users = _users(ws, after)
    found = []
    for user in users[:MOST]:
        try:
            actor = load_actor(ws.model, ws.db, user, ws.actor.channel)
        except Unauthenticated:
            continue  # gone or no longer working here
        answer = _explained(ws, actor, entity, id, action)
        if answer.allowed:
            # What is not told comes last.
            ground = next(each for each in sorted(answer.grounds, key=_order) if each.granted is not False)
            found.append(Person(user, actor.name, ground))
    return {"data": found, "next": users[MOST - 1] if len(users) > MOST else None}


def _order(ground: Ground) -> bool:
    return not ground.granted


def _require(ws: Workspace, entity: Entity, id: str, user: str | None) -> None:
    from runtime.records.policies import not_found

    if not is_uuid(id) or not sees(ws, entity, "read", id.lower()):
        raise not_found(entity)
    others = user is not None and user != ws.actor.user
    if others and not ws.actor.platform and USERS not in capabilities_of(ws.model, ws.actor.roles):
        raise Forbidden(NOT_OTHERS("user"))


def _explained(ws: Workspace, who: Actor, entity: Entity, id: str, action: str) -> Explained:
    """The answer for a record, or for the one that it is a part of."""
    token = token_allows(ws.model, who, entity, action)
    before: list[Ground] = []
    values = _values(ws, entity, id)
    while (link := policy_field(entity)) is not None:
        value, action = values.get(link), inherited(action)
        target = value.entity if isinstance(value, AnyLink) else entity.fields[link].to[0]
        parent = ws.model.entity(target)
        assert parent is not None
        told: dict[str, Any] = {"entity": entity.label, "parent": parent.label}
        if value is None:
            reached = rights_of(ws.model, who.roles, parent).reach(action).everything
            return Explained(token and reached, (*before, Ground(reached, LOOSE(**told))))
        before.append(Ground(False, PART(**told)))
        entity, id = parent, str(value.id if isinstance(value, AnyLink) else value)
        values = _values(ws, entity, id)
    case = _case(ws, who, entity, values, tuple(_given(ws, who, entity, id)))
    found = explain(case, action, token)
    return replace(found, grounds=(*before, *found.grounds))


def _case(ws: Workspace, who: Actor, entity: Entity, values: Mapping[str, Any], shares: tuple[Given, ...]) -> Case:
    texts = {
        text
        for name in who.roles
        if (role := ws.model.role(name)) and (grant := role.grants.get(entity.id))
        for text in (*grant.where.values(), *(each.when for each in grant.narrowed.values()))
    }
    row = Row(values, links_of(ws, entity, sorted(texts), [values]))
    return Case(ws.model, who, entity, row, binding_of(ws.model, who, ws.now), _reader(ws, entity), shares)


def _reader(ws: Workspace, of: Entity) -> Callable[[str, str], bool]:
    """What the one who asks may know of the values that decided."""
    from runtime.records.policies import reaches_all

    def readable(entity_id: str, field_id: str) -> bool:
        entity = ws.model.entity(entity_id)
        if entity is None or ws.actor.platform:
            return entity is not None
        # He sees the record itself; of others, be they of its own kind, it is not asked which ones he sees.
        open_to_him = entity_id == of.id or reaches_all(ws, entity, "read")
        targets = (ws.model.entity(each) for each in entity.fields[field_id].to)
        linked = all(each is not None and reaches_all(ws, each, "read") for each in targets)
        return open_to_him and linked and rights(ws.model, ws.actor, entity).always_read(field_id)

    return readable


def _given(ws: Workspace, who: Actor, entity: Entity, id: str) -> Iterator[Given]:
    reached = {who.user, *who.above}
    for share in shares_of(ws, entity, id) if entity.id in who.shared else ():
        if share.principal in reached:
            yield Given(share.write, share.until)


def _values(ws: Workspace, entity: Entity, id: str) -> Mapping[str, Any]:
    """The record as it is, whoever asks: who may know of it has been decided."""
    from runtime.records.policies import not_found

    plan = plan_of(ws.model, entity, ws.db.dialect)
    row = ws.db.execute(sa.select(*plan.selected).where(plan.table.column("id") == id.lower())).first()
    if row is None:
        raise not_found(entity)
    return sealing.values(ws, plan, tuple(row))


def _users(ws: Workspace, after: str | None) -> list[str]:
    entity = ws.model.entity("user")
    if entity is None:
        return []
    id = table_of(ws.model, entity, ws.db.dialect).column("id")
    query = sa.select(id).order_by(id).limit(MOST + 1)
    if after is not None and is_uuid(after):
        query = query.where(id > after.lower())
    return [str(each) for each in ws.db.execute(query).scalars()]
