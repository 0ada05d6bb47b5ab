"""Simple conditions that a path leads to: which field they look at, and the same asked at the path's end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from metadata.expressions.tree import Compare, Constant, FieldRef, In, InUnit, Logic, Node, TextMatch, Truth
from runtime.queries.columns import of_asker


def flat(parts: Sequence[Node]) -> Iterator[Node]:
    """Conditions that are all met, whatever brackets they stand in."""
    for part in parts:
        if isinstance(part, Logic) and part.op == "and":
            yield from flat(part.parts)
        else:
            yield part


def field_of(node: Node) -> FieldRef | None:
    """The one field that a simple condition looks at."""
    match node:
        case Compare(left=FieldRef() as ref, right=Constant()):
            return ref
        case In(needle=FieldRef() as ref, nullable=False) if node.items:
            return ref
        case TextMatch(text=FieldRef() as ref, part=Constant() as part) if not of_asker(part):
            return ref
        case Truth(part=FieldRef() as ref) | InUnit(part=FieldRef() as ref):
            return ref
    return None


def at_its_end(node: Node) -> Node:
    """The same, asked of the record that its path leads to."""
    match node:
        case Compare(left=FieldRef() as ref):
            return replace(node, left=replace(ref, links=()))
        case In(needle=FieldRef() as ref):
            return replace(node, needle=replace(ref, links=()))
        case TextMatch(text=FieldRef() as ref):
            return replace(node, text=replace(ref, links=()))
        case Truth(part=FieldRef() as ref) | InUnit(part=FieldRef() as ref):
            return replace(node, part=replace(ref, links=()))
    raise TypeError(type(node).__name__)


def is_strict(node: Node) -> bool:
    """Never met where the path leads nowhere."""
    match node:
        case Compare(op="!=", right=Constant() as right):
            return right.kind == "null"
        case Compare(op="==", right=Constant() as right):
            return right.kind != "null" and not of_asker(right)
    return True


def is_present(node: Node, ref: FieldRef) -> bool:
    """It says that the field is not empty."""
    match node:
        case Compare(op="!=", left=left, right=Constant(kind="null")):
            return left == ref
    return False
