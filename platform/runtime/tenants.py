"""Creates and drops tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metadata.documents.package import Layer
from metadata.ids import short_id
from metadata.problems import Conflict, NotFound, kind
from runtime import directory, schema
from runtime.database.db import Entry
from runtime.database.errors import UniqueViolation
from runtime.directory import Tenant
from runtime.host import Host
from runtime.system import migrate

TAKEN = kind(
    "tenant.taken",
    en="There is a tenant `{name}` already. Choose another name, or drop that one first.",
    zh="租户 `{name}` 已存在。请另选名称，或先删除该租户。",
)


def create(host: Host, name: str, layers: Sequence[Layer], label: str | None = None) -> Tenant:
    """A new tenant with a first release of these layers. It is in the directory only when all of it is there.

    Raises Invalid (the name), Conflict (taken), MetadataInvalid (the layers); then nothing remains.
    """
    directory.check_name(name)
    host.server.prepare()
    if any(each.name == name for each in directory.all(host)):
        raise Conflict(TAKEN("name", name=name))
    id = short_id(12)
    tenant = Tenant(id, name, host.server.create_place(id), host.server, "new", label or name)
    try:
        with host.server.own(tenant.place) as db:
            migrate.create(db)
        plan = schema.plan(host, tenant, layers)
        if plan.id is not None:
            schema.apply(host, tenant, plan.id)
        tenant = replace(tenant, state="active")
        host.server.enter(Entry(tenant.id, name, tenant.place, tenant.state, tenant.label))
    except UniqueViolation as error:
        host.server.drop_place(tenant.place)
        raise Conflict(TAKEN("name", name=name)) from error
    except BaseException:
        host.server.drop_place(tenant.place)
        raise
    directory.forget(host, name)
    return tenant


def drop(host: Host, name: str) -> None:
    """Take a tenant away with everything in it. Raises NotFound."""
    found = next((each for each in directory.all(host) if each.name == name), None)
    if found is None:
        raise NotFound(directory.UNKNOWN(name=name))
    # Out of the directory first: nobody comes in while it is being taken down.
    host.server.leave(found.id)
    directory.forget(host, name)
    host.server.drop_place(found.place)
