"""Runs that follow from a save, as its one job holds them until they begin: a save writes no row for each of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from metadata.ids import uuid7s
from runtime.jobs import table as jobs
from runtime.processes import instances
from runtime.processes.instances import Run, new_run
from runtime.workspace import Workspace

JOB = "workflow"
MOST = 200
"""Runs that one job begins."""

Told = tuple[str, str, str | None, str | None, str | None]
"""Ids of a run's workflow, the entity it is about, its trigger, its record and the event that it follows from."""


def put(ws: Workspace, starts: Sequence[Told]) -> None:
    """Have runs begin that follow from what somebody did, in this order. Nothing may have led to them but a save."""
    token = jobs.token_of(ws)
    shared = {"release": ws.release, "initiator": ws.actor.user, "token": token, "at": ws.now.isoformat()}
    payloads = []
    for at in range(0, len(starts), MOST):
        some = starts[at : at + MOST]
        ids = uuid7s(len(some))
        told = [[id, *each] for id, each in zip(ids, some, strict=True)]
        payloads.append({"runs": told, **shared} | (beginning(ids[0]) if len(ids) == 1 else {}))
    jobs.enqueue_many(ws, JOB, payloads)


def beginning(run: str) -> dict[str, Any]:
    """What the job of a run that begins says."""
    return {"instance": run, "happening": {"kind": "begin"}}


def runs_of(ws: Workspace, payload: Mapping[str, Any]) -> list[Run]:
    """The runs that a job holds, as they stood when they were wanted."""
    shared = {
        "release": payload["release"],
        "initiator": payload["initiator"],
        "token": payload["token"],
        "started_at": dt.datetime.fromisoformat(payload["at"]),
    }
    return [
        new_run(ws, id, workflow, entity, record, trigger=trigger, cause=cause, **shared)
        for id, workflow, entity, trigger, record, cause in payload.get("runs", ())
    ]


def open_releases(ws: Workspace) -> set[tuple[str, int]]:
    """(workflow, release) of the runs that are still to begin."""
    found = (each for each in jobs.open_payloads(ws, JOB) if "runs" in each)
    return {(workflow, each["release"]) for each in found for _, workflow, *_ in each["runs"]}


def lock(ws: Workspace, payload: Mapping[str, Any]) -> Run | None:
    """The run that a job moves; one that the job holds is written down now. None for one that is gone."""
    run = instances.lock(ws, payload["instance"])
    if run is None and "runs" in payload:
        (run,) = runs_of(ws, payload)
        instances.insert(ws, [run])
    return run


def spread(ws: Workspace, payload: Mapping[str, Any]) -> int:
    """Write down the runs that a job holds, each with a job of its own; how many."""
    runs = runs_of(ws, payload)
    told = [beginning(each.id) for each in runs]
    if not instances.insert_with_jobs(ws, JOB, runs, told):
        jobs.enqueue_many(ws, JOB, [beginning(each.id) for each in instances.insert(ws, runs)])
    return len(runs)
