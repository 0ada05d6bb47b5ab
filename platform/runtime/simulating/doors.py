"""A unit of work that changes nothing: the database refuses to write in it, and it is rolled back whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import Identify, Workspace, open_workspace


class _Over(Exception):
    """The block has ended: nothing of it is to be kept."""


@contextmanager
def closed(host: Host, tenant: Tenant, identify: Identify) -> Iterator[Workspace]:
    """A workspace of the released model. Whoever writes in it fails: `BEGIN READ ONLY`, on SQLite `query_only`.

    No bell is rung, so nobody looks for work; mail and requests go out of the outbox alone, which cannot be written.
    """
    try:
        with open_workspace(host, tenant, identify, channel="job") as ws:
            yield ws
            if ws.db.notes:
                raise RuntimeError(f"a simulation left notes: {sorted(ws.db.notes)}")
            raise _Over
    except _Over:
        pass
