"""The `_assignment_pointer` table: whose turn it is by each rule. The only module that reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.model import EMPTY
from runtime.portable import Id, Json, Moment
from runtime.workspace import Workspace
from workflow.assigning import Pointer

FALLBACK = ""
"""Stands for a rule: the turns of the fallback."""
_LINE = ""
"""Stands for an assignment: the row of an entity in which everybody stands in line."""

_POINTER = sa.table(
    "_assignment_pointer",
    sa.column("entity", sa.Text()),
    sa.column("assignment", sa.Text()),
    sa.column("rule", sa.Text()),
    sa.column("last", Id()),
    sa.column("used", Json()),
    sa.column("moved_at", Moment()),
)
_KEY = ("entity", "assignment", "rule")


def stand_in_line(ws: Workspace, entity: str) -> None:
    """Wait for others who give records of an entity to people: turns and loads stay as read until this transaction
    ends. One line for the whole entity, since a person's load is that of all its rules."""
    _put(ws, {"entity": entity, "assignment": _LINE, "rule": "", "moved_at": ws.now})


def of(ws: Workspace, entity: str, assignment: str) -> Mapping[str, Pointer]:
    """Id of each rule that had a turn -> whose it was."""
    mine = sa.select(_POINTER.c.rule, _POINTER.c.last, _POINTER.c.used)
    rows: Any = ws.db.execute(mine.where(_POINTER.c.entity == entity, _POINTER.c.assignment == assignment))
    return {rule: Pointer(last, used or EMPTY) for rule, last, used in rows}


def keep(ws: Workspace, entity: str, assignment: str, rule: str, pointer: Pointer) -> None:
    values = {"entity": entity, "assignment": assignment, "rule": rule, "moved_at": ws.now}
    _put(ws, {**values, "last": pointer.last, "used": dict(pointer.used) or None})


def _put(ws: Workspace, values: Mapping[str, Any]) -> None:
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    changed = {name: value for name, value in values.items() if name not in _KEY}
    ws.db.execute(insert(_POINTER).values(values).on_conflict_do_update(index_elements=_KEY, set_=changed))
