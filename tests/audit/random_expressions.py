"""Random typed expressions over every node and function of the language, and rows that are hard on them.

What is made here is asked of Python, both databases and the browser, and must be answered alike.
`World(server, model(), place).build(rows(random, 200))` writes the rows; `made(random, ...)` gives a checked expression
over the entity `deal`; `binding(zone)` says who asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from metadata.expressions import problems as p
from metadata.expressions.binding import Binding
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Expression
from metadata.model import Model
from tests.audit.random_rows import DAYS, MOMENTS, NUMBERS, TEXTS, rows, stored
from tests.worlds import EVERYTHING, NOW, Rows, business, make_entity, make_model, uuid

__all__ = ["KINDS", "ZONES", "Rows", "binding", "made", "model", "rows", "scope", "stored"]

ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Monrovia",
    "America/St_Johns",
    "UTC",
)
KINDS = ("text", "number", "boolean", "date", "datetime", "id")
ASKER = uuid(1)
UNITS = frozenset({uuid(11), uuid(12)})
ROLES = frozenset({"boss"})
ATTRIBUTES: Mapping[str, Any] = {
    "id": ASKER,
    "name": "Ada Σας",
    "email": None,
    "limit": Decimal("2.50"),
    "since": dt.date(2026, 2, 28),
    "seen": None,
    "unit": uuid(11),
}


def model() -> Model:
    """The small business, with people who have values of their own."""
    fields: dict[str, Mapping[str, Any]] = {
        "name": {"type": "text"},
        "email": {"type": "email"},
        "limit": {"type": "decimal", "props": {"scale": 2}},
        "since": {"type": "date"},
        "seen": {"type": "datetime"},
        "unit": {"type": "unit", "to": ("unit",)},
    }
    entities = [make_entity("user", fields, search=("name",)), *[each for each in business() if each.id != "user"]]
    return make_model(entities, [EVERYTHING])


def scope(of: Model, changes: bool = False) -> Scope:
    """Everything may be named."""
    return Scope(of.entity, changes=changes, role={"boss": "boss", "clerk": "clerk"}.get)


def binding(zone: str, now: dt.datetime = NOW) -> Binding:
    return Binding(now, zone, ASKER, attributes=ATTRIBUTES, roles=ROLES, units=UNITS)


# -- expressions


@dataclass(frozen=True, slots=True)
class _Place:
    """What may be named of one entity, by kind."""

    fields: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, str]
    """Name -> entity."""


_SYSTEM = {"datetime": ("created_at",), "number": ("version",), "id": ("created_by", "id")}
_PLACES: Mapping[str, _Place] = {
    "deal": _Place(
        {
            "text": ("name", "note", "account.name", "owner.name", "account.parent.name", "account.owner.name"),
            "number": ("amount", "cost", "rate", "share", "size", "account.limit", "account.parent.limit", "version"),
            "boolean": ("active",),
            "date": ("close", "owner.since", "account.owner.since"),
            "datetime": ("seen", "created_at", "owner.seen"),
            "id": ("owner", "account.owner", "owner", "id"),
            "option": ("stage", "account.industry", "account.parent.industry"),
            "set": ("tags", "needs"),
            "unit": ("unit", "owner.unit", "account.unit"),
            "other": ("extra", "about", "account"),
        },
        {"lines": "line", "contacts": "contact", "account.deals": "deal", "account.parts": "account"},
    ),
    "line": _Place(
        {
            "text": ("name", "account.name"),
            "number": ("qty", "price", "account.limit", "deal.amount"),
            "boolean": ("deal.active",),
            "date": ("deal.close",),
            "datetime": ("deal.seen",),
            "id": ("account.owner", "deal.owner"),
            "option": ("account.industry", "deal.stage"),
            "set": ("deal.tags",),
            "unit": ("deal.unit",),
            "other": ("deal", "account"),
        },
        {"deal.contacts": "contact"},
    ),
    "contact": _Place(
        {
            "text": ("name", "account.name"),
            "number": ("account.limit", "version"),
            "boolean": (),
            "date": ("account.owner.since",),
            "datetime": ("created_at",),
            "id": ("account.owner",),
            "option": ("account.industry",),
            "set": (),
            "unit": ("account.unit",),
            "other": ("account",),
        },
        {},
    ),
    "account": _Place(
        {
            "text": ("name", "phone"),
            "number": ("limit", "parent.limit"),
            "boolean": (),
            "date": ("owner.since",),
            "datetime": ("created_at",),
            "id": ("owner",),
            "option": ("industry",),
            "set": (),
            "unit": ("unit",),
            "other": ("parent",),
        },
        {"contacts": "contact"},
    ),
}
_PRUNED = {p.too_costly.code, p.too_deep.code, p.too_long.code}


def made(of: Model, random: Random, depth: int = 3, kind: str | None = None, changes: bool = False) -> Expression:
    """A checked condition over deals, or a value of a kind; one that would be too large is made anew."""
    while True:
        writer = Writer(random, "deal", changes)
        text = writer.condition(depth) if kind is None else writer.value(kind, depth)
        wanted = None if kind is None else Wanted(kind)  # type: ignore[arg-type]
        try:
            return parse_in(text, _entity(of), scope(of, changes), wanted)
        except ExpressionInvalid as refused:
            if {each.code for each in refused.problems} <= _PRUNED:
                continue
            raise AssertionError(f"{text}: {refused}") from refused


def _entity(of: Model) -> Any:
    found = of.entity("deal")
    assert found is not None
    return found


def quoted(text: str) -> str:
    """A literal of the language; what it cannot say is left out."""
    text = "".join(each for each in text if each >= " " or each in "\t\n")
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{text}'"


class Writer:
    """Writes expressions over one entity; what it writes is correct but for its size."""

    def __init__(self, random: Random, entity: str, changes: bool = False, listed: bool = True) -> None:
        self.random, self.place, self.changes, self.listed = random, _PLACES[entity], changes, listed

    # -- conditions

    def condition(self, depth: int) -> str:
        random = self.random
        if depth > 0 and random.random() < 0.5:
            first, second, third = (self.condition(depth - 1) for _ in range(3))
            joined = (
                f"({first} and {second})",
                f"({first} or {second})",
                f"not ({first})",
                f"({first} and {second} or {third})",
            )
            return random.choice(joined)
        return self._leaf(depth)

    def _leaf(self, depth: int) -> str:
        choice = self.random.choice
        makers: list[Callable[[int], str]] = [
            self._compared,
            self._compared,
            self._compared,
            self._members,
            self._matches,
            self._held,
            self._options,
            self._empty,
            self._asker,
            lambda depth: self.value(choice(KINDS), depth - 1, literal=False),
            lambda depth: choice(("true", "false")) if self.random.random() < 0.2 else self._compared(depth),
        ]
        if self.place.lists and self.listed:
            makers += [self._quantified, self._quantified]
        if self.changes:
            makers.append(lambda depth: f"changed('{choice(('stage', 'amount', 'name', 'tags', 'close'))}')")
        return choice(makers)(depth)

    def _compared(self, depth: int) -> str:
        kind = self.random.choice(("number", "number", "text", "date", "datetime", "boolean", "id"))
        left = self.value(kind, depth - 1, literal=False)
        ordered = kind in ("number", "text", "date", "datetime")
        if kind == "text" and left.count("(") == 0 and not left.startswith("$"):
            ordered = True
        op = self.random.choice(("==", "!=", "<", "<=", ">", ">=") if ordered else ("==", "!="))
        if op in ("==", "!=") and self.random.random() < 0.1:
            return f"{left} {op} null"
        return f"{left} {op} {self.value(kind, depth - 1)}"

    def _members(self, depth: int) -> str:
        kind = self.random.choice(("number", "text", "date", "datetime", "id"))
        items = [self.literal(kind) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            items.append("null")
        word = self.random.choice(("in", "not in"))
        needle = self.value(kind, depth - 1, literal=False)
        inside = f"{needle} in [{', '.join(items)}]"
        return inside if word == "in" else f"not ({inside})"

    def _matches(self, depth: int) -> str:
        function = self.random.choice(("contains", "starts_with", "ends_with"))
        return f"{function}({self.value('text', depth - 1, literal=False)}, {self.value('text', depth - 1)})"

    def _held(self, depth: int) -> str:
        sets = self.place.fields["set"]
        if not sets:
            return self._options(depth)
        name = self.random.choice(sets)
        if name.endswith("needs"):
            return f"contains({name}, '{self.random.choice(('fresh', 'won', 'gone'))}')"
        return f"contains({name}, {quoted(self.random.choice(('vip', '新', 'A' + chr(39) + 'B', 'Σ', 'nobody')))})"

    def _options(self, depth: int) -> str:
        random, options = self.random, ("'fresh'", "'won'", "'gone'")
        names = self.place.fields["option"]
        name = random.choice(names)
        if random.random() < 0.3:
            return f"{name} in [{random.choice(options)}, {random.choice((*options, 'null'))}]"
        if random.random() < 0.3:
            chosen = f"if({self.condition(depth - 2)}, {random.choice(names)}, {random.choice(names)})"
            return f"{chosen} {random.choice(('==', '!='))} {random.choice((*options, *names))}"
        return f"{name} {random.choice(('==', '!='))} {random.choice((*options, *names, 'null'))}"

    def _empty(self, depth: int) -> str:
        kinds = ("text", "number", "date", "datetime", "boolean", "id", "option", "set", "unit", "other")
        names = [name for kind in kinds for name in self.place.fields[kind]]
        name = self.random.choice(names)
        return self.random.choice((f"{name} == null", f"{name} != null", f"is_empty({name})"))

    def _asker(self, depth: int) -> str:
        choice = self.random.choice
        return choice(
            (
                f"in_unit({choice(self.place.fields['unit'])})",
                f"has_role('{choice(('boss', 'clerk'))}')",
                f"{choice(self.place.fields['id'])} == $user",
                f"{choice(self.place.fields['unit'])} {choice(('==', '!='))} $user.unit",
                f"{choice(self.place.fields['number'])} {choice(('<', '>=', '==', '!='))} $user.limit",
                f"{choice(self.place.fields['text'])} {choice(('==', '!=', '<', '>='))} $user.name",
                f"{choice(self.place.fields['text'])} {choice(('==', '!='))} $user.email",
            )
        )

    def _quantified(self, depth: int) -> str:
        name, inner = self._list()
        function = self.random.choice(("any", "all", "any"))
        if function == "any" and self.random.random() < 0.2:
            return f"any({name})"
        return f"{function}({name}, {inner.condition(min(depth, 2) - 1)})"

    def _list(self) -> tuple[str, Writer]:
        name = self.random.choice(tuple(self.place.lists))
        return name, Writer(self.random, self.place.lists[name], listed=False)

    # -- values

    def value(self, kind: str, depth: int, literal: bool = True) -> str:
        """A value of a kind; not `literal`: made of a field."""
        random = self.random
        if literal and random.random() < 0.2:
            return self.literal(kind)
        if depth > 0 and random.random() < 0.8:
            if random.random() < 0.2:
                return self._chosen(kind, depth)
            return str(getattr(self, f"_{kind}")(depth - 1))
        if not self.place.fields[kind]:
            return str(getattr(self, f"_{kind}")(0))
        name = random.choice(self.place.fields[kind])
        plain = "." not in name and name not in ("id", "version", "created_at")
        return f"old.{name}" if self.changes and plain and random.random() < 0.2 else name

    def _chosen(self, kind: str, depth: int) -> str:
        first, second = self.value(kind, depth - 1, literal=False), self.value(kind, depth - 1)
        match self.random.randrange(4):
            case 0:
                return f"if({self.condition(depth - 1)}, {first}, {second})"
            case 1:
                return f"({self.condition(depth - 1)} ? {first} : {second})"
            case 2:
                return f"coalesce({first}, {second}, {self.value(kind, 0)})"
            case _:
                if kind in ("boolean", "id"):
                    return f"coalesce({first}, {second})"
                return f"{self.random.choice(('least', 'greatest'))}({first}, {second})"

    def literal(self, kind: str) -> str:
        random = self.random
        match kind:
            case "text":
                return quoted(random.choice(TEXTS))
            case "number":
                return random.choice(NUMBERS)
            case "boolean":
                return random.choice(("true", "false"))
            case "date":
                return random.choice(("$today", *(f"'{each.isoformat()}'" for each in DAYS)))
            case "datetime":
                moment = random.choice(MOMENTS).isoformat(timespec="microseconds")[:-6]
                return random.choice(("$now", "$today", f"'{moment}Z'", f"'{moment[:16]}'", f"'{moment[:10]}'"))
        return random.choice(("$user", *(f"'{uuid(n)}'" for n in range(1, 5))))

    def _n(self, depth: int) -> str:
        """A number of characters, days or places: mostly a small one."""
        if self.random.random() < 0.8:
            return str(self.random.choice((-13, -3, -1, 0, 1, 2, 2.9, 3, 7, 12, 13, 31, 400, -400, 10**7, 10**20)))
        return self.value("number", depth)

    def _text(self, depth: int) -> str:
        text, n = partial(self.value, "text", depth), partial(self._n, depth)
        match self.random.randrange(9):
            case 0:
                return f"{self.random.choice(('lower', 'upper', 'trim'))}({text()})"
            case 1:
                return f"{self.random.choice(('left', 'right'))}({text()}, {n()})"
            case 2:
                return f"substring({text()}, {n()}, {n()})"
            case 3:
                return f"substring({text()}, {n()})"
            case 4 | 5:
                return f"replace({text()}, {text()}, {text()})"
            case 6:
                kinds = [self.random.choice(KINDS) for _ in range(self.random.randint(1, 3))]
                return f"concat({', '.join(self.value(each, depth) for each in kinds)})"
            case _:
                return f"text({self.value(self.random.choice(KINDS), depth)})"

    def _number(self, depth: int) -> str:
        random = self.random
        number, date = partial(self.value, "number", depth), partial(self.value, "date", depth)
        match random.randrange(14):
            case 0 | 1 | 2:
                return f"({number()} {random.choice(('+', '-', '*', '/', '%'))} {number()})"
            case 3:
                return f"-({self.value('number', depth, literal=False)})"
            case 4:
                return f"round({number()}, {self._n(depth)})"
            case 5:
                return f"{random.choice(('round', 'floor', 'ceil', 'abs'))}({number()})"
            case 6:
                return f"length({self.value('text', depth)})"
            case 7:
                return f"number({self.value('text', depth)})"
            case 8:
                return f"{random.choice(('year', 'quarter', 'month', 'day', 'weekday'))}({date()})"
            case 9:
                return f"{random.choice(('days_between', 'months_between'))}({date()}, {date()})"
            case 10:
                return f"hours_between({self.value('datetime', depth)}, {self.value('datetime', depth)})"
            case 11:
                return f"hour({self.value('datetime', depth)})"
        if not self.place.lists or not self.listed:
            return f"abs({number()})"
        return self._measured("number", depth)

    def _measured(self, kind: str, depth: int) -> str:
        name, inner = self._list()
        condition = f", {inner.condition(0)}" if self.random.random() < 0.4 else ""
        if kind == "number" and self.random.random() < 0.3:
            return f"count({name}{condition})"
        functions = ("sum", "avg", "median", "min", "max") if kind == "number" else ("min", "max")
        return f"{self.random.choice(functions)}({name}, {inner.value(kind, min(depth, 1), literal=False)}{condition})"

    def _boolean(self, depth: int) -> str:
        compared = f"({self._compared(depth)})"
        return self.random.choice((f"is_empty({self.value(self.random.choice(KINDS), depth)})", compared))

    def _date(self, depth: int) -> str:
        date = partial(self.value, "date", depth)
        match self.random.randrange(6):
            case 0:
                return f"date({self.value('datetime', depth)})"
            case 1:
                return f"add_days({date()}, {self._n(depth)})"
            case 2:
                return f"add_months({date()}, {self._n(depth)})"
            case 3 if self.place.lists and self.listed:
                return self._measured("date", depth)
        unit = self.random.choice(
            ("start_of_week", "start_of_month", "end_of_month", "start_of_quarter", "start_of_year")
        )
        return f"{unit}({date()})"

    def _datetime(self, depth: int) -> str:
        if self.place.lists and self.listed and self.random.random() < 0.3:
            return self._measured("datetime", depth)
        return f"add_hours({self.value('datetime', depth)}, {self._n(depth)})"

    def _id(self, depth: int) -> str:
        return self._chosen("id", depth)
