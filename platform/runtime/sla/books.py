"""What is measured of an entity's records, made ready: the conditions of its SLAs as closures, their calendars."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from metadata.calendars import Calendar
from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Condition, Needs, Row, binder, condition, needs
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.model import Entity, Model
from metadata.parts import dump
from metadata.sla import Level, Policy, Sla, Target, conditions_of, slas_of
from metadata.workflow_texts import scope_of_workflows
from runtime.queries.cache import kept
from runtime.sla import clocks
from runtime.workspace import Workspace
from workflow.sla import Terms

Asked = Callable[[str | None], bool]
"""Whether a text of a condition holds of the record; None always does."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One SLA with its calendars by id."""

    sla: Sla
    calendars: Mapping[str, Calendar]
    zone: ZoneInfo
    digest: str
    """Changes with the SLA and with each of its calendars."""

    def terms(self, target: Target, holds: Asked) -> Terms | None:
        """How long a target may take of a record; None when nothing says so."""
        policy = next((each for each in self.sla.policies if holds(each.when)), None)
        level = None if policy is None else next((each for each in policy.levels if holds(each.when)), None)
        return None if policy is None or level is None else self._terms(target, policy, level)

    def terms_of(self, target: Target, policy: str, level: str) -> Terms | None:
        """The terms of a policy and a level by their ids; None when they are no longer there."""
        said = self.sla.policy(policy)
        found = None if said is None else next((each for each in said.levels if each.id == level), None)
        return None if said is None or found is None else self._terms(target, said, found)

    def _terms(self, target: Target, policy: Policy, level: Level) -> Terms | None:
        within = level.within.get(target.id)
        calendar = None if policy.calendar is None else self.calendars.get(policy.calendar)
        if within is None:
            return None
        return Terms(policy.id, level.id, within, calendar, self.zone, target.alerts)


@dataclass(frozen=True, eq=False)
class Book:
    """All SLAs of an entity."""

    measured: tuple[Measured, ...]
    asked: Mapping[str, tuple[Expression, Condition]]
    """Text of a condition -> it, read and as a closure."""
    reads: frozenset[str]
    """Ids of the record's own fields that decide anything, and of those that are kept."""

    @cached_property
    def needs(self) -> Needs:
        """What a row must bring so that every condition can be asked of it."""
        return needs(*(expression.root for expression, _ in self.asked.values()))

    @cached_property
    def reaches_out(self) -> bool:
        """Whether a condition looks at other records."""
        return bool(self.needs.links or self.needs.lists)

    @cached_property
    def keeps(self) -> bool:
        """Whether a due moment is kept in a field of the record."""
        return any(target.due is not None for each in self.measured for target in each.sla.targets)

    def of(self, sla: str) -> Measured | None:
        return next((each for each in self.measured if each.sla.id == sla), None)

    def constants(self, binding: Binding) -> Mapping[str, Sequence[Any]]:
        return {text: binder(expression)(binding) for text, (expression, _) in self.asked.items()}

    def holding(self, row: Row, constants: Mapping[str, Sequence[Any]]) -> Asked:
        def holds(text: str | None) -> bool:
            return text is None or bool(self.asked[text][1](row, constants[text]))

        return holds


def book_of(ws: Workspace, entity: Entity) -> Book | None:
    """None where nothing is measured, which is found out once for each model."""
    if entity.generated or not ws.model.index.get("sla") or ws.system_version < clocks.SINCE:
        return None
    return kept(ws.model).get(("sla", entity.id), partial(_book, ws.model, entity))


def _book(model: Model, entity: Entity) -> Book | None:
    found = slas_of(model, entity.id)
    if not found:
        return None
    scope = scope_of_workflows(model)
    texts = dict.fromkeys(text for sla in found for _, text in conditions_of(sla))
    read = {text: parse_in(text, entity, scope) for text in texts}
    return Book(
        tuple(_measured(model, each) for each in found),
        {text: (expression, condition(expression.root)) for text, expression in read.items()},
        frozenset(_own_fields(entity, found, read.values())),
    )


def _own_fields(entity: Entity, slas: Sequence[Sla], read: Any) -> Iterator[str]:
    for expression in read:
        yield from (field for owner, field in expression.reads() if owner == entity.id)
    for sla in slas:
        yield from (target.due for target in sla.targets if target.due is not None)


def _measured(model: Model, sla: Sla) -> Measured:
    named = {each.calendar for each in sla.policies if each.calendar is not None}
    calendars = {id: found for id in sorted(named) if isinstance(found := model.get("calendars", id), Calendar)}
    zone = str(model.settings.get("timezone", "UTC"))
    said = orjson.dumps([dump(sla), [dump(each) for each in calendars.values()], zone], option=orjson.OPT_SORT_KEYS)
    return Measured(sla, calendars, ZoneInfo(zone), hashlib.sha256(said).hexdigest()[:32])
