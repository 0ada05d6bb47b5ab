"""What an expression says before anything is known about the entity: the tree that the parser hands to the checker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Name:
    """`account.owner.unit` or `$user`. `at` is the offset in the text, from 0, as in every node."""

    path: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, sign included."""

    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool
    at: int


@dataclass(frozen=True, slots=True)
class Null:
    at: int


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b, c]`"""

    items: tuple[Syntax, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Syntax, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Negation:
    part: Syntax
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    op: Literal["and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"]
    left: Syntax
    right: Syntax
    at: int


@dataclass(frozen=True, slots=True)
class Minus:
    """`-x`; a negative literal is a `Number`."""

    part: Syntax
    at: int


@dataclass(frozen=True, slots=True)
class Ternary:
    """`condition ? then : otherwise`"""

    condition: Syntax
    then: Syntax
    otherwise: Syntax
    at: int


Syntax = Name | Text | Number | Boolean | Null | Items | Call | Negation | Binary | Minus | Ternary


def written(node: Syntax) -> str:
    """A few characters that show what is meant, for messages."""
    match node:
        case Name(path=path):
            return ".".join(path)
        case Text(value=value):
            return repr(value[:40])
        case Number(value=number):
            return number[:40]
        case Null():
            return "null"
        case Items():
            return "[..]"
        case Call(function=function):
            return f"{function}(..)"
    return "(..)"
