"""The two forms of an exported table: CSV that opens rightly in Excel, and Excel itself."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from metadata.model import Field
from metadata.problems import TooLarge, kind
from runtime.transfer.reading import guarded, unwrapped

TOO_MUCH_FOR_EXCEL = kind(
    "export_too_large_for_excel",
    en="A sheet of Excel holds 1,048,576 rows and 32,767 characters in a cell; this export needs more. Export as CSV.",
    zh="Excel 工作表最多 1,048,576 行、每格 32,767 个字符，此次导出超出限制。请导出为 CSV。",
)


class Number(str):
    """A cell that is a plain number: no formula, although it may begin with a minus."""

    __slots__ = ()


Cell = str | dt.date

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_NUMBERS = frozenset({"integer", "decimal", "money", "percent", "rating"})
_MOST_ROWS, _LONGEST = 1_048_576, 32_767
_FIRST_DAY = dt.date(1900, 3, 1)
"""Before it Excel's calendar has a day that never was."""


def typed(field: Field, value: Any, text: str) -> Cell:
    """A cell with the type of its field: numbers that can be added up, days that can be sorted."""
    if field.type in _NUMBERS and _PLAIN.match(text):
        return Number(text)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return text


Put = Callable[[Sequence[Cell]], None]


@contextmanager
def opened(path: Path, form: Literal["csv", "xlsx"], headers: Sequence[str]) -> Iterator[Put]:
    """A file that takes rows. It is complete when the block has ended."""
    with (_csv if form == "csv" else _xlsx)(path) as put:
        put(headers)
        yield put


@contextmanager
def _csv(path: Path) -> Iterator[Put]:
    # The mark makes Excel read UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        yield lambda cells: writer.writerow([_safe(cell) for cell in cells])


def _safe(cell: Cell) -> str:
    if isinstance(cell, str):
        return str(cell) if isinstance(cell, Number) else guarded(cell)
    return cell.isoformat()


@contextmanager
def _xlsx(path: Path) -> Iterator[Put]:
    import xlsxwriter  # takes a while to load and is needed for this alone

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        row = 0

        def put(cells: Sequence[Cell]) -> None:
            nonlocal row
            if row >= _MOST_ROWS:
                raise TooLarge(TOO_MUCH_FOR_EXCEL())
            for at, cell in enumerate(cells):
                if isinstance(cell, Number) and sum(each.isdigit() for each in cell) <= 15:
                    sheet.write_number(row, at, float(cell))
                elif isinstance(cell, str):
                    _write_text(sheet, row, at, cell)
                elif cell >= _FIRST_DAY:
                    sheet.write_datetime(row, at, cell, day)
                else:
                    sheet.write_string(row, at, cell.isoformat())
            row += 1

        yield put


def _write_text(sheet: Any, row: int, at: int, cell: str) -> None:
    # Typed as text it is no formula; an apostrophe is put only where reading it back would take something off.
    text = f"'{cell}" if unwrapped(cell) != cell else cell
    if len(text) > _LONGEST:
        raise TooLarge(TOO_MUCH_FOR_EXCEL())
    if text:
        sheet.write_string(row, at, text)
