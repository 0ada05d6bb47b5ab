"""The `_approval_entry` table: what was done in each request, by whom, from where. Alone reads and writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.ids import uuid7s
from runtime.portable import Id, Json, Moment
from runtime.workspace import Workspace
from workflow.approvals.effects import Entry

_ENTRY = sa.table(
    "_approval_entry",
    sa.column("id", Id()),
    sa.column("request", Id()),
    sa.column("at", Moment()),
    sa.column("verb", sa.Text()),
    sa.column("actor", Id()),
    sa.column("actor_name", sa.Text()),
    sa.column("on_behalf_of", Id()),
    sa.column("visit", sa.Integer()),
    sa.column("node", sa.Text()),
    sa.column("task", Id()),
    sa.column("before", sa.Text()),
    sa.column("after", sa.Text()),
    sa.column("comment", sa.Text()),
    sa.column("detail", Json()),
    sa.column("channel", sa.Text()),
    sa.column("address", sa.Text()),
)
_COLUMNS = tuple(each.name for each in _ENTRY.c)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the trail. `fields` are before and after by field id, as JSON; `detail` explains the rest."""

    id: str
    at: dt.datetime
    verb: str
    actor: str | None
    actor_name: str
    on_behalf_of: str | None
    visit: int | None
    node: str | None
    task: str | None
    before: str
    after: str
    comment: str
    people: tuple[str, ...]
    fields: Mapping[str, Sequence[Any]]
    detail: Mapping[str, Any]
    channel: str
    address: str | None


def append(ws: Workspace, request: str, entries: Sequence[Entry], address: str | None = None) -> None:
    """Write what happened. `address`: from which network address."""
    if not entries:
        return
    rows = []
    for id, each in zip(uuid7s(len(entries)), entries, strict=True):
        own = each.actor is not None and each.actor == ws.actor.user
        detail = {
            "people": list(each.people),
            "fields": {field: list(values) for field, values in each.fields.items()},
            "detail": dict(each.detail),
        }
        rows.append(
            {
                "id": id,
                "request": request,
                "at": ws.now,
                "verb": each.verb,
                "actor": each.actor,
                "actor_name": ws.actor.name if own else "",
                "on_behalf_of": each.behalf,
                "visit": each.visit,
                "node": each.node,
                "task": each.task,
                "before": each.before,
                "after": each.after,
                "comment": each.comment,
                "detail": detail,
                "channel": ws.actor.channel,
                "address": address,
            }
        )
    ws.db.execute(sa.insert(_ENTRY), rows)


def lines(ws: Workspace, request: str) -> list[Line]:
    """The trail of a request, in order."""
    columns = [_ENTRY.c[name] for name in _COLUMNS if name != "request"]
    rows: Any = ws.db.execute(sa.select(*columns).where(_ENTRY.c.request == request).order_by(_ENTRY.c.id))
    return [_line(row._asdict()) for row in rows]


def _line(row: dict[str, Any]) -> Line:
    told = row.pop("detail")
    return Line(**row, people=tuple(told["people"]), fields=told["fields"], detail=told["detail"])
