"""Doing the work that waits for a tenant: many jobs, or a few seconds of one, then the feed's positions."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from metadata.problems import LANGUAGES, Conflict, PlatformError, TooMany, Unavailable
from runtime import feed, notifications
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import calls, table
from runtime.jobs.heartbeat import Heartbeat
from runtime.jobs.kinds import KINDS, handler
from runtime.jobs.work import Done, Job, Kind, More, Outcome, Step, Stuck
from runtime.workspace import PlatformActor, Workspace, open_workspace

log = logging.getLogger(__name__)


def drain(host: Host, tenant: Tenant, seconds: float = 5.0) -> float | None:
    """Do what is due, for some seconds. Gives the seconds until more is due (0: at once), None when nothing waits.

    Any number of workers may drain one tenant at the same time. Never raises for a job that fails.
    """
    until = time.monotonic() + seconds
    assign_positions(host, tenant)
    performed = False
    with Heartbeat(host, tenant) as heartbeat:
        job = _claim(host, tenant)
        while job is not None:
            performed = True
            job = _perform(host, tenant, job, until, heartbeat)
            if job is None and time.monotonic() < until:
                job = _claim(host, tenant)
    if performed:
        assign_positions(host, tenant)
    return _settle(host, tenant)


def has_work(ws: Workspace) -> bool:
    """Whether a drain would find something to do."""
    due = table.next_due(ws)
    return (due is not None and due <= 0) or feed.is_behind(ws)


def assign_positions(host: Host, tenant: Tenant) -> None:
    """Give the events that have committed their place in the change feed."""
    from runtime.hooks import following  # it queues jobs itself

    with open_workspace(host, tenant, PlatformActor()) as ws:
        if not feed.is_behind(ws):
            return
    for _ in range(100):
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            count = feed.assign(ws)
            if count:
                following.queue(ws, count)
            if count < feed.AT_ONCE:
                return


def _claim(host: Host, tenant: Tenant) -> Job | None:
    with open_workspace(host, tenant, PlatformActor()) as ws:
        due = table.next_due(ws)
    if due is None or due > 0:
        return None
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
        return table.claim(ws)


def _perform(host: Host, tenant: Tenant, job: Job, until: float, heartbeat: Heartbeat) -> Job | None:
    """Steps of one job until it is over, given back, failed, or somebody else's; the next job if it is claimed."""
    kind = KINDS.get(job.kind)
    if kind is None:
        _fail(host, tenant, job, {"error": f"unknown kind of job: {job.kind}"}, final=False)
        return None
    if job.attempt > job.max_attempts:
        _fail(host, tenant, job, {"error": "its workers died without finishing it"}, final=False)
        return None
    with contextlib.suppress(table.Fenced):
        try:
            while True:
                progress, following = _step(host, tenant, job, kind, until, heartbeat)
                if progress is None:
                    return following
                job = progress
                if time.monotonic() > until:
                    _give_back(host, tenant, job)
                    return None
        except table.Fenced:
            raise
        except table.Cancelled:
            with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
                table.cancelled(ws, job)
        except Exception as error:
            final = isinstance(error, PlatformError) and not isinstance(error, Conflict | TooMany | Unavailable)
            if not isinstance(error, PlatformError):
                log.exception("job %s (%s) of tenant %s failed", job.id, job.kind, tenant.name)
            _fail(host, tenant, job, _described(error), final=final)
        except BaseException:
            with contextlib.suppress(Exception):
                _give_back(host, tenant, job)
            raise
    return None


def _step(
    host: Host, tenant: Tenant, job: Job, kind: Kind, until: float, heartbeat: Heartbeat
) -> tuple[Job | None, Job | None]:
    """One step in one transaction; the job as it stands then, or None and the job that comes next.

    Who is done takes the next job in the transaction in which he finishes: short jobs cost one transaction each.
    """
    call = handler(kind.handler)
    with heartbeat.over(job, kind):
        if kind.outside:
            with open_workspace(host, tenant, PlatformActor(), channel=kind.channel) as ws:
                stopped = not table.wanted(ws, job)
            outcome: Outcome | None = None if stopped else call(host, tenant, job)
            with open_workspace(host, tenant, PlatformActor(), write=True, channel=kind.channel) as ws:
                return _written(ws, job, outcome), None
        with open_workspace(host, tenant, job.identity, write=True, channel=kind.channel) as ws:
            wanted = table.wanted(ws, job)
            progress = _written(ws, job, call(Step(ws, job, heartbeat.tell)) if wanted else None)
            return progress, table.claim(ws) if progress is None and time.monotonic() < until else None


def _written(ws: Workspace, job: Job, outcome: Outcome | None) -> Job | None:
    match outcome:
        case None:
            table.cancelled(ws, job)
        case Done():
            table.keep(ws, job, outcome)
            notifications.tell_job_over(ws, job, "done")
        case More():
            return table.keep(ws, job, outcome)
        case Stuck():
            table.keep(ws, job, outcome)
            notifications.tell_job_over(ws, job, "failed")
    return None


def _give_back(host: Host, tenant: Tenant, job: Job) -> None:
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
        table.give_back(ws, job)


def _fail(host: Host, tenant: Tenant, job: Job, error: Mapping[str, Any], *, final: bool) -> None:
    with (
        contextlib.suppress(table.Fenced),
        open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws,
    ):
        if not table.fail(ws, job, error, final):
            return
        notifications.tell_job_over(ws, job, "failed")
    kind = KINDS.get(job.kind)
    if kind is not None and kind.given_up is not None:
        _give_up(host, tenant, job, kind.given_up, error)


def _give_up(host: Host, tenant: Tenant, job: Job, name: str, error: Mapping[str, Any]) -> None:
    """Let whoever the job was of know that it is dead. It stays dead, whatever comes of that."""
    try:
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            handler(name)(ws, job, error)
    except Exception:
        log.exception("nobody could be told that job %s (%s) of tenant %s is dead", job.id, job.kind, tenant.name)


def _described(error: Exception) -> dict[str, Any]:
    if isinstance(error, PlatformError):
        problems = [
            {"code": each.code, "path": each.path, "message": {lang: each.message(lang) for lang in LANGUAGES}}
            for each in error.problems[:100]
        ]
        return {"error": "; ".join(each.message() for each in error.problems[:3]), "problems": problems}
    return {"error": f"{type(error).__name__}: {error}"[:2_000]}


def _settle(host: Host, tenant: Tenant) -> float | None:
    """Take away the calls that were answered and leave one for what comes next."""
    answered, next_call = calls.due(tenant)
    with open_workspace(host, tenant, PlatformActor()) as ws:
        due = table.next_due(ws)
    if answered and due is not None and (next_call is None or next_call > due + 1):
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            table.wake(ws, seconds=max(due, 0.0))
            ws.db.notes.pop("ring")
    # A job that was queued meanwhile has a call of its own, which is not among those that were seen above.
    calls.forget(tenant, answered)
    return due
