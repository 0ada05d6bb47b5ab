"""Expression -> JSON that `blueprints/assets/scripts/expressions` carries out, when a form can answer it by itself.

Numbers are texts of whole steps of 10^-12, dates ISO texts, moments texts of microseconds since 1970. Constants are
bound. What a form cannot answer, or must not know, is None: then the form asks the server.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, assert_never

from metadata.calendars import WEEKDAYS, Calendar
from metadata.expressions.binding import Binding, bound, zone
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.money import compares_base
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
    Kind,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
    kind_of,
    walk,
)

_EXACT = Context(prec=60)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form knows, and what the one who looks at it may."""

    may_read: Callable[[str, str], bool]
    """(entity id, field id) -> whether he may read it."""
    currency: str
    """The tenant's: amounts in it are their own base values."""
    ways: frozenset[tuple[str, ...]] = frozenset()
    """Ids of link fields, one after the other, whose records' values come with the form."""
    lists: frozenset[str] = frozenset()
    """Ids of the fields whose records are edited in the form."""


def for_browser(expression: Expression, binding: Binding, form: Form) -> dict[str, Any] | None:
    """The expression for one form and one person; None when only the server can answer it."""
    if not all(form.may_read(entity, field) for entity, field in expression.reads()):
        return None
    try:
        writer = _Writer(expression, binding, form)
        root = writer.node(expression.root)
    except _AskServer:
        return None
    calls = {each.function for each in walk(expression.root) if isinstance(each, Call)}
    table = {"zone": zone_table(binding.timezone)} if calls & {"date", "hour"} else {}
    return {"root": root, **table, **({"calendars": writer.calendars} if writer.calendars else {})}


def plain(kind: Kind, value: Any) -> Any:
    """A value of a kind (as conditions compare it) as JSON data."""
    match kind:
        case _ if value is None:
            return None
        case "number":
            return str(int(_EXACT.scaleb(Decimal(value), 12)))
        case "date":
            return value.isoformat()
        case "datetime":
            return str((value - _EPOCH) // _MICROSECOND)
        case "set" if not isinstance(value, str):  # a text is one of its values
            return list(value)
    return value


class _AskServer(Exception):
    """Something that a form does not hold or must not know."""


class _Writer:
    def __init__(self, expression: Expression, binding: Binding, form: Form) -> None:
        self.values, self.binding, self.form = expression.values, binding, form
        self.calendars: dict[str, dict[str, Any]] = {}
        """Those that are asked, by id."""

    def node(self, node: Node, base: bool = False) -> dict[str, Any]:
        """`base`: amounts count in the tenant's currency."""
        match node:
            case Constant():
                return self.constant(node)
            case FieldRef():
                return self.field(node, base)
            case Compare():
                base = compares_base(node)
                left, right = self.node(node.left, base), self.node(node.right, base)
                return {"op": "compare", "sign": node.op, "left": left, "right": right}
            case Logic():
                return {"op": node.op, "parts": [self.node(each) for each in node.parts]}
            case Not():
                return {"op": "not", "part": self.node(node.part)}
            case In():
                items = [self.constant(each) for each in node.items]
                return {"op": "in", "needle": self.node(node.needle, True), "items": items, "nullable": node.nullable}
            case TextMatch():
                return self.match(node)
            case Truth():
                return {"op": "truth", "kind": kind_of(node.part), "part": self.node(node.part)}
            case Arithmetic():
                left, right = self.node(node.left, base), self.node(node.right, base)
                return {"op": "arithmetic", "sign": node.op, "left": left, "right": right}
            case Negative():
                return {"op": "negative", "part": self.node(node.part, base)}
            case Call():
                return self.call(node, base)
            case Either():
                then, otherwise = self.node(node.then, base), self.node(node.otherwise, base)
                return {"op": "if", "condition": self.node(node.condition), "then": then, "otherwise": otherwise}
            case Over():
                return self.over(node)
            case Changed():
                return {"op": "changed", "ref": self.field(node.ref, False)}
            case InUnit():
                return {"op": "in_unit", "part": self.node(node.part), "units": sorted(self.binding.units)}
            case _:
                assert_never(node)

    def constant(self, node: Constant) -> dict[str, Any]:
        of_user = (node.name or "").startswith("$user.")
        if of_user and not self.form.may_read("user", str(node.name).removeprefix("$user.")):
            raise _AskServer
        value = plain(node.kind, bound(node, self.values, self.binding))
        return {"op": "constant", "kind": node.kind, "value": value}

    def field(self, node: FieldRef, base: bool) -> dict[str, Any]:
        written: dict[str, Any] = {"op": "field", "field": node.field, "kind": node.kind}
        if node.links:
            if tuple(link for _, link, _ in node.links) not in self.form.ways:
                raise _AskServer
            written["links"] = [[link, target] for _, link, target in node.links]
        if node.old:
            written["old"] = True
        if base and node.type == "money":
            written["base"] = self.form.currency
        return written

    def match(self, node: TextMatch) -> dict[str, Any]:
        text, part = self.node(node.text), self.node(node.part)
        if kind_of(node.text) != "set":
            return {"op": node.op, "text": text, "part": part}
        return {"op": "holds", "text": text, "part": part, "exact": kind_of(node.part) == "set"}

    def call(self, node: Call, base: bool) -> dict[str, Any]:
        if "calendar" in FUNCTIONS[node.function].takes:
            return self.business(node)
        given = [self.node(each, base) for each in node.arguments]
        if node.function in ("concat", "text"):
            given = [_text(made, each) for made, each in zip(given, node.arguments, strict=True)]
        return {"op": "call", "function": node.function, "arguments": given}

    def business(self, node: Call) -> dict[str, Any]:
        """By the named calendar, else by the first one."""
        last = node.arguments[-1]
        name = last.name if isinstance(last, Constant) else None
        named = name is not None and name.startswith("calendar:")
        id = str(name).partition(":")[2] if named else next(iter(self.binding.calendars), "")
        if id not in self.binding.calendars:
            raise _AskServer
        self.calendars[id] = _calendar(self.binding.calendars[id])
        given = [self.node(each) for each in (node.arguments[:-1] if named else node.arguments)]
        return {"op": "call", "function": node.function, "arguments": given, "calendar": id}

    def over(self, node: Over) -> dict[str, Any]:
        listed = node.listed
        if listed.links or listed.field not in self.form.lists:
            raise _AskServer
        written: dict[str, Any] = {"op": node.op, "list": listed.field}
        if node.condition is not None:
            written["condition"] = self.node(node.condition)
        if node.value is not None:
            written["value"] = self.node(node.value, True)
        return written


def _text(made: dict[str, Any], node: Node) -> dict[str, Any]:
    """The value of a node as a text."""
    kind = kind_of(node)
    if kind not in ("number", "date", "datetime", "boolean"):
        return made
    return {"op": "call", "function": f"text_{kind}", "arguments": [made]}


def _calendar(calendar: Calendar) -> dict[str, Any]:
    """A calendar of business time; its special days are days since 1970."""
    special = {(dt.date.fromisoformat(each.id) - _EPOCH.date()).days: each.hours for each in calendar.special}
    week = [calendar.week.get(each, ()) for each in WEEKDAYS]
    return {"week": week, "special": special, "zone": zone_table(calendar.timezone)}


_FIRST_YEAR, _LAST_YEAR = 1840, 2100
"""No zone has changed its clocks before; those that still do so in the last year are unknown after it."""
_STEP = 3 * 86400
"""No zone has ever changed its clocks twice within this time, in seconds."""


@lru_cache(maxsize=100)
def zone_table(name: str) -> list[list[int]]:
    """How far a zone is from UTC: [second since 1970 from which on, offset in seconds], and an end that has no offset.

    Browsers know zones as well, but of another year's rules than the server, and for far-off days by other laws.
    """
    clocks = zone(name)

    def offset(second: int) -> int:
        found = (_EPOCH + dt.timedelta(seconds=second)).astimezone(clocks).utcoffset()
        return 0 if found is None else int(found.total_seconds())

    first, end = _second(_FIRST_YEAR), _second(_LAST_YEAR)
    table = [[_second(1) - 86400, offset(first)]]
    for second in range(first, end, _STEP):
        if offset(second + _STEP) != table[-1][1]:
            low, high = second, second + _STEP
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            table.append([high, offset(high)])
    settled = table[-1][0] < _second(_LAST_YEAR - 2)
    return [*table, [_second(9999) + 367 * 86400 if settled else end, 0]]


def _second(year: int) -> int:
    return int((dt.datetime(year, 1, 1, tzinfo=dt.UTC) - _EPOCH).total_seconds())
