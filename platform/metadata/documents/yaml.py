"""YAML text -> marked data. No tags, anchors, aliases, duplicate keys or surprises; bounded in depth and size.

Built from parser events rather than nodes, so that the limits hold before anything deep or big has been made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from metadata.documents.marked import Map, Mark, Seq, Source
from metadata.documents.scalars import resolve
from metadata.problems import Position, Problem, kind

MOST_BYTES = 1_000_000
MOST_DEPTH = 20
MOST_NODES = 100_000

SYNTAX = kind(
    "document_syntax",
    en="This is not valid YAML: look for a missing colon, quote, bracket or indentation at or just before this place.",
    zh="此处不是有效的 YAML：请检查此处或稍前位置的冒号、引号、括号与缩进。",
)
INDENTATION = kind(
    "document_indentation",
    en="A second value begins here. Indent with spaces, and put a text that contains a colon and a space in quotes.",
    zh="此处出现了多余的值。请用空格缩进，含有“冒号加空格”的文本请加引号。",
)
CHARACTER = kind(
    "document_character",
    en="This character cannot stand here. Indent with spaces, not tabs, and put a text that begins with it in quotes.",
    zh="此字符不能出现在这里。请用空格而不是制表符缩进；以此字符开头的文本请加引号。",
)
UNCLOSED = kind(
    "document_unclosed",
    en="A quote or bracket that was opened before this place is never closed. Close it.",
    zh="此处之前打开的引号或括号没有闭合，请闭合。",
)
TAG = kind(
    "document_tag",
    en="Tags (!{tag}) are not allowed. Remove it; the type of a value follows from where it stands.",
    zh="不允许使用标签（!{tag}），请删除；值的类型由其位置决定。",
)
ANCHOR = kind(
    "document_anchor",
    en="Anchors and aliases (&{name}, *{name}) are not allowed. Write the value out, or use a shared option set.",
    zh="不允许使用锚点与别名（&{name}、*{name}）。请直接写出值，或使用共享选项集。",
)
DIRECTIVE = kind(
    "document_directive",
    en="Only one document without % directives is allowed in a file. Remove the line or split the file.",
    zh="一个文件只能包含一个文档，且不能有 % 指令。请删除该行或拆分文件。",
)
KEY = kind(
    "document_key",
    en="A key must be a plain text. Write it as one word or in quotes.",
    zh="键必须是普通文本。请写成一个词或加引号。",
)
DUPLICATE = kind(
    "document_duplicate_key",
    en="“{key}” already stands in line {line}. Keep one of the two.",
    zh="“{key}”已在第 {line} 行出现。请只保留一个。",
)
DEEP = kind(
    "document_depth",
    en="This is nested more than {most} levels deep. Flatten it.",
    zh="嵌套超过 {most} 层，请减少层级。",
)
MANY = kind(
    "document_nodes",
    en="This file has more than {most} values. Split it.",
    zh="此文件的值超过 {most} 个，请拆分。",
)
NOT_A_MAPPING = kind(
    "document_mapping",
    en="A description is a mapping of keys to values (`key: value`). Write it so.",
    zh="描述文件必须是键值映射（`键: 值`），请改写。",
)


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read(text: str, source: Source) -> tuple[Map, tuple[Problem, ...]]:
    """The mapping that a text holds, with every problem that does not stop the reading; an empty one otherwise."""
    builder = _Builder(source)
    try:
        for event in _events(text, source):
            builder.take(event)
    except _Refused as refused:
        return Map(), (*builder.problems, refused.problem)
    if builder.root is None:
        return Map(), tuple(builder.problems)
    if not isinstance(builder.root, Map):
        builder.problems.append(NOT_A_MAPPING(at=Position(source.file, 1, 1)))
        return Map(), tuple(builder.problems)
    return builder.root, tuple(builder.problems)


def _events(text: str, source: Source) -> Iterator[Any]:
    try:
        loader = yaml.CSafeLoader(text)
        while loader.check_event():
            yield loader.get_event()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(source.file, mark.line + 1, mark.column + 1) if mark else None
        raise _Refused(_syntax_kind(error)(at=place)) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        at = error.start if isinstance(error, UnicodeEncodeError) else error.position
        before = text[:at] if isinstance(at, int) else ""
        line = before.count("\n") + 1
        raise _Refused(CHARACTER(at=Position(source.file, line, len(before) - before.rfind("\n")))) from None


def _syntax_kind(error: yaml.MarkedYAMLError) -> Any:
    said = error.problem or ""
    if "mapping values are not allowed" in said:
        return INDENTATION
    if "cannot start any token" in said:
        return CHARACTER
    if "unexpected end of stream" in said or "',' or" in said:
        return UNCLOSED
    return DIRECTIVE if "directive" in said else SYNTAX


class _Builder:
    """Makes marked data from events with a stack of its own."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.root: Any = None
        self._stack: list[Map | Seq] = []
        self._key: tuple[str, int, int] | None = None
        self._keys: list[tuple[str, int, int] | None] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        match type(event):
            case yaml.ScalarEvent:
                self._scalar(event)
            case yaml.MappingStartEvent:
                self._open(event, Map())
            case yaml.SequenceStartEvent:
                self._open(event, Seq())
            case yaml.MappingEndEvent | yaml.SequenceEndEvent:
                self._stack.pop()
                self._key = self._keys.pop()
            case yaml.AliasEvent:
                raise _Refused(ANCHOR(at=self._place(event), name=event.anchor))
            case yaml.DocumentStartEvent:
                self._documents += 1
                if self._documents > 1 or event.version or event.tags:
                    raise _Refused(DIRECTIVE(at=self._place(event)))

    def _scalar(self, event: Any) -> None:
        self._check(event)
        mark = event.start_mark
        holder = self._stack[-1] if self._stack else None
        if isinstance(holder, Map) and self._key is None:
            self._key = (event.value, mark.line + 1, mark.column + 1)
            return
        # Implicit on its first place means: plain, so that its meaning is ours to find.
        # A quoted text begins after its quote, so that a column inside it can be counted.
        column = mark.column + (2 if event.style in ("'", '"') else 1)
        self._put(resolve(event.value) if event.implicit[0] else event.value, mark.line + 1, column)

    def _open(self, event: Any, value: Map | Seq) -> None:
        self._check(event)
        if len(self._stack) >= MOST_DEPTH:
            raise _Refused(DEEP(at=self._place(event), most=MOST_DEPTH))
        holder = self._stack[-1] if self._stack else None
        if isinstance(holder, Map) and self._key is None:
            raise _Refused(KEY(at=self._place(event)))
        mark = event.start_mark
        self._put(value, mark.line + 1, mark.column + 1)
        self._stack.append(value)
        self._keys.append(self._key)
        self._key = None

    def _put(self, value: Any, line: int, column: int) -> None:
        if not self._stack:
            self.root = value
            return
        holder = self._stack[-1]
        if isinstance(holder, Seq):
            holder.append(value)
            holder.marks.append(Mark(self.source, line, column, line, column))
            return
        assert self._key is not None
        key, key_line, key_column = self._key
        self._key = None
        if key in holder:
            place = Position(self.source.file, key_line, key_column)
            self.problems.append(DUPLICATE(key, at=place, key=key, line=holder.marks[key].line))
            return
        holder.put(key, value, Mark(self.source, key_line, key_column, line, column))

    def _check(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _Refused(MANY(at=self._place(event), most=MOST_NODES))
        if event.anchor is not None:
            raise _Refused(ANCHOR(at=self._place(event), name=event.anchor))
        if isinstance(event, yaml.ScalarEvent) and "\0" in event.value:
            raise _Refused(CHARACTER(at=self._place(event)))
        if event.tag is not None:
            raise _Refused(TAG(at=self._place(event), tag=str(event.tag).rpartition(":")[2].lstrip("!")))

    def _place(self, event: Any) -> Position:
        return Position(self.source.file, event.start_mark.line + 1, event.start_mark.column + 1)
