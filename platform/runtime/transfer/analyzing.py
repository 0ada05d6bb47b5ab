"""After a big load PostgreSQL is told to look at the table again, so that it plans with what is there now."""

from __future__ import annotations

from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.work import Done, Job, Outcome
from runtime.tables import table_of
from runtime.workspace import PlatformActor, open_workspace


def step(host: Host, tenant: Tenant, job: Job) -> Outcome:
    with open_workspace(host, tenant, PlatformActor()) as ws:
        entity = ws.model.entity(job.payload["entity"])
        name = table_of(ws.model, entity, ws.db.dialect).table.name if entity is not None else None
    if name is not None and tenant.server.dialect == "postgresql":
        with tenant.server.own(tenant.place, lock=False) as db:
            # A physical name, made by the platform of small letters, digits and underscores.
            db.command(f'ANALYZE "{name}"')
    return Done()
