"""A file that somebody brings becomes staged rows: cells as texts under named columns, as JSON lines.

Staging reads the whole file once, so that a file which cannot be read is refused before anything is written, and so
that an import can be taken up again at any row by its byte position.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from metadata.problems import Invalid, TooLarge, kind
from runtime.transfer import delimited, encodings, workbooks

NO_TABLE = kind(
    "import_no_table",
    en="There is no row of column names in this file. Put the names of the columns into the first row.",
    zh="文件中没有列名行。请在第一行写上各列的名称。",
)
TOO_MANY_COLUMNS = kind(
    "import_too_many_columns",
    en="Row {row} has {columns} columns; at most {limit} are read. Is the delimiter right?",
    zh="第 {row} 行有 {columns} 列，最多读取 {limit} 列。请检查分隔符是否正确。",
)
NO_SUCH_ROW = kind(
    "import_header_row",
    en="The file has no row {row} to take column names from.",
    zh="文件中没有第 {row} 行，无法读取列名。",
)

MAX_COLUMNS = 16_384
_LOOK_AHEAD = 60


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is to be read. What is None is detected; `header` is the row of column names, 0 for none."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header: int | None = None


DETECT = Format()


class Row(NamedTuple):
    """One row of a file. `line` is its number as a spreadsheet shows it, `end` the position behind it."""

    line: int
    cells: tuple[str, ...]
    lost: tuple[int, ...]
    """Columns whose number had more digits than the workbook keeps."""
    end: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A file made ready: column names, how it was read, and how many rows there are."""

    headers: tuple[str, ...]
    format: Format
    rows: int = 0
    blank: int = 0
    short: tuple[int, ...] = ()
    """Line numbers (the first hundred) of rows with fewer cells than there are columns."""
    long: tuple[int, ...] = ()
    """The same of rows with more cells than columns; these are refused."""

    def as_json(self) -> dict[str, Any]:
        return {
            "headers": list(self.headers),
            "encoding": self.format.encoding,
            "delimiter": self.format.delimiter,
            "sheet": self.format.sheet,
            "header": self.format.header,
            "rows": self.rows,
            "blank": self.blank,
            "short": list(self.short),
            "long": list(self.long),
        }


def stage(path: Path, target: Path, wanted: Format = DETECT, known: Iterable[str] = ()) -> Staged:
    """Read a file into `target`. `known` are names that columns may have: they help to find the header row."""
    if workbooks.is_workbook(path):
        unpacked = target.with_name(target.name + ".sheet")
        try:
            sheet = workbooks.unpack(path, wanted.sheet, unpacked)
            found = Format(sheet=sheet.name, header=wanted.header)
            return _stage(_unpacked_rows(unpacked), target, found, known)
        finally:
            unpacked.unlink(missing_ok=True)
    encoding = encodings.checked(path, wanted.encoding) if wanted.encoding else encodings.detect(path)
    delimiter = wanted.delimiter or delimited.detect_delimiter(path, encoding)
    rows = ((cells, ()) for cells in delimited.records(path, encoding, delimiter))
    return _stage(rows, target, Format(encoding, delimiter, None, wanted.header), known)


def read(stream: BinaryIO, position: int = 0) -> Iterator[Row]:
    """The staged rows from a position on."""
    stream.seek(position)
    for line in stream:
        position += len(line)
        number, cells, *lost = orjson.loads(line)
        yield Row(number, tuple(cells), tuple(lost[0]) if lost else (), position)


RawRow = tuple[list[str], tuple[int, ...]]


def _unpacked_rows(path: Path) -> Iterator[RawRow]:
    with path.open("rb") as stream:
        for line in stream:
            cells, *lost = orjson.loads(line)
            yield cells, tuple(lost[0]) if lost else ()


def _stage(rows: Iterator[RawRow], target: Path, format_: Format, known: Iterable[str]) -> Staged:
    head = list(islice(rows, _LOOK_AHEAD))
    header = format_.header if format_.header is not None else find_header([row for row, _ in head], known)
    if header > len(head):
        raise Invalid(NO_SUCH_ROW(row=header))
    _refuse_width(header or 1, head[max(header - 1, 0)][0] if head else [])
    if header:
        headers = column_names(head[header - 1][0])
    else:
        headers = tuple(str(number) for number in range(1, max((len(row) for row, _ in head), default=0) + 1))
    if not any(headers):
        raise Invalid(NO_TABLE())
    with target.open("wb") as stream:
        return _write(stream, head[header:], rows, headers, Format(*_parts(format_), header))


def _parts(format_: Format) -> tuple[str | None, str | None, str | None]:
    return format_.encoding, format_.delimiter, format_.sheet


def _write(
    stream: BinaryIO, head: list[RawRow], rest: Iterator[RawRow], headers: tuple[str, ...], format_: Format
) -> Staged:
    width, written, blank = len(headers), 0, 0
    short: list[int] = []
    long: list[int] = []
    line = format_.header or 0
    for source in (head, rest):
        for cells, lost in source:
            line += 1
            if len(cells) != width:
                if not any(cell and not cell.isspace() for cell in cells):
                    blank += 1
                    continue
                _refuse_width(line, cells)
                cells = _fit(cells, width, line, short, long)
            elif (not cells or not cells[0] or cells[0].isspace()) and not any(
                cell and not cell.isspace() for cell in cells
            ):
                blank += 1
                continue
            stream.write(orjson.dumps([line, cells, lost] if lost else [line, cells]) + b"\n")
            written += 1
    return Staged(headers, format_, written, blank, tuple(short), tuple(long))


def _fit(cells: list[str], width: int, line: int, short: list[int], long: list[int]) -> list[str]:
    """Blank cells beyond the header are dropped; others stay, so that the row is refused with all that it holds."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > width and len(long) < 100:
        long.append(line)
    if len(cells) < width:
        if len(short) < 100:
            short.append(line)
        cells = [*cells, *[""] * (width - len(cells))]
    return cells


def _refuse_width(line: int, cells: list[str]) -> None:
    if len(cells) > MAX_COLUMNS:
        raise TooLarge(TOO_MANY_COLUMNS(row=line, columns=len(cells), limit=MAX_COLUMNS))


def find_header(rows: list[list[str]], known: Iterable[str] = ()) -> int:
    """The number of the row with the names of the columns. Raises Invalid when every row is blank.

    Exports of banks and shops have titles above their table: the header is the row with the most known names, else
    the first that is about as wide as the table and has the table below it.
    """
    if not any(any(cell.strip() for cell in row) for row in rows):
        raise Invalid(NO_TABLE())
    names = {plain(name) for name in known}
    hits = [sum(1 for cell in row if cell.strip() and plain(cell) in names) for row in rows]
    if max(hits) >= 2:
        return hits.index(max(hits)) + 1
    widths = [sum(1 for cell in row if cell.strip()) for row in rows]
    usual = _usual(widths)
    for number, width in enumerate(widths):
        if width and width >= 0.6 * usual and _heads_a_table(rows, widths, number, min(2, usual)):
            return number + 1
    return next(number for number, width in enumerate(widths, 1) if width)


def _heads_a_table(rows: list[list[str]], widths: list[int], number: int, least: int) -> bool:
    """Rows of a table follow, and no row that looks more like names of columns."""
    following = [each for each, width in enumerate(widths) if each > number and width][:3]
    if following and max(widths[each] for each in following) < least:
        return False
    named = any(widths[each] > widths[number] and not _has_number(rows[each]) for each in following)
    return not (named and _has_number(rows[number]))


def _has_number(row: list[str]) -> bool:
    return any(cell.strip().replace("-", "").replace(".", "").isdecimal() for cell in row)


def _usual(widths: list[int]) -> int:
    wide = Counter(width for width in widths if width > 1)
    if not wide:
        return 1
    most = max(wide.values())
    return max(width for width, number in wide.items() if number == most)


def column_names(cells: list[str]) -> tuple[str, ...]:
    """The names of the columns, cleaned; a name that comes again gets a number."""
    found: list[str] = []
    seen: Counter[str] = Counter()
    for cell in cells:
        name = clean_name(cell)
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


_BLANKS = re.compile(r"[\s\ufeff\u00a0\u200b\u3000]+")
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')


def clean_name(cell: str) -> str:
    return _BLANKS.sub(" ", unwrapped(cell)).strip()[:300]


def plain(name: str) -> str:
    """A name for comparing: without case, blanks, underscores and the signs around required columns."""
    return re.sub(r"[\s_\-*:：\ufeff\u00a0\u3000]+", "", unwrapped(name)).casefold()


def unwrapped(cell: str) -> str:
    """`="0012"`, which keeps Excel from dropping the zeros, is 0012; an apostrophe before a sign is taken off."""
    if cell[:2] == '="' and (match := _QUOTED_FORMULA.fullmatch(cell.strip())):
        return match[1]
    return unguarded(cell)


GUARDED = "=+-@\t\r"
"""Characters with which a spreadsheet would begin a formula."""


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. `unguarded` undoes it exactly."""
    return f"'{cell}" if cell.lstrip("'")[:1] in GUARDED and cell.lstrip("'") else cell


def unguarded(cell: str) -> str:
    if cell[:1] != "'":
        return cell
    rest = cell.lstrip("'")
    return cell[1:] if rest and rest[0] in GUARDED else cell
