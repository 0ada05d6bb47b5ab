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
_TAIL_BITS = 32
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"


class _Clock:
    """The last millisecond and counter given out. A counter of 42 bits starts low enough never to run over."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.millisecond = 0
        self.counter = 0

    def next(self) -> tuple[int, int]:
        with self.lock:
            now = time.time_ns() // 1_000_000
            if now > self.millisecond:
                self.millisecond = now
                self.counter = secrets.randbits(_COUNTER_BITS - 1)
            else:
                # Same millisecond, or the clock went back: keep to the last one, so that ids still grow.
                self.counter += 1
            return self.millisecond, self.counter


_clock = _Clock()


def _begin_anew() -> None:
    global _clock
    _clock = _Clock()


# A forked worker must not continue the counter of its parent (nor inherit a lock that is held).
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562), lower case and dashed. Ids made by one process grow strictly."""
    millisecond, counter = _clock.next()
    value = (
        (millisecond & 0xFFFF_FFFF_FFFF) << 80
        | 0x7 << 76
        | (counter >> 30 & 0xFFF) << 64
        | 0b10 << 62
        | (counter & 0x3FFF_FFFF) << 32
        | int.from_bytes(os.urandom(_TAIL_BITS // 8), "big")
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: object) -> bool:
    """Whether a value is a dashed UUID in text."""
    return isinstance(text, str) and _UUID.match(text) is not None


def short_id(length: int = 8) -> str:
    """A random id of letters and digits that cannot be mistaken for one another when read out."""
    return "".join(secrets.choice(_READABLE) for _ in range(length))
