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
    """A literal, or what is only known when it is evaluated; then `name` says what.

    `$user`, `$now`, `$today`; `$user.<field id>`, a value of the one who asks; `has_role:<role id>`, whether he has it.
    """

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
    old: bool = False
    """The value before the save (`old.stage`): only where a change is looked at."""


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
    """`contains(x, y)`, `starts_with(x, y)` and `ends_with(x, y)`, all folded; on a `set`, `contains` is membership."""

    op: Literal["contains", "starts_with", "ends_with"]
    text: Node
    part: Node


@dataclass(frozen=True, slots=True)
class Truth:
    """A value used as a condition: true, non-zero, not the empty text; null is false."""

    part: Node


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Of two numbers. Empty with an empty one, when divided by zero and when out of range; see `functions`."""

    op: Literal["+", "-", "*", "/", "%"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    part: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `functions.FUNCTIONS` on values; what it gives is of `kind`."""

    function: str
    arguments: tuple[Node, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Either:
    """`if(condition, then, otherwise)`, also written `condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Listed:
    """The records of a list that belongs to a record: children, a `links` field, or the other end of a link.

    `link` is the field that points back at the record: of `entity`, or of `through` when there is one, whose `far`
    points at `entity`. `field` is the id of the field that is the list, None for the other end of a link.
    `links` as in `FieldRef`: the way to the record whose list it is.
    """

    owner: str
    """Id of the entity whose records have the list."""
    entity: str
    link: str
    field: str | None = None
    through: str | None = None
    far: str | None = None
    links: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """Something asked of all records of a list that meet `condition` (None: of all). Both it and `value` are asked of
    the listed record. `any`, `all` and `count` have no value; `any` and `all` are conditions."""

    op: Literal["any", "all", "count", "sum", "min", "max", "avg", "median"]
    listed: Listed
    condition: Node | None
    value: Node | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Changed:
    """`changed('stage')`: the field differs from before the save; on a new record, whether it has a value."""

    ref: FieldRef


@dataclass(frozen=True, slots=True)
class InUnit:
    """`in_unit(owner.unit)`: the unit is one of those of the one who asks, or below one of them."""

    part: Node


Node = (
    Constant
    | FieldRef
    | Compare
    | Logic
    | Not
    | In
    | TextMatch
    | Truth
    | Arithmetic
    | Negative
    | Call
    | Either
    | Over
    | Changed
    | InUnit
)

CONDITIONS = (Compare, Logic, Not, In, TextMatch, Truth, Changed, InUnit)
"""Nodes that are true or false, never empty. `Over` with `any` and `all` are, too: see `is_condition`."""


def is_condition(node: Node) -> bool:
    """Whether a node is true or false, never empty; any other one is a value."""
    return isinstance(node, CONDITIONS) or (isinstance(node, Over) and node.op in ("any", "all"))


def kind_of(node: Node) -> Kind:
    """What the value of a node is."""
    match node:
        case Constant() | FieldRef() | Call() | Either() | Over():
            return node.kind
        case Arithmetic() | Negative():
            return "number"
        case _:
            return "boolean"


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked condition or value over one entity.

    `shape` is the text with its literals taken out: equal shapes on the same entity have equal trees, and differ only
    in `values` (by slot; None where the constant has a name).
    """

    source: str
    entity: str
    root: Node
    values: tuple[object, ...]
    shape: str

    @property
    def kind(self) -> Kind:
        return kind_of(self.root)

    def reads(self) -> frozenset[tuple[str, str]]:
        """(entity id, field id) of every field that is mentioned: links on the way, and what makes a list, included."""
        found: set[tuple[str, str]] = set()
        for node in walk(self.root):
            match node:
                case FieldRef():
                    found.add((node.entity, node.field))
                    found.update((entity, link) for entity, link, _ in node.links)
                case Over(listed=listed):
                    found.update(_read_by(listed))
                case _:
                    continue
        return frozenset(found)


def _read_by(listed: Listed) -> Iterator[tuple[str, str]]:
    yield from ((entity, link) for entity, link, _ in listed.links)
    if listed.field is not None:
        yield listed.owner, listed.field
    yield listed.through or listed.entity, listed.link
    if listed.through is not None and listed.far is not None:
        yield listed.through, listed.far


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    for part in parts_of(node):
        yield from walk(part)


def parts_of(node: Node) -> tuple[Node, ...]:
    """The nodes right below one, in the order in which they are written."""
    match node:
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Logic(parts=parts):
            return parts
        case Not(part=part) | Truth(part=part) | Negative(part=part) | InUnit(part=part):
            return (part,)
        case In(needle=needle, items=items):
            return (needle, *items)
        case TextMatch(text=text, part=part):
            return (text, part)
        case Call(arguments=arguments):
            return arguments
        case Either():
            return (node.condition, node.then, node.otherwise)
        case Over():
            return tuple(each for each in (node.value, node.condition) if each is not None)
        case Changed(ref=ref):
            return (ref,)
        case _:
            return ()
