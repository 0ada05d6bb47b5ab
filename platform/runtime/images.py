"""What kind of picture some bytes are and how large it would be when drawn, read from their first part alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO

MOST_PIXELS = 40_000_000
"""A picture of a telephone has a third of it; a small file that unfolds to more is meant to harm."""
LONGEST_SIDE = 16_384


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    width: int
    height: int

    @property
    def too_large(self) -> bool:
        return self.width * self.height > MOST_PIXELS or max(self.width, self.height) > LONGEST_SIDE


def look(stream: IO[bytes]) -> Picture | None:
    """The picture that a file begins as; None for any other file, or one that is broken off."""
    head = stream.read(32)
    try:
        found = _png(head) or _gif(head) or _webp(head) or _jpeg(stream, head)
    except (struct.error, IndexError):
        return None
    return found if found is not None and found.width > 0 and found.height > 0 else None


def _png(head: bytes) -> Picture | None:
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        return None
    return Picture("image/png", *struct.unpack(">II", head[16:24]))


def _gif(head: bytes) -> Picture | None:
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Picture("image/gif", *struct.unpack("<HH", head[6:10]))


def _webp(head: bytes) -> Picture | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    match head[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (each & 0x3FFF for each in struct.unpack("<HH", head[26:30]))
        case _:
            return None
    return Picture("image/webp", width, height)


_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_MOST_SEGMENTS = 500


def _jpeg(stream: IO[bytes], head: bytes) -> Picture | None:
    if head[:3] != b"\xff\xd8\xff":
        return None
    stream.seek(2)
    for _ in range(_MOST_SEGMENTS):
        mark = stream.read(2)
        while mark[:1] == b"\xff" and mark[1:] == b"\xff":  # filled up
            mark = b"\xff" + stream.read(1)
        if len(mark) < 2 or mark[0] != 0xFF:
            return None
        length = int.from_bytes(stream.read(2), "big")
        if mark[1] in _FRAMES:
            height, width = struct.unpack(">HH", stream.read(5)[1:5])
            return Picture("image/jpeg", width, height)
        if length < 2:
            return None
        stream.seek(length - 2, 1)
    return None
