"""Excel workbooks: looked at from outside before anything is unpacked, then read in a child process under limits."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from metadata.problems import Invalid, TooLarge, kind

NOT_A_WORKBOOK = kind(
    "import_workbook_broken",
    en="This file is not a workbook that can be read: it is damaged or protected by a password. "
    "Save it again as .xlsx without a password, or as CSV.",
    zh="该文件不是可读取的工作簿：文件已损坏或设有密码。请另存为不带密码的 .xlsx 或 CSV。",
)
WORKBOOK_TOO_LARGE = kind(
    "import_workbook_too_large",
    en="Unpacked, this workbook is larger than {limit} MB. "
    "Split it, or save the sheet as CSV, which has no such limit.",
    zh="该工作簿解压后超过 {limit} MB。请拆分文件，或将工作表另存为 CSV（无此限制）。",
)
NO_SUCH_SHEET = kind(
    "import_sheet_unknown",
    en="The workbook has no sheet {sheet}. It has: {sheets}.",
    zh="工作簿中没有工作表 {sheet}。现有工作表：{sheets}。",
)

MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 250
"""Sheets of real numbers pack 5 to 40 times; a file of zeros packs 1,000 times."""
MAX_MEMBERS = 5_000
_FREE_OF_RATIO = 8 * 1024 * 1024
MEMORY = 1_500 * 1024 * 1024
SECONDS = 60

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet unpacked to JSON lines: on each the cells of one row as texts, and the columns that lost digits."""

    name: str
    sheets: tuple[str, ...]


def is_workbook(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(8)
    return head.startswith(ZIP) or head == OLE


def unpack(path: Path, sheet: str | None, target: Path) -> Sheet:
    """Write the rows of one sheet (the first that holds anything, when none is named) to `target`."""
    _look(path)
    order = orjson.dumps({"path": str(path), "sheet": sheet, "target": str(target), "memory": MEMORY, "cpu": SECONDS})
    command = [sys.executable, "-I", str(Path(__file__).with_name("workbook_child.py")), order.decode()]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as problem:
        raise TooLarge(WORKBOOK_TOO_LARGE(limit=MAX_UNPACKED // 1024**2)) from problem
    try:
        answer = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        answer = {"error": "large"}  # the child was stopped by its limits and could not say so
    match answer.get("error"):
        case None:
            return Sheet(answer["sheet"], tuple(answer["sheets"]))
        case "sheet":
            raise Invalid(NO_SUCH_SHEET(sheet=sheet, sheets=answer["sheets"]))
        case "large":
            raise TooLarge(WORKBOOK_TOO_LARGE(limit=MAX_UNPACKED // 1024**2))
    raise Invalid(NOT_A_WORKBOOK())


def _look(path: Path) -> None:
    """Refuse a bomb by what the archive says of itself, before a byte is unpacked."""
    with path.open("rb") as stream:
        if not stream.read(4).startswith(ZIP):
            if path.stat().st_size > MAX_UNPACKED:
                raise TooLarge(WORKBOOK_TOO_LARGE(limit=MAX_UNPACKED // 1024**2))
            return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as problem:
        raise Invalid(NOT_A_WORKBOOK()) from problem
    unpacked = sum(each.file_size for each in members)
    packed = max(path.stat().st_size, 1)
    bomb = unpacked > _FREE_OF_RATIO and unpacked > MAX_RATIO * packed
    if unpacked > MAX_UNPACKED or bomb or len(members) > MAX_MEMBERS:
        raise TooLarge(WORKBOOK_TOO_LARGE(limit=MAX_UNPACKED // 1024**2))
