"""A checked expression -> text: with today's keys for people to read, or with ids for what outlives a rename."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import assert_never

from metadata.expressions.names import Entities
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Either,
    Expression,
    FieldRef,
    In,
    InUnit,
    Listed,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
)
from metadata.model import Entity, Field

ALIKE = ("coalesce", "least", "greatest")
"""Functions whose arguments are of one kind, so that one of them says which field's options the others name."""
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def text_of(expression: Expression, entities: Entities, ids: bool = False, field: Field | None = None) -> str:
    """A text that is understood as the same expression: `parse(text_of(e)).root == e.root`, with equal values.

    `ids`: fields and options by id, so that the text means the same after any rename (roles and calendars always are;
    the other end of a link has no id). `field`: the one that gets the value, as in `Wanted`. Raises LookupError for
    an expression of another model.
    """
    return write(expression.root, expression.values, entities, ids, field)


def write(
    root: Node, values: Sequence[object], entities: Entities, ids: bool = False, field: Field | None = None
) -> str:
    """The same for a part of an expression, with the values of the whole."""
    return _Writer(values, entities, ids).node(root, field)


def quoted(text: str) -> str:
    """A text as a literal."""
    return f"'{text.translate(_ESCAPES)}'"


def field_of(ref: FieldRef, entities: Entities) -> Field:
    """The field that is meant. Raises LookupError."""
    return _entity(entities, ref.entity).fields[ref.field]


def path_of(ref: FieldRef, entities: Entities, ids: bool = False) -> str:
    """The dotted path of a field, as it is written in an expression. Raises LookupError."""
    steps = [*((entity, link) for entity, link, _ in ref.links), (ref.entity, ref.field)]
    return ".".join(_name(_entity(entities, entity), id, ids) for entity, id in steps)


def list_path(listed: Listed, entities: Entities, ids: bool = False) -> str:
    """The dotted path of a list, as it is written in an expression. Raises LookupError."""
    owner = _entity(entities, listed.owner)
    name = _name(owner, listed.field, ids) if listed.field is not None else _inverse(owner, listed)
    return ".".join([*(_name(_entity(entities, entity), id, ids) for entity, id, _ in listed.links), name])


def _inverse(owner: Entity, listed: Listed) -> str:
    """The other end of a link has a key only, no id."""
    for each in owner.inverses:
        back = each.field if each.through is None else each.far
        if (each.source, each.through, back) == (listed.entity, listed.through, listed.link):
            return each.inverse
    raise LookupError(listed.link)


def _entity(entities: Entities, id: str) -> Entity:
    found = entities(id)
    if found is None:
        raise LookupError(id)
    return found


def _name(entity: Entity, id: str, ids: bool) -> str:
    field = entity.fields[id]
    # A key may be another field's id, which is what would be understood.
    return id if ids or entity.find(field.key) is not field else field.key


def option_name(field: Field, id: str, ids: bool = False) -> str:
    """How an option is written: by key, unless that is another option's id."""
    option = field.option(id)
    return id if ids or option is None or field.option(option.key) is not option else option.key


class _Writer:
    def __init__(self, values: Sequence[object], entities: Entities, ids: bool) -> None:
        self.values, self.entities, self.ids = values, entities, ids

    def node(self, node: Node, field: Field | None = None) -> str:
        """`field`: whose options a constant names."""
        match node:
            case Constant():
                return self.constant(node, field)
            case FieldRef():
                return ("old." if node.old else "") + path_of(node, self.entities, self.ids)
            case Compare(op=op, left=left, right=right):
                return f"{self.side(left, right)} {op} {self.side(right, left)}"
            case Logic(op=op, parts=parts):
                return f" {op} ".join(self.part(each) for each in parts)
            case Not(part=part):
                return f"not ({self.node(part)})"
            case In(needle=needle, items=items, nullable=nullable):
                found = [self.side(each, needle) for each in items] + ["null"] * nullable
                return f"{self.operand(needle)} in [{', '.join(found)}]"
            case TextMatch(op=op, text=text, part=part):
                return f"{op}({self.node(text)}, {self.node(part, self.field_of(text))})"
            case Truth(part=part):
                return self.node(part)
            case Arithmetic():
                return self.arithmetic(node)
            case Negative(part=part):
                negated = self.node(part)
                return f"-{negated}" if isinstance(part, (FieldRef, Call)) else f"-({negated})"
            case Call(function=function, arguments=arguments):
                of = (field or self.field_of(node)) if function in ALIKE else None
                return f"{function}({', '.join(self.node(each, of) for each in arguments)})"
            case Either():
                of = field or self.field_of(node)
                values = f"{self.node(node.then, of)}, {self.node(node.otherwise, of)}"
                return f"if({self.node(node.condition)}, {values})"
            case Over():
                asked = "".join(f", {self.node(each)}" for each in (node.value, node.condition) if each is not None)
                return f"{node.op}({list_path(node.listed, self.entities, self.ids)}{asked})"
            case Changed(ref=ref):
                return f"changed('{path_of(ref, self.entities, self.ids)}')"
            case InUnit(part=part):
                return f"in_unit({self.node(part)})"
            case _:
                assert_never(node)

    def part(self, node: Node) -> str:
        return f"({self.node(node)})" if isinstance(node, Logic) else self.node(node)

    def operand(self, node: Node, field: Field | None = None) -> str:
        """A value beside an operator that holds it more tightly than a condition would be held."""
        text = self.node(node, field)
        return f"({text})" if isinstance(node, (Compare, Logic, Not, In)) else text

    def side(self, node: Node, other: Node) -> str:
        """A side of a comparison: the other one says which field's options a constant names."""
        return self.operand(node, self.field_of(other) if isinstance(node, Constant) else None)

    def arithmetic(self, node: Arithmetic) -> str:
        left = self.factor(node.left, _BINDS[node.op])
        return f"{left} {node.op} {self.factor(node.right, _BINDS[node.op] + 1)}"

    def factor(self, node: Node, least: int) -> str:
        """A side of an operation; in brackets when it would be read as belonging to another one."""
        text = self.operand(node)
        loose = isinstance(node, Arithmetic) and _BINDS[node.op] < least
        return f"({text})" if loose or text.startswith("-") else text

    def field_of(self, node: Node) -> Field | None:
        """The field whose values a value has, if any."""
        match node:
            case FieldRef():
                return field_of(node, self.entities)
            case Constant(name=str() as name) if name.startswith("$user."):
                return _entity(self.entities, "user").fields[name.removeprefix("$user.")]
            case Either(then=then, otherwise=otherwise):
                return self.field_of(then) or self.field_of(otherwise)
            case Call(function=function, arguments=arguments) if function in ALIKE:
                return next((found for each in arguments if (found := self.field_of(each)) is not None), None)
        return None

    def constant(self, node: Constant, field: Field | None) -> str:
        if node.name is not None:
            return self.named(node.name)
        value = self.values[node.slot]
        if field is not None and field.options and isinstance(value, str):
            return quoted(option_name(field, value, self.ids))
        return literal(value)

    def named(self, name: str) -> str:
        what, _, id = name.partition(":")
        if what == "has_role":
            return f"has_role({quoted(id)})"
        if what == "calendar":
            return quoted(id)
        if name.startswith("$user."):
            return f"$user.{_name(_entity(self.entities, 'user'), name.removeprefix('$user.'), self.ids)}"
        return name


def literal(value: object) -> str:
    """A value as the language writes it."""
    for kind, written in _LITERALS:
        if isinstance(value, kind):
            return written(value)
    return "null"


def _moment(value: dt.datetime) -> str:
    text = value.replace(tzinfo=None).isoformat()
    return quoted(f"{text}Z" if value.tzinfo is not None else text)


_LITERALS: tuple[tuple[type, Callable[..., str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (Decimal, lambda value: format(value, "f")),
    (int, str),
    (dt.datetime, _moment),
    (dt.date, lambda value: quoted(value.isoformat())),
    (str, quoted),
)
"""In this order: a boolean is an int, and a moment is a date."""
