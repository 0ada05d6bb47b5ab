"""Who may give which rights to whom: nobody gives what he lacks, and some manage only the people below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from metadata.access import Actor, Reach, Rights, held_roles, rights_of
from metadata.model import ACTIONS, RIGHTS, SCOPES, SENSITIVITIES, Model, Role

USERS, USERS_BELOW = "users", "users_below"
"""Capabilities: to manage everybody, or the people of one's own units and of those below."""


def capabilities_of(model: Model, roles: Iterable[str]) -> frozenset[str]:
    """What some roles may do beyond records."""
    found = frozenset().union(*(each.capabilities for each in held_roles(model, roles)))
    return found | {USERS_BELOW} if USERS in found else found


def may_manage(model: Model, actor: Actor, unit: str | None) -> bool:
    """Whether the actor manages a person whose main unit this is. A token manages nobody."""
    if actor.platform:
        return True
    held = capabilities_of(model, actor.roles) if actor.allowed_scopes is None else frozenset()
    return USERS in held or (USERS_BELOW in held and unit is not None and unit in actor.subtree)


def is_whole(actor: Actor) -> bool:
    """Whether a token, if there is one, leaves its owner all that is his: what is beyond records needs that."""
    return actor.platform or actor.allowed_scopes is None or "write" in actor.allowed_scopes


def exceeds(model: Model, holder: Sequence[str], role: Role) -> bool:
    """Whether a role may do anything that some roles together may not: nobody gives what he lacks."""
    own = held_roles(model, holder)
    if not role.capabilities <= capabilities_of(model, holder):
        return True
    if SENSITIVITIES.index(role.clearance) > max((SENSITIVITIES.index(each.clearance) for each in own), default=1):
        return True
    # Of an entity that the role does not name it says something all the same when it is a part of one that it does.
    return any(
        _more(rights_of(model, [role.id], entity), rights_of(model, [each.id for each in own], entity))
        for entity in model.all("entities")
    )


def _more(given: Rights, own: Rights) -> bool:
    return any(_further(given.reach(action), own.reach(action)) for action in ACTIONS) or any(
        RIGHTS.index(right) > RIGHTS.index(own.always(id)) and given.narrowed.get(id) != own.narrowed.get(id, ())
        for id, right in given.fields.items()
    )


def _further(given: Reach, own: Reach) -> bool:
    if own.everything:
        return False
    beyond = SCOPES.index(given.widest) > SCOPES.index(own.widest)
    return beyond or not set(given.where) <= set(own.where)
