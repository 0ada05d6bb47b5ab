"""Exports: into a file at once, or by a job into the file store, where whoever asked finds it for a day."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime import files
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.jobs.work import Done, Job, Outcome
from runtime.queries import Query
from runtime.queries.names import entity_of
from runtime.transfer.capabilities import require_export
from runtime.transfer.exporting import Sheet, check, write
from runtime.workspace import Identify, PlatformActor, Workspace, open_workspace

_LARGEST = 2 * 1024**3
_CHECKED_EVERY = 2.0
_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def export(host: Host, tenant: Tenant, identify: Identify, query: Query, path: Path, sheet: Sheet) -> int:
    """Write what a query finds to a file here and now; how many records."""
    with open_workspace(host, tenant, identify) as ws:
        require_export(ws)
        return write(ws, query, path, sheet)


def queue(ws: Workspace, query: Query, sheet: Sheet) -> str:
    """Have it written by a job; its id. The job's result names the file. Raises BadRequest, Forbidden."""
    require_export(ws)
    check(ws, query, sheet)
    entity = entity_of(ws.model, query.entity)
    payload = {
        "query": {
            "entity": entity.id,
            "where": query.where,
            "sort": list(query.sort),
            "fields": None if query.fields is None else list(query.fields),
            "q": query.q,
            "deleted": query.deleted,
            "ids": None if query.ids is None else list(query.ids),
        },
        "kind": sheet.kind,
        "headers": sheet.headers,
        "name": f"{entity.key}.{sheet.kind}",
    }
    return jobs.enqueue(ws, "export", payload)


def _query(data: Mapping[str, Any]) -> Query:
    lists = {name: None if data[name] is None else tuple(data[name]) for name in ("sort", "fields", "ids")}
    return Query(**{**data, **lists})


def step(host: Host, tenant: Tenant, job: Job) -> Outcome:
    """Write the whole export. Begun anew after a crash: nothing of it is kept before it is complete."""
    identity = job.identity
    payload = job.payload
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export"
        watch = _Watch(host, tenant, job)
        with open_workspace(host, tenant, identity, channel="job") as ws:
            require_export(ws)
            rows = write(ws, _query(payload["query"]), path, Sheet(payload["kind"], payload["headers"]), watch)
        with (
            open_workspace(host, tenant, identity, write=True, channel="job") as ws,
            path.open("rb") as stream,
        ):
            file = files.store(ws, stream, payload["name"], _TYPES[payload["kind"]], _LARGEST)
    return Done({"file": file, "name": payload["name"], "rows": rows})


class _Watch:
    """Looks now and then whether the job is still wanted."""

    def __init__(self, host: Host, tenant: Tenant, job: Job) -> None:
        self._host, self._tenant, self._job = host, tenant, job
        self._looked = time.monotonic()

    def __call__(self, rows: int) -> None:
        if time.monotonic() - self._looked < _CHECKED_EVERY:
            return
        self._looked = time.monotonic()
        with open_workspace(self._host, self._tenant, PlatformActor(), channel="job") as ws:
            if not jobs.wanted(ws, self._job):
                raise jobs.Cancelled
