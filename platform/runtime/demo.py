"""A business made up from a seed number: the same number and day make the same records, whatever the machine."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime import records
from runtime.demo_values import Making, Row, World
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import PlatformActor, open_workspace

_CHUNK = 500

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
        for at in range(0, len(rows), _CHUNK):
            chunk = rows[at : at + _CHUNK]
            world.learn(entity.id, _write(host, tenant, entity.id, chunk), chunk)
            made += len(chunk)
            tell(entity.key, made, len(rows))
    return world.count()


def _write(host: Host, tenant: Tenant, entity: str, rows: Sequence[Row]) -> list[str]:
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        filled = [{name: value for name, value in row.items() if value is not None} for row in rows]
        verdicts = records.write_many(ws, entity, "insert", filled, keep_good=False)
    return [str(each.id) for each in verdicts]
