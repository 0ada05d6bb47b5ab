"""What may follow from a save of an entity's records: its triggers made ready, and whether runs wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Condition, Needs, binder, condition, needs
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.model import Entity, Model
from metadata.workflow_texts import scope_of_workflows
from metadata.workflows import HumanTask, Steps, Trigger, TriggerKind, Wait, Workflow, about, workflows_of
from runtime.processes import instances, queued
from runtime.processes.definitions import model_of
from runtime.queries.cache import kept
from runtime.workspace import Workspace

TASK = "task"
"""Id of the core entity whose records are human tasks."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A trigger with its condition as a closure."""

    workflow: Workflow
    trigger: Trigger
    when: Expression | None
    holds: Condition | None

    @cached_property
    def bind(self) -> Callable[[Binding], Sequence[Any]]:
        """The constants of the condition, ready to be bound."""
        return _nothing if self.when is None else binder(self.when)


def _nothing(binding: Binding) -> Sequence[Any]:
    return ()


@dataclass(frozen=True, eq=False)
class Triggers:
    """The triggers of one kind, in the order in which they begin."""

    ready: tuple[Ready, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ready)

    @cached_property
    def needs(self) -> Needs:
        """What a row must bring so that every condition can be asked of it."""
        return needs(*(each.when.root for each in self.ready if each.when is not None))

    @cached_property
    def reaches_out(self) -> bool:
        """Whether a condition looks at other records."""
        wanted = self.needs
        return bool(wanted.links or wanted.lists or (wanted.before and (wanted.before.links or wanted.before.lists)))


@dataclass(frozen=True, eq=False)
class Book:
    """What may follow from a save of records of one entity."""

    created: Triggers
    updated: Triggers
    deleted: Triggers
    dates: Triggers
    """Without conditions: they are asked when the date is there."""
    waits: bool
    """Whether a run of this release, or of one before, may wait for its records."""


def book_of(ws: Workspace, entity: Entity) -> Book | None:
    """None where nothing can follow, which is found out once for each model."""
    index = ws.model.index.get("workflows")
    if (not index and ws.release < 2) or ws.system_version < instances.SINCE:
        return None
    book = kept(ws.model).get(("workflows", entity.id), partial(_book, ws.model, entity)) if index else None
    if book is not None and book.waits:
        return book
    if not any(each == entity.id for each, _ in _awaited_before(ws)):
        return book
    return kept(ws.model).get(("workflows and waits", entity.id), partial(_waiting, ws.model, entity))


def triggers_of(model: Model, entity: Entity, kind: TriggerKind) -> Triggers:
    """The triggers of one kind of the active workflows about an entity."""
    return kept(model).get(("triggers", entity.id, kind), partial(_triggers, model, entity, kind))


def _book(model: Model, entity: Entity) -> Book | None:
    created, updated = triggers_of(model, entity, "created"), triggers_of(model, entity, "updated")
    deleted, dates = triggers_of(model, entity, "deleted"), triggers_of(model, entity, "date")
    waits = entity.id in kept(model).get("awaited", partial(_awaited, model))
    if not (waits or created or updated or deleted or dates):
        return None
    return Book(created, updated, deleted, dates, waits)


def _waiting(model: Model, entity: Entity) -> Book:
    book = _book(model, entity) or Book(Triggers(), Triggers(), Triggers(), Triggers(), True)
    return Book(book.created, book.updated, book.deleted, book.dates, True)


def _triggers(model: Model, entity: Entity, kind: TriggerKind) -> Triggers:
    return Triggers(
        tuple(
            _ready(model, entity, workflow, trigger)
            for workflow in workflows_of(model, entity.id)
            if workflow.active
            for trigger in workflow.triggers
            if trigger.kind == kind
        )
    )


def _ready(model: Model, entity: Entity, workflow: Workflow, trigger: Trigger) -> Ready:
    if trigger.when is None:
        return Ready(workflow, trigger, None, None)
    scope = scope_of_workflows(model, changes=trigger.kind == "updated")
    when = parse_in(trigger.when, entity, scope)
    return Ready(workflow, trigger, when, condition(when.root))


def _awaited(model: Model) -> frozenset[str]:
    """Ids of the entities for whose records a run of this model may wait."""
    return frozenset(
        entity for workflow in model.all("workflows") for entity, _ in awaited_by(workflow.steps, workflow.entity)
    )


def awaited_by(steps: Steps, entity: str) -> Iterator[tuple[str, str]]:
    """(entity, kind of wait) of the steps that wait for something to happen to records."""
    for step in steps:
        if isinstance(step, Wait) and step.event is not None:
            yield entity, step.event
        if isinstance(step, HumanTask):
            yield TASK, "task"
        for name, block in step.blocks.items():
            yield from awaited_by(block, about(step, name, entity))


def _awaited_before(ws: Workspace) -> frozenset[tuple[str, str]]:
    """What runs of earlier releases may wait for. None is wanted any more, so it is found out once for each release."""
    if ws.release < 2:
        return frozenset()
    return ws.host.awaited.get((ws.tenant.id, ws.restore_epoch, ws.release), lambda: frozenset(_of_earlier(ws)))


def _of_earlier(ws: Workspace) -> Iterator[tuple[str, str]]:
    for id, release in {*instances.open_releases(ws), *queued.open_releases(ws)}:
        workflow = model_of(ws, release).get("workflows", id) if release != ws.release else None
        if workflow is not None:
            yield from awaited_by(workflow.steps, workflow.entity)
