"""A business made up from a seed number: the same number and day make the same records, whatever the machine."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runtime import records
from runtime.demo_values import Making, Row, World
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import PlatformActor, open_workspace

_CHUNK = 500
_DAYS = 60
"""Days on which the records of an entity are written, where the demo says when each was created."""
_CREATED = "created_at"

Tell = Callable[[str, int, int], None]
"""(key of the entity, records made, records to be made)."""


def make(
    host: Host,
    tenant: Tenant,
    name: str | None = None,
    today: dt.date | None = None,
    tell: Tell = lambda entity, made, of: None,
) -> int:
    """Make the records of one demo of the description, or of all; how many. Each chunk is a transaction of its own."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        demos = [each for each in ws.model.all("demo")] if name is None else [ws.model.get("demo", name)]
        today = today or ws.now.date()
    return sum(_make(host, tenant, demo, today, tell) for demo in demos if demo is not None)


def _make(host: Host, tenant: Tenant, demo: Mapping[str, Any], today: dt.date, tell: Tell) -> int:
    world = World(today)
    for entity_name, described in demo["entities"].items():
        with open_workspace(host, tenant, PlatformActor()) as ws:
            entity = ws.model.entity(entity_name)
            assert entity is not None, entity_name
            making = Making(ws, entity, random.Random(f"{demo['seed']}:{entity.id}"), world)
            rows = making.rows(described.get("fields", {}), described["count"])
        made = 0
        for moment, chunk in _by_moment(rows):
            world.learn(entity.id, _write(host, tenant, entity.id, chunk, moment), chunk)
            made += len(chunk)
            tell(entity.key, made, len(rows))
    return world.count()


def _by_moment(rows: list[Row]) -> Iterator[tuple[dt.datetime | None, list[Row]]]:
    """Chunks of records and when they are written: a business has not made all of its notes on one day."""
    told = [(str(row.pop(_CREATED, None) or ""), row) for row in rows]
    if not any(moment for moment, _ in told):
        yield from ((None, rows[at : at + _CHUNK]) for at in range(0, len(rows), _CHUNK))
        return
    told.sort(key=lambda each: each[0])
    size = min(_CHUNK, -(-len(told) // _DAYS))
    for at in range(0, len(told), size):
        some = told[at : at + size]
        # What no moment is told of is written now, as everything that would lie ahead.
        yield _moment(some[0][0]), [row for _, row in some]


def _moment(text: str) -> dt.datetime | None:
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text if "T" in text else f"{text}T02:00:00Z")
    return min(moment, dt.datetime.now(dt.UTC))


def _write(
    host: Host, tenant: Tenant, entity: str, rows: Sequence[Row], moment: dt.datetime | None = None
) -> list[str]:
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command", now=moment) as ws:
        filled = [{name: value for name, value in row.items() if value is not None} for row in rows]
        verdicts = records.write_many(ws, entity, "insert", filled, keep_good=False)
    return [str(each.id) for each in verdicts]
