"""What to do first in a tenant where nobody has done anything yet: told to who may do it, until there is a record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from flask import url_for

from blueprints import visibility
from blueprints.app.shell import menu
from blueprints.texts import Words
from metadata.model import Entity, Role
from runtime import queries
from runtime.queries import Query
from runtime.workspace import Workspace

_PLATFORMS_OWN = frozenset(
    """
    user unit tag exchange_rate notification approval_request approval_task proxy webhook incoming_webhook shared_secret
    """.split()
)
"""Entities whose records do not mean that work has begun: people and what they are in come first."""
_BESIDE_WORK = _PLATFORMS_OWN | {"activity", "note", "task"}
"""Those of core: alone they are no business."""
_LOOKED_INTO = 12
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `command` is typed into a terminal; `url` leads to a page that does it."""

    icon: str
    title: str
    text: str
    label: str = ""
    url: str | None = None
    command: str = ""


class _Begun:
    """Tenants that are known to have records; they are never looked into again by this process."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def add(self, id: str) -> None:
        with self._lock:
            self._ids[id] = None
            if len(self._ids) > _KEPT:
                self._ids.popitem(last=False)


_begun = _Begun()


def steps(ws: Workspace, lang: str) -> tuple[Step, ...]:
    """What the person may do first; nothing once there is a record, or for who may do nothing of it."""
    key = f"{ws.tenant.id}:{ws.restore_epoch}"
    if key in _begun or not visibility.has_capability(ws, "configure"):
        return ()
    business = _business(ws, lang)
    if any(_has_records(ws, each) for each in business[:_LOOKED_INTO]):
        _begun.add(key)
        return ()
    return tuple(_steps(ws, business, Words(lang)))


def _business(ws: Workspace, lang: str) -> list[Entity]:
    """What the menus are about, beside people; where no menu is about anything, what the description is about."""
    named = dict.fromkeys(line.entity for group in menu(ws, lang) for line in group.items if line.entity)
    found = [each for name in named if (each := ws.model.entity(name)) and each.id not in _PLATFORMS_OWN]
    if found:
        return found
    alone = (ws.model.entity(id) for id in ws.model.index.get("entities", {}) if id not in _BESIDE_WORK)
    return [each for each in alone if each is not None and not each.generated and each.parent is None]


def _has_records(ws: Workspace, entity: Entity) -> bool:
    return bool(queries.find(ws, Query(entity.id, fields=("id",), limit=1)).raw)


def _steps(ws: Workspace, business: list[Entity], words: Words) -> Iterator[Step]:
    name = ws.tenant.name
    if not business:
        text, command = words.first_describe_text, f"metaloom plan {name} my-package/"
        yield Step("file-code", words.first_describe, text, command=command)
    creatable = [each for each in business if visibility.may(ws, each, "create")]
    first = next((each for each in creatable if not _needs_another(each, business)), next(iter(creatable), None))
    if first is not None:
        what, one = words.label(first.plural), words.label(first.label)
        if visibility.has_capability(ws, "import"):
            url = url_for("app.import", entity=first.key)
            text = words("first_import_text", what=what)
            yield Step("file-import", words("first_import", what=what), text, words("import"), url)
        url = url_for("app.new", entity=first.key)
        yield Step("plus", words("new", what=one), words("first_new_text", what=one), words.create, url)
    if visibility.has_capability(ws, "users"):
        role = _role(ws, business)
        command = f"metaloom user add {name} NAME --role {role}"
        yield Step("user-plus", words.first_invite, words.first_invite_text, command=command)
    yield Step("building-store", words.first_demo, words.first_demo_text, command="make demo")
    if business:
        command = f"metaloom plan {name} my-layer/"
        yield Step("file-code", words.first_change, words.first_change_text, command=command)


def _needs_another(entity: Entity, business: list[Entity]) -> bool:
    """Whether nothing of it can be entered before there is something else: a group needs its course."""
    others = {each.id for each in business} - {entity.id}
    return any(field.required and others.intersection(field.to) for field in entity.fields.values())


def _role(ws: Workspace, business: list[Entity]) -> str:
    """A role to begin with: the one that may create most of what the menus are about, administrators aside."""
    ids = [each.id for each in business]

    def creates(role: Role) -> int:
        return sum(id in role.grants and role.grants[id].scopes.get("create", "none") != "none" for id in ids)

    roles = [each for each in ws.model.all("roles") if each.id != "admin"]
    return max(roles, key=creates).key if roles else "admin"
