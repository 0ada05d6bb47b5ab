"""Timers of a run: jobs that are due when the time has come, however long nobody looked."""

from __future__ import annotations

from runtime.jobs import table as jobs
from runtime.processes.messages import dumped
from runtime.processes.performing.moving import Moving
from runtime.processes.starting import JOB
from workflow.engine import ClearTimer, Due, SetTimer


def set_timer(moving: Moving, effect: SetTimer) -> None:
    """The key holds the moment: a timer that is moved is another one, and the old one comes to nothing."""
    key = f"{_prefix(moving, effect)}:{effect.at.isoformat()}"
    payload = {"instance": moving.run.id, "happening": dumped(Due(effect.visit, effect.kind))}
    jobs.enqueue(moving.ws, JOB, payload, key, effect.at)


def clear_timer(moving: Moving, effect: ClearTimer) -> None:
    jobs.void(moving.ws, _prefix(moving, effect))


def _prefix(moving: Moving, effect: SetTimer | ClearTimer) -> str:
    return f"timer:{moving.run.id}:{effect.visit}:{effect.kind}"
