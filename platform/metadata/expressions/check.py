"""Syntax + entity -> `Expression`: names resolved to ids, types checked, literals moved into slots.

Here: conditions. What values are is in `values`, what calls give in `calls`, what names mean in `names`.
"""

from __future__ import annotations

from typing import Literal, cast

from metadata.expressions import problems as p
from metadata.expressions.calls import Calls
from metadata.expressions.fuel import fuel
from metadata.expressions.functions import FUEL, TEXT_MATCHES
from metadata.expressions.literals import LiteralRefused
from metadata.expressions.names import VARIABLES, Names, Scope, Wanted, Wrong, closest
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.shape import shape_of
from metadata.expressions.syntax import Binary, Boolean, Call, Items, Name, Negation, Null, Syntax, Text, written
from metadata.expressions.tree import (
    Changed,
    Compare,
    Constant,
    Expression,
    FieldRef,
    In,
    InUnit,
    Logic,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
    is_condition,
)
from metadata.expressions.values import Typed, called, is_literal, operators_of
from metadata.model import Entity, Field

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_ORDERED = ("<", "<=", ">", ">=")


def check(text: str, syntax: Syntax, entity: Entity, scope: Scope, wanted: Wanted | None = None) -> Expression:
    """The checked condition, or the value that is `wanted`. Raises ExpressionInvalid with every problem found."""
    met: dict[FieldRef, Field] = {}
    checker = _Checker(Names(entity, scope, met), [])
    try:
        root = checker.condition(syntax) if wanted is None else checker.wanted(syntax, wanted)
    except Wrong as wrong:
        raise ExpressionInvalid(wrong.problems) from None
    if fuel(root) > FUEL:
        raise ExpressionInvalid(p.too_costly(limit=FUEL, column=1))
    return Expression(text, entity.id, root, tuple(checker.slots), shape_of(entity.id, root))


class _Checker(Calls):
    def condition(self, node: Syntax) -> Node:
        """A node where true or false is expected. Raises Wrong."""
        match node:
            case Binary(op="and") | Binary(op="or"):
                return self._logic(node)
            case Negation(part=part):
                return Not(self.condition(part))
            case Binary(op="in"):
                return self._membership(node)
            case Binary(op=op) if op in _MIRRORED:
                return self._comparison(node)
            case Call(function=function) if function in TEXT_MATCHES:
                return self._text_match(node)
            case Call(function="any") | Call(function="all"):
                return self._quantified(node)
            case Call(function="changed"):
                return self._changed(node)
            case Call(function="has_role"):
                return self._has_role(node)
            case Call(function="in_unit"):
                return self._in_unit(node)
            case Boolean(value=value):
                return Truth(self.slot("boolean", value))
        if is_literal(node):
            raise Wrong(p.not_a_condition(value=written(node), column=node.at + 1))
        found = self.value(node)
        if found.kind in ("json", "set", "null"):
            raise Wrong(p.not_a_condition(value=written(node), column=node.at + 1))
        return found.node if is_condition(found.node) else Truth(found.node)

    def _logic(self, node: Binary) -> Node:
        # A chain of one operator leans to the left; taken apart in a loop it makes one flat node.
        parts: list[Syntax] = [node.right]
        left = node.left
        while isinstance(left, Binary) and left.op == node.op:
            parts.append(left.right)
            left = left.left
        parts.append(left)
        checked: list[Node] = []
        wrongs: list[Wrong] = []
        for each in reversed(parts):
            try:
                checked.append(self.condition(each))
            except Wrong as wrong:
                wrongs.append(wrong)
        if wrongs:
            raise Wrong(*(problem for each in wrongs for problem in each.problems))
        return Logic(cast(Literal["and", "or"], node.op), tuple(checked))

    def _comparison(self, node: Binary) -> Node:
        op, left, right = node.op, node.left, node.right
        if is_literal(left):
            op, left, right = cast(Literal["=="], _MIRRORED[op]), right, left
        if is_literal(left):
            raise Wrong(p.no_field(column=node.left.at + 1))
        first = self.asked(left) if isinstance(right, Null) else self.value(left)
        self._allow(first, op, left, null=isinstance(right, Null))
        if isinstance(right, Null) and op in _ORDERED:
            raise Wrong(p.null_order(op=op, column=left.at + 1))
        second = self._constant(first, right, left) if is_literal(right) else self._other(first, left, right)
        return Compare(cast(Literal["=="], op), first.node, second)

    def _other(self, first: Typed, left: Syntax, right: Syntax) -> Node:
        """The other side of a comparison, a value of the same family."""
        second = self.value(right)
        if second.kind == "null":
            return second.node
        if second.family != first.family or first.family in ("set", "json"):
            label, of = called(first, left), called(second, right)
            raise Wrong(p.mixed_types(column=right.at + 1, label=label, other=of))
        return second.node

    def _constant(self, first: Typed, node: Syntax, place: Syntax) -> Constant:
        """A literal or a variable as a value to compare with."""
        if isinstance(node, Name):
            return self._variable_for(first, node)
        # A word of the language (true, null) has no place of its own in the tree.
        found = self.literal(cast(Text, node), Wanted(first.kind, first.field), node.at or place.at)
        return cast(Constant, found.node)

    def _variable_for(self, first: Typed, node: Name) -> Constant:
        field, name = first.field, node.path[0]
        if name not in VARIABLES:
            raise Wrong(p.unknown_variable(name=name, column=node.at + 1, suggestion=closest(name, VARIABLES)))
        # $today in a moment's place is the start of the day in the tenant's zone.
        fits = {
            "$user": first.kind == "id" and (field is None or "user" in field.to or field.id == "id" == field.type),
            "$now": first.kind == "datetime",
        }
        if not fits.get(name, first.kind in ("date", "datetime")):
            refused = LiteralRefused(p.wrong_type, value=name, kind=first.kind)
            raise Wrong(refused.problem(called(first, node), node.at + 1))
        return self.slot(first.kind, None, name)

    def _allow(self, typed: Typed, op: str, node: Syntax, null: bool = False) -> None:
        operators = operators_of(typed)
        if op in operators or (null and op in ("==", "!=")):
            return
        possible = ", ".join((*operators, "== null, != null"))
        raise Wrong(p.bad_operator(op=op, label=called(typed, node), possible=possible, column=node.at + 1))

    def _membership(self, node: Binary) -> Node:
        if not isinstance(node.right, Items):
            raise Wrong(p.in_list_only(column=node.right.at + 1))
        if is_literal(node.left):
            raise Wrong(p.no_field(column=node.at + 1))
        needle = self.value(node.left)
        self._allow(needle, "in", node.left)
        for each in node.right.items:
            if not is_literal(each):
                raise Wrong(p.not_supported(what=written(each), column=each.at + 1))
        given = [each for each in node.right.items if not isinstance(each, Null)]
        items = tuple(self._constant(needle, each, node.left) for each in given)
        return In(needle.node, items, nullable=len(given) < len(node.right.items))

    def _text_match(self, node: Call) -> Node:
        if len(node.arguments) != 2 or is_literal(node.arguments[0]):
            raise Wrong(p.bad_arguments(function=node.function, column=node.at + 1))
        first, second = node.arguments
        text = self.value(first)
        # What can be asked how it starts can be asked how it ends.
        self._allow(text, "contains" if node.function == "contains" else "starts_with", first)
        if isinstance(second, Text):
            options = text.field if text.field is not None and text.field.type == "multi_choice" else None
            wanted = Wanted("set" if options is not None else "text", options)
            part = (
                self.literal(second, wanted, second.at).node if options is not None else self.slot("text", second.value)
            )
        elif is_literal(second) or text.kind == "set":
            raise Wrong(p.bad_arguments(function=node.function, column=node.at + 1))
        else:
            part = self.wanted(second, Wanted("text"))
        return TextMatch(cast(Literal["contains"], node.function), text.node, part)

    def _quantified(self, node: Call) -> Node:
        """`any(list[, condition])`, `all(list, condition)`"""
        self._count(node, 1 if node.function == "any" else 2, 2)
        listed, entity = self.names.listed(self._list_name(node))
        condition = self.inside(entity).condition(node.arguments[1]) if len(node.arguments) == 2 else None
        return Over(cast(Literal["any"], node.function), listed, condition, None, "boolean")

    def _changed(self, node: Call) -> Node:
        if not self.names.scope.changes:
            raise Wrong(p.no_change_here(name="changed", column=node.at + 1))
        self._count(node, 1, 1)
        first = node.arguments[0]
        name = Name((first.value,), first.at) if isinstance(first, Text) else first
        if not isinstance(name, Name) or len(name.path) != 1:
            raise Wrong(p.bad_arguments(function="changed", column=node.at + 1))
        return Changed(self.names.field(name))

    def _has_role(self, node: Call) -> Node:
        self._count(node, 1, 1)
        first, role = node.arguments[0], self.names.scope.role
        found = role(first.value) if role is not None and isinstance(first, Text) else None
        if found is None:
            name = first.value if isinstance(first, Text) else written(first)
            raise Wrong(p.unknown_role(name=name[:40], column=node.at + 1))
        return Truth(self.slot("boolean", None, f"has_role:{found}"))

    def _in_unit(self, node: Call) -> Node:
        self._count(node, 1, 1)
        found = self.value(node.arguments[0])
        if found.field is None or "unit" not in found.field.to:
            raise Wrong(p.bad_arguments(function="in_unit", column=node.at + 1))
        return InUnit(found.node)
