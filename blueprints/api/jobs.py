"""Jobs over REST: what waits, how far it is, what came out, cancel and retry."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from metadata.ids import is_uuid
from metadata.problems import BadRequest, NotFound, Problem
from runtime.jobs import table
from runtime.jobs.work import Job
from runtime.workspace import Workspace

_STATES = ("queued", "running", "done", "failed", "cancelled", "dead")


def described(job: Job) -> dict[str, Any]:
    """A job as its owner sees it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": dict(job.progress),
        # What a simulation shows of records is for whoever asked for it, at an address of its own.
        "result": dict(job.result) if job.result is not None and job.kind != "simulation" else None,
        "error": dict(job.error) if job.error is not None else None,
        "attempt": job.attempt,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at is not None else None,
    }


def of(ws: Workspace, id: str) -> Job:
    """A job of an address. Raises NotFound."""
    if not is_uuid(id):
        raise NotFound(table.UNKNOWN_JOB(id=id[:60]))
    return table.get(ws, id.lower())


def jobs() -> Response:
    """The newest jobs that the caller may see."""
    given = arguments.read(request, "state", "limit")
    problems: list[Problem] = []
    limit = arguments.limit(given, problems)
    state = arguments.choice(given, "state", _STATES, "queued", problems) if "state" in given else None
    if problems:
        raise BadRequest(problems)
    return json_answer(
        {"data": context.perform(lambda ws: [described(each) for each in table.listing(ws, state, limit)])}
    )


def job(id: str) -> Response:
    arguments.read(request)
    return json_answer(context.perform(lambda ws: described(of(ws, id))))


def cancel(id: str) -> Response:
    """At once when it waits, after the step it is in when it runs. What is done stays done."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        table.cancel(ws, of(ws, id).id)
        return Written(described(of(ws, id)))

    return write(command)


def retry(id: str) -> Response:
    """Take up a job again that failed or was cancelled."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        table.retry(ws, of(ws, id).id)
        return Written(described(of(ws, id)))

    return write(command)
