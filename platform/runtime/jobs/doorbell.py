"""Connects a process to whoever does the jobs: RQ workers when there is a Redis, else threads of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from runtime.host import Host
from runtime.jobs.runner import Runner


@contextlib.contextmanager
def attached(host: Host, *, works: bool = True) -> Iterator[None]:
    """While the body runs, `host.bell` is heard. With `works` false a process without Redis leaves jobs to others."""
    if host.settings.redis_url:
        from runtime.jobs.redis import Doorbell  # rq takes long to load and is not needed without Redis

        bell = Doorbell(host.settings.redis_url)
        host.bell = bell.ring
        try:
            yield
        finally:
            bell.close()
    elif works:
        with Runner.start(host):
            yield
    else:
        yield
