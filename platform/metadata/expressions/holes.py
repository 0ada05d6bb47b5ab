"""Texts for people with holes in the expression language: `Over {round(limit)} needs a reason`. Checked beforehand.

`{{` and `}}` are the characters themselves. A hole that names a field is shown as the field is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from metadata.expressions.check import check
from metadata.expressions.names import Names, Scope, Wanted, Wrong
from metadata.expressions.parser import read
from metadata.expressions.printing import write
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.syntax import Call, Name, Syntax
from metadata.expressions.tree import Call as CallNode
from metadata.expressions.tree import Expression, FieldRef
from metadata.model import Entity, Field
from metadata.problems import Problem, kind

OPEN = kind(
    "text_hole_open",
    en="The brace at column {column} has no other end. Close it, or write {{{{ or }}}} for the character itself.",
    zh="第 {column} 列的大括号没有配对。请补全；若要显示该字符，请写 {{{{ 或 }}}}。",
)
EMPTY_HOLE = kind(
    "text_hole_empty",
    en="There is nothing between the braces at column {column}. Name a field, or write {{{{ and }}}}.",
    zh="第 {column} 列的大括号中没有内容。请填写字段，或写 {{{{ 和 }}}}。",
)
LINK = kind(
    "text_hole_link",
    en="“{name}” (column {column}) is a link to a record. Say which of its fields to show, like {name}.{title}.",
    zh="“{name}”（第 {column} 列）是指向记录的链接。请说明显示哪个字段，例如 {name}.{title}。",
)


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a text that is filled in. `field` shows its value when the hole names a field alone."""

    expression: Expression
    field: Field | None = None


Part = str | Hole


def parse_text(text: str, entity: Entity, scope: Scope) -> tuple[Part, ...]:
    """The parts of a text. Raises ExpressionInvalid with everything wrong in its holes, at columns of the text."""
    parts: list[Part] = []
    problems: list[Problem] = []
    for written, at in _split(text):
        if at is None:
            parts.append(written)
            continue
        try:
            parts.append(_hole(written, entity, scope))
        except ExpressionInvalid as wrong:
            problems += [_moved(each, at) for each in wrong.problems]
    if problems:
        raise ExpressionInvalid(problems)
    return tuple(parts)


def text_by_ids(parts: tuple[Part, ...], scope: Scope) -> str:
    """The same text with every field named by id, so that it outlives renames."""
    return "".join(
        each.replace("{", "{{").replace("}", "}}") if isinstance(each, str) else f"{{{_by_ids(each, scope)}}}"
        for each in parts
    )


def _by_ids(hole: Hole, scope: Scope) -> str:
    root = hole.expression.root
    inner = root.arguments[0] if hole.field is None and isinstance(root, CallNode) else root
    return write(inner, hole.expression.values, scope.entities, ids=True)


def _split(text: str) -> Iterator[tuple[str, int | None]]:
    """Pieces of text, and what stands in each hole with its offset. Raises ExpressionInvalid."""
    piece, at = "", 0
    while at < len(text):
        each = text[at]
        if each not in "{}":
            piece, at = piece + each, at + 1
        elif text[at : at + 2] == each * 2:
            piece, at = piece + each, at + 2
        elif each == "}":
            raise ExpressionInvalid(OPEN(column=at + 1))
        else:
            end = _end(text, at + 1)
            if end is None:
                raise ExpressionInvalid(OPEN(column=at + 1))
            if not text[at + 1 : end].strip():
                raise ExpressionInvalid(EMPTY_HOLE(column=at + 1))
            if piece:
                yield piece, None
            yield text[at + 1 : end], at + 1
            piece, at = "", end + 1
    if piece:
        yield piece, None


def _end(text: str, at: int) -> int | None:
    """Where the hole ends: at the first brace outside quotes."""
    quote = ""
    while at < len(text):
        each = text[at]
        if quote and each == "\\":
            at += 1
        elif quote:
            quote = "" if each == quote else quote
        elif each in "'\"":
            quote = each
        elif each == "}":
            return at
        at += 1
    return None


def _hole(text: str, entity: Entity, scope: Scope) -> Hole:
    syntax = read(text)
    if not isinstance(syntax, Name) or syntax.path[0].startswith("$"):
        joined: Syntax = Call("concat", (syntax,), syntax.at)
        return Hole(check(text, joined, entity, scope, Wanted("text")))
    met: dict[FieldRef, Field] = {}
    try:
        ref = Names(entity, scope, met).field(syntax)
    except Wrong as wrong:
        raise ExpressionInvalid(wrong.problems) from None
    field = met[ref]
    if ref.kind == "id" and field.id != "id":
        target = scope.entities(field.to[0]) if len(field.to) == 1 else None
        title = target.fields[target.title].key if target is not None else "name"
        raise ExpressionInvalid(LINK(column=syntax.at + 1, name=".".join(syntax.path), title=title))
    return Hole(check(text, syntax, entity, scope, Wanted(ref.kind, field)), field)


def _moved(problem: Problem, offset: int) -> Problem:
    column = problem.params.get("column")
    if not isinstance(column, int):
        return problem
    return replace(problem, params={**problem.params, "column": column + offset})
