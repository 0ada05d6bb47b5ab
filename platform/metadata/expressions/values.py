"""What a part of an expression is as a value: its kind, and the field whose options its literals name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, cast

from metadata.expressions import problems as p
from metadata.expressions.literals import LiteralRefused, literal_value, plain_literal
from metadata.expressions.names import VARIABLES, Names, Wanted, Wrong, closest
from metadata.expressions.syntax import (
    Binary,
    Boolean,
    Call,
    Minus,
    Name,
    Negation,
    Null,
    Number,
    Syntax,
    Ternary,
    Text,
    written,
)
from metadata.expressions.tree import Arithmetic, Constant, Either, FieldRef, Kind, Negative, Node
from metadata.expressions.tree import Call as CallNode
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.problems import Label

ARITHMETIC = ("+", "-", "*", "/", "%")
KIND_NAMES: dict[str, Label] = {
    "text": {"en": "a text", "zh": "文本"},
    "number": {"en": "a number", "zh": "数字"},
    "boolean": {"en": "true or false", "zh": "真或假"},
    "date": {"en": "a date", "zh": "日期"},
    "datetime": {"en": "a moment", "zh": "时间"},
    "id": {"en": "a record", "zh": "记录"},
    "set": {"en": "a set of values", "zh": "多个值"},
    "json": {"en": "structured data", "zh": "结构化数据"},
    "null": {"en": "nothing", "zh": "空"},
    "choice": {"en": "an option", "zh": "选项"},
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A checked value: what it is, and the field that it comes from or goes to, if any."""

    node: Node
    kind: Kind
    field: Field | None = None

    @property
    def family(self) -> str:
        """Values of one family may be compared with each other, and one may stand for another."""
        return "choice" if self.field is not None and self.field.type == "choice" else self.kind


def is_literal(node: Syntax) -> bool:
    """Whether a part is a value by itself, which another part must give a type."""
    if isinstance(node, Name):
        return node.path[0].startswith("$") and len(node.path) == 1
    return isinstance(node, (Text, Number, Boolean, Null))


class Values:
    """Makes values of syntax; conditions and calls inside them are made by what extends it."""

    def __init__(self, names: Names, slots: list[object]) -> None:
        self.names, self.slots = names, slots

    def inside(self, entity: Entity) -> Self:
        """The same for the records of a list."""
        return type(self)(self.names.of(entity), self.slots)

    def condition(self, node: Syntax) -> Node:
        raise NotImplementedError

    def call(self, node: Call, wanted: Wanted | None) -> Typed:
        raise NotImplementedError

    def wanted(self, node: Syntax, wanted: Wanted) -> Node:
        """A value that fits a place; empty fits everywhere. Raises Wrong."""
        found = self.value(node, wanted)
        if found.kind == "datetime" and wanted.kind == "date":
            return CallNode("date", (found.node,), "date")
        expected = Typed(found.node, wanted.kind, wanted.field)
        if found.kind != "null" and found.family != expected.family:
            place: Label | str = KIND_NAMES[wanted.kind] if wanted.field is None else wanted.field.label
            raise Wrong(p.wrong_kind(column=node.at + 1, found=KIND_NAMES[found.family], wanted=place))
        return found.node

    def value(self, node: Syntax, wanted: Wanted | None = None) -> Typed:
        """A value; `wanted` gives literals their type. Raises Wrong."""
        match node:
            case Text() | Number() | Boolean() | Null():
                return self.literal(node, wanted, node.at)
            case Name() if node.path[0].startswith("$"):
                return self._variable(node, wanted)
            case Name():
                ref = self.names.opened(node)
                return Typed(ref, ref.kind, self.names.met[ref])
            case Minus(part=part):
                return Typed(Negative(self.wanted(part, Wanted("number"))), "number")
            case Binary(op=op) if op in ARITHMETIC:
                return self._arithmetic(node)
            case Ternary():
                return self.either(node.condition, node.then, node.otherwise, wanted)
            case Call():
                return self.call(node, wanted)
            case Binary() | Negation():
                return Typed(self.condition(node), "boolean")
        raise Wrong(p.not_supported(what=written(node), column=node.at + 1))

    def asked(self, node: Syntax) -> Typed:
        """A value of which nothing is asked but whether it is there. Raises Wrong."""
        if not isinstance(node, Name) or node.path[0].startswith("$"):
            return self.value(node)
        ref = self.names.field(node)
        return Typed(ref, ref.kind, self.names.met[ref])

    def slot(self, kind: Kind, value: object, name: str | None = None) -> Constant:
        self.slots.append(value)
        return Constant(kind, len(self.slots) - 1, name)

    def literal(self, node: Text | Number | Boolean | Null, wanted: Wanted | None, at: int) -> Typed:
        """A literal as a value of what is wanted, else as what it looks like; `at` is where a problem is shown."""
        if isinstance(node, Null):
            return Typed(self.slot("null", None), "null")
        looks: Kind = "text" if isinstance(node, Text) else "number" if isinstance(node, Number) else "boolean"
        kind = looks if wanted is None else wanted.kind
        field = None if wanted is None else wanted.field
        try:
            if field is None:
                value = plain_literal(kind, node.value, isinstance(node, Number))
            else:
                value = literal_value(field, kind, node.value, isinstance(node, Number))
        except LiteralRefused as refused:
            label: Label | str = "…" if field is None else field.label
            raise Wrong(refused.problem(label, at + 1)) from None
        return Typed(self.slot(kind, value), kind, field)

    def _variable(self, node: Name, wanted: Wanted | None) -> Typed:
        name = node.path[0]
        if name not in VARIABLES:
            raise Wrong(p.unknown_variable(name=written(node), column=node.at + 1, suggestion=closest(name, VARIABLES)))
        if len(node.path) > 1:
            return self._of_user(node)
        kind = VARIABLES[name]
        if kind == "date" and wanted is not None and wanted.kind == "datetime":
            kind = "datetime"  # in a moment's place it is the start of the day in the tenant's zone
        elif kind == "datetime" and wanted is not None and wanted.kind == "date":
            kind = "date"
        return Typed(self.slot(kind, None, name), kind)

    def _of_user(self, node: Name) -> Typed:
        """`$user.department`: a value of the record of the one who asks."""
        user = self.names.scope.entities("user") if node.path[0] == "$user" else None
        if user is None or len(node.path) != 2:
            raise Wrong(p.not_a_link(name=".".join(node.path[:-1]), column=node.at + 1))
        ref = self.names.of(user).field(Name(node.path[1:], node.at))
        name = f"$user.{ref.field}"
        return Typed(self.slot(ref.kind, None, name), ref.kind, self.names.met[ref])

    def _arithmetic(self, node: Binary) -> Typed:
        # A chain leans to the left: walked in a loop, a long sum needs no deep stack.
        chain: list[Binary] = []
        left: Syntax = node
        while isinstance(left, Binary) and left.op in ARITHMETIC:
            chain.append(left)
            left = left.left
        made = self._number(left)
        for each in reversed(chain):
            op = cast(Literal["+"], each.op)
            made = Arithmetic(op, made, self._number(each.right))
        return Typed(made, "number")

    def _number(self, node: Syntax) -> Node:
        if isinstance(node, (Text, Boolean)):
            raise Wrong(p.not_a_number(value=written(node), column=node.at + 1))
        found = self.value(node, Wanted("number") if is_literal(node) else None)
        if found.kind not in ("number", "null"):
            raise Wrong(p.not_a_number(value=called(found, node), column=node.at + 1))
        return found.node

    def either(self, condition: Syntax, then: Syntax, otherwise: Syntax, wanted: Wanted | None) -> Typed:
        asked = self.condition(condition)
        first, second = self.alike((then, otherwise), wanted)
        leading = second if first.kind == "null" else first
        return Typed(Either(asked, first.node, second.node, leading.kind), leading.kind, leading.field)

    def alike(self, nodes: tuple[Syntax, ...], wanted: Wanted | None) -> list[Typed]:
        """Values of one kind, in their order: literals take the kind of the first one that is none. Raises Wrong."""
        found: dict[int, Typed] = {}
        for at, each in enumerate(nodes):
            if not is_literal(each):
                found[at] = self.value(each, wanted)
        leading = next((each for each in found.values() if each.kind != "null"), None)
        if wanted is None and leading is not None:
            wanted = Wanted(leading.kind, leading.field)
        for at, each in enumerate(nodes):
            if at not in found:
                found[at] = self.value(each, wanted)
                if leading is None and found[at].kind != "null":
                    leading = found[at]
                    wanted = wanted or Wanted(leading.kind, leading.field)
        for at, one in found.items():
            if leading is not None and one.kind != "null" and one.family != leading.family:
                raise Wrong(
                    p.wrong_kind(
                        column=nodes[at].at + 1, found=KIND_NAMES[one.family], wanted=KIND_NAMES[leading.family]
                    )
                )
        return [found[at] for at in range(len(nodes))]


def called(typed: Typed, node: Syntax) -> Label | str:
    """What a value is called in a message: by the label of its field, else as it is written."""
    return written(node) if typed.field is None else typed.field.label


def operators_of(typed: Typed) -> tuple[str, ...]:
    """The operators that work on a value."""
    if typed.field is not None and isinstance(typed.node, FieldRef):
        operators = registry.TYPES[typed.field.type].operators
        if typed.kind == "set":
            # A set is asked for what it holds, or whether it is empty.
            operators = tuple(each for each in operators if each not in ("==", "!="))
        return operators
    ordered = ("<", "<=", ">", ">=")
    by_kind: dict[str, tuple[str, ...]] = {
        "text": ("==", "!=", *ordered, "in", "contains", "starts_with", "ends_with"),
        "number": ("==", "!=", *ordered, "in"),
        "date": ("==", "!=", *ordered, "in"),
        "datetime": ("==", "!=", *ordered, "in"),
        "boolean": ("==", "!="),
        "id": ("==", "!=", "in"),
        "choice": ("==", "!=", "in"),
        "set": ("contains",),
    }
    return by_kind.get(typed.family, ())
