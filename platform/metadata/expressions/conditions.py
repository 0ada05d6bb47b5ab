"""A filter as a person builds it, conditions joined by and/or with groups one level deep, from and to an expression."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from metadata.expressions.names import VARIABLES, Entities
from metadata.expressions.printing import field_of, option_name, path_of, quoted
from metadata.expressions.tree import (
    Compare,
    Constant,
    Expression,
    FieldRef,
    In,
    Kind,
    Logic,
    Node,
    Not,
    TextMatch,
    Truth,
)

Op = Literal[
    "is", "is_not", "less", "at_most", "more", "at_least", "contains", "contains_not", "starts", "empty", "filled"
]
Joint = Literal["and", "or"]

_COMPARISONS: dict[str, Op] = {
    "==": "is",
    "!=": "is_not",
    "<": "less",
    "<=": "at_most",
    ">": "more",
    ">=": "at_least",
}
_WRITTEN = {op: sign for sign, op in _COMPARISONS.items()}
WITHOUT_VALUE: tuple[Op, ...] = ("empty", "filled")
SEVERAL_VALUES: tuple[Op, ...] = ("is", "is_not")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field, what is asked of it, and the values: plain texts (`2026-01-31`, `5.5`, an option's key, `$user`)."""

    path: str
    """Dotted, in today's keys."""
    kind: Kind
    op: Op
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions of which all, or any, must be met. In the outermost some parts may be such groups."""

    op: Joint
    parts: tuple[Condition | Joined, ...]


NOTHING = Joined("and", ())
"""The filter that lets everything through."""


class _Other(Exception):
    """An expression that has not the shape of a filter."""


def conditions_of(expression: Expression, entities: Entities) -> Joined | None:
    """The filter that an expression is; None when it says more than a filter can. Raises LookupError."""
    try:
        return _Reader(expression.values, entities).whole(expression.root)
    except _Other:
        return None


def text_of(joined: Joined) -> str:
    """The expression that says the filter; empty for the one that lets everything through."""
    parts = [_part(each, len(joined.parts) > 1) for each in joined.parts]
    return f" {joined.op} ".join(each for each in parts if each)


def every(joined: Joined) -> Iterator[Condition]:
    """The conditions, those of groups included."""
    for each in joined.parts:
        if isinstance(each, Joined):
            yield from every(each)
        else:
            yield each


def _part(part: Condition | Joined, among_others: bool) -> str:
    if isinstance(part, Condition):
        return _condition(part)
    text = text_of(part)
    return f"({text})" if text and among_others and len(part.parts) > 1 else text


def _condition(condition: Condition) -> str:
    path, values = condition.path, [_literal(condition.kind, each) for each in condition.values]
    match condition.op:
        case "empty":
            return f"{path} == null"
        case "filled":
            return f"{path} != null"
        case "contains":
            return f"contains({path}, {values[0]})"
        case "contains_not":
            return f"not (contains({path}, {values[0]}))"
        case "starts":
            return f"starts_with({path}, {values[0]})"
    if len(values) > 1:
        among = f"{path} in [{', '.join(values)}]"
        return f"not ({among})" if condition.op == "is_not" else among
    return f"{path} {_WRITTEN[condition.op]} {values[0]}"


def _literal(kind: Kind, value: str) -> str:
    bare = {"number": _NUMBER.fullmatch(value) is not None, "boolean": value in ("true", "false")}
    variable = value in VARIABLES and kind in ("id", "date", "datetime")
    return value if variable or bare.get(kind, False) else quoted(value)


class _Reader:
    def __init__(self, values: Sequence[object], entities: Entities) -> None:
        self.values, self.entities = values, entities

    def whole(self, node: Node) -> Joined:
        if not isinstance(node, Logic):
            return Joined("and", (self.condition(node),))
        return Joined(node.op, tuple(self.inner(each) for each in node.parts))

    def inner(self, node: Node) -> Condition | Joined:
        if isinstance(node, Logic):
            return Joined(node.op, tuple(self.condition(each) for each in node.parts))
        return self.condition(node)

    def condition(self, node: Node) -> Condition:
        match node:
            case Compare(op=op, left=FieldRef() as ref, right=Constant(kind="null")):
                return self.made(ref, "empty" if op == "==" else "filled")
            case Compare(op=op, left=FieldRef() as ref, right=Constant() as value):
                return self.made(ref, _COMPARISONS[op], value)
            case In(needle=FieldRef() as ref, items=items, nullable=False) if items:
                return self.made(ref, "is", *items)
            case Not(part=In(needle=FieldRef() as ref, items=items, nullable=False)) if items:
                return self.made(ref, "is_not", *items)
            case TextMatch(op="contains" | "starts_with" as op, text=FieldRef() as ref, part=Constant() as part):
                return self.made(ref, "contains" if op == "contains" else "starts", part)
            case Not(part=TextMatch(op="contains", text=FieldRef() as ref, part=Constant() as part)):
                return self.made(ref, "contains_not", part)
            case Truth(part=FieldRef(kind="boolean", old=False) as ref):
                return Condition(path_of(ref, self.entities), "boolean", "is", ("true",))
            case Not(part=Truth(part=FieldRef(kind="boolean", old=False) as ref)):
                # Not `== false`: an empty one is not true either.
                return Condition(path_of(ref, self.entities), "boolean", "is_not", ("true",))
        raise _Other

    def made(self, ref: FieldRef, op: Op, *constants: Constant) -> Condition:
        if ref.old or any(each.name is not None and each.name not in VARIABLES for each in constants):
            raise _Other
        field = field_of(ref, self.entities)
        values = tuple(each.name or _plain(self.values[each.slot]) for each in constants)
        if field.options:
            values = tuple(option_name(field, each) for each in values)
        return Condition(path_of(ref, self.entities), ref.kind, op, values)


def _plain(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.replace(tzinfo=None).isoformat() + ("Z" if value.tzinfo is not None else "")
        case dt.date():
            return value.isoformat()
    return str(value)
