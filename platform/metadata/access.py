"""Who acts and what the model lets them do: one policy, from which both the SQL predicate and the check are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

from metadata.model import EMPTY, RIGHTS, SCOPES, Entity, Grant, Model, PublicForm, Right, Role, Scope

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Units are unit ids; `subtree` holds them and everything below them."""

    user: str | None
    """Id of the record of entity `user`; None for the platform itself."""
    name: str
    roles: tuple[str, ...] = ()
    """Ids of roles."""
    units: tuple[str, ...] = ()
    main_unit: str | None = None
    subtree: frozenset[str] = frozenset()
    language: str = "en"
    timezone: str = "UTC"
    channel: str = "api"
    """form, api, import, job, workflow, command: goes into every event."""
    on_behalf_of: str | None = None
    platform: bool = False
    """The platform itself: seeds, migrations, computed effects. Sees and may everything."""
    allowed_scopes: frozenset[str] | None = None
    """Scopes of an API token (`read`, `write`, `read:account`, ...); None: not narrowed."""


def platform_actor(channel: str = "command") -> Actor:
    return Actor(user=None, name="platform", channel=channel, platform=True)


@dataclass(frozen=True, slots=True)
class Rights:
    """What one set of roles may do with one entity: the union of the roles."""

    scopes: Mapping[str, Scope] = field(default_factory=lambda: EMPTY)
    fields: Mapping[str, Right] = field(default_factory=lambda: EMPTY)
    """Field id -> right, every field named."""

    def scope(self, action: str) -> Scope:
        return self.scopes.get(action, "none")

    def may_read(self, field_id: str) -> bool:
        return self.fields.get(field_id, "hidden") != "hidden"

    def may_write(self, field_id: str) -> bool:
        return self.fields.get(field_id, "hidden") == "write"


def rights(model: Model, actor: Actor, entity: Entity) -> Rights:
    """The rights of an actor on an entity. Deny by default; several roles unite.

    A record that lives with a parent has no scopes of its own: see `policy_entity`.
    """
    kept = _KEPT.get(model)
    if kept is None or len(kept) > _MOST_KEPT:
        kept = _KEPT[model] = {}
    key = (entity.id, None if actor.platform else actor.roles)
    found = kept.get(key)
    if found is None:
        found = kept[key] = _everything(entity) if actor.platform else _rights(model, actor.roles, entity)
    if actor.platform or actor.allowed_scopes is None:
        return found
    return _narrowed(found, actor.allowed_scopes, entity)


_KEPT: WeakKeyDictionary[Model, dict[tuple[str, tuple[str, ...] | None], Rights]] = WeakKeyDictionary()
"""The rights that were asked for, as long as their model lives. No roles (None): the platform's."""
_MOST_KEPT = 20_000


def policy_field(entity: Entity) -> str | None:
    """The link whose target's row rights are this record's (its parent, or `access: via`), if any."""
    return entity.parent or entity.via


def _rights(model: Model, roles: tuple[str, ...], entity: Entity) -> Rights:
    grants = []
    for name in roles:
        role = model.role(name) if not name.startswith(FORM) else _form_role(model, name)
        if role is not None:
            grant = role.grants.get(entity.id) or role.grants.get("*") or _inherited(model, role, entity, 0)
            if grant is not None:
                grants.append(grant)
    scopes: dict[str, Scope] = {}
    for action in ("read", "create", "update", "delete"):
        scopes[action] = _widest(SCOPES, (grant.scopes.get(action, "none") for grant in grants))
    fields: dict[str, Right] = {}
    for each in entity.fields:
        # A role that may not read the entity gives no right to its fields either.
        named = (g.fields.get(each, g.fields.get("*", "write")) for g in grants if _opens(entity, g.scopes))
        fields[each] = _widest(RIGHTS, named)
    return Rights(scopes, fields)


FORM = "form:"
"""Begins the role of a visitor: what a public form may do. No role of a description is called so."""


def _form_role(model: Model, name: str) -> Role | None:
    """A visitor makes records of what a form asks and gives; he reads none."""
    form: PublicForm | None = model.get("public_forms", name.removeprefix(FORM))
    if form is None:
        return None
    written = {*(each.id for each in form.fields), *form.constants}
    grants = {form.entity: Grant({"create": "all"}, {**dict.fromkeys(written, "write"), "*": "hidden"})}
    if form.owner is not None:
        grants[form.entity] = Grant(grants[form.entity].scopes, {**grants[form.entity].fields, "owner": "write"})
        # So that a record can be given to its owner; of the user himself nothing is shown.
        grants.setdefault("user", Grant({"read": "all"}, {"*": "hidden"}))
    return Role(name, name, form.label, grants)


def _inherited(model: Model, role: Role, entity: Entity, depth: int) -> Grant | None:
    """Who is let to a record is let to the fields of its parts, when the role says nothing of them."""
    link = policy_field(entity)
    for target in entity.fields[link].to if link is not None and depth < 6 else ():
        parent = model.entity(target)
        if parent is not None and (parent.id in role.grants or _inherited(model, role, parent, depth + 1)):
            return Grant()
    return None


def _opens(entity: Entity, scopes: Mapping[str, Scope]) -> bool:
    return any(scope != "none" for scope in scopes.values()) or policy_field(entity) is not None


def _widest(order: tuple[T, ...], found: Iterable[T]) -> T:
    return max(found, key=order.index, default=order[0])


def _everything(entity: Entity) -> Rights:
    actions: dict[str, Scope] = {action: "all" for action in ("read", "create", "update", "delete")}
    return Rights(actions, {each: "write" for each in entity.fields})


def _narrowed(found: Rights, allowed: frozenset[str], entity: Entity) -> Rights:
    """Rights under an API token: `read`/`write` for everything, `read:<entity id>`/`write:<entity id>` for one."""
    read = bool(allowed & {"read", "write", f"read:{entity.id}", f"write:{entity.id}"})
    write = bool(allowed & {"write", f"write:{entity.id}"})
    scopes: dict[str, Scope] = {}
    for action, scope in found.scopes.items():
        scopes[action] = scope if (read if action == "read" else write) else "none"
    return Rights(scopes, found.fields)
