"""A checked expression -> text: with today's keys for people to read, or with ids for what outlives a rename."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import assert_never

from metadata.expressions.check import Entities
from metadata.expressions.tree import (
    Compare,
    Constant,
    Expression,
    FieldRef,
    In,
    Logic,
    Node,
    Not,
    TextMatch,
    Truth,
)
from metadata.model import Entity, Field

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def text_of(expression: Expression, entities: Entities, ids: bool = False) -> str:
    """A text that is understood as the same expression: `parse(text_of(e)).root == e.root`, with equal values.

    `ids`: fields and options by id, so that the text means the same after any rename. Raises LookupError for an
    expression of another model.
    """
    return write(expression.root, expression.values, entities, ids)


def write(root: Node, values: Sequence[object], entities: Entities, ids: bool = False) -> str:
    """The same for a part of an expression, with the values of the whole."""
    return _Writer(values, entities, ids).node(root)


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

    def node(self, node: Node) -> str:
        match node:
            case Constant():
                return self.constant(node, None)
            case FieldRef():
                return path_of(node, self.entities, self.ids)
            case Compare(op=op, left=left, right=right):
                return f"{self.side(left, right)} {op} {self.side(right, left)}"
            case Logic(op=op, parts=parts):
                return f" {op} ".join(self.part(each) for each in parts)
            case Not(part=part):
                return f"not ({self.node(part)})"
            case In(needle=needle, items=items, nullable=nullable):
                found = [self.side(each, needle) for each in items] + ["null"] * nullable
                return f"{self.node(needle)} in [{', '.join(found)}]"
            case TextMatch(op=op, text=text, part=part):
                return f"{op}({self.node(text)}, {self.side(part, text)})"
            case Truth(part=part):
                return self.node(part)
            case _:
                assert_never(node)

    def part(self, node: Node) -> str:
        return f"({self.node(node)})" if isinstance(node, Logic) else self.node(node)

    def side(self, node: Node, other: Node) -> str:
        """A side of a comparison: the other one says which field's options a constant names."""
        if not isinstance(node, Constant):
            return self.node(node)
        return self.constant(node, field_of(other, self.entities) if isinstance(other, FieldRef) else None)

    def constant(self, node: Constant, field: Field | None) -> str:
        if node.name is not None:
            return node.name
        value = self.values[node.slot]
        if field is not None and field.options and isinstance(value, str):
            return quoted(option_name(field, value, self.ids))
        return literal(value)


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
