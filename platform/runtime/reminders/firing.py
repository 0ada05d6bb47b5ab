"""A reminder's moment has come: whoever it is for is told, if it is still the record's and there is something to do."""

from __future__ import annotations

from dataclasses import replace

from metadata.expressions.binding import Binding
from metadata.model import Entity
from metadata.problems import say
from runtime import queries
from runtime.jobs.work import Done, Outcome, Step
from runtime.notifications.kinds import subject
from runtime.notifications.writing import of_record, reader_of, write
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.records.drafts import Draft
from runtime.reminders.moments import KINDS, PERSON
from runtime.reminders.planning import moments_of
from runtime.workspace import Workspace


def step(step: Step) -> Outcome:
    """Tell once: the job ends in the transaction that holds the notification."""
    ws, payload = step.ws, step.job.payload
    entity = ws.model.entity(payload["entity"])
    if entity is None or PERSON.get(entity.id) not in entity.fields:
        return Done({"told": 0})
    binding: Binding = binding_of(ws.model, ws.actor, ws.now)
    world = Records(ws, binding)
    draft = world.draft(entity.id, payload["record"])
    if draft is None or not world.lives(entity.id, payload["record"]):
        return Done({"told": 0})
    found = {(each.which, each.at.isoformat()) for each in moments_of(ws, entity, draft.values)}
    if (payload["which"], payload["at"]) not in found:
        return Done({"told": 0})
    return Done({"told": _tell(ws, entity, draft, KINDS[payload["which"]])})


def _tell(ws: Workspace, entity: Entity, draft: Draft, kind: str) -> int:
    person = draft.values.get(PERSON[entity.id])
    reader = reader_of(ws, str(person)) if person is not None else None
    if reader is None or not queries.check_record(replace(ws, actor=reader), entity, "read", draft.values):
        return 0
    said = subject(kind, reader.language, what=say(entity.label, reader.language))
    write(ws, reader, kind, said, of_record(entity.id, draft.id))
    return 1
