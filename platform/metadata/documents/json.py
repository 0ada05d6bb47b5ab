"""JSON text -> marked data, by the letter of RFC 8259, with the same limits as YAML."""

from __future__ import annotations

import re
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from metadata.documents.marked import Map, Mark, Seq, Source
from metadata.documents.yaml import CHARACTER, DEEP, DUPLICATE, MANY, MOST_DEPTH, MOST_NODES, NOT_A_MAPPING
from metadata.problems import Position, Problem, kind

SYNTAX = kind(
    "document_json",
    en="This is not valid JSON: look for a missing comma, quote or bracket at or just before this place.",
    zh="此处不是有效的 JSON：请检查此处或稍前位置的逗号、引号与括号。",
)

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile(r"true|false|null")


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read(text: str, source: Source) -> tuple[Map, tuple[Problem, ...]]:
    """The mapping that a text holds, with every problem that does not stop the reading; an empty one otherwise."""
    reader = _Reader(text, source)
    try:
        value, end = reader.value(reader.blank(0), 0)
        if reader.blank(end) != len(text):
            raise _Refused(SYNTAX(at=reader.place(reader.blank(end))))
        if not isinstance(value, Map):
            raise _Refused(NOT_A_MAPPING(at=Position(source.file, 1, 1)))
    except _Refused as refused:
        return Map(), (*reader.problems, refused.problem)
    return value, tuple(reader.problems)


class _Reader:
    def __init__(self, text: str, source: Source) -> None:
        self.text = text
        self.source = source
        self.problems: list[Problem] = []
        self._nodes = 0
        self._line, self._line_start = 1, 0

    def blank(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that starts at a place, and where it ends. Recursion is bounded by the depth limit."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _Refused(MANY(at=self.place(at), most=MOST_NODES))
        first = self.text[at : at + 1]
        if first in ("{", "["):
            if depth >= MOST_DEPTH:
                raise _Refused(DEEP(at=self.place(at), most=MOST_DEPTH))
            return self._mapping(at + 1, depth + 1) if first == "{" else self._list(at + 1, depth + 1)
        if first == '"':
            return self._string(at)
        if word := _WORD.match(self.text, at):
            return _WORDS[word[0]], word.end()
        if number := _NUMBER.match(self.text, at):
            exact = Decimal(number[0]) if number[1] or number[2] else int(number[0])
            return exact, number.end()
        raise _Refused(SYNTAX(at=self.place(at)))

    def _string(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] != '"':
            raise _Refused(SYNTAX(at=self.place(at)))
        try:
            value, end = scanstring(self.text, at + 1, True)
            value.encode()  # half of a surrogate pair is no character
        except ValueError:
            raise _Refused(SYNTAX(at=self.place(at))) from None
        if "\0" in value:
            raise _Refused(CHARACTER(at=self.place(at)))
        return str(value), int(end)

    def _mapping(self, at: int, depth: int) -> tuple[Map, int]:
        found = Map()
        at = self.blank(at)
        if self.text[at : at + 1] == "}":
            return found, at + 1
        while True:
            key_at = self.blank(at)
            key, at = self._string(key_at)
            key_place = self.place(key_at)
            at = self._expect(at, ":")
            # A text begins after its quote, so that a column inside it can be counted.
            place = self.place(at + self.text.startswith('"', at))
            value, at = self.value(at, depth)
            if key in found:
                self.problems.append(DUPLICATE(key, at=key_place, key=key, line=found.marks[key].line))
            else:
                found.put(key, value, Mark(self.source, key_place.line, key_place.column, place.line, place.column))
            at = self.blank(at)
            if self.text[at : at + 1] == "}":
                return found, at + 1
            at = self._expect(at, ",")

    def _list(self, at: int, depth: int) -> tuple[Seq, int]:
        found = Seq()
        at = self.blank(at)
        if self.text[at : at + 1] == "]":
            return found, at + 1
        while True:
            at = self.blank(at)
            place = self.place(at)
            value, at = self.value(at, depth)
            found.append(value)
            found.marks.append(Mark(self.source, place.line, place.column, place.line, place.column))
            at = self.blank(at)
            if self.text[at : at + 1] == "]":
                return found, at + 1
            at = self._expect(at, ",")

    def _expect(self, at: int, sign: str) -> int:
        at = self.blank(at)
        if self.text[at : at + 1] != sign:
            raise _Refused(SYNTAX(at=self.place(at)))
        return self.blank(at + 1)

    def place(self, at: int) -> Position:
        """Places are asked for in rising order, so the lines are counted only once."""
        if at < self._line_start:
            self._line, self._line_start = 1, 0
        while (end := self.text.find("\n", self._line_start, at)) >= 0:
            self._line, self._line_start = self._line + 1, end + 1
        return Position(self.source.file, self._line, at - self._line_start + 1)
