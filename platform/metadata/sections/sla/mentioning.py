"""Everything that an SLA mentions, for where-used and renaming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metadata.model import Model, Part
from metadata.section import Reference
from metadata.sections.views.section import mentioned
from metadata.sections.workflows.referring import of_steps
from metadata.sla import Sla, Target, conditions_of


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    from metadata.parts import build

    return dict.fromkeys(_references(build("sla", part), model))


def _references(sla: Sla, model: Model) -> Iterator[Reference]:
    yield Reference(("entity",), "entities", sla.entity)
    for path, text in conditions_of(sla):
        yield from (Reference(path, "entities", *each) for each in mentioned(model, sla.entity, text))
    for target in sla.targets:
        yield from _of_target(sla, target, model)
    for policy in sla.policies:
        if policy.calendar is not None:
            yield Reference(("policies", policy.id, "calendar"), "calendars", policy.calendar)


def _of_target(sla: Sla, target: Target, model: Model) -> Iterator[Reference]:
    for name, field in (("since", target.since), ("due", target.due)):
        if field is not None:
            yield Reference(("targets", target.id, name), "entities", sla.entity, field)
    for alert in target.alerts:
        yield from of_steps(model, alert.steps, sla.entity, ("targets", target.id, "alerts", alert.id, "do"))
