"""Who acts and what the model lets them do: one policy, from which both the SQL predicate and the check are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from metadata.computing import needs_read
from metadata.fieldtypes import registry
from metadata.model import (
    ACTIONS,
    EMPTY,
    RIGHTS,
    SCOPES,
    SENSITIVITIES,
    Entity,
    Field,
    Grant,
    Model,
    PublicForm,
    Right,
    Role,
    Scope,
)

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
    above: frozenset[str] = frozenset()
    """His units and everything above them: what is shared with one of these is shared with him."""
    shared: frozenset[str] = frozenset()
    """Ids of entities of which a record has ever been shared with him: of others nothing needs to be asked."""
    attributes: Mapping[str, Any] = field(default_factory=lambda: EMPTY, hash=False)
    """Values of his own record by field id, for `$user.title` in conditions."""


def platform_actor(channel: str = "command") -> Actor:
    return Actor(user=None, name="platform", channel=channel, platform=True)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which records of an entity an action reaches: the union of all that several roles say, never a denial."""

    scopes: frozenset[Scope] = frozenset()
    """Without `none`."""
    where: tuple[str, ...] = ()
    """Conditions (expression texts) of which a record may meet any."""

    @property
    def nothing(self) -> bool:
        return not self.scopes and not self.where

    @property
    def everything(self) -> bool:
        return "all" in self.scopes

    @property
    def widest(self) -> Scope:
        return _widest(SCOPES, self.scopes)


NOTHING = Reach()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to a field that one role gives: `right` while the record meets `when` (None: always)."""

    right: Right
    when: str | None = None
    otherwise: Right = "hidden"

    @property
    def always(self) -> Right:
        return self.right if self.when is None else self.otherwise


@dataclass(frozen=True, slots=True)
class Rights:
    """What one set of roles may do with one entity: the union of the roles."""

    reaches: Mapping[str, Reach] = field(default_factory=lambda: EMPTY)
    """By action."""
    fields: Mapping[str, Right] = field(default_factory=lambda: EMPTY)
    """Field id -> the widest right that it can have, every field named."""
    narrowed: Mapping[str, tuple[Claim, ...]] = field(default_factory=lambda: EMPTY)
    """Field id -> what the roles claim, for fields whose right depends on the record."""

    def reach(self, action: str) -> Reach:
        return self.reaches.get(action, NOTHING)

    def may_read(self, field_id: str) -> bool:
        """Whether the field may be mentioned, and read of some record at least: see `when`."""
        return self.fields.get(field_id, "hidden") in ("read", "write")

    def may_see(self, field_id: str) -> bool:
        """Whether it is shown, be it as a mask."""
        return self.fields.get(field_id, "hidden") != "hidden"

    def may_write(self, field_id: str) -> bool:
        return self.fields.get(field_id, "hidden") == "write"

    def ever_masked(self, field_id: str) -> bool:
        """Whether the field is shown as a mask in some record at least."""
        claims = self.narrowed.get(field_id, ())
        return self.fields.get(field_id) == "masked" or any("masked" in (c.right, c.otherwise) for c in claims)

    def always_read(self, field_id: str) -> bool:
        """Whether the field may be read whatever the record is like: what looks a record up by it needs this."""
        return _reaches(self.always(field_id), "read")

    def when(self, field_id: str, right: Right) -> tuple[str, ...] | None:
        """The conditions of which a record must meet one for this right to a field; None when there are none."""
        found = []
        for claim in self.narrowed.get(field_id, ()):
            if _reaches(claim.always, right):
                return None
            if claim.when is not None and _reaches(claim.right, right):
                found.append(claim.when)
        return tuple(found) or None

    def always(self, field_id: str) -> Right:
        """The right that it has whatever the record is like."""
        claims = self.narrowed.get(field_id)
        if claims is None:
            return self.fields.get(field_id, "hidden")
        return _widest(RIGHTS, (claim.always for claim in claims))


def _reaches(held: Right, wanted: Right) -> bool:
    return RIGHTS.index(held) >= RIGHTS.index(wanted)


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
        made = _everything(entity) if actor.platform else rights_of(model, actor.roles, entity)
        found = kept[key] = _of_computed(model, None if actor.platform else actor.roles, entity, made)
    if actor.platform or actor.allowed_scopes is None:
        return found
    return _narrowed(found, actor.allowed_scopes, entity)


_KEPT: WeakKeyDictionary[Model, dict[tuple[str, tuple[str, ...] | None], Rights]] = WeakKeyDictionary()
"""The rights that were asked for, as long as their model lives. No roles (None): the platform's."""
_MOST_KEPT = 20_000


def policy_field(entity: Entity) -> str | None:
    """The link whose target's row rights are this record's (its parent, or `access: via`), if any."""
    return entity.parent or entity.via


def rights_of(model: Model, roles: Iterable[str], entity: Entity) -> Rights:
    """The rights that some roles give together."""
    said = ((role, grant_of(model, role, entity)) for role in held_roles(model, roles))
    granted = [(role, grant) for role, grant in said if grant is not None]
    reaches = {action: _reach(entity, action, [grant for _, grant in granted]) for action in ACTIONS}
    # A role that may not read the entity gives no right to its fields either.
    opening = [(role, grant) for role, grant in granted if _opens(entity, grant)]
    fields: dict[str, Right] = {}
    narrowed: dict[str, tuple[Claim, ...]] = {}
    for each in entity.fields.values():
        claims = tuple(claim_of(role, grant, each) for role, grant in opening)
        fields[each.id] = widest = _widest(RIGHTS, (claim.right for claim in claims))
        if widest != _widest(RIGHTS, (claim.always for claim in claims)):
            narrowed[each.id] = claims
    return Rights(reaches, fields, narrowed or EMPTY)


def _of_computed(model: Model, roles: Iterable[str] | None, entity: Entity, found: Rights) -> Rights:
    """Nobody writes what is computed; who may not read all that it is made of (`roles` None: may) does not see it."""
    computed = [each for each in entity.fields.values() if each.computed is not None]
    if not computed:
        return found
    fields, narrowed = dict(found.fields), dict(found.narrowed)
    for each in computed:
        needed = () if roles is None else needs_read(entity, each, model)
        if all(_reads_every(model, roles or (), entity, other, field) for other, field in needed):
            fields[each.id] = _least(fields[each.id], "read")
            claims = narrowed.get(each.id, ())
            if claims:
                narrowed[each.id] = tuple(replace(one, right=_least(one.right, "read")) for one in claims)
        else:
            fields[each.id] = "hidden"
            narrowed.pop(each.id, None)
    return replace(found, fields=fields, narrowed=narrowed or EMPTY)


def _reads_every(model: Model, roles: Iterable[str], entity: Entity, other_id: str, field: str) -> bool:
    """Whether roles may read a field of the record itself or of what lives with it, or of every record of an entity."""
    other = model.entity(other_id)
    if other is None or not rights_of(model, roles, other).always_read(field):
        return False
    at: Entity | None = other
    for _ in range(7):
        if at is None or at.id == entity.id:
            return at is not None
        link = policy_field(at)
        if link is None:
            return rights_of(model, roles, at).reach("read").everything
        at = model.entity(at.fields[link].to[0]) if len(at.fields[link].to) == 1 else None
    return False


def held_roles(model: Model, roles: Iterable[str]) -> list[Role]:
    found = (model.role(name) if not name.startswith(FORM) else _form_role(model, name) for name in roles)
    return [role for role in found if role is not None]


def grant_of(model: Model, role: Role, entity: Entity) -> Grant | None:
    """What a role says of an entity, by name, under `*`, or of what the entity is a part of."""
    return role.grants.get(entity.id) or role.grants.get("*") or _inherited(model, role, entity, 0)


def claim_of(role: Role, grant: Grant, each: Field) -> Claim:
    """The right to a field that one role gives, capped by how sensitive the field is."""
    right = grant.fields.get(each.id, grant.fields.get("*", "write"))
    narrowed = grant.narrowed.get(each.id)
    claim = Claim(right) if narrowed is None else Claim(right, narrowed.when, narrowed.otherwise)
    claim = replace(claim, right=_possible(claim.right, each), otherwise=_possible(claim.otherwise, each))
    if SENSITIVITIES.index(each.sensitivity) <= SENSITIVITIES.index(role.clearance):
        return claim
    most = _possible("masked" if each.sensitivity == "personal" else "hidden", each)
    return replace(claim, right=_least(claim.right, most), otherwise=_least(claim.otherwise, most))


def _possible(right: Right, each: Field) -> Right:
    """Nothing is shown of what has no mask."""
    return "hidden" if right == "masked" and not registry.of(each).maskable else right


def _least(one: Right, other: Right) -> Right:
    return min(one, other, key=RIGHTS.index)


def _reach(entity: Entity, action: str, grants: Iterable[Grant]) -> Reach:
    scopes: set[Scope] = set()
    where: dict[str, None] = {}
    for grant in grants:
        scope = grant.scopes.get(action, "none")
        if action in grant.where:
            where[grant.where[action]] = None
        # Where nothing has an owner, nobody owns anything.
        elif scope in ("all", "team") or (scope != "none" and entity.owned):
            scopes.add(scope)
    return Reach(frozenset(scopes), tuple(where))


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
    return Role(name, name, form.label, grants, clearance="secret")


def _inherited(model: Model, role: Role, entity: Entity, depth: int) -> Grant | None:
    """Who is let to a record is let to the fields of its parts, when the role says nothing of them."""
    link = policy_field(entity)
    for target in entity.fields[link].to if link is not None and depth < 6 else ():
        parent = model.entity(target)
        if parent is not None and (parent.id in role.grants or _inherited(model, role, parent, depth + 1)):
            return Grant()
    return None


def _opens(entity: Entity, grant: Grant) -> bool:
    named = bool(grant.where) or any(scope != "none" for scope in grant.scopes.values())
    return named or policy_field(entity) is not None


def _widest(order: tuple[T, ...], found: Iterable[T]) -> T:
    return max(found, key=order.index, default=order[0])


def _everything(entity: Entity) -> Rights:
    return Rights(dict.fromkeys(ACTIONS, Reach(frozenset({"all"}))), {each: "write" for each in entity.fields})


def _narrowed(found: Rights, allowed: frozenset[str], entity: Entity) -> Rights:
    """Rights under an API token: `read`/`write` for everything, `read:<entity id>`/`write:<entity id>` for one."""
    read = bool(allowed & {"read", "write", f"read:{entity.id}", f"write:{entity.id}"})
    write = bool(allowed & {"write", f"write:{entity.id}"})
    if read and write:
        return found
    reaches = {
        action: reach if (read if action == "read" else write) else NOTHING for action, reach in found.reaches.items()
    }
    return replace(found, reaches=reaches)
