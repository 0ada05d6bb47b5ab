"""Which person has which roles. Nobody grants what they lack; a change signs the person out."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from metadata.access import rights
from metadata.model import ACTIONS, RIGHTS, SCOPES, Grant, Role
from metadata.problems import Forbidden, NotFound, kind
from runtime.account_tables import ROLE_ASSIGNMENT
from runtime.accounts import end_sessions
from runtime.workspace import Workspace, bump_access

MANAGE_USERS = "users"

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
    en="You may not change who has which role. Ask an administrator.",
    zh="您无权更改角色分配。请联系管理员。",
)


def roles_of(ws: Workspace, user: str) -> tuple[str, ...]:
    """Ids of a person's roles."""
    held = sa.select(ROLE_ASSIGNMENT.c.role_id).where(ROLE_ASSIGNMENT.c.user_id == user)
    return tuple(sorted(row[0] for row in ws.db.execute(held)))


def set_roles(ws: Workspace, user: str, names: Iterable[str]) -> None:
    """Give a person exactly these roles. Raises NotFound for an unknown role, Forbidden beyond one's own rights."""
    wanted = {_role(ws, name).id for name in names}
    held = set(roles_of(ws, user))
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


def _require_grantable(ws: Workspace, role_id: str) -> None:
    if ws.actor.platform:
        return
    own = [each for name in ws.actor.roles if (each := ws.model.role(name))]
    capabilities = frozenset().union(*(each.capabilities for each in own))
    if MANAGE_USERS not in capabilities or ws.actor.allowed_scopes is not None:
        raise Forbidden(NOT_USERS("role"))
    role = ws.model.role(role_id)
    if role is not None and not (role.capabilities <= capabilities and _is_within(ws, role)):
        raise Forbidden(MORE_THAN_OWN("role", role=role.label))


def _is_within(ws: Workspace, role: Role) -> bool:
    """Whether the actor has every right that the role gives, entity by entity."""
    named = set(role.grants) - {"*"}
    entities = ws.model.index["entities"] if "*" in role.grants else named
    return all(_covers(ws, id, role.grants.get(id) or role.grants["*"]) for id in entities)


def _covers(ws: Workspace, entity_id: str, grant: Grant) -> bool:
    entity = ws.model.entity(entity_id)
    if entity is None:
        return True
    own = rights(ws.model, ws.actor, entity)
    scopes_within = all(
        SCOPES.index(grant.scopes.get(action, "none")) <= SCOPES.index(own.scope(action)) for action in ACTIONS
    )
    fields_within = all(
        RIGHTS.index(grant.fields.get(field, grant.fields.get("*", "write")))
        <= RIGHTS.index(own.fields.get(field, "hidden"))
        for field in entity.fields
    )
    return scopes_within and fields_within
