"""How much a tenant holds: a refused request leaves it as it was."""

from __future__ import annotations

import sqlalchemy as sa

from runtime.directory import Tenant
from runtime.host import Host
from tests import kit

PASSING = ("_session", "_presence", "_attempt", "_throttle", "_search_done")
"""Tables of what passes: who is signed in, who looks, who has tried a password."""


class Kept:
    """Counts the rows of every table, and the versions and the bin of records."""

    def __init__(self, host: Host, tenant: Tenant) -> None:
        self.host, self.tenant = host, tenant
        with kit.workspace(host, tenant, write=False) as ws:
            inspector = sa.inspect(ws.db.sa)
            parts: list[str] = []
            for name in sorted(inspector.get_table_names()):
                if name.startswith(PASSING) or not name.startswith(("_", "e_")):
                    continue  # the directory's tables are in sight, too, on PostgreSQL
                columns = {each["name"] for each in inspector.get_columns(name)}
                parts.append(f'(SELECT count(*) FROM "{name}")')
                parts += (
                    [f'(SELECT sum(version) FROM "{name}")'] if "version" in columns and name.startswith("e_") else []
                )
                parts += [f'(SELECT count(deleted_at) FROM "{name}")'] if "deleted_at" in columns else []
        self.statements = ["SELECT " + ", ".join(parts[at : at + 60]) for at in range(0, len(parts), 60)]

    def now(self) -> tuple[object, ...]:
        with kit.workspace(self.host, self.tenant, write=False) as ws:
            return tuple(value for each in self.statements for value in tuple(ws.db.sa.execute(sa.text(each)).one()))
