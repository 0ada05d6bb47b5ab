"""The way that a run of a workflow would take after a save of the past, as far as the record itself decides it.

The engine is the real one; what it wants done is written down and not done. A change of the run's own record counts for
what comes after; where people, other systems, time or a search decide, the way ends.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metadata.expressions.closures.rows import Row
from metadata.expressions.needs import Needs
from metadata.model import Entity
from metadata.workflows import Workflow
from runtime.processes.world import Records
from runtime.records.computing.recipes import DoesNotFit, fitting
from runtime.records.computing.times import timed_values
from runtime.records.drafts import Draft
from runtime.records.plans import BASE
from runtime.simulating.sides import Page, Side
from workflow import engine
from workflow.engine import Effect, Instance, Note

_WHAT: Mapping[type[Any], str] = {
    engine.FindMany: "find",
    engine.CreateRecord: "create",
    engine.UpdateRecord: "update",
    engine.DeleteRecord: "delete",
    engine.AssignRecord: "assign",
    engine.OpenTask: "task",
    engine.SubmitApproval: "approval",
    engine.Tell: "send",
    engine.SendRequest: "call",
    engine.StartWorkflow: "run",
}
_FAR = (engine.FindMany, engine.OpenTask, engine.SubmitApproval, engine.SendRequest)
"""What comes back from outside the record: the way ends there."""
_MOST = 300
"""Lines of one way."""


@dataclass(frozen=True, slots=True)
class Path:
    """`lines`: what is decided and wanted, in order, as JSON data; `cut`: it goes on where nobody can know it."""

    lines: tuple[Mapping[str, Any], ...]
    cut: bool = False


class Then(Records):
    """The world of a run that begins after a save of the past: its own record as it was, nothing of others."""

    def __init__(self, side: Side, page: Page, at: int, draft: Draft) -> None:
        super().__init__(side.at(page.moments[at]), page.binding(side, at), locking=False)
        self._side, self._page, self._at = side, page, at
        self.subject = draft
        self.unknown = False
        """Whether something was asked that nobody knows."""

    def draft(self, entity: str, record: str | None) -> Draft | None:
        if entity == self._side.entity.id and record == self.subject.id:
            return self.subject
        self.unknown = True
        return None

    def row_of(self, of: Entity, draft: Draft, text: str, wanted: Needs) -> Row:
        return self._page.row(("text", self._side is self._page.sides.old, text), draft, wanted)

    def change(self, values: Mapping[str, Any]) -> None:
        """The run has changed its record."""
        for id, value in values.items():
            field = self._side.entity.fields.get(id)
            if field is None:
                continue
            try:
                self.subject.values[id] = None if value is None else fitting(field)(value)
            except (DoesNotFit, ArithmeticError, TypeError, ValueError):
                self.unknown = True  # the save would say what is wrong with it
            if field.type == "money":
                self.subject.values[id + BASE] = self.subject.values.get(id)


def path(side: Side, page: Page, at: int, workflow: Workflow, draft: Draft) -> Path:
    """The way of one run about a draft, whose values it may change."""
    ws, moment = side.at(page.moments[at]), page.moments[at]
    old = page.sides.old
    if old.plan.table.timed:
        draft.values.update(timed_values(old.at(moment), old.plan, {**draft.values, "id": draft.id}))
    world = Then(side, page, at, Draft(draft.id, draft.values, draft.values))
    begun = engine.new_instance("simulated", workflow, release=ws.release, record=draft.id)
    return _followed(workflow, begun, world)


def _followed(workflow: Workflow, instance: Instance, world: Then) -> Path:
    lines: list[Mapping[str, Any]] = []
    queue: deque[Effect] = deque()
    cut = False

    def advance(happening: engine.Happening) -> None:
        nonlocal instance
        instance, effects = engine.advance(workflow, instance, happening, world)
        queue.extend(effects)

    advance(engine.Begin())
    while queue and not world.unknown and len(lines) < _MOST:
        effect = queue.popleft()
        if isinstance(effect, Note):
            lines.extend(_noted(effect))
        elif effect.answers and engine.is_due(instance, effect):
            lines.append(_wanted(effect, world))
            if isinstance(effect, _FAR) or (isinstance(effect, engine.StartWorkflow) and effect.awaited):
                cut = True
                continue
            if isinstance(effect, engine.UpdateRecord) and effect.record == world.subject.id:
                world.change(effect.values)
            made = f"made:{effect.step}:{effect.visit}" if isinstance(effect, engine.CreateRecord) else None
            advance(engine.Performed(effect.visit, made))
    return Path(tuple(lines), cut or world.unknown or bool(queue) or not instance.is_over)


def _noted(note: Note) -> Iterator[Mapping[str, Any]]:
    match note.kind:
        case "decided" if "block" in note.detail:
            yield {"step": note.step, "what": "way", "way": note.detail["block"]}
        case "waiting":
            times = {name: note.detail[name] for name in ("over", "late") if name in note.detail}
            yield {"step": note.step, "what": "wait", **times}
        case "failed":
            yield {"step": note.step, "what": "failed", "code": note.detail.get("code", "")}
        case "ended":
            yield {"step": "", "what": "ended", "state": note.detail.get("state", "")}


def _wanted(effect: Any, world: Then) -> Mapping[str, Any]:
    line: dict[str, Any] = {"step": effect.step, "what": _WHAT.get(type(effect), "run")}
    match effect:
        case engine.CreateRecord():
            line |= {"entity": effect.wanted, "values": _plain(effect.values, world)}
        case engine.UpdateRecord():
            line |= {"entity": effect.entity, "values": _plain(effect.values, world)}
        case engine.Tell():
            line |= {"to": _people(effect.to), "by": list(effect.by), "subject": dict(effect.subject)}
            line |= {"body": dict(effect.body)} if effect.body else {}
        case engine.OpenTask():
            due = None if effect.due is None else effect.due.isoformat()
            line |= {"to": _people(effect.to), "title": dict(effect.title), "due": due}
        case engine.AssignRecord():
            line |= {"to": _people(effect.to), "assignment": effect.assignment}
        case engine.SendRequest():
            line |= {"url": effect.url, "method": effect.method, "keys": sorted(effect.body or ())}
        case engine.FindMany():
            line |= {"entity": effect.wanted, "where": effect.where}
        case engine.StartWorkflow():
            line |= {"workflow": effect.workflow}
        case engine.SubmitApproval():
            line |= {"approval": effect.approval}
    return line


def _people(people: Any) -> list[dict[str, Any]]:
    """Who is meant, as the description says it."""
    told = ("expression", "role", "manager_of", "initiator")
    return [{name: value for name in told if (value := getattr(each, name, None))} for each in people]


def _plain(values: Mapping[str, Any], world: Then) -> dict[str, Any]:
    return {id: plain(value) for id, value in values.items()}


def plain(value: Any) -> Any:
    """A value of an expression as JSON data."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, (tuple, list, set, frozenset)):
        return sorted(str(each) for each in value)
    return str(value)
