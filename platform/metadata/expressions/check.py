"""Syntax + entity -> `Expression`: names resolved to ids, types checked, literals moved into slots."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Literal, cast

from metadata.expressions import problems as p
from metadata.expressions.literals import LiteralRefused, literal_value
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.shape import shape_of
from metadata.expressions.syntax import Binary, Boolean, Call, Items, Name, Negation, Null, Number, Syntax, Text
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
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.problems import Problem

MAX_LINKS = 4
VARIABLES: dict[str, Kind] = {"$user": "id", "$now": "datetime", "$today": "date"}
FUNCTIONS = ("contains", "starts_with")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_ORDERED = ("<", "<=", ">", ">=")

Visible = Callable[[Entity, Field], bool]
Entities = Callable[[str], Entity | None]


def check(text: str, syntax: Syntax, entity: Entity, entities: Entities, visible: Visible | None = None) -> Expression:
    """The checked expression. Raises ExpressionInvalid with every problem that was found.

    A field that `visible` denies does not exist, nor is it suggested.
    """
    checker = _Checker(entity, entities, visible or (lambda entity, field: True))
    try:
        root = checker.condition(syntax)
    except _Wrong as wrong:
        raise ExpressionInvalid(wrong.problems) from None
    return Expression(text, entity.id, root, tuple(checker.values), shape_of(entity.id, root))


def closest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of some names, for a suggestion."""
    found = difflib.get_close_matches(name, names, 1, 0.6) if len(name) <= 60 else []
    return found[0] if found else None


class _Wrong(Exception):
    """What is wrong with one part; the other parts are looked at all the same."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


class _Checker:
    def __init__(self, entity: Entity, entities: Entities, visible: Visible) -> None:
        self.entity, self.entities, self.visible = entity, entities, visible
        self.values: list[object] = []
        self.fields: dict[FieldRef, Field] = {}

    def condition(self, node: Syntax) -> Node:
        """A node where true or false is expected. Raises _Wrong."""
        match node:
            case Binary(op="and") | Binary(op="or"):
                return self._logic(node)
            case Negation(part=part):
                return Not(self.condition(part))
            case Binary(op="in"):
                return self._membership(node)
            case Binary():
                return self._comparison(node)
            case Call():
                return self._call(node)
            case Boolean(value=value):
                return Truth(self._slot("boolean", value))
            case Name() if not node.path[0].startswith("$"):
                return self._truth(self._field(node), node)
        raise _Wrong(p.not_a_condition(value=_written(node), column=node.at + 1))

    def _slot(self, kind: Kind, value: object, name: str | None = None) -> Constant:
        self.values.append(value)
        return Constant(kind, len(self.values) - 1, name)

    def _logic(self, node: Binary) -> Node:
        # A chain of one operator leans to the left; taken apart in a loop it makes one flat node.
        parts: list[Syntax] = [node.right]
        left = node.left
        while isinstance(left, Binary) and left.op == node.op:
            parts.append(left.right)
            left = left.left
        parts.append(left)
        checked: list[Node] = []
        problems: list[Problem] = []
        for each in reversed(parts):
            try:
                checked.append(self.condition(each))
            except _Wrong as wrong:
                problems.extend(wrong.problems)
        if problems:
            raise _Wrong(*problems)
        return Logic(cast(Literal["and", "or"], node.op), tuple(checked))

    def _truth(self, ref: FieldRef, node: Name) -> Node:
        if ref.kind in ("json", "set"):
            raise _Wrong(p.not_a_condition(value=_written(node), column=node.at + 1))
        return Truth(ref)

    def _comparison(self, node: Binary) -> Node:
        op, left, right = node.op, node.left, node.right
        if not _is_field(left):
            op, left, right = cast(Literal["=="], _MIRRORED[op]), right, left
        if not _is_field(left):
            raise _Wrong(p.no_field(column=node.at + 1))
        ref = self._field(cast(Name, left))
        self._allow(ref, op, left, null=isinstance(right, Null))
        if isinstance(right, Null) and op in _ORDERED:
            raise _Wrong(p.null_order(op=op, column=left.at + 1))
        value = self._other_field(ref, cast(Name, right)) if _is_field(right) else self._value(ref, right, left)
        return Compare(cast(Literal["=="], op), ref, value)

    def _allow(self, ref: FieldRef, op: str, node: Syntax, null: bool = False) -> None:
        operators = registry.of(self.fields[ref]).operators
        if ref.kind == "set":
            # A set is asked for what it holds, or whether it is empty.
            operators = tuple(each for each in operators if each not in ("==", "!="))
        if op in operators or (null and op in ("==", "!=")):
            return
        possible = ", ".join((*operators, "== null, != null"))
        raise _Wrong(p.bad_operator(op=op, label=self.fields[ref].label, possible=possible, column=node.at + 1))

    def _other_field(self, ref: FieldRef, node: Name) -> Node:
        other = self._field(node)
        if _family(ref) != _family(other) or _family(ref) in ("set", "json"):
            label, of = self.fields[ref].label, self.fields[other].label
            raise _Wrong(p.mixed_types(column=node.at + 1, label=label, other=of))
        return other

    def _membership(self, node: Binary) -> Node:
        if not isinstance(node.right, Items):
            raise _Wrong(p.in_list_only(column=node.right.at + 1))
        if not _is_field(node.left):
            raise _Wrong(p.no_field(column=node.at + 1))
        ref = self._field(cast(Name, node.left))
        self._allow(ref, "in", node.left)
        given = [each for each in node.right.items if not isinstance(each, Null)]
        items = tuple(self._value(ref, each, node.left) for each in given)
        return In(ref, items, nullable=len(given) < len(node.right.items))

    def _call(self, node: Call) -> Node:
        if node.function not in FUNCTIONS:
            suggestion = closest(node.function, FUNCTIONS)
            raise _Wrong(p.unknown_function(name=node.function, column=node.at + 1, suggestion=suggestion))
        if len(node.arguments) != 2 or not _is_field(node.arguments[0]) or not isinstance(node.arguments[1], Text):
            raise _Wrong(p.bad_arguments(function=node.function, column=node.at + 1))
        name, part = node.arguments[0], node.arguments[1]
        ref = self._field(cast(Name, name))
        self._allow(ref, node.function, name)
        plain = ref.type != "multi_choice"
        value = self._slot("text", part.value) if plain else self._value(ref, part, name)
        return TextMatch(cast(Literal["contains"], node.function), ref, value)

    def _value(self, ref: FieldRef, node: Syntax, place: Syntax) -> Constant:
        """A literal or a variable as a value of the field."""
        field = self.fields[ref]
        if isinstance(node, Null):
            return self._slot("null", None)
        if isinstance(node, Name):
            return self._variable(ref, field, node)
        if isinstance(node, (Text, Number, Boolean)):
            raw = node.value
            try:
                return self._slot(ref.kind, literal_value(field, ref.kind, raw, isinstance(node, Number)))
            except LiteralRefused as refused:
                raise _Wrong(refused.problem(field, (node.at or place.at) + 1)) from None
        raise _Wrong(p.not_supported(what=_written(node), column=node.at + 1))

    def _variable(self, ref: FieldRef, field: Field, node: Name) -> Constant:
        name = node.path[0]
        if name not in VARIABLES or len(node.path) > 1:
            suggestion = closest(name, VARIABLES)
            raise _Wrong(p.unknown_variable(name=_written(node), column=node.at + 1, suggestion=suggestion))
        # $today in a moment's place is the start of the day in the tenant's zone.
        fits = {"$user": "user" in field.to or field.id == "id" == ref.type, "$now": ref.kind == "datetime"}
        if not fits.get(name, ref.kind in ("date", "datetime")):
            refused = LiteralRefused(p.wrong_type, value=name, kind=ref.kind)
            raise _Wrong(refused.problem(field, node.at + 1))
        return self._slot(ref.kind, None, name)

    def _field(self, node: Name) -> FieldRef:
        links: list[tuple[str, str, str]] = []
        entity = self.entity
        if len(node.path) > MAX_LINKS + 1:
            raise _Wrong(p.path_too_long(name=_written(node)[:60], limit=MAX_LINKS, column=node.at + 1))
        for name in node.path[:-1]:
            link = self._find(entity, name, node)
            target = self._target(link)
            if target is None:
                raise _Wrong(p.not_a_link(name=name, column=node.at + 1))
            links.append((entity.id, link.id, target.id))
            entity = target
        field = self._find(entity, node.path[-1], node)
        type_ = registry.of(field)
        if not type_.stored:
            raise _Wrong(p.not_a_link(name=node.path[-1], column=node.at + 1))
        ref = FieldRef(entity.id, field.id, field.type, type_.kind, tuple(links))
        self.fields[ref] = field
        return ref

    def _find(self, entity: Entity, name: str, node: Name) -> Field:
        field = entity.find(name)
        if field is not None and self.visible(entity, field):
            return field
        names = [each.key for each in entity.fields.values() if self.visible(entity, each)]
        suggestion = f"${name}" if f"${name}" in VARIABLES else closest(name, names)
        raise _Wrong(p.unknown_name(name=name[:60], entity=entity.label, column=node.at + 1, suggestion=suggestion))

    def _target(self, link: Field) -> Entity | None:
        if registry.of(link).stored and len(link.to) == 1 and link.type in ("link", "user", "unit"):
            return self.entities(link.to[0])
        return None


def _family(ref: FieldRef) -> str:
    """Fields of one family may be compared with each other."""
    return "choice" if ref.type == "choice" else ref.kind


def _is_field(node: Syntax) -> bool:
    return isinstance(node, Name) and not node.path[0].startswith("$")


def _written(node: Syntax) -> str:
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
