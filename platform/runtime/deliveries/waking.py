"""The job of the outbox: a call that something is due for a target."""

from __future__ import annotations

from runtime.deliveries import table
from runtime.deliveries.chain import serve
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.work import Done, Job, Outcome
from runtime.workspace import PlatformActor, open_workspace


def step(host: Host, tenant: Tenant, job: Job) -> Outcome:
    """Hand the target over to those who send; where there are none (a command, a test), send here and now."""
    target = str(job.payload["target"])
    if host.sender is None:
        return Done({"tries": serve(host, tenant, target)})
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
        wanted = table.call(ws, target)
    if wanted:
        host.sender(tenant.id, target)
    return Done()
