"""Keeps a worker's lease alive during a long step, from a thread and a connection of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table
from runtime.jobs.work import Job, Kind
from runtime.workspace import PlatformActor, open_workspace

log = logging.getLogger(__name__)

_SHOWN = 2.0


class Heartbeat:
    """One thread for all jobs of one drain; it does nothing while steps are short."""

    def __init__(self, host: Host, tenant: Tenant) -> None:
        self._host, self._tenant = host, tenant
        self._changed = threading.Condition()
        self._job: Job | None = None
        self._until = 0.0
        self._renewed = 0.0
        self._news: Mapping[str, Any] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=10)

    @contextlib.contextmanager
    def over(self, job: Job, kind: Kind) -> Iterator[None]:
        """Renew the job's lease while the body runs, for at most `kind.longest` seconds."""
        # On SQLite a writing step holds the file's only write lock: nobody else can claim meanwhile, so no lease is
        # needed, and waiting for the lock would be in vain.
        if self._tenant.server.dialect == "sqlite" and not kind.outside:
            yield
            return
        with self._changed:
            self._job, self._until = job, time.monotonic() + kind.longest
            self._renewed, self._news = time.monotonic(), None
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="job-lease", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._job = None

    def tell(self, news: Mapping[str, Any]) -> None:
        """Show how far the step is. Written by the thread now and then, so it costs the step nothing."""
        with self._changed:
            self._news = dict(news)

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(timeout=_SHOWN)
                if self._closed:
                    return
                job, news, self._news = self._job, self._news, None
            now = time.monotonic()
            if job is None or now > self._until:
                continue
            if news is not None or now - self._renewed > table.LEASE / 3:
                self._renew(job, news)

    def _renew(self, job: Job, news: Mapping[str, Any] | None) -> None:
        try:
            with open_workspace(self._host, self._tenant, PlatformActor(), write=True, channel="job") as ws:
                table.renew(ws, job, news)
            self._renewed = time.monotonic()
        except table.Fenced:
            log.warning("job %s of tenant %s has passed to another worker", job.id, self._tenant.name)
        except Exception:
            log.warning("the lease of job %s could not be renewed", job.id, exc_info=True)
