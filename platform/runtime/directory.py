"""Which tenants there are and where they live."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metadata.problems import Invalid, NotFound, kind
from runtime.database.db import Row, Server

if TYPE_CHECKING:
    from runtime.host import Host

UNKNOWN = kind(
    "tenant.unknown",
    en="There is no tenant `{name}`. `metaloom tenant list` shows those there are.",
    zh="没有租户 `{name}`。可用 `metaloom tenant list` 查看现有租户。",
)
BAD_NAME = kind(
    "tenant.bad_name",
    en="`{name}` cannot name a tenant: use 1 to 40 small letters, digits and hyphens, beginning with a letter.",
    zh="`{name}` 不能作为租户名称：请使用 1 到 40 个小写字母、数字和连字符，并以字母开头。",
)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
FRESH_SECONDS = 10.0
_COLUMNS = "id, name, schema, state, label"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation: everything of it lies in one place."""

    id: str
    name: str
    place: str
    """The schema (PostgreSQL) or the name of the file (SQLite)."""
    server: Server = field(compare=False, repr=False)
    state: str = "active"
    label: str = ""


def check_name(name: str) -> None:
    """Raises Invalid when a tenant cannot be called so."""
    if not _NAME.match(name):
        raise Invalid(BAD_NAME("name", name=name))


def find(host: Host, name: str) -> Tenant:
    """A tenant by name. Raises NotFound. Remembered for some seconds; a dropped tenant is noticed when it is bound."""
    known = host.tenants.get(name)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    where = "name = %(name)s" if host.server.dialect == "postgresql" else "name = ?"
    with host.server.shared() as db:
        params = {"name": name} if db.dialect == "postgresql" else (name,)
        rows = db.fetch(f"SELECT {_COLUMNS} FROM {_table(host)} WHERE {where}", params)
    if not rows:
        host.tenants.pop(name, None)
        raise NotFound(UNKNOWN(name=name))
    tenant = _tenant(host, rows[0])
    host.tenants[name] = (time.monotonic() + FRESH_SECONDS, tenant)
    return tenant


def by_id(host: Host, id: str) -> Tenant:
    """A tenant by id. Raises NotFound."""
    for _, tenant in list(host.tenants.values()):
        if tenant.id == id:
            return tenant
    found = next((each for each in all(host) if each.id == id), None)
    if found is None:
        raise NotFound(UNKNOWN(name=id))
    host.tenants[found.name] = (time.monotonic() + FRESH_SECONDS, found)
    return found


def all(host: Host) -> list[Tenant]:
    """Every tenant, oldest first."""
    with host.server.shared() as db:
        rows = db.fetch(f"SELECT {_COLUMNS} FROM {_table(host)} ORDER BY created_at, id")
    return [_tenant(host, row) for row in rows]


def forget(host: Host, name: str) -> None:
    """The next `find` looks again."""
    host.tenants.pop(name, None)


def _table(host: Host) -> str:
    return "platform.tenant" if host.server.dialect == "postgresql" else "tenant"


def _tenant(host: Host, row: Row) -> Tenant:
    id, name, place, state, label = row
    return Tenant(id, name, place, host.server, state, label)
