"""Human tasks of a run: records of the core entity `task`, opened and closed by the platform."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from metadata.expressions.binding import zone
from metadata.model import Entity
from metadata.problems import Invalid, NotFound, kind, say
from runtime import records as writing
from runtime.processes.acting import platform
from runtime.processes.books import TASK
from runtime.processes.performing.moving import Moving
from runtime.processes.performing.people import first
from runtime.processes.performing.texts import language_of, said
from workflow.engine import CloseTask, OpenTask

NO_TASKS = kind(
    "run.no_tasks",
    en="There are no tasks in this system, so a workflow cannot give one to anybody. Add the package core.",
    zh="本系统没有任务实体，工作流无法分派任务。请添加 core 包。",
)
_LONGEST = 200


def open_task(moving: Moving, effect: OpenTask) -> str:
    """A task for the first person found, who owns it. His own words are those of his language."""
    entity = _entity(moving)
    person = first(moving, effect.to, effect.entity, effect.record)
    language = language_of(moving, person)
    title = say(said(moving, effect.title, effect.entity, effect.record, person), language)
    values: dict[str, Any] = {
        "title": title[:_LONGEST] or say(moving.workflow.label, language),
        "assignee": person,
        "source": next((each for each in (moving.source, "workflow") if _offers(entity, "source", each)), None),
    }
    if entity.owned:
        values["owner"] = person
    if effect.due is not None:
        timezone = zone(str(moving.ws.model.settings.get("timezone", "UTC")))
        moment = effect.due.astimezone(timezone)
        due = entity.fields.get("due")
        values["due"] = (moment if due is not None and due.type == "datetime" else moment.date()).isoformat()
    related = entity.fields.get("related")
    if effect.record is not None and related is not None and effect.entity in related.to:
        values["related"] = {"entity": effect.entity, "id": effect.record}
    sent = {id: value for id, value in values.items() if id in entity.fields and value is not None}
    return writing.create(platform(moving.acts), entity, sent, ("*",)).id


def close_task(moving: Moving, effect: CloseTask) -> None:
    """Drop a task that is still open."""
    entity = _entity(moving)
    draft = moving.world.draft(TASK, effect.task)
    if draft is None or draft.values.get("status") != "open" or not _offers(entity, "status", "dropped"):
        return
    with suppress(NotFound):  # in the recycle bin it is over
        writing.update(platform(moving.acts), entity, effect.task, {"status": "dropped"}, confirm=("*",))


def _entity(moving: Moving) -> Entity:
    found = moving.ws.model.entity(TASK)
    if found is None:
        raise Invalid(NO_TASKS())
    return found


def _offers(entity: Entity, field: str, option: str) -> bool:
    found = entity.fields.get(field)
    return found is not None and found.option(option) is not None
