"""The calls that transactions leave in `platform.wake` when they make work: which tenants have something due.

They are the truth behind the doorbells: Redis may forget a ring, a process may die before it rings, the call stays
until a drain that began after it has looked. On SQLite there are none: the one runner looks into every file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.directory import Tenant
from runtime.host import Host

_TENANTS = "SELECT DISTINCT tenant FROM platform.wake WHERE due_at <= clock_timestamp()"
_OF_TENANT = """
    SELECT id, extract(epoch FROM due_at - clock_timestamp())::float8 FROM platform.wake
    WHERE tenant = %(tenant)s ORDER BY due_at LIMIT 10000
"""
_FORGET = "DELETE FROM platform.wake WHERE id = ANY(%(ids)s)"


def due_tenants(host: Host) -> list[str]:
    """Ids of the tenants for whom a call is due, on every PostgreSQL server of this process."""
    with host.server.shared() as db:
        return [tenant for (tenant,) in db.fetch(_TENANTS)]


def due(tenant: Tenant) -> tuple[Sequence[Any], float | None]:
    """The calls of a tenant that are due, and the seconds until the next one after them."""
    if tenant.server.dialect != "postgresql":
        return (), None
    with tenant.server.shared() as db:
        rows = db.fetch(_OF_TENANT, {"tenant": tenant.id})
    return [id for id, wait in rows if wait <= 0], next((wait for _, wait in rows if wait > 0), None)


def forget(tenant: Tenant, ids: Sequence[Any]) -> None:
    if ids:
        with tenant.server.shared(writing=True) as db:
            db.run(_FORGET, {"ids": list(ids)})
