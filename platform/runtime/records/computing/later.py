"""The job that computes what follows from a change, when too many records follow: exactly these, some at a time."""

from __future__ import annotations

from runtime.jobs.work import Done, More, Outcome, Step
from runtime.records.computing.following import Due, recompute
from runtime.records.plans import plan_of

CHUNK = 500


def step(step: Step) -> Outcome:
    """Compute the next records, in one transaction with how far the job has come."""
    ws, payload = step.ws, step.job.payload
    entity = ws.model.entity(payload["entity"])
    done = int(step.job.progress.get("done", 0))
    ids = payload["ids"][done : done + CHUNK]
    if entity is None or not ids:
        return Done({"records": done})
    fields = {each for each in payload["fields"] if each in entity.fields}
    recompute(ws, plan_of(ws.model, entity, ws.db.dialect), Due(fields, dict.fromkeys(ids)), {}, at_once=len(ids))
    return More({"done": done + len(ids), "total": len(payload["ids"])})
