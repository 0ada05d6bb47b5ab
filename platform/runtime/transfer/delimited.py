"""Text tables: which delimiter, and the records one after the other, whatever the size of the file."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from math import log2
from pathlib import Path
from typing import Protocol, TextIO

from metadata.problems import Invalid, kind

CELL_TOO_LONG = kind(
    "import_cell_too_long",
    en="Near line {line} a cell is longer than {limit} characters. Is a quotation mark missing there?",
    zh="第 {line} 行附近有单元格超过 {limit} 个字符。是否缺少引号？",
)
LINE_TOO_LONG = kind(
    "import_line_too_long",
    en="Line {line} is longer than {limit} characters. Is this a table with one record on each line?",
    zh="第 {line} 行超过 {limit} 个字符。请确认该文件是每行一条记录的表格。",
)
QUOTE_NOT_CLOSED = kind(
    "import_quote_not_closed",
    en="A quotation mark opened on line {line} is never closed. Close it, or double it if it is part of the text.",
    zh="第 {line} 行的引号没有结束。请补上结束引号；如引号属于文本，请写成两个引号。",
)

DELIMITERS = (",", ";", "\t", "|")
MAX_LINE = 4_000_000
MAX_CELL = 1_000_000
_SAMPLE_RECORDS = 200
_SAMPLE_CHARACTERS = 400_000

csv.field_size_limit(MAX_CELL)


class _Reader(Protocol):
    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


def detect_delimiter(path: Path, encoding: str) -> str:
    """The delimiter that cuts the first records most evenly; a comma when there is nothing to cut."""
    with path.open(encoding=encoding, newline="") as stream:
        sample = stream.read(_SAMPLE_CHARACTERS)
    lines = sample.splitlines(keepends=True)
    if len(sample) == _SAMPLE_CHARACTERS and len(lines) > 1:
        lines.pop()
    scores = {each: _evenness(lines, each) for each in DELIMITERS if each in sample}
    return max(scores, key=lambda each: scores[each], default=",")


def records(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Every record, blank ones too (empty lists). Raises Invalid where the file cannot be a table."""
    with path.open(encoding=encoding, newline="") as stream:
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=_spaced(path, encoding, delimiter))
        yield from _guarded(reader, lines)


def _guarded(reader: _Reader, lines: _Lines) -> Iterator[list[str]]:
    while True:
        begun = lines.count
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise Invalid(CELL_TOO_LONG(line=begun + 1, limit=MAX_CELL)) from problem
        if lines.ended:
            # The reader asked for another line in the middle of a record, and there was none.
            raise Invalid(QUOTE_NOT_CLOSED(line=begun + 1))
        yield record


class _Lines:
    """The lines of a file, of bounded length. `ended` is set when one was asked for after the last."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.count = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE)
        if not line:
            self.ended = True
            raise StopIteration
        self.count += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            raise Invalid(LINE_TOO_LONG(line=self.count, limit=MAX_LINE))
        return line


def _spaced(path: Path, encoding: str, delimiter: str) -> bool:
    """Whether quotations begin after a blank (`1, "Smith, John"`)."""
    with path.open(encoding=encoding, newline="") as stream:
        sample = stream.read(_SAMPLE_CHARACTERS)
    return bool(re.search(f'{re.escape(delimiter)} +"[^"\\n]*" *({re.escape(delimiter)}|[\\r\\n]|$)', sample))


def _evenness(lines: list[str], delimiter: str) -> float:
    """How much of a table the lines are: the share of records of the usual width, weighted by that width."""
    try:
        found = list(islice(csv.reader(lines, delimiter=delimiter), _SAMPLE_RECORDS))
    except csv.Error:
        return 0.0
    widths = Counter(len(record) for record in found if any(cell.strip() for cell in record))
    wide = {width: number for width, number in widths.items() if width > 1}
    if not wide:
        return 0.0
    width, number = max(wide.items(), key=lambda item: (item[1], item[0]))
    return number / widths.total() * (0.5 + log2(width))
