"""Function calls: those of `functions.FUNCTIONS`, and those that are nodes of their own."""

from __future__ import annotations

from typing import Literal, cast

from metadata.expressions import problems as p
from metadata.expressions.functions import EVERY, FUNCTIONS, LISTS, MOST_ARGUMENTS, Function
from metadata.expressions.names import Wanted, Wrong, closest
from metadata.expressions.syntax import Call, Name, Syntax, Text, written
from metadata.expressions.tree import Call as CallNode
from metadata.expressions.tree import Kind, Node, Over, kind_of
from metadata.expressions.values import KIND_NAMES, Typed, Values, is_literal

_COMPARABLE = ("number", "date", "datetime", "text")
_PLAIN = ("text", "number", "boolean", "date", "datetime", "id")


class Calls(Values):
    def call(self, node: Call, wanted: Wanted | None) -> Typed:
        """What a call gives. Raises Wrong."""
        name = node.function
        if name in LISTS and name not in ("any", "all"):
            return self._measure(node)
        if name == "if":
            self._count(node, 3, 3)
            condition, then, otherwise = node.arguments
            return self.either(condition, then, otherwise, wanted)
        if name in FUNCTIONS:
            return self._function(FUNCTIONS[name], node, wanted)
        if name in EVERY:
            return Typed(self.condition(node), "boolean")
        raise Wrong(p.unknown_function(name=name, column=node.at + 1, suggestion=closest(name, EVERY)))

    def _count(self, node: Call, least: int, most: int) -> None:
        if not least <= len(node.arguments) <= most:
            wanted = str(least) if least == most else f"{least}–{most}"
            raise Wrong(p.argument_count(function=node.function, wanted=wanted, column=node.at + 1))

    def _function(self, function: Function, node: Call, wanted: Wanted | None) -> Typed:
        takes = function.takes
        self._count(node, len(takes) - function.optional, MOST_ARGUMENTS if function.repeats else len(takes))
        if takes[0] == "same":
            return self._same(function, node, wanted)
        arguments = tuple(
            self._argument(function, each, takes[min(at, len(takes) - 1)]) for at, each in enumerate(node.arguments)
        )
        return Typed(CallNode(function.name, arguments, cast(Kind, function.gives)), cast(Kind, function.gives))

    def _same(self, function: Function, node: Call, wanted: Wanted | None) -> Typed:
        found = self.alike(node.arguments, wanted)
        leading = next((each for each in found if each.kind != "null"), None)
        allowed = _PLAIN if function.takes_empty else _COMPARABLE
        if leading is None or leading.kind not in allowed:
            raise Wrong(p.bad_arguments(function=function.name, column=node.at + 1))
        return Typed(
            CallNode(function.name, tuple(each.node for each in found), leading.kind), leading.kind, leading.field
        )

    def _argument(self, function: Function, node: Syntax, takes: str) -> Node:
        if takes == "calendar":
            return self._calendar(node)
        if takes == "any":
            found = self.value(node)
            plain = found.family in (*_PLAIN, "null")  # an option's id says nothing to people
            if not plain and function.name != "is_empty":
                raise Wrong(p.bad_arguments(function=function.name, column=node.at + 1))
            return found.node
        kind = cast(Kind, takes)
        if is_literal(node):
            return self.wanted(node, Wanted(kind))
        found = self.value(node, None)
        if found.kind == "datetime" and kind == "date":
            return CallNode("date", (found.node,), "date")
        if found.family not in (kind, "null"):
            raise Wrong(p.wrong_kind(column=node.at + 1, found=KIND_NAMES[found.family], wanted=KIND_NAMES[kind]))
        return found.node

    def _calendar(self, node: Syntax) -> Node:
        known = self.names.scope.calendars
        if not isinstance(node, Text) or node.value not in known:
            name = node.value if isinstance(node, Text) else written(node)
            raise Wrong(p.unknown_calendar(name=name[:40], column=node.at + 1, suggestion=closest(name, known)))
        # The name is part of the tree, not of the values: another calendar is another shape.
        return self.slot("text", None, f"calendar:{known[node.value]}")

    def _measure(self, node: Call) -> Typed:
        """`count(list[, condition])`, `sum(list, value[, condition])` and the like."""
        counts = node.function == "count"
        self._count(node, 1 if counts else 2, 2 if counts else 3)
        op = cast(Literal["sum"], node.function)
        listed, entity = self.names.listed(self._list_name(node))
        inner = self.inside(entity)
        condition = inner.condition(node.arguments[-1]) if len(node.arguments) == (2 if counts else 3) else None
        if counts:
            return Typed(Over(op, listed, condition, None, "number"), "number")
        value = inner.value(node.arguments[1])
        allowed = ("number",) if op in ("sum", "avg", "median") else ("number", "date", "datetime")
        if value.kind not in allowed:
            at = node.arguments[1].at + 1
            wanted = KIND_NAMES["number"]
            raise Wrong(p.wrong_kind(column=at, found=KIND_NAMES[kind_of(value.node)], wanted=wanted))
        return Typed(Over(op, listed, condition, value.node, value.kind), value.kind)

    def _list_name(self, node: Call) -> Name:
        first = node.arguments[0]
        if not isinstance(first, Name) or first.path[0].startswith("$"):
            suggestion = None
            raise Wrong(p.not_a_list(name=written(first)[:60], column=node.at + 1, suggestion=suggestion))
        return first
