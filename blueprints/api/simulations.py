"""Simulations over REST: an edited document of the tenant replayed over the past, and the report of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.ids import is_uuid
from metadata.problems import NotFound
from runtime.jobs.work import Job
from runtime.simulating import job as simulations
from runtime.simulating.report import told
from runtime.workspace import Workspace

_KEYS = ("files", "since", "events", "entity", "only", "everything", "samples")


def simulate() -> Response:
    """Replay edited documents: `{files: {document: text or null}, since?, events?, entity?, only?, everything?,
    samples?}`; 202 with the simulation. What is wrong with the documents is told at once."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, *_KEYS)
    files = simulations.files_of(body.get("files"))
    asked = {name: body[name] for name in _KEYS[1:] if name in body}
    context.perform(lambda ws: simulations.check(ws, files, asked))

    def command(ws: Workspace) -> Written:
        id = simulations.queue(ws, files, asked)
        address = url_for("api.simulation", id=id)
        return Written(described(ws, simulations.of(ws, id)), 202, address)

    return write(command, raw)


def all_simulations() -> Response:
    """The caller's newest simulations, and the documents that can be edited in one."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        names = sorted(simulations.documents(ws))
        data = [_brief(each) for each in simulations.latest(ws)]
        return json_answer({"data": data, "documents": names})

    return context.perform(found)


def simulation(id: str) -> Response:
    """How far it is, and its report when it is through."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: described(ws, one(ws, id))))


def one(ws: Workspace, id: str) -> Job:
    """A simulation of an address. Raises NotFound, Forbidden."""
    if not is_uuid(id):
        raise NotFound(simulations.UNKNOWN(id=id[:60]))
    return simulations.of(ws, id)


def described(ws: Workspace, job: Job) -> dict[str, Any]:
    """A simulation as whoever asked for it sees it."""
    report = simulations.report_of(ws, job)
    return {**_brief(job), "report": None if report is None else linked(told(report, context.language()))}


def _brief(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "progress": {name: job.progress[name] for name in ("done", "total") if name in job.progress},
        "error": None if job.error is None else dict(job.error),
        "created_at": job.created_at.isoformat(),
        "finished_at": None if job.finished_at is None else job.finished_at.isoformat(),
    }


def linked(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report whose samples say where their records are shown."""
    found = dict(report)
    found["definitions"] = [
        {**each, "samples": [{**sample, "link": _link(sample)} for sample in each["samples"]]}
        for each in report["definitions"]
    ]
    return found


def _link(sample: Mapping[str, Any]) -> str:
    return url_for("app.show", entity=sample["entity"], id=sample["record"])
