"""Numbers that count up (`OPP-202706-00042`): unique and never given twice; some may be left out.

On PostgreSQL a process reserves a block in a transaction of its own, so that savers do not wait for each other. On
SQLite there is one writer at a time anyway: the counter moves in the writer's own transaction, and what is undone was
never given to anybody.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from metadata.expressions.binding import zone
from metadata.fieldtypes.sequences import DEFAULT_FORMAT, format_number, period_of
from metadata.model import Field
from runtime.workspace import Workspace

_MOST_KEYS = 2_000
_LARGEST_BLOCK = 100
_BUSY_SECONDS = 60.0
"""A block that lasted less than this is followed by one twice as large: few numbers are lost where few are needed."""

Key = tuple[str, int, str, str, str]
"""Tenant, restore epoch, entity, field, period."""

_RESERVE = {
    "postgresql": """
        INSERT INTO _sequence (entity, field, period, next) VALUES (%(entity)s, %(field)s, %(period)s, 1 + %(size)s)
        ON CONFLICT (entity, field, period) DO UPDATE SET next = _sequence.next + %(size)s RETURNING next""",
    "sqlite": """
        INSERT INTO _sequence (entity, field, period, next) VALUES (?, ?, ?, 1 + ?)
        ON CONFLICT (entity, field, period) DO UPDATE SET next = _sequence.next + ? RETURNING next""",
}


@dataclass(slots=True)
class _Block:
    """What is left of a reserved block: from `next` up to, not including, `end`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    next: int = 0
    end: int = 0
    size: int = 0
    reserved: float = 0.0


class Blocks:
    """The blocks of this process. Losing one only leaves numbers out."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, _Block] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Key, count: int, reserve: Callable[[int], int]) -> list[int]:
        """Numbers for a key. `reserve` gets a size and gives the first number of a new block of that size."""
        block = self._block(key)
        # One thread reserves, the others wait for its block instead of asking for a connection each.
        with block.lock:
            taken = list(range(block.next, min(block.end, block.next + count)))
            block.next += len(taken)
            missing = count - len(taken)
            if missing:
                size = max(missing, self._size(block))
                first = reserve(size)
                taken += range(first, first + missing)
                block.next, block.end = first + missing, first + size
                block.size, block.reserved = size, time.monotonic()
            return taken

    def _size(self, block: _Block) -> int:
        busy = block.size and time.monotonic() - block.reserved < _BUSY_SECONDS
        return min(block.size * 2, _LARGEST_BLOCK) if busy else 1

    def _block(self, key: Key) -> _Block:
        with self._lock:
            block = self._found.setdefault(key, _Block())
            self._found.move_to_end(key)
            while len(self._found) > _MOST_KEYS:
                self._found.popitem(last=False)
            return block


_blocks = Blocks()


def take(ws: Workspace, entity_id: str, field: Field, count: int = 1) -> list[str]:
    """The next numbers of a sequence field, in their order."""
    format = str(field.props.get("format", DEFAULT_FORMAT))
    day = ws.now.astimezone(zone(str(ws.model.settings.get("timezone", "UTC")))).date()
    period = period_of(format, day)
    if ws.db.dialect == "sqlite":
        row = ws.db.fetch(_RESERVE["sqlite"], (entity_id, field.id, period, count, count))
        first = int(row[0][0]) - count
        taken = list(range(first, first + count))
    else:
        key = (ws.tenant.id, ws.restore_epoch, entity_id, field.id, period)
        taken = _blocks.take(key, count, lambda size: _reserve(ws, entity_id, field, period, size))
    return [format_number(format, each, day) for each in taken]


def _reserve(ws: Workspace, entity_id: str, field: Field, period: str, size: int) -> int:
    """Move the counter in a transaction of its own; the first number that is ours now."""
    params = {"entity": entity_id, "field": field.id, "period": period, "size": size}
    with ws.tenant.server.bind(ws.tenant.place, writing=True) as (db, _):
        return int(db.fetch(_RESERVE["postgresql"], params)[0][0]) - size
