"""Follows the change feed and has webhooks told of what happened: each event once for each webhook, under a known key.

Messages hold the record as the webhook's role may read it when the message is made, not as it was at the event: who
wants every step of a record follows the feed itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.access import rights
from metadata.model import Entity, Role
from metadata.problems import Invalid, PlatformError
from runtime import deliveries, queries
from runtime.deliveries.table import SINCE
from runtime.feed import Happened, happened_after, last_position
from runtime.hooks.rows import Webhook, active, actor_of, any_active
from runtime.jobs import table as jobs
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.queries import Query
from runtime.workspace import Workspace

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Events that one transaction looks at."""
NAME = "webhooks"
_READER = sa.table("_feed_reader", sa.column("name", sa.Text()), sa.column("position", sa.BigInteger()))
_KINDS = {"created": "created", "updated": "updated", "restored": "updated", "deleted": "deleted", "merged": "deleted"}
"""Kind of an event -> what a webhook calls it."""


def queue(ws: Workspace, count: int) -> None:
    """The last `count` events of the feed have got their place: have webhooks told, if any are on."""
    if ws.system_version < SINCE:
        return
    if not any_active(ws):
        ws.db.run("DELETE FROM _feed_reader WHERE name = 'webhooks'")
        return
    last = last_position(ws)
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    begun = insert(_READER).values(name=NAME, position=last - count)
    ws.db.execute(begun.on_conflict_do_nothing(index_elements=["name"]))
    jobs.enqueue(ws, "webhooks", {}, key=f"webhooks:{ws.restore_epoch}:{last}")


def step(step: Step) -> Outcome:
    """Look at the next events, and go on from there."""
    ws = step.ws
    query = sa.select(_READER.c.position).where(_READER.c.name == NAME)
    row = ws.db.execute(query.with_for_update() if ws.db.dialect == "postgresql" else query).first()
    if row is None:
        return Done()
    events = happened_after(ws, row.position, AT_ONCE)
    if not events:
        return Done()
    sent = sum(_tell(ws, webhook, events) for webhook in active(ws))
    last = events[-1].position
    ws.db.execute(sa.update(_READER).where(_READER.c.name == NAME).values(position=last))
    told = {"position": last, "sent": int(step.job.progress.get("sent", 0)) + sent}
    return More(told) if len(events) == AT_ONCE else Done(told)


def _tell(ws: Workspace, webhook: Webhook, events: Sequence[Happened]) -> int:
    """Have one webhook told of those events that it is about; how many messages there are."""
    entity, role = ws.model.entity(webhook.about), ws.model.role(webhook.role)
    if entity is None or role is None:
        return 0
    wanted = [each for each in events if _wants(webhook, entity, each)]
    if not wanted:
        return 0
    try:
        return deliveries.webhooks(ws, _messages(ws, webhook, entity, role, wanted))
    except PlatformError as error:
        # The description has changed since it was saved: its role may not read this any more, or a field is gone.
        log.warning("webhook %s of tenant %s cannot be told: %s", webhook.id, ws.tenant.name, error)
        return 0


def _wants(webhook: Webhook, entity: Entity, event: Happened) -> bool:
    called = _KINDS.get(event.kind)
    on = called is not None and getattr(webhook, called)
    return bool(on and event.entity == entity.id and event.record is not None and event.at >= webhook.created_at)


def _messages(
    ws: Workspace, webhook: Webhook, entity: Entity, role: Role, events: Sequence[Happened]
) -> list[Mapping[str, Any]]:
    seen = replace(ws, actor=actor_of(ws, role, "webhook", "job"))
    living = _found(seen, webhook, entity, events, deleted=False)
    gone = _found(seen, webhook, entity, events, deleted=True)
    may = rights(ws.model, seen.actor, entity)
    made = []
    for event in events:
        called, record = _KINDS[event.kind], str(event.record)
        found = (gone if called == "deleted" else living).get(record)
        changed = [entity.fields[id].key for id in event.changed if id in entity.fields and may.may_read(id)]
        if found is None or (event.kind == "updated" and not changed):
            continue
        data = {"entity": entity.key, "id": record, "changed": changed, "record": found or None}
        moment = event.at.isoformat().replace("+00:00", "Z")
        body = {"type": f"{entity.key}.{called}", "timestamp": moment, "event": event.id, "data": data}
        key = f"webhook:{webhook.id}:{event.id}"
        made.append({"key": key, "url": webhook.url, "body": body, "webhook": webhook.id, "record": record})
    return [_small(each) for each in made]


def _small(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message that is too large goes without the record: the receiver can ask for that."""
    try:
        deliveries.require_small(message["body"])
        return message
    except Invalid:
        data = {**message["body"]["data"], "record": None, "left_out": True}
        return {**message, "body": {**message["body"], "data": data}}


def _found(
    seen: Workspace, webhook: Webhook, entity: Entity, events: Sequence[Happened], *, deleted: bool
) -> dict[str, Any]:
    """Record id -> the record as the role reads it (of a deleted one nothing), of those that meet the condition."""
    ids = {str(each.record) for each in events if (_KINDS[each.kind] == "deleted") is deleted}
    if not ids:
        return {}
    fields = ("id",) if deleted else None
    asked = Query(entity.id, webhook.condition or None, (), fields, AT_ONCE, ids=tuple(ids), deleted=deleted)
    objects = queries.as_json(queries.find(seen, asked))
    return {each["id"]: {} if deleted else each for each in objects}
