"""Work done inside this process by threads: when there is no Redis, and always when there is nothing but a file.

    with Runner.start(host): ...

A ring is answered at once, further ones of the same tenant a moment after that is done: a busy tenant's events are
placed many at a time. What other processes leave, and what becomes due, is found by looking every second.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Self

from metadata.problems import NotFound, PlatformError
from runtime import directory
from runtime.database.sqlite import SqliteServer
from runtime.deliveries.pool import Pool
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import calls, tidy
from runtime.jobs.drain import drain, has_work
from runtime.jobs.lease import FolderLease
from runtime.workspace import PlatformActor, open_workspace

log = logging.getLogger(__name__)

POLL = 1.0
PAUSE = 0.25
"""Seconds between two answers to one tenant."""
SWEEP = 3600.0
_SLICE = 5.0


def first_sweep() -> float:
    """When the last sweep is taken to have been: processes that begin together do not all sweep at once."""
    return time.monotonic() - SWEEP + random.uniform(30.0, 120.0)


def sweep(host: Host) -> list[str]:
    """Have every tenant tidied; their ids. The safety net below calls and rings."""
    tenants = directory.all(host)
    for tenant in tenants:
        try:
            tidy.queue(host, tenant)
        except PlatformError as problem:
            log.warning("tenant %s could not be tidied: %s", tenant.name, problem)
    return [tenant.id for tenant in tenants]


class Runner:
    """A few threads over a set of tenants that have something due. Each tenant is with one of them at a time."""

    def __init__(self, host: Host, threads: int = 2, poll: float = POLL) -> None:
        self._host = host
        self._poll = poll
        self._changed = threading.Condition()
        self._due: dict[str, None] = {}
        self._busy: set[str] = set()
        self._answered: dict[str, float] = {}
        self._stopped = False
        self._swept = first_sweep()
        self._pool = Pool(host)
        self._lease = FolderLease(host.server.folder if isinstance(host.server, SqliteServer) else None)
        names = [f"jobs-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._look, name="jobs-look", daemon=True))

    @classmethod
    def start(cls, host: Host, threads: int = 2, poll: float = POLL) -> Self:
        """Begin to work, and have the host ring here."""
        runner = cls(host, threads, poll)
        host.bell, host.sender = runner.ring, runner._pool.call
        for thread in runner._threads:
            thread.start()
        return runner

    def ring(self, tenant_id: str) -> None:
        """There is work for a tenant. Never waits, never raises."""
        with self._changed:
            if tenant_id in self._due:
                return  # whoever takes it will see this work too; nobody is woken for each write of many
            self._due[tenant_id] = None
            self._changed.notify_all()

    def stop(self, timeout: float = 10.0) -> None:
        """Take on nothing more and wait for what is being done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        self._host.sender = None
        self._pool.stop()
        self._lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self) -> None:
        while (tenant_id := self._take()) is not None:
            again: float | None = None
            try:
                again = drain(self._host, directory.by_id(self._host, tenant_id), _SLICE)
            except NotFound:
                pass  # dropped since
            except Exception:
                # The edge of all jobs: whatever broke, the next tenant's work goes on, and this one is looked at again.
                log.warning("the jobs of tenant %s could not be looked at", tenant_id, exc_info=True)
            with self._changed:
                self._busy.discard(tenant_id)
                self._answered[tenant_id] = time.monotonic()
                if again is not None and again <= 0:
                    self._due[tenant_id] = None
                    del self._answered[tenant_id]
                self._changed.notify()

    def _take(self) -> str | None:
        """The tenant that has waited longest and is with nobody; None when it is time to stop."""
        with self._changed:
            while not self._stopped:
                waits = {each: self._rest(each) for each in self._due if each not in self._busy}
                found = next((each for each, rest in waits.items() if rest <= 0), None)
                if found is not None and self._lease.held():
                    del self._due[found]
                    self._busy.add(found)
                    return found
                resting = [rest for rest in waits.values() if rest > 0]
                self._changed.wait(timeout=min([self._poll, *resting]))
            return None

    def _rest(self, tenant_id: str) -> float:
        """Seconds until a tenant may be answered again."""
        return self._answered.get(tenant_id, 0.0) + PAUSE - time.monotonic()

    def _look(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, timeout=self._poll)
                if self._stopped:
                    return
            try:
                if self._lease.held():
                    for tenant_id in self._found():
                        self.ring(tenant_id)
            except Exception:
                log.warning("looking for work that is due failed; it is tried again", exc_info=True)

    def _found(self) -> list[str]:
        """Ids of the tenants to look after: every hour all of them, else those with something due."""
        if time.monotonic() - self._swept > SWEEP:
            self._swept = time.monotonic()
            return sweep(self._host)
        if self._host.server.dialect == "sqlite":
            return [each.id for each in directory.all(self._host) if self._waits(each)]
        return calls.due_tenants(self._host)

    def _waits(self, tenant: Tenant) -> bool:
        with open_workspace(self._host, tenant, PlatformActor()) as ws:
            return has_work(ws)
