"""Who acts and what the model lets them do: one policy, from which both the SQL predicate and the check are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from metadata.model import EMPTY, RIGHTS, SCOPES, Entity, Model, Right, Scope

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
    if actor.platform:
        return _everything(model.digest("entities", entity.id), _Key(model, entity))
    found = _rights(model.fingerprint, model.digest("entities", entity.id), actor.roles, _Key(model, entity))
    return _narrowed(found, actor.allowed_scopes, entity) if actor.allowed_scopes is not None else found


def policy_field(entity: Entity) -> str | None:
    """The link whose target's row rights are this record's (its parent, or `access: via`), if any."""
    return entity.parent or entity.via


class _Key:
    """Carries the model into the cached function without being part of the key."""

    def __init__(self, model: Model, entity: Entity) -> None:
        self.model, self.entity = model, entity

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key)


@lru_cache(maxsize=20_000)
def _rights(fingerprint: str, digest: str, roles: tuple[str, ...], key: _Key) -> Rights:
    model, entity = key.model, key.entity
    grants = []
    for name in roles:
        role = model.role(name)
        if role is not None:
            grant = role.grants.get(entity.id) or role.grants.get("*")
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


def _opens(entity: Entity, scopes: Mapping[str, Scope]) -> bool:
    return any(scope != "none" for scope in scopes.values()) or policy_field(entity) is not None


def _widest(order: tuple[T, ...], found: Iterable[T]) -> T:
    return max(found, key=order.index, default=order[0])


@lru_cache(maxsize=5_000)
def _everything(digest: str, key: _Key) -> Rights:
    actions: dict[str, Scope] = {action: "all" for action in ("read", "create", "update", "delete")}
    return Rights(actions, {each: "write" for each in key.entity.fields})


def _narrowed(found: Rights, allowed: frozenset[str], entity: Entity) -> Rights:
    """Rights under an API token: `read`/`write` for everything, `read:<entity id>`/`write:<entity id>` for one."""
    read = bool(allowed & {"read", "write", f"read:{entity.id}", f"write:{entity.id}"})
    write = bool(allowed & {"write", f"write:{entity.id}"})
    scopes: dict[str, Scope] = {}
    for action, scope in found.scopes.items():
        scopes[action] = scope if (read if action == "read" else write) else "none"
    return Rights(scopes, found.fields)
