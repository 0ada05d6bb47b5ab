"""Work that will be wanted soon is done in a thread meanwhile; when it is lost, whoever wants it does it then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from typing import Any

log = logging.getLogger("metaloom")

_MOST = 4
"""Things in the making at once in a process."""


class _Work:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._made = self._make()
        except Exception:
            # Whoever wants it makes it again, and meets the error where it can be told.
            log.warning("work ahead has failed", exc_info=True)

    def wait(self) -> Any:
        if self._thread is None:
            self._run()
        else:
            self._thread.join()
        return self._made


class Ahead:
    """What is wanted next in this process, by a key that says all it depends on.

    Only one thread computes at a time, so nothing is won by making it at once: it is made while the database works.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: dict[Hashable, _Work] = {}

    def begin(self, key: Hashable, make: Callable[[], Any]) -> None:
        """Say what will be wanted. Of too many things the oldest is forgotten."""
        with self._lock:
            while len(self._works) >= _MOST:
                del self._works[next(iter(self._works))]
            self._works[key] = _Work(make)

    def start(self) -> None:
        """The database is at work for a while, and its answer is waited for: what will be wanted is made now."""
        if self._works:
            with self._lock:
                for work in self._works.values():
                    work.start()

    def take(self, key: Hashable) -> Any:
        """What was begun under this key, once; None when nobody has begun it, or it has failed."""
        with self._lock:
            work = self._works.pop(key, None)
        return work.wait() if work is not None else None
