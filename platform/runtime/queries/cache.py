"""Compiled things of a model, kept while the model is: bounded, keyed by content, never cleared by hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from metadata.model import Model

T = TypeVar("T")

_SIZE = 2_000


class Kept:
    """The least recently used go first. What is kept must not hold the model, or neither would ever be freed."""

    def __init__(self, size: int = _SIZE) -> None:
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        try:
            found: T = self._found[key]
            self._found.move_to_end(key)
            return found
        except KeyError:
            made = make()
            with self._lock:
                self._found[key] = made
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
            return made


_of_models: WeakKeyDictionary[Model, Kept] = WeakKeyDictionary()
_lock = threading.Lock()


def kept(model: Model) -> Kept:
    """Where the compiled things of a model are."""
    found = _of_models.get(model)
    if found is None:
        with _lock:
            found = _of_models.setdefault(model, Kept())
    return found
