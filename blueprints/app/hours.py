"""Where the events of a day stand on a grid of half hours: row, length, and which of how many lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blueprints.app.calendar_events import Event
    from blueprints.app.calendars import Day

HALF_HOUR = 30
_FIRST, _LAST = 8, 19
_LANES = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """`row` counts half hours from the top, `lane` is like `2-3`: the second of three."""

    event: Event
    row: int
    rows: int
    lane: str


@dataclass(frozen=True, slots=True)
class Column:
    day: Day
    whole: tuple[Event, ...]
    """Those that last several days."""
    placed: tuple[Placed, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Grid:
    hours: tuple[int, ...]
    columns: tuple[Column, ...]


def grid(days: Sequence[Day]) -> Grid:
    """The hours of a working day, and earlier or later ones where something is."""
    timed = [each for day in days for each in day.events if not each.several_days and each.minute is not None]
    first = min([_FIRST, *((each.minute or 0) // 60 for each in timed)])
    last = max([_LAST, *(min(24, ((each.minute or 0) + each.minutes + 59) // 60) for each in timed)])
    return Grid(tuple(range(first, last)), tuple(_column(each, first, last) for each in days))


def _column(day: Day, first: int, last: int) -> Column:
    whole = tuple(each for each in day.events if each.several_days)
    timed = sorted((each for each in day.events if not each.several_days), key=lambda each: each.minute or 0)
    placed: list[Placed] = []
    more = day.more
    for group in _overlapping(timed):
        lanes: list[int] = []
        given: list[tuple[Event, int, int, int]] = []
        for each in group:
            row, rows = _place(each, first, last)
            lane = next((at for at, free in enumerate(lanes) if free <= row), len(lanes))
            if lane == _LANES:
                more += 1
                continue
            lanes[lane:] = [row + rows, *lanes[lane + 1 :]]
            given.append((each, row, rows, lane))
        placed += [Placed(each, row, rows, f"{lane + 1}-{len(lanes)}") for each, row, rows, lane in given]
    return Column(day, whole, tuple(placed), more)


def _place(event: Event, first: int, last: int) -> tuple[int, int]:
    start = (event.minute or 0) - first * 60
    row = start // HALF_HOUR
    rows = max(1, -(-(start + event.minutes) // HALF_HOUR) - row)
    return row, min(rows, (last - first) * 2 - row)


def _overlapping(events: Sequence[Event]) -> list[list[Event]]:
    """Runs of events that touch each other; events come by time."""
    found: list[list[Event]] = []
    end = -1
    for each in events:
        start = (each.minute or 0) // HALF_HOUR * HALF_HOUR
        if start >= end:
            found.append([])
        found[-1].append(each)
        end = max(end, start + max(each.minutes, HALF_HOUR))
    return found
