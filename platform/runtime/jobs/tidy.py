"""Once an hour each tenant is tidied: uploads that nobody named, answers kept too long, jobs and plans long over."""

from __future__ import annotations

import datetime as dt

from runtime import files, forgetting, idempotency
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import rows, table
from runtime.jobs.work import Done, Outcome, Step
from runtime.workspace import PlatformActor, open_workspace

KEPT = dt.timedelta(days=30)
"""How long a job that is over can be looked at."""


def queue(host: Host, tenant: Tenant) -> None:
    """Queue this hour's tidying, however many processes want it."""
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
        table.enqueue(ws, "tidy", {}, key=f"tidy:{ws.now:%Y-%m-%dT%H}")


def step(step: Step) -> Outcome:
    ws = step.ws
    old = table.over_before(ws, ws.now - KEPT)
    rows.forget(ws, old)
    table.forget(ws, old)
    found = {
        "uploads": files.collect(ws),
        "bytes": files.sweep(ws),
        "answers": idempotency.forget(ws),
        "jobs": len(old),
        "plans": forgetting.forget_plans(ws),
    }
    return Done(found)
