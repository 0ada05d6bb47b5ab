"""The ways to answer an expression, side by side: Python's closures, a database, the browser's interpreter.

Each answers for all deals of a world, in one order, with values as JSON data (`metadata.expressions.browser.plain`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from metadata.expressions import evaluate
from metadata.expressions.binding import Binding
from metadata.expressions.browser import Form, for_browser, plain
from metadata.expressions.closures.fields import reading
from metadata.expressions.closures.rows import BASE, Row
from metadata.expressions.sql import NotInSql
from metadata.expressions.tree import Expression, Kind, Listed, is_condition
from metadata.fieldtypes.registry import TYPES
from metadata.model import Model
from runtime.database.sqlite import SqliteServer
from runtime.queries.build import Build, Inputs, Joins, Source
from runtime.queries.conditions import where
from runtime.queries.values import value
from tests.audit.interpreter import Interpreter
from tests.worlds import Rows, World

Answers = list[Any]
UNKNOWN = "unknown"
"""The browser's answer where only the server can tell: then a form asks it."""
WAYS = frozenset({("account",), ("owner",), ("account", "parent"), ("account", "owner")})
LISTS = frozenset({"lines", "contacts"})
Values = Mapping[str, Any]


@dataclass
class Records:
    """The rows of a world by what links to them, and for every deal what it was before a save."""

    model: Model
    rows: Rows
    before: Sequence[Values | None] = ()

    @cached_property
    def by_id(self) -> dict[str, dict[str, Values]]:
        return {entity: {row["id"]: row for row in rows} for entity, rows in self.rows.items()}

    @property
    def deals(self) -> Sequence[Values]:
        return self.rows["deal"]

    def linked(self, entity: str, id: str) -> Values | None:
        return self.by_id.get(entity, {}).get(id)

    def listed(self, listed: Listed, owner: str) -> list[Row]:
        index = self._lists.get(listed)
        if index is None:
            index = self._lists[listed] = self._index(listed)
        return index.get(owner, [])

    @cached_property
    def _lists(self) -> dict[Listed, dict[str, list[Row]]]:
        return {}

    def _index(self, listed: Listed) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for pair in self.rows.get(listed.through or listed.entity, ()):
            far = pair["id"] if listed.far is None else pair[listed.far]
            record = self.linked(listed.entity, far) if far is not None else None
            owner = pair.get(listed.link)
            if record is not None and owner is not None:
                found.setdefault(owner, []).append(Row(record, self.linked, None, self.listed))
        return found

    @cached_property
    def asked(self) -> list[Row]:
        before = self.before or [None] * len(self.deals)
        return [Row(row, self.linked, was, self.listed) for row, was in zip(self.deals, before, strict=True)]


class Python:
    name = "python"

    def __init__(self, records: Records) -> None:
        self.records = records

    def answers(self, expression: Expression, binding: Binding) -> Answers:
        root, kind = expression.root, expression.kind
        made: Callable[..., Any] = evaluate.condition(root) if is_condition(root) else evaluate.value(root)
        constants = evaluate.bound_values(expression, binding)
        return [plain(kind, made(row, constants)) for row in self.records.asked]


class Browser:
    name = "browser"

    def __init__(self, records: Records, interpreter: Interpreter) -> None:
        self.records, self.interpreter = records, interpreter
        self.form = Form(lambda entity, field: True, "CNY", WAYS, LISTS)
        linked = {
            entity: {id: self.values(entity, row) for id, row in rows.items()}
            for entity, rows in records.by_id.items()
            if entity in ("account", "user", "deal", "unit")
        }
        rows = [self.row(each) for each in records.asked]
        assert interpreter.ask(linked=linked, rows=rows) == len(rows)

    def row(self, row: Row) -> dict[str, Any]:
        lists = {
            "lines": [self.inner("line", each) for each in self.records.listed(_LINES, row.values["id"])],
            "contacts": [self.inner("contact", each) for each in self.records.listed(_CONTACTS, row.values["id"])],
        }
        before = None if row.before is None else self.values("deal", row.before)
        return {"values": self.values("deal", row.values), "before": before, "lists": lists}

    def inner(self, entity: str, row: Row) -> dict[str, Any]:
        return {"values": self.values(entity, row.values)}

    def values(self, entity: str, row: Values) -> dict[str, Any]:
        found = self.records.model.entity(entity)
        assert found is not None
        written: dict[str, Any] = {}
        for field in found.fields.values():
            value, read = row.get(field.id), reading(field.type)
            kind = TYPES[field.type].kind
            written[field.id] = plain(kind, value if value is None or read is None else read(value))
            if field.type == "money":
                written[field.id + BASE] = plain(kind, row.get(field.id + BASE))
        return written

    def answers(self, expression: Expression, binding: Binding) -> Answers | None:
        """None: the form asks the server."""
        data = for_browser(expression, binding, self.form)
        if data is None:
            return None
        found: Answers = self.interpreter.ask(expression=data, kind=expression.kind)
        return [UNKNOWN if isinstance(each, dict) and UNKNOWN in each else each for each in found]


class Database:
    """One of the two, asked as the platform itself: over everything."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.name = "sqlite" if isinstance(world.server, SqliteServer) else "postgresql"
        self.order = [row["id"] for row in world.rows["deal"] if row.get("deleted_at") is None]

    def answers(self, expression: Expression, binding: Binding) -> Answers | None:
        """None: SQL cannot say it, and it is refused where it is written."""
        with self.world.workspace() as ws:
            build = Build(ws.model, ws.actor, ws.db.dialect)
            entity = build.entity("deal")
            table = build.table(entity)
            joins = Joins(build, Source(entity, table, table.table))
            id, asked = joins.root.column("id"), is_condition(expression.root)
            try:
                if asked:
                    told = where(build, joins, expression.root)
                    statement = sa.select(id).select_from(joins.origin).where(told)
                else:
                    column = value(build, joins, expression.root).column
                    statement = sa.select(id, column).select_from(joins.origin)
            except NotInSql:
                return None
            rows = build.finish(statement).fetch(ws, Inputs(ws.actor, binding, expression.values))
        if asked:
            met = {str(row[0]) for row in rows}
            return [id in met for id in self.order]
        found = {str(row[0]): row[1] for row in rows}
        return [_decoded(expression.kind, found[id]) for id in self.order]


def _decoded(kind: Kind, found: Any) -> Any:
    """What a driver gives as JSON data."""
    match kind, found:
        case _, None:
            return None
        case "boolean", _:
            return bool(found)
        case "date", str():
            return found[:10]
        case "datetime", str():
            found = dt.datetime.fromisoformat(found)
        case "id", _:
            return str(found)
    return plain(kind, found)


_LINES = Listed("deal", "line", "deal", "lines")
_CONTACTS = Listed("deal", "contact", "near", "contacts", "deal__contacts", "far")
