"""Writing notifications: records of the core entity `notification`, made by the platform for a reader with his rights.

A notification names the record that it is about but holds nothing of it: what somebody may no longer read, an old
notification does not show either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metadata.access import Actor
from metadata.problems import Unauthenticated
from runtime.actors import load_actor
from runtime.workspace import Workspace

ENTITY = "notification"


def reader_of(ws: Workspace, person: str) -> Actor | None:
    """Whom to tell, with his rights; None when nobody would read it."""
    if ws.model.entity(ENTITY) is None:
        return None
    kept: dict[str, Actor | None] = ws.db.notes.setdefault("told", {})
    if person not in kept:
        try:
            kept[person] = load_actor(ws.model, ws.db, person, "api")
        except Unauthenticated:
            kept[person] = None
    return kept[person]


def write(ws: Workspace, reader: Actor, kind: str, said: str, about: Mapping[str, Any]) -> None:
    """Tell a reader. `about`: `page`, `related`, `body` by field id."""
    entity = ws.model.entity(ENTITY)
    assert entity is not None
    values = {"owner": reader.user, "kind": kind, "subject": said, **about}
    related = values.get("related")
    link = entity.fields.get("related")
    if related is not None and (link is None or related["entity"] not in link.to):
        del values["related"]  # the description does not let notifications point there; the page tells it
    # By today's keys: a package may have renamed the fields.
    named = {entity.fields[id].key: value for id, value in values.items() if id in entity.fields}
    writer().create(as_platform(ws), entity, named)


def of_record(entity: str, record: str) -> dict[str, Any]:
    """What a notification holds of the record that it is about."""
    return {"page": f"/app/{entity}/{record}", "related": {"entity": entity, "id": record}}


def as_platform(ws: Workspace, user: str | None = None) -> Workspace:
    """The platform writes, and it stays known who was at work."""
    return replace(ws, actor=replace(ws.actor, platform=True, user=user or ws.actor.user))


def writer() -> Any:
    from runtime import records  # a write tells, and telling is a write

    return records
