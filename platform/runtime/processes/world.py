"""The world of a run: conditions, values and times over the records as they are now, read when they are asked for.

Read over everything, whoever caused the run: what a workflow decides does not depend on who looks. What it does, it
does with the rights of whom it acts for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.durations import after, after_in, parse_duration
from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Needs, Row, binder, condition, needs, value
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Expression
from metadata.model import Entity, Model
from metadata.workflow_texts import any_value, moment, scope_of_workflows
from runtime import sealing
from runtime.queries.cache import kept
from runtime.records.computing.loading import rows_of
from runtime.records.computing.times import timed_values
from runtime.records.drafts import Draft
from runtime.records.locked import lock
from runtime.records.plans import WritePlan, plan_of
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace


class Records:
    """Answers what the engine asks. `ws` is the platform's; `held` are conditions that held when the event was."""

    def __init__(self, ws: Workspace, binding: Binding, held: Collection[str] = (), *, locking: bool = True) -> None:
        self._ws, self._binding, self._locking = ws, binding, locking
        self.held = frozenset(held)
        """Texts about an event that is being told: they were asked when it happened."""
        self._drafts: dict[tuple[str, str], Draft | None] = {}
        self._written: dict[tuple[str, str], Draft | None] = {}
        self._gone: set[tuple[str, str]] = set()
        self._zone = ZoneInfo(str(ws.model.settings.get("timezone", "UTC")))

    @property
    def now(self) -> dt.datetime:
        return self._ws.now

    def forget(self) -> None:
        """Something has been written: what was read may have changed."""
        self._drafts, self._written = self._written, {}

    def wrote(self, plan: WritePlan, record: str, values: Mapping[str, Any]) -> None:
        """The next thing to be forgotten is this very change: what it made of the record need not be read again."""
        if not plan.entity.triggers:  # else what follows from it in others may come back to it
            shown = {**values, **timed_values(self._ws, plan, values)} if plan.table.timed else values
            self._written[plan.entity.id, record] = Draft(record, dict(shown), values)

    def holds(self, text: str, entity: str, record: str | None) -> bool | None:
        if text in self.held:
            return True
        found = self._asked("condition", text, entity, record)
        if found is None:
            return None
        expression, row = found
        closure = kept(self._ws.model).get(("holds", entity, text), partial(condition, expression.root))
        return bool(closure(row, self._constants(entity, text, expression)))

    def value(self, text: str, entity: str, record: str | None) -> Any:
        found = self._asked("value", text, entity, record)
        if found is None:
            return None
        expression, row = found
        closure = kept(self._ws.model).get(("value", entity, text), partial(value, expression.root))
        return closure(row, self._constants(entity, text, expression))

    def moment(self, text: str, entity: str, record: str | None) -> dt.datetime | None:
        found = self._asked("moment", text, entity, record)
        if found is None:
            return None
        expression, row = found
        closure = kept(self._ws.model).get(("moment", entity, text), partial(value, expression.root))
        given = closure(row, self._constants(entity, text, expression))
        if isinstance(given, dt.datetime):
            return given.astimezone(dt.UTC)
        if isinstance(given, dt.date):
            try:
                return dt.datetime.combine(given, dt.time(), self._zone).astimezone(dt.UTC)
            except OverflowError:  # the first day there is began before that east of Greenwich
                return dt.datetime.min.replace(tzinfo=dt.UTC)
        return None

    def after(self, span: str, calendar: str | None, start: dt.datetime) -> dt.datetime | None:
        try:
            duration = parse_duration(span)
            if calendar is None:
                return after(duration, start, self._zone)
            found = self._ws.model.get("calendars", calendar)
            return None if found is None else after_in(found, duration, start)
        except OverflowError:
            return None

    def draft(self, entity: str, record: str | None) -> Draft | None:
        """A record with its values, in the recycle bin or not; None when there is none. A living one is locked: what
        is decided of it stays true until this transaction ends."""
        if record is None:
            return None
        key = (entity, record)
        if key not in self._drafts:
            self._drafts[key] = self._read(entity, record)
        return self._drafts[key]

    def lives(self, entity: str, record: str) -> bool:
        """Whether a record is there and not in the recycle bin."""
        return self.draft(entity, record) is not None and (entity, record) not in self._gone

    def plan(self, entity: str) -> WritePlan | None:
        found = self._ws.model.entity(entity)
        return None if found is None else plan_of(self._ws.model, found, self._ws.db.dialect)

    def _read(self, entity: str, record: str) -> Draft | None:
        plan = self.plan(entity)
        if plan is None:
            return None
        ws = self._ws
        held = lock(ws, plan, [record], "read", everything=True) if self._locking else {}
        if record in held:
            values: Mapping[str, Any] = held[record].values
        else:
            chosen = sa.select(*plan.selected, plan.table.table.c[DELETED_AT].is_(None))
            row = ws.db.execute(chosen.where(plan.table.column("id") == record)).first()
            if row is None:
                return None
            values = sealing.values(ws, plan, tuple(row))
            if not row[-1]:
                self._gone.add((entity, record))
        return Draft(record, {**values, **timed_values(ws, plan, values)}, values)

    def _asked(self, how: str, text: str, entity: str, record: str | None) -> tuple[Expression, Row] | None:
        """The text understood, and the record that it is asked of; None when either is not there."""
        of = self._ws.model.entity(entity)
        if of is None:
            return None
        make = partial(_understood, self._ws.model, of, how, text)
        expression = kept(self._ws.model).get(("workflow text", how, entity, text), make)
        draft = self.draft(entity, record)
        if expression is None or draft is None:
            return None
        return expression, self.row_of(of, draft, text, needs(expression.root))

    def row_of(self, of: Entity, draft: Draft, text: str, wanted: Needs) -> Row:
        """A record with what a text looks at beyond it."""
        if not (wanted.links or wanted.lists):
            return Row(draft.values)
        plan = plan_of(self._ws.model, of, self._ws.db.dialect)
        return rows_of(self._ws, plan, [Draft(draft.id, draft.values, draft.values)], wanted)[draft.id]

    def _constants(self, entity: str, text: str, expression: Expression) -> Any:
        return binder(expression)(self._binding)


def _understood(model: Model, entity: Entity, how: str, text: str) -> Expression | None:
    """What a text says today; None for one that names what is no longer there."""
    scope = scope_of_workflows(model)
    try:
        if how == "condition":
            return parse_in(text, entity, scope)
        return moment(text, entity, scope) if how == "moment" else any_value(text, entity, scope)
    except ExpressionInvalid:
        return None
