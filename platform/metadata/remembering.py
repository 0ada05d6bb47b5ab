"""Results kept by content within a process: bounded, the oldest dropped first, never cleared by hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """A key must hold everything that its result follows from. Results are shared, so nobody may change them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[K, V] = {}

    def get(self, key: K, make: Callable[[], V]) -> V:
        # Single operations of a dict are atomic; two threads may at worst both make the same result.
        found = self._held.get(key)
        if found is None:
            found = make()
            while len(self._held) >= self._most:
                try:
                    del self._held[next(iter(self._held))]
                except (KeyError, RuntimeError, StopIteration):
                    break
            self._held[key] = found
        return found
