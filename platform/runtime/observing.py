"""What operators look at: tenants, their releases, jobs, sessions, envelopes of events. No value of a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from metadata.problems import PlatformError
from runtime import accounts, directory, events, releases
from runtime.directory import Tenant
from runtime.jobs import table as jobs
from runtime.jobs.work import Job
from runtime.releases import Release
from runtime.workspace import PlatformActor, Workspace, open_workspace

if TYPE_CHECKING:
    from runtime.database.sqlite import SqliteServer
    from runtime.host import Host

MOST = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """One tenant as an operator sees it. `size` is in bytes; what cannot be read now is None."""

    tenant: Tenant
    release: int | None = None
    system_version: int | None = None
    size: int | None = None
    last_event: dt.datetime | None = None
    waiting: int | None = None
    """Jobs that wait or run, at most `MOST`."""
    dead: int | None = None


def tenants(host: Host, text: str = "", offset: int = 0, limit: int = 20) -> list[Seen]:
    """Some tenants, oldest first; `text` is looked for in their names. Costs a few statements for each."""
    sought = text.strip().casefold()
    found = [each for each in directory.all(host) if sought in f"{each.name} {each.label}".casefold()]
    return [_seen(host, each) for each in found[offset : offset + min(limit, MOST)]]


def _seen(host: Host, tenant: Tenant) -> Seen:
    if tenant.state != "active":
        return Seen(tenant)
    try:
        with _looking(host, tenant) as ws:
            state = ws.db.fetch("SELECT system_version FROM _state")
            newest = events.envelopes(ws, limit=1)
            return Seen(
                tenant,
                ws.release,
                int(state[0][0]),
                _size(host, tenant),
                newest[0].at if newest else None,
                len(jobs.listing(ws, "queued", MOST)) + len(jobs.listing(ws, "running", MOST)),
                len(jobs.listing(ws, "dead", MOST)),
            )
    except PlatformError:
        return Seen(tenant)


def _size(host: Host, tenant: Tenant) -> int:
    if host.server.dialect == "sqlite":
        path: Path = cast("SqliteServer", host.server).tenants / tenant.place
        files = (path.with_name(path.name + suffix) for suffix in ("", "-wal"))
        return sum(each.stat().st_size for each in files if each.exists())
    with host.server.shared() as db:
        rows = db.fetch(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %(place)s AND c.relkind = 'r'",
            {"place": tenant.place},
        )
    return int(rows[0][0])


def release_list(host: Host, name: str, offset: int, limit: int) -> list[Release]:
    """Releases of a tenant, newest first. Raises NotFound."""
    with _looking(host, directory.find(host, name)) as ws:
        return releases.history(ws.db, offset + limit)[offset:]


def job_list(host: Host, name: str, state: str | None, offset: int, limit: int) -> list[Job]:
    """Jobs of a tenant, newest first. Raises NotFound."""
    with _looking(host, directory.find(host, name)) as ws:
        return jobs.listing(ws, state, offset + limit)[offset:]


def cancel_job(host: Host, name: str, id: str) -> None:
    """Raises NotFound, Conflict."""
    with _looking(host, directory.find(host, name), write=True) as ws:
        jobs.cancel(ws, id)


def retry_job(host: Host, name: str, id: str) -> None:
    """Raises NotFound, Conflict."""
    with _looking(host, directory.find(host, name), write=True) as ws:
        jobs.retry(ws, id)


def session_list(host: Host, name: str, offset: int, limit: int) -> list[accounts.Open]:
    """Who is signed in to a tenant, newest first. Raises NotFound."""
    with _looking(host, directory.find(host, name)) as ws:
        return accounts.sessions(ws, offset, limit)


def end_session(host: Host, name: str, hash: str) -> None:
    """Raises NotFound for a tenant that there is not."""
    with _looking(host, directory.find(host, name), write=True) as ws:
        accounts.end_session(ws, hash)


def event_list(host: Host, name: str, offset: int, limit: int) -> list[events.Envelope]:
    """What happened in a tenant, newest first, without any value. Raises NotFound."""
    with _looking(host, directory.find(host, name)) as ws:
        return events.envelopes(ws, offset, limit)


@contextmanager
def _looking(host: Host, tenant: Tenant, *, write: bool = False) -> Iterator[Workspace]:
    with open_workspace(host, tenant, PlatformActor(), write=write, channel="operator") as ws:
        yield ws
