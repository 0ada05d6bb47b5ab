"""The checked tree of an expression: what every back end (SQL, Python, browser, explanation) walks.

Literals are `Constant` with a slot number, so that two texts which differ only in their literals have the same
`shape` and share everything compiled from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "boolean", "date", "datetime", "id", "set", "json", "null"]
"""What a value is to the language. `id`: a link or a user, compared with `==` and `in`. `set`: multi_choice, tags."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, or `$user`/`$now`/`$today` (then `name` says which, and the value is bound when evaluated)."""

    kind: Kind
    slot: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field reached from the record: `links` are the ids of the link fields walked, then the field id.

    `entity` is the id of the entity that holds the field; `type` its field type.
    """

    entity: str
    field: str
    type: str
    kind: Kind
    links: tuple[tuple[str, str, str], ...] = ()
    """(entity id, link field id, target entity id) for each step."""


@dataclass(frozen=True, slots=True)
class Compare:
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    op: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class In:
    """`needle in [a, b, c]`: constants only. `nullable`: the list holds null."""

    needle: Node
    items: tuple[Constant, ...]
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class TextMatch:
    """`contains(x, y)` and `starts_with(x, y)`, both folded; on a `set`, `contains` means membership."""

    op: Literal["contains", "starts_with"]
    text: Node
    part: Node


@dataclass(frozen=True, slots=True)
class Truth:
    """A value used as a condition: true, non-zero, not the empty text; null is false."""

    part: Node


Node = Constant | FieldRef | Compare | Logic | Not | In | TextMatch | Truth


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked condition over one entity.

    `shape` is the text with its literals taken out: equal shapes on the same entity have equal trees, and differ only
    in `values` (by slot; None where the constant is `$user`, `$now` or `$today`).
    """

    source: str
    entity: str
    root: Node
    values: tuple[object, ...]
    shape: str

    def reads(self) -> frozenset[tuple[str, str]]:
        """(entity id, field id) of every field that is mentioned, links on the way included."""
        found: set[tuple[str, str]] = set()
        for node in walk(self.root):
            if isinstance(node, FieldRef):
                found.add((node.entity, node.field))
                found.update((entity, link) for entity, link, _ in node.links)
        return frozenset(found)


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    match node:
        case Compare(left=left, right=right):
            yield from walk(left)
            yield from walk(right)
        case Logic(parts=parts):
            for part in parts:
                yield from walk(part)
        case Not(part=part) | Truth(part=part):
            yield from walk(part)
        case In(needle=needle, items=items):
            yield from walk(needle)
            yield from items
        case TextMatch(text=text, part=part):
            yield from walk(text)
            yield from walk(part)
