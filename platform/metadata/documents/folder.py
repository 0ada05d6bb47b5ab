"""The description files of a folder as text: bounded, and never from outside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from metadata.documents.names import SECTION_NAMES
from metadata.documents.yaml import MOST_BYTES
from metadata.problems import MetadataInvalid, Position, Problem, kind

OUTSIDE = kind(
    "package_symlink",
    en="“{file}” is a link that leaves the package or leads to a folder. Put the file itself here.",
    zh="“{file}”是指向包外或文件夹的链接。请放入文件本身。",
)
BIG_FILE = kind(
    "package_file_size",
    en="“{file}” is larger than {most} bytes. Split it.",
    zh="“{file}”超过 {most} 字节，请拆分。",
)
BIG_PACKAGE = kind(
    "package_size",
    en="The package has more than {files} description files or {most} bytes. Split it into modules.",
    zh="配置包超过 {files} 个描述文件或 {most} 字节，请拆成多个模块。",
)
NOT_UTF8 = kind(
    "package_encoding",
    en="“{file}” is not UTF-8 text. Save it as UTF-8.",
    zh="“{file}”不是 UTF-8 文本，请另存为 UTF-8。",
)
EXTENSION = kind(
    "package_extension",
    en="“{file}” is not read: description files end in .yaml, .yml or .json. Rename it or move it out of the section.",
    zh="“{file}”不会被读取：描述文件以 .yaml、.yml 或 .json 结尾。请改名或移出该目录。",
)

EXTENSIONS = frozenset({".yaml", ".yml", ".json"})
MOST_FILES = 5_000
MOST_PACKAGE_BYTES = 20_000_000


def description_files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith("~"):
                yield Path(here) / name
        yield from (Path(here) / each for each in folders if (Path(here) / each).is_symlink())


def read_files(folder: Path, paths: Iterable[Path]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The text of each file by path, and what is wrong with those that cannot be taken: they stand there empty.

    So the others are compiled and checked all the same. Raises MetadataInvalid for a package that is too big.
    """
    files: dict[str, str] = {}
    problems: list[Problem] = []
    total = 0
    for path in paths:
        name = path.relative_to(folder).as_posix()
        place = Position(name, 1, 1)
        if path.is_symlink() and not _stays_inside(path, folder):
            problems.append(OUTSIDE(at=place, file=name))
            if path.suffix in EXTENSIONS:
                files[name] = ""
        elif path.suffix not in EXTENSIONS:
            if PurePosixPath(name).parts[0] in SECTION_NAMES:
                problems.append(EXTENSION(at=place, file=name))
        elif path.stat().st_size > MOST_BYTES:
            problems.append(BIG_FILE(at=place, file=name, most=MOST_BYTES))
            files[name] = ""
        else:
            total += path.stat().st_size
            if len(files) >= MOST_FILES or total > MOST_PACKAGE_BYTES:
                raise MetadataInvalid(*problems, BIG_PACKAGE(at=place, files=MOST_FILES, most=MOST_PACKAGE_BYTES))
            try:
                files[name] = path.read_bytes().decode("utf-8-sig")
            except UnicodeDecodeError:
                problems.append(NOT_UTF8(at=place, file=name))
                files[name] = ""
    return files, tuple(problems)


def _stays_inside(path: Path, folder: Path) -> bool:
    target = path.resolve()
    return target.is_file() and target.is_relative_to(folder.resolve())
