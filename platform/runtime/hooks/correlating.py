"""Messages of other systems about what is there already: they wake the runs that wait for them, or start new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from metadata.access import platform_actor
from metadata.expressions.printing import quoted
from metadata.ids import is_uuid
from metadata.model import Entity, Role
from metadata.problems import Invalid, kind
from metadata.workflows import Message, Wait, Workflow
from runtime import queries
from runtime.hooks.rows import actor_of
from runtime.jobs import table as jobs
from runtime.processes import instances, waits
from runtime.processes.definitions import model_of
from runtime.processes.messages import dumped
from runtime.processes.starting import JOB, Start, begin
from runtime.processes.world import Records
from runtime.queries import Query
from runtime.queries.build import binding_of
from runtime.workspace import Workspace
from workflow.engine import Came
from workflow.matching import at, told_value

NOBODY = kind(
    "hook.nobody",
    en="Nothing waits for this message, and no record that it may be about is found: {places}. Send it again later.",
    zh="没有流程在等待此消息，也没有找到对应的记录：{places}。请稍后重新发送。",
)
MOST = 100
"""Records for which one message starts a run."""


def takes(ws: Workspace, workflow: Workflow, name: str) -> bool:
    """Whether a workflow, or a run of it, has anything to do with messages of that name."""
    starts = any(each.message is not None and each.message.name == name for each in workflow.triggers)
    return starts or bool(_awaited(ws, workflow, name))


def correlated(
    ws: Workspace, workflow: Workflow, name: str, role: Role, body: Mapping[str, Any], id: str
) -> str | None:
    """Wake and start what a message is about; the first record that runs began for. Raises Invalid where that is none.
    `id`: by which its sender knows it."""
    woken = _wake(ws, workflow, name, body, id)
    begun = list(_started(ws, workflow, name, role, body))
    if not woken and not begun:
        places = sorted({*_places(workflow, name), *(each.message.at for each in workflow.triggers if each.message)})
        raise Invalid(NOBODY(places=", ".join(f"{place} = {_said(body, place)}" for place in places) or "-"))
    return begun[0] if begun else None


def _said(body: Mapping[str, Any], place: str) -> str:
    return (told_value(at(body, place)) or "-")[:80]


def _wake(ws: Workspace, workflow: Workflow, name: str, body: Mapping[str, Any], id: str) -> int:
    """Tell the runs that wait for this message, those of earlier releases too; how many."""
    keys = set()
    for place in _awaited(ws, workflow, name):
        value = told_value(at(body, place))
        if value is not None:
            keys.add(waits.message_key(workflow.id, name, place, value))
    found = waits.of_messages(ws, keys) if keys else []
    answer = {"message": id, "name": name}
    told = [{"instance": each.instance, "happening": dumped(Came(each.visit, answer))} for each in found]
    jobs.enqueue_many(ws, JOB, told)
    return len(told)


def _awaited(ws: Workspace, workflow: Workflow, name: str) -> set[str]:
    """The places of the body at which runs look."""
    found = set(_places(workflow, name))
    for id, release in instances.open_releases(ws):
        if id == workflow.id and release != ws.release:
            of_then = model_of(ws, release).get("workflows", id)
            found |= set() if of_then is None else set(_places(of_then, name))
    return found


def _places(workflow: Workflow, name: str) -> Iterator[str]:
    for step in workflow.every():
        if isinstance(step, Wait) and step.message is not None and step.message.name == name:
            yield step.message.at


def _started(ws: Workspace, workflow: Workflow, name: str, role: Role, body: Mapping[str, Any]) -> Iterator[str]:
    """Begin runs for the records that the role sees and the message is about; their ids."""
    entity = ws.model.entity(workflow.entity)
    acts = replace(ws, actor=actor_of(ws, role, name, "workflow"))
    world = Records(replace(ws, actor=platform_actor("workflow")), binding_of(ws.model, acts.actor, ws.now))
    for trigger in workflow.triggers if entity is not None else ():
        if trigger.message is None or trigger.message.name != name:
            continue
        assert entity is not None
        for record in _meant(acts, entity, trigger.message, body):
            holds = trigger.when is None or world.holds(trigger.when, entity.id, record)
            if holds and begin(acts, [Start(workflow, trigger.id, record)]):
                yield record


def _meant(acts: Workspace, entity: Entity, message: Message, body: Mapping[str, Any]) -> list[str]:
    value = told_value(at(body, message.at))
    field = entity.fields.get(message.field or "")
    if value is None or field is None:
        return []
    number = field.type == "integer"
    if (number and not value.removeprefix("-").isdigit()) or (field.type == "id" and not is_uuid(value)):
        return []
    literal = value if number else quoted(value)
    query = Query(entity.id, f"{field.id} == {literal}", fields=("id",), limit=MOST)
    return [str(row[0]) for row in queries.find(acts, query).raw]
