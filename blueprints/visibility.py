"""What of a model an actor may know of: entities, fields, what can be done. For documents and menus, kept per roles."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from metadata.access import policy_field, rights
from metadata.model import ACTIONS, Entity, Field
from runtime import queries
from runtime.queries.build import Build
from runtime.queries.rules import inherited, may_ever
from runtime.workspace import Workspace

T = TypeVar("T")

_KEPT = 256


class _Kept:
    """Things made from a model for one set of roles; the least recently used go first."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                kept: T = self._found[key]
                return kept
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return made


_kept = _Kept()


def kept_for(ws: Workspace, what: Hashable, make: Callable[[], T]) -> T:
    """A thing that follows from the model and the actor's roles alone, made once."""
    actor = ws.actor
    # The fingerprint does not know the tenant: tenants on one package share, and nothing of their data is inside.
    key = (ws.model.fingerprint, actor.roles, actor.platform, actor.allowed_scopes, ws.db.dialect, what)
    return _kept.get(key, make)


def may(ws: Workspace, entity: Entity, action: str) -> bool:
    """Whether the actor may ever do this with records of the entity."""
    if action != "read" and entity.written_by == "platform" and not ws.actor.platform:
        return False
    return kept_for(ws, ("may", entity.id, action), lambda: _may(ws, entity, action, frozenset()))


def _may(ws: Workspace, entity: Entity, action: str, below: frozenset[str]) -> bool:
    """A part of another record is out of reach when all that it may be a part of are."""
    if not may_ever(Build(ws.model, ws.actor, ws.db.dialect), entity, action):
        return False
    link = policy_field(entity)
    if link is None or ws.actor.platform:
        return True
    wholes = [found for id in entity.fields[link].to if id not in below and (found := ws.model.entity(id))]
    return any(_may(ws, each, inherited(action), below | {entity.id}) for each in wholes)


def actions(ws: Workspace, entity: Entity) -> list[str]:
    return [action for action in ACTIONS if may(ws, entity, action)]


def may_with(ws: Workspace, entity: Entity, action: str, id: str) -> bool:
    """Whether the actor may do this with one record that he sees: asked of the database only when it depends on it."""
    if not may(ws, entity, action):
        return False
    if policy_field(entity) is None and rights(ws.model, ws.actor, entity).reach(action).everything:
        return True
    kept: dict[tuple[str, str, str], bool] = ws.db.notes.setdefault("may_with", {})
    key = (entity.id, action, id)
    if key not in kept:
        kept[key] = queries.sees(ws, entity, action, id, deleted=False)
    return kept[key]


def entities(ws: Workspace) -> Iterator[Entity]:
    """Every entity of which the actor may read a record. Builds them all: for documents, not for a request's path."""
    for entity in ws.model.all("entities"):
        if may(ws, entity, "read"):
            yield entity


def readable(ws: Workspace, entity: Entity) -> list[Field]:
    allowed = rights(ws.model, ws.actor, entity)
    return [each for each in entity.fields.values() if allowed.may_read(each.id)]


def masked(ws: Workspace, entity: Entity) -> list[Field]:
    """Fields of which the actor is shown a mask, in some records at least."""
    allowed = rights(ws.model, ws.actor, entity)
    return [each for each in entity.fields.values() if allowed.ever_masked(each.id)]


KEPT_FIELDS = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})


def writable(ws: Workspace, entity: Entity) -> list[Field]:
    """Fields that the actor may send."""
    allowed = rights(ws.model, ws.actor, entity)
    return [
        each
        for each in entity.fields.values()
        if allowed.may_read(each.id)
        and allowed.may_write(each.id)
        and each.id not in KEPT_FIELDS
        and not (each.system and each.id == "pool")  # only claims and returns write it
        and each.type != "sequence"
    ]


def belongs(entity: Entity) -> bool:
    """Whether records of the entity are seen as parts of others."""
    return policy_field(entity) is not None


def has_capability(ws: Workspace, name: str) -> bool:
    """Whether one of the actor's roles gives a capability beyond records."""
    if ws.actor.platform:
        return True
    roles = (ws.model.role(id) for id in ws.actor.roles)
    return any(role is not None and name in role.capabilities for role in roles)
