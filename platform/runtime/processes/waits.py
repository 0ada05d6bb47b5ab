"""The `_workflow_wait` table: which records wake which runs. The only module that reads and writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from runtime.portable import Id
from runtime.workspace import Workspace

_WAIT = sa.table(
    "_workflow_wait",
    sa.column("instance", Id()),
    sa.column("visit", sa.Integer()),
    sa.column("kind", sa.Text()),
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("condition", sa.Text()),
    sa.column("key", sa.Text()),
)
_COLUMNS = ("instance", "visit", "kind", "entity", "record", "condition", "key")


class Wait(NamedTuple):
    """A visit of a run waits for a record: until it is `updated` or `deleted`, the human `task` is over, or a `message`
    about it comes."""

    instance: str
    visit: int
    kind: str
    entity: str
    record: str | None
    condition: str | None = None
    """Of `updated` and `deleted`: what must hold after it."""
    key: str | None = None
    """Of `message`: see `message_key`."""


def message_key(workflow: str, name: str, at: str, value: str) -> str:
    """What a message to a workflow is known by: its name, the place in it that is looked at, and what stands there."""
    return f"{workflow}:{name}:{at}:{value}"


def of_messages(ws: Workspace, keys: Collection[str]) -> list[Wait]:
    """Who waits for a message that is known by one of these keys, in the order in which runs began."""
    columns = (_WAIT.c[name] for name in _COLUMNS)
    query = sa.select(*columns).where(_WAIT.c.key.in_(sorted(keys)), _WAIT.c.kind == "message")
    rows: Any = ws.db.execute(query.order_by(_WAIT.c.instance, _WAIT.c.visit))
    return [Wait(*row) for row in rows]


def change(ws: Workspace, before: Collection[Wait], after: Collection[Wait]) -> None:
    """Have a run wait for what it waits for now."""
    gone, come = set(before) - set(after), set(after) - set(before)
    for each in gone:
        ws.db.execute(sa.delete(_WAIT).where(_WAIT.c.instance == each.instance, _WAIT.c.visit == each.visit))
    if come:
        ws.db.execute(sa.insert(_WAIT), [each._asdict() for each in sorted(come)])


def of_records(ws: Workspace, entity: str, records: Iterable[str]) -> list[Wait]:
    """Who waits for these records, in the order in which runs began."""
    found: list[Wait] = []
    wanted = list(records)
    for start in range(0, len(wanted), 500):
        query = sa.select(*(_WAIT.c[name] for name in _COLUMNS)).where(
            _WAIT.c.record.in_(wanted[start : start + 500]), _WAIT.c.entity == entity
        )
        rows: Any = ws.db.execute(query.order_by(_WAIT.c.instance, _WAIT.c.visit))
        found += [Wait(*row) for row in rows]
    return found
