"""Which person has which roles. Nobody grants what they lack; a change signs the person out."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from metadata.granting import exceeds, may_manage
from metadata.model import Role
from metadata.problems import Forbidden, NotFound, kind
from runtime.account_tables import ROLE_ASSIGNMENT
from runtime.accounts import end_sessions
from runtime.tables import table_of
from runtime.workspace import Workspace, bump_access

ROLE_UNKNOWN = kind(
    "role_unknown",
    en="There is no role {role}. There are: {known}.",
    zh="没有角色 {role}。现有角色：{known}。",
)
MORE_THAN_OWN = kind(
    "role_beyond_own",
    en="The role {role} may do more than you. Ask somebody who has these rights to give it.",
    zh="角色 {role} 的权限超出您的权限。请由拥有相应权限的人授予。",
)
NOT_USERS = kind(
    "may_not_manage_users",
    en="You may not change which roles this person has. Ask an administrator of their unit.",
    zh="您无权更改此人的角色。请联系其所在部门的管理员。",
)


def roles_of(ws: Workspace, user: str) -> tuple[str, ...]:
    """Ids of a person's roles."""
    held = sa.select(ROLE_ASSIGNMENT.c.role_id).where(ROLE_ASSIGNMENT.c.user_id == user)
    return tuple(sorted(row[0] for row in ws.db.execute(held)))


def people_of(ws: Workspace, role: str) -> tuple[str, ...]:
    """Ids of the people who have a role (id), in the order of their ids."""
    held = sa.select(ROLE_ASSIGNMENT.c.user_id).where(ROLE_ASSIGNMENT.c.role_id == role)
    return tuple(row[0] for row in ws.db.execute(held.order_by(ROLE_ASSIGNMENT.c.user_id)))


def set_roles(ws: Workspace, user: str, names: Iterable[str]) -> None:
    """Give a person exactly these roles. Raises NotFound for an unknown role, Forbidden beyond one's own rights."""
    wanted = {_role(ws, name).id for name in names}
    held = set(roles_of(ws, user))
    if wanted != held and not may_manage(ws.model, ws.actor, _unit_of(ws, user)):
        raise Forbidden(NOT_USERS("role"))
    for changed in sorted(wanted ^ held):
        _require_grantable(ws, changed)
    if wanted == held:
        return
    ws.db.execute(
        sa.delete(ROLE_ASSIGNMENT).where(
            ROLE_ASSIGNMENT.c.user_id == user, ROLE_ASSIGNMENT.c.role_id.in_(sorted(held - wanted))
        )
    )
    for role in sorted(wanted - held):
        ws.db.execute(sa.insert(ROLE_ASSIGNMENT).values(user_id=user, role_id=role))
    end_sessions(ws, [user])
    bump_access(ws)


def _role(ws: Workspace, name: str) -> Role:
    found = ws.model.role(name)
    if found is None:
        known = sorted(entry["key"] for entry in ws.model.index.get("roles", {}).values())
        raise NotFound(ROLE_UNKNOWN("role", role=name, known=known))
    return found


def _unit_of(ws: Workspace, user: str) -> str | None:
    """The main unit of a person."""
    entity = ws.model.entity("user")
    if entity is None or "unit" not in entity.fields:
        return None
    people = table_of(ws.model, entity, ws.db.dialect)
    found = ws.db.execute(sa.select(people.column("unit")).where(people.column("id") == user)).scalar()
    return None if found is None else str(found)


def _require_grantable(ws: Workspace, role_id: str) -> None:
    role = ws.model.role(role_id)
    if not ws.actor.platform and role is not None and exceeds(ws.model, ws.actor.roles, role):
        raise Forbidden(MORE_THAN_OWN("role", role=role.label))
