"""Threads that send, beside those that do jobs: whoever does not answer holds up nobody but himself.

A process has one pool for all tenants. At most `_TENANT` threads are one tenant's, two one target's, and `_SLOW` those
of targets that took long before, so there is always one for somebody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from metadata.problems import NotFound
from runtime import directory
from runtime.deliveries.chain import serve
from runtime.host import Host

log = logging.getLogger(__name__)

THREADS, _TENANT, _TARGET, _SLOW = 32, 24, 2, 8
_LONG = 3.0
"""Seconds for one try after which a target is taken for slow."""

Call = tuple[str, str]
"""Tenant id and target."""


class Pool:
    """A few threads, begun when they are needed."""

    def __init__(self, host: Host, threads: int = THREADS) -> None:
        self._host, self._most = host, threads
        self._changed = threading.Condition()
        self._waiting: dict[Call, None] = {}
        self._busy: Counter[Call] = Counter()
        self._tenants: Counter[str] = Counter()
        self._slow: set[Call] = set()
        self._crawling = 0
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._stopped = False

    def call(self, tenant_id: str, target: str) -> None:
        """Something is due for a target. Never waits, never raises."""
        with self._changed:
            if self._stopped:
                return  # what is due stays due: the call that was left in the database is found by others
            self._waiting[tenant_id, target] = None
            if self._idle < len(self._waiting) and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"deliveries-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def stop(self, timeout: float = 12.0) -> None:
        """Take on nothing more and wait for what is under way."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (call := self._take()) is not None:
            tenant_id, target = call
            slow, begun, tries = call in self._slow, time.monotonic(), 0
            try:
                tries = serve(self._host, directory.by_id(self._host, tenant_id), target)
            except NotFound:
                pass  # dropped since
            except Exception:
                # The edge of all sending: what was under way is taken up again when its lease has run out.
                log.warning("what is due for %s of tenant %s could not be sent", target, tenant_id, exc_info=True)
            self._left(call, slow, time.monotonic() - begun > _LONG * max(tries, 1))

    def _take(self) -> Call | None:
        with self._changed:
            while not self._stopped:
                found = next((each for each in self._waiting if self._may(each)), None)
                if found is not None:
                    del self._waiting[found]
                    self._busy[found] += 1
                    self._tenants[found[0]] += 1
                    self._crawling += found in self._slow
                    return found
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return None

    def _may(self, call: Call) -> bool:
        free = call not in self._slow or self._crawling < _SLOW
        return free and self._busy[call] < _TARGET and self._tenants[call[0]] < _TENANT

    def _left(self, call: Call, was_slow: bool, is_slow: bool) -> None:
        with self._changed:
            self._crawling -= was_slow
            self._busy[call] -= 1
            self._tenants[call[0]] -= 1
            if not self._tenants[call[0]]:
                del self._tenants[call[0]]
            if not self._busy[call]:
                del self._busy[call]
                (self._slow.add if is_slow else self._slow.discard)(call)
            self._changed.notify_all()
