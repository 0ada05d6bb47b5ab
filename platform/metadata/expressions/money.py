"""When amounts count in the tenant's currency and when as they are; what `docs/expressions.md` says of money.

A comparison asks `compares_base`; `in` and the value of a list function always take base values. Whoever compiles a
value hands the answer down to the amounts in it, through arithmetic, calls and both values of a choice; a comparison,
`in` or list inside it, and the condition of a choice, decide for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from metadata.expressions.tree import Arithmetic, Call, Compare, Either, FieldRef, Negative, Node, Over, parts_of

_SEVERAL = ("", "", "")
"""Stands for the way to the records of a list: never that of one record."""

Way = tuple[tuple[str, str, str], ...]


def compares_base(node: Compare) -> bool:
    """Amounts of one record share a currency: compared with each other they count as they are, else in base."""
    left, right = set(_ways(node.left)), set(_ways(node.right))
    return not (left and left == right and len(left) == 1 and (_SEVERAL,) not in left)


def _ways(node: Node) -> Iterator[Way]:
    """The ways to the records whose amounts a value is made of."""
    match node:
        case FieldRef(type="money"):
            yield node.links
        case Arithmetic() | Negative() | Call():
            for part in parts_of(node):
                yield from _ways(part)
        case Either():
            yield from _ways(node.then)
            yield from _ways(node.otherwise)
        case Over(value=value) if value is not None and next(_ways(value), None) is not None:
            yield (_SEVERAL,)
