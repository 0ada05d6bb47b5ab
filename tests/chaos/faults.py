"""Ten mistakes that the harness has to find: each takes away one thing that keeps the promises. Nothing but `launched`
puts them into a process, and only when the harness says so."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

from runtime.jobs import calls, table
from runtime.jobs.work import Done, Job, More, Step
from runtime.workspace import PlatformActor, open_workspace

drain: Any = import_module("runtime.jobs.drain")
"""The module: the package has a function of that name."""


def _in_parts(wants: Callable[[Job], bool], job_first: bool) -> None:
    """The job's end and its effects in two transactions."""
    real = drain._step

    def step(host: Any, tenant: Any, job: Any, kind: Any, until: float, heartbeat: Any) -> Any:
        if kind.outside or not wants(job):
            return real(host, tenant, job, kind, until, heartbeat)
        call = drain.handler(kind.handler)
        if job_first:
            with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
                table.keep(ws, job, Done())
        while True:
            with open_workspace(host, tenant, job.identity, write=True, channel=kind.channel) as ws:
                if not job_first:
                    table.wanted(ws, job)
                outcome = call(Step(ws, job, heartbeat.tell))
            if not isinstance(outcome, More):
                break
            job = replace(job, progress=dict(outcome.progress))
        if not job_first:
            with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
                table.keep(ws, job, outcome)
        return None, None

    drain._step = step


def job_done_before_effects(role: str) -> None:
    """A worker that dies between the two has lost what it had to do."""
    _in_parts(lambda job: job.kind == "workflow", job_first=True)


def timer_deleted_before_firing(role: str) -> None:
    """The same for what waits for its moment alone."""
    _in_parts(lambda job: job.kind == "workflow" and job.key is not None, job_first=True)


def retry_without_dedup(role: str) -> None:
    """An import's rows are kept before its position: taken up again it writes them again."""
    _in_parts(lambda job: job.kind == "import", job_first=False)


def ack_before_commit(role: str) -> None:
    """The client hears 201 a moment before the database does."""
    if role != "web":
        return
    postgres: Any = import_module("runtime.database.postgres")
    real = postgres.PostgresServer._ending

    @contextmanager
    def ending(self: Any, db: Any) -> Iterator[None]:
        if not db.writing:
            with real(self, db):
                yield
            return
        manager = real(self, db)
        manager.__enter__()
        try:
            yield
        except BaseException as error:
            manager.__exit__(type(error), error, error.__traceback__)
            raise

        def later() -> None:
            time.sleep(0.3)
            manager.__exit__(None, None, None)

        threading.Thread(target=later, daemon=True).start()

    postgres.PostgresServer._ending = ending


def doorbell_without_looking(role: str) -> None:
    """Work is done when Redis says so, and at no other time."""
    calls.due_tenants = lambda host: []


def outbox_without_key(role: str) -> None:
    """Each sending has an id of its own."""
    from runtime.deliveries import sending

    sending.message_key = lambda tenant, key: f"msg_{uuid.uuid4().hex}"


def lease_not_fenced(role: str) -> None:
    """Whoever comes late finishes what another has finished."""
    table._mine = lambda job: (table.JOB.c.id == job.id,)


def idempotency_key_not_stored(role: str) -> None:
    """Every request is a new one."""
    from runtime import idempotency

    idempotency.begin = lambda ws, key, request: None


def error_swallowed_as_done(role: str) -> None:
    """What fails counts as done."""
    real = drain.handler

    def handler(name: str) -> Any:
        call = real(name)

        def swallowing(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except (table.Fenced, table.Cancelled):
                raise
            except Exception:
                return Done()

        return swallowing

    drain.handler = handler


def event_not_in_transaction(role: str) -> None:
    """What happened is written down by a transaction of its own, before it has happened."""
    from runtime import events

    real = events.row

    def row(ws: Any, fact: Any) -> dict[str, Any]:
        values = real(ws, fact)
        if fact.kind == "created" and ws.db.dialect == "postgresql":
            with ws.tenant.server.bind(ws.tenant.place, writing=True) as (db, _):
                events._statement("postgresql").run(db, values)
            return {**values, "e_id": str(uuid.uuid4()), "e_kind": "noted"}
        return values

    events.row = row


FAULTS: dict[str, Callable[[str], None]] = {
    each.__name__: each
    for each in (
        job_done_before_effects,
        timer_deleted_before_firing,
        retry_without_dedup,
        ack_before_commit,
        doorbell_without_looking,
        outbox_without_key,
        lease_not_fenced,
        idempotency_key_not_stored,
        error_swallowed_as_done,
        event_not_in_transaction,
    )
}
