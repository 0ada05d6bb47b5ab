"""A dry run for the administrators of a pool: what would go back to it, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from metadata.access import platform_actor, rights
from metadata.model import Entity
from metadata.pools import Recycle
from runtime import pools, queries
from runtime.assigning.showing import HIDDEN, names_of
from runtime.queries import Query
from runtime.queries.fields import narrowed
from runtime.records.policies import entity_of
from runtime.recycling.due import AT_ONCE, Due, scan, today_of
from runtime.workspace import Workspace

MOST = 1_000
"""Records that are listed."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would go. Of records that the reader may not see only the number is told."""

    due: tuple[tuple[Due, str | None, Mapping[str, Any] | None, bool], ...]
    """(record, its title, its owner as data, whether the day may be told), the next to go first."""
    hidden: int
    more: bool
    """There are more than are listed."""


def foresee(ws: Workspace, entity: Entity | str, name: str, days: int = 1) -> Foreseen:
    """What goes back to a pool within some days: 1 is next midnight. Raises NotFound, Forbidden."""
    found = entity_of(ws, entity)
    pool = pools.require_admin(ws, found, name)
    asking = replace(ws, actor=platform_actor("job"))
    first: dict[str, Due] = {}
    more = False
    for rule in pool.recycle:
        after: str | None = None
        while True:
            page = scan(asking, pool, rule, today_of(ws) + dt.timedelta(days=days), after=after)
            for each in page.due:
                if each.record not in first or each.on < first[each.record].on:
                    first[each.record] = each
            after = page.next
            more = more or (len(first) >= MOST and after is not None)
            if after is None or len(first) >= MOST:
                break
    due = sorted(first.values(), key=lambda each: (each.on, each.record))
    shown = _shown(ws, found, [each.record for each in due])
    told = {rule.id: _may_tell(ws, found, rule) for rule in pool.recycle}
    listed = tuple((each, *shown[each.record], told[each.rule.id]) for each in due if each.record in shown)
    return Foreseen(listed, len(due) - len(listed), more)


def _shown(ws: Workspace, entity: Entity, ids: list[str]) -> dict[str, tuple[str | None, Mapping[str, Any] | None]]:
    """Title and owner (`{id, name}` or `{hidden: true}`) of those that the reader may see, as far as he may."""
    may = rights(ws.model, ws.actor, entity)
    fields = ("id", *(each for each in (entity.title, "owner") if may.may_read(each)))
    rows: list[dict[str, Any]] = []
    for at in range(0, len(ids), AT_ONCE):
        query = Query(entity.id, fields=fields, ids=tuple(ids[at : at + AT_ONCE]), limit=AT_ONCE)
        rows += queries.as_json(queries.find(ws, query))
    names = names_of(ws, {row["owner"] for row in rows if isinstance(row.get("owner"), str)})
    title = entity.fields[entity.title].key
    found: dict[str, tuple[str | None, Mapping[str, Any] | None]] = {}
    for row in rows:
        owner = row.get("owner")
        person = {"id": owner, "name": names[owner]} if isinstance(owner, str) and owner in names else HIDDEN
        found[row["id"]] = (None if row.get(title) is None else str(row[title]), person)
    return found


def _may_tell(ws: Workspace, entity: Entity, rule: Recycle) -> bool:
    """Whether the reader may know since when nothing has happened: he must see all that it is counted from."""
    may, narrow = rights(ws.model, ws.actor, entity), narrowed(ws, entity, "read")
    own = all("." not in path and may.may_read(path) and path not in narrow for path in rule.since)
    return ws.actor.platform or own
