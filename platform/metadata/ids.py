"""Ids: UUIDv7 for everything that is stored, short ones for what a person has to read out."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time

UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_UUID = re.compile(UUID_PATTERN[:-1] + r"\Z")

_COUNTER_BITS = 42
_TAIL = 4
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"


class _Clock:
    """The last millisecond and counter given out. A counter of 42 bits starts low enough never to run over."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.millisecond = 0
        self.counter = 0

    def next(self, count: int = 1) -> tuple[int, int]:
        """The millisecond and the first of so many counters."""
        with self.lock:
            now = time.time_ns() // 1_000_000
            if now > self.millisecond:
                self.millisecond = now
                first = secrets.randbits(_COUNTER_BITS - 1)
            else:
                # Same millisecond, or the clock went back: keep to the last one, so that ids still grow.
                first = self.counter + 1
            self.counter = first + count - 1
            return self.millisecond, first


_clock = _Clock()


def _begin_anew() -> None:
    global _clock
    _clock = _Clock()


# A forked worker must not continue the counter of its parent (nor inherit a lock that is held).
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562), lower case and dashed. Ids made by one process grow strictly."""
    return uuid7s(1)[0]


def uuid7s(count: int) -> list[str]:
    """Many new ids at once, in their order: millisecond, counter of 42 bits, tail of chance."""
    millisecond, first = _clock.next(count)
    time_ = f"{millisecond >> 16 & 0xFFFF_FFFF:08x}-{millisecond & 0xFFFF:04x}-7"
    tails = os.urandom(_TAIL * count).hex()
    return [
        f"{time_}{c >> 30 & 0xFFF:03x}-{c >> 16 & 0x3FFF | 0x8000:04x}-{c & 0xFFFF:04x}{tails[at : at + 2 * _TAIL]}"
        for c, at in zip(range(first, first + count), range(0, 2 * _TAIL * count, 2 * _TAIL), strict=True)
    ]


def is_uuid(text: object) -> bool:
    """Whether a value is a dashed UUID in text."""
    return isinstance(text, str) and _UUID.match(text) is not None


def short_id(length: int = 8) -> str:
    """A random id of letters and digits that cannot be mistaken for one another when read out."""
    return "".join(secrets.choice(_READABLE) for _ in range(length))
