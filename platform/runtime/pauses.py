"""Python's collector waits while thousands of short-lived things are made, and none of them is circular."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_pauses() -> Iterator[None]:
    """Thousands of drafts at once make the collector walk the whole heap again and again: half of the time, measured.

    Only for work that holds a bounded number of things.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
