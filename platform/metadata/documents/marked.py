"""Data as somebody wrote it: plain mappings and lists in which every key still knows its layer, file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from metadata.problems import Position

Kind = str
"""Kind of a layer: core, module, industry or tenant."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of one layer. `file` is how people are told of it."""

    layer: str
    kind: Kind
    file: str


class Mark(NamedTuple):
    """Where a key and its value were written. Lines and columns count from 1."""

    source: Source
    line: int
    column: int
    value_line: int
    value_column: int

    @property
    def key_position(self) -> Position:
        return Position(self.source.file, self.line, self.column)

    @property
    def value_position(self) -> Position:
        return Position(self.source.file, self.value_line, self.value_column)


class Map(dict[str, Any]):
    """A mapping with the mark of every key. `born` holds marks of the lowest layer where another layer wrote later."""

    __slots__ = ("born", "marks")

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, Mark] = {}
        self.born: dict[str, Mark] | None = None

    def put(self, key: str, value: Any, mark: Mark) -> None:
        self[key] = value
        self.marks[key] = mark

    def birth(self, key: str) -> Mark:
        """Where the entry was first written."""
        return (self.born or self.marks).get(key) or self.marks[key]

    def remember(self, key: str, born: Mark) -> None:
        """Keep the mark of the lowest layer of an entry that another layer wrote later."""
        if self.born is None:
            self.born = {}
        self.born[key] = born


class Seq(list[Any]):
    """A list with the mark of every item."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []


def plain(value: Any) -> Any:
    """The same as JSON data. A fraction or a huge number becomes its exact text, as decimals are in the API."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    exact = isinstance(value, Decimal) or (isinstance(value, int) and abs(value) > _LARGEST)
    return str(value) if exact else value


_LARGEST = 2**53
"""Larger whole numbers are not exact in every reader of JSON."""
