"""A grid of rows as it is drawn, and where in it something is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blueprints.app.controls.base import Control
from metadata.problems import Problem


@dataclass(frozen=True, slots=True)
class Head:
    label: str
    required: bool
    kind: str
    """number, wide or nothing: how broad the column is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the grid. `place` is before the names of its controls: `lines.0.`."""

    place: str
    number: int
    cells: tuple[Control, ...]
    id: str = ""
    problems: tuple[str, ...] = ()
    blank: bool = False
    """Stands ready to be filled in."""


def wrong_cell(control: Control) -> tuple[int, int] | None:
    """The row and the cell of the first problem in a grid."""
    for at, row in enumerate(control.more["rows"]):
        for number, cell in enumerate(row.cells):
            if cell.problems:
                return at, number
        if row.problems:
            return at, 0
    return None


def with_focus(control: Control, at: int, number: int) -> Control:
    """The grid with the cursor in one of its cells."""
    rows = list(control.more["rows"])
    cells = list(rows[at].cells)
    cells[number] = replace(cells[number], focus=True)
    rows[at] = replace(rows[at], cells=tuple(cells))
    return replace(control, more={**control.more, "rows": tuple(rows)})


def place_of(problem: Problem) -> tuple[str, int, str] | None:
    """The grid, the row and the cell that a problem is about, None for one that is not about a row."""
    found = place_in(problem)
    return None if found is None else (problem.path.split(".")[0], *found)


def place_in(problem: Problem) -> tuple[int, str] | None:
    """The number of the row, and the path in it."""
    steps = problem.path.split(".")
    return (int(steps[1]), ".".join(steps[2:])) if len(steps) > 1 and steps[1].isdigit() else None
