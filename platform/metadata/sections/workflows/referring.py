"""Everything that a workflow mentions, for where-used and renaming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from metadata.expressions.holes import parse_text
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.model import Entity, Model, Part
from metadata.problems import PlatformError
from metadata.section import Reference
from metadata.sections.views.section import walked
from metadata.sections.workflows.reading import Path, Read
from metadata.workflow_texts import any_value, moment, scope_of_workflows, value_for
from metadata.workflows import (
    Ask,
    Assign,
    CallHttp,
    Choice,
    Create,
    Each,
    Find,
    HumanTask,
    Person,
    Run,
    Send,
    Step,
    Stop,
    Trigger,
    Update,
    Value,
    Wait,
    With,
    Workflow,
)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    from metadata.parts import build

    return dict.fromkeys(_Told(model).workflow(build("workflows", part)))


def of_steps(model: Model, steps: Iterable[Step], entity: str, path: Path) -> Iterator[Reference]:
    """What steps about a record of an entity mention, for other sections that have some."""
    for step in steps:
        yield from _Told(model)._step(step, entity, (*path, step.id))


class _Told:
    def __init__(self, model: Model) -> None:
        self.model = model

    def workflow(self, workflow: Workflow) -> Iterator[Reference]:
        yield Reference(("entity",), "entities", workflow.entity)
        if workflow.run_as != "initiator":
            yield Reference(("run_as",), "roles", workflow.run_as)
        for trigger in workflow.triggers:
            yield from self._trigger(trigger, workflow.entity, ("triggers", trigger.id))
        for step, entity in workflow.placed():
            yield from self._step(step, entity, ("steps", step.id))

    def _trigger(self, trigger: Trigger, entity: str, path: Path) -> Iterator[Reference]:
        yield from self._text(trigger.when, entity, (*path, "when"))
        if trigger.field is not None:
            yield Reference((*path, "field"), "entities", entity, trigger.field)
        yield from (Reference((*path, "roles", role), "roles", role) for role in trigger.roles)
        yield from (Reference((*path, "values", field), "entities", entity, field) for field in trigger.values)
        if trigger.message is not None and trigger.message.field is not None:
            yield Reference((*path, "field"), "entities", entity, trigger.message.field)

    def _step(self, step: Step, entity: str, path: Path) -> Iterator[Reference]:
        match step:
            case Choice():
                for case in step.cases:
                    yield from self._text(case.when, entity, (*path, case.id, "when"))
            case Each() | Find():
                yield Reference((*path, "entity"), "entities", step.entity)
                yield from self._text(step.where, step.entity, (*path, "where"))
                if step.by is not None:
                    yield Reference((*path, "by"), "entities", step.entity, step.by)
                for each in step.sort:
                    yield from self._way(each.lstrip("-"), step.entity, (*path, "sort"))
            case With():
                yield from self._way(step.path, entity, (*path, "path"))
            case Wait():
                if step.message is not None:
                    yield from self._text(step.message.match, entity, (*path, "match"), any_value)
                yield from self._text(step.until, entity, (*path, "until"), moment)
                yield from self._text(step.when, entity, (*path, "when"))
                yield from self._calendar(step.calendar, path)
            case HumanTask():
                yield from self._holes(step.title, entity, (*path, "title"))
                yield from self._people(step.to, entity, path)
                yield from self._calendar(step.calendar, path)
            case Ask(approval=str(approval)):
                yield Reference((*path, "approval"), "approvals", approval)
            case Create():
                yield Reference((*path, "entity"), "entities", step.entity)
                yield from self._values(step.values, step.entity, entity, path)
            case Update():
                yield from self._values(step.values, entity, entity, path)
            case Assign():
                yield from self._people(step.to, entity, path)
                if step.assignment is not None:
                    yield Reference((*path, "assignment"), "assignments", step.assignment)
            case Send():
                yield from self._people(step.to, entity, path)
                yield from self._text(step.address, entity, (*path, "address"), any_value)
                yield from self._holes(step.subject, entity, (*path, "subject"))
                yield from self._holes(step.body, entity, (*path, "body"))
            case CallHttp():
                for key, value in step.body.items():
                    yield from self._text(value.expression, entity, (*path, "body", key), any_value)
            case Run():
                yield Reference((*path, "workflow"), "workflows", step.workflow)
            case Stop():
                yield from self._holes(step.reason, entity, (*path, "reason"))

    def _values(self, values: Mapping[str, Value], into: str, about: str, path: Path) -> Iterator[Reference]:
        target = self.model.entity(into)
        for id, value in values.items():
            here = (*path, "values", id)
            yield Reference(here, "entities", into, id)
            field = None if target is None else target.fields.get(id)
            if field is not None:
                yield from self._text(
                    value.expression,
                    about,
                    here,
                    lambda t, e, s, field=field: value_for(t, e, field, s),  # type: ignore[misc]
                )

    def _people(self, people: Iterable[Person], entity: str, path: Path) -> Iterator[Reference]:
        for person in people:
            if person.role is not None:
                yield Reference((*path, "to", person.role), "roles", person.role)
            for way in (person.expression, person.manager_of):
                if way is not None:
                    yield from self._way(way, entity, (*path, "to"))

    def _calendar(self, id: str | None, path: Path) -> Iterator[Reference]:
        if id is not None:
            yield Reference((*path, "calendar"), "calendars", id)

    def _way(self, dotted: str, entity: str, path: Path) -> Iterator[Reference]:
        yield from (Reference((*path, dotted), "entities", *each) for each in walked(self.model, entity, dotted))

    def _text(self, text: str | None, entity: str, path: Path, read: Read = parse_in) -> Iterator[Reference]:
        found = self.model.entity(entity)
        if text is None or found is None:
            return
        try:
            yield from _read(read(text, found, scope_of_workflows(self.model, changes=True)), path)
        except PlatformError:
            return

    def _holes(self, texts: Mapping[str, str], entity: str, path: Path) -> Iterator[Reference]:
        found: Entity | None = self.model.entity(entity)
        for lang, text in texts.items() if found is not None else ():
            assert found is not None
            try:
                parts = parse_text(text, found, scope_of_workflows(self.model))
            except PlatformError:
                continue
            for each in parts:
                if not isinstance(each, str):
                    yield from _read(each.expression, (*path, lang))


def _read(expression: Expression, path: Path) -> Iterator[Reference]:
    yield from (Reference(path, "entities", *each) for each in sorted(expression.reads()))
