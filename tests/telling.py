"""What is told of records beyond lists: history, the change feed and exports, held to the rules of `accessing`."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from metadata.fieldtypes.links import AnyLink
from metadata.problems import Forbidden, NotFound
from runtime.queries import Query
from runtime.queries.history import feed, history
from runtime.system.tables import table
from runtime.transfer.exporting import Sheet, write
from runtime.workspace import Workspace
from tests.accessing import Rules
from tests.worlds import NOW, uuid

TOLD: Mapping[str, tuple[str, ...]] = {
    "user": ("name",),
    "unit": ("name", "parent"),
    "account": ("name", "industry", "parent", "phone", "owner"),
    "deal": ("name", "account", "stage", "size", "note", "about", "owner", "unit"),
    "line": ("name", "deal", "account", "qty"),
    "contact": ("name", "account"),
    "remark": ("name", "about"),
}
"""Entity id -> the fields of which its events tell."""
EXPORTED: Mapping[str, tuple[str, ...]] = {
    "account": ("name", "phone", "industry", "parent", "owner"),
    "deal": ("name", "size", "note", "stage", "account", "owner"),
    "line": ("name", "qty", "deal", "account"),
}
_EXACT = frozenset({"name", "phone", "size", "note", "qty"})
"""Of these the cell is the value; of others it only counts whether there is anything in it."""
_KEYS = {"new": "fresh", "won": "won", "lost": "gone"}
_FIRST = 2_000
SURFACES = 3


def write_events(ws: Workspace, rows: Mapping[str, Sequence[Mapping[str, Any]]], *, anew: bool) -> None:
    """One event for each row, as if each had been made and never changed."""
    held = table("_event", ws.dialect)
    ws.db.execute(CreateTable(held) if anew else sa.delete(held))
    sqlite = ws.dialect == "sqlite"
    made: list[dict[str, Any]] = []
    for entity, fields in TOLD.items():
        for row in rows[entity]:
            changes = {each: [None, _json(row[each])] for each in fields if row.get(each) is not None}
            made.append(
                {
                    "id": uuid(_FIRST + len(made)),
                    "at": NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if sqlite else NOW,
                    "actor_name": "Somebody",
                    "channel": "api",
                    "depth": 0,
                    "release": 1,
                    "kind": "created",
                    "entity": entity,
                    "record": row["id"],
                    "digest": "",
                    "changes": orjson.dumps(changes).decode() if sqlite else changes,
                    "position": len(made) + 1,
                }
            )
    ws.db.execute(sa.insert(held), made)


def _json(value: Any) -> Any:
    return {"entity": value.entity, "id": value.id} if isinstance(value, AnyLink) else value


def told(rules: Rules, entity: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of a row's event as the actor may read them."""
    found = {}
    for each in TOLD[entity]:
        if row.get(each) is not None and rules.right(entity, each, row) > 1:
            found[each] = {"before": None, "after": _shown(rules, entity, each, row[each])}
    return found


def _shown(rules: Rules, entity: str, field: str, value: Any) -> Any:
    described = rules.field(entity, field)
    if described.options:
        return _KEYS[value]
    if not described.to:
        return value
    target, id = (value.entity, value.id) if isinstance(value, AnyLink) else (described.to[0], value)
    # In the bin or not: that something is gone is told by its own events.
    seen = any(row["id"] == id and rules.allows(target, row) for row in rules.rows[target])
    return _json(value) if seen else {"hidden": True}


def differences(ws: Workspace, rules: Rules) -> Iterator[str]:
    yield from compare_history(ws, rules)
    yield from compare_feed(ws, rules)
    for entity in EXPORTED:
        yield from compare_export(ws, rules, entity)


def compare_history(ws: Workspace, rules: Rules) -> Iterator[str]:
    for entity in TOLD:
        for row in rules.rows[entity][::3]:
            wanted = [told(rules, entity, row)] if rules.allows(entity, row) else None
            try:
                found = [each["changes"] for each in history(ws, entity, row["id"])["data"]]
            except NotFound:
                found = None
            if found != wanted:
                yield f"history {entity}: {found} for {wanted}"


def compare_feed(ws: Workspace, rules: Rules) -> Iterator[str]:
    found = [(each["entity"], each["record"], each["changes"]) for each in feed(ws, 0, 500)["data"]]
    wanted = [
        (entity, row["id"], told(rules, entity, row))
        for entity in TOLD
        for row in rules.rows[entity]
        if rules.allows(entity, row)
    ]
    if found != wanted:
        wrong = [each for each in found if each not in wanted] or [each for each in wanted if each not in found]
        yield f"feed: {len(found)} for {len(wanted)}, {wrong[:2]}"


def compare_export(ws: Workspace, rules: Rules, entity: str) -> Iterator[str]:
    fields = [each for each in EXPORTED[entity] if rules.may_read(entity, each)]
    if not fields:
        return
    try:
        _, *lines = exported(ws, Query(entity, fields=tuple(fields)))
    except Forbidden:
        lines = []
    found = Counter(
        tuple(cell if each in _EXACT else bool(cell) for each, cell in zip(fields, line, strict=True)) for line in lines
    )
    wanted = Counter(tuple(_cell(rules, entity, row, each) for each in fields) for row in rules.seen(entity))
    if found != wanted:
        yield f"export {entity} {fields}: {list((found - wanted).items())[:3]} for {list((wanted - found).items())[:3]}"


def _cell(rules: Rules, entity: str, row: Mapping[str, Any], field: str) -> Any:
    value = rules.json(entity, row, rules.field(entity, field)) if rules.right(entity, field, row) > 1 else None
    if field in _EXACT:
        return "" if value is None else str(value)
    return value is not None and value != {"hidden": True}


def exported(ws: Workspace, query: Query) -> list[list[str]]:
    """The cells of an export, its head first."""
    with tempfile.TemporaryDirectory(prefix="metaloom-audit-") as folder:
        path = Path(folder) / "export.csv"
        write(ws, query, path, Sheet())
        with path.open(encoding="utf-8-sig", newline="") as lines:
            # A line without anything is one empty cell.
            return [each or [""] for each in csv.reader(lines)]
