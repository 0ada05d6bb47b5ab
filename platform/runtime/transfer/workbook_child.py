"""The program that reads one sheet of a workbook: a process of its own, so that a hostile file costs only it.

Started by `workbooks.unpack` with one argument, a JSON object; answers with one JSON object on stdout.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

_EXACT = 10**15
"""Excel keeps 15 digits: beyond, what is in the cell is no longer what was typed."""
_MAX_CELLS = 50_000_000


def main(order: dict[str, Any]) -> dict[str, Any]:
    _limit(order["memory"], order["cpu"])
    # Loaded under the limits and only here: it is the parser that a hostile file is aimed at.
    import python_calamine as calamine

    try:
        with calamine.load_workbook(order["path"]) as workbook:
            return _read(workbook, order)
    except MemoryError:
        return {"error": "large"}
    except (calamine.CalamineError, OSError, ValueError) as problem:
        return {"error": "broken", "detail": str(problem)}


def _limit(memory: int, cpu: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(workbook: Any, order: dict[str, Any]) -> dict[str, Any]:
    names: list[str] = workbook.sheet_names
    wanted: str | None = order["sheet"]
    if wanted is not None and wanted not in names:
        return {"error": "sheet", "sheets": names}
    for name in [wanted] if wanted is not None else names:
        sheet = workbook.get_sheet_by_name(name)
        if (sheet.total_height and sheet.total_width) or name == (wanted or names[-1]):
            if sheet.total_height * sheet.total_width > _MAX_CELLS:
                return {"error": "large"}
            with open(order["target"], "wb") as target:
                target.writelines(_lines(sheet))
            return {"sheet": name, "sheets": names}
    return {"error": "broken"}


def _lines(sheet: Any) -> Iterator[bytes]:
    # The library gives the blank rows before the first cell, but not the blank columns.
    right = sheet.start[1] if sheet.start else 0
    before = [""] * right
    for row in sheet.iter_rows():
        cells = [*before, *map(text, row)]
        lost = [number for number, cell in enumerate(row, right) if type(cell) is float and abs(cell) >= _EXACT]
        yield orjson.dumps([cells, lost] if lost else [cells]) + b"\n"


def text(cell: object) -> str:
    """What a person sees in the cell, in a form that every field type reads."""
    match cell:
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return number(cell)
        case dt.datetime():
            return cell.isoformat(sep=" ", timespec="seconds")
        case dt.date() | dt.time():
            return cell.isoformat()
        case dt.timedelta():
            return str(cell)
    return ""


def number(value: float) -> str:
    """Excel's fifteen digits without an exponent: 1.0 is `1`, 0.1 + 0.2 is `0.3`."""
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return format(Decimal(f"{value:.15g}"), "f")


if __name__ == "__main__":
    try:
        answer = main(orjson.loads(sys.argv[1]))
    except MemoryError:
        answer = {"error": "large"}
    sys.stdout.buffer.write(orjson.dumps(answer))
