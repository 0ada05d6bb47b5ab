"""Parts of an expression and their values in words: labels of fields and options, values as people read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from metadata.expressions import phrases as p
from metadata.expressions.binding import Binding, bound, zone
from metadata.expressions.closures.numbers import number_text
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.money import compares_base
from metadata.expressions.names import Entities, Visible
from metadata.expressions.printing import ALIKE, field_of
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Either,
    FieldRef,
    In,
    InUnit,
    Kind,
    Listed,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
    kind_of,
)
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field
from metadata.problems import Label, say

LONGEST = 400
"""Characters of one step; what is said in a longer one is seen in the steps below it."""
_PLAIN_LINKS = ("link", "user", "unit", "any_link")


def _unknown(section: str, id: str) -> Label | None:
    return None


def _untitled(entity: str, record: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is said, and where names are found."""

    entities: Entities
    """`model.entity`"""
    visible: Visible | None = None
    """Which fields he may read; None: all."""
    titles: Callable[[str, str], str | None] = _untitled
    """(entity id, record id) -> how a record is called; None when it is not known or may not be seen."""
    labels: Callable[[str, str], Label | None] = _unknown
    """(section, id) -> the label of a role or a calendar."""
    currency: str = ""
    """The tenant's."""


@dataclass(frozen=True, slots=True)
class Words:
    """Says the parts of one expression in one language."""

    lang: str
    reader: Reader
    values: Sequence[object]
    binding: Binding
    currency: str | None
    """Of the record."""

    def said(self, phrase: p.Phrase, *parts: str) -> str:
        text = say(phrase, self.lang).format(*parts)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def node(self, node: Node, base: bool = False) -> str:
        """A condition or value. `base`: its amounts count in the base currency."""
        match node:
            case Constant():
                return self.constant(node, None)
            case FieldRef():
                return self.ref(node, base)
            case Compare():
                return self.comparison(node)
            case Logic(op=op, parts=parts):
                joint = {"en": f" {op} ", "zh": " 且 " if op == "and" else " 或 "}
                return self.said({"*": "({0})"}, say(joint, self.lang).join(self.node(each) for each in parts))
            case Not(part=part):
                return f"{self.said(p.NOT)}: {self.node(part)}" if self.lang != "zh" else f"非（{self.node(part)}）"
            case In(needle=needle, items=items):
                return self.membership(node, needle, items)
            case TextMatch(op=op, text=text, part=part):
                return self.said(p.MATCHED[op], self.node(text), self.side(part, text))
            case Truth(part=part):
                return self.truth(part)
            case Changed(ref=ref):
                return self.said(p.CHANGED, self.ref(ref, False))
            case InUnit(part=part):
                return self.said(p.IN_UNIT, self.node(part))
            case Arithmetic(op=op, left=left, right=right):
                return self.said(p.ARITHMETIC[op], self.operand(left, base), self.operand(right, base))
            case Negative(part=part):
                return self.said(p.NEGATIVE, self.operand(part, base))
            case Call():
                return self.call(node, base)
            case Either(condition=condition, then=then, otherwise=otherwise):
                field = self.field(node)
                chosen = [self.value(each, field, base) for each in (then, otherwise)]
                return self.said(p.EITHER, self.node(condition), *chosen)
            case Over():
                return self.over(node)

    def operand(self, node: Node, base: bool) -> str:
        text = self.node(node, base)
        return f"({text})" if isinstance(node, Arithmetic) else text

    def value(self, node: Node, field: Field | None, base: bool = False) -> str:
        """A part beside others that say whose options it names."""
        return self.constant(node, field, base) if isinstance(node, Constant) else self.node(node, base)

    def side(self, node: Node, other: Node, base: bool = False) -> str:
        return self.value(node, self.field(other), base)

    def comparison(self, node: Compare) -> str:
        base = compares_base(node)
        if isinstance(node.right, Constant) and node.right.kind == "null" and node.op in p.EMPTY:
            return self.said(p.EMPTY[node.op], self.node(node.left))
        timed = kind_of(node.left) in ("date", "datetime")
        phrase = (p.TIMED if timed else p.COMPARED)[node.op]
        return self.said(phrase, self.side(node.left, node.right, base), self.side(node.right, node.left, base))

    def membership(self, node: In, needle: Node, items: Sequence[Constant]) -> str:
        found = [self.side(each, needle, True) for each in items] + [self.said(p.SHOWN[None])] * node.nullable
        return self.said(p.IN, self.node(needle, True), ("、" if self.lang == "zh" else ", ").join(found))

    def truth(self, part: Node) -> str:
        if isinstance(part, Constant):
            if part.name is not None and part.name.startswith("has_role:"):
                return self.said(p.HAS_ROLE, self.named("roles", part.name.partition(":")[2]))
            return self.said(p.ALWAYS[bool(self.values[part.slot])])
        kind = kind_of(part)
        return self.said(p.TRUE.get(kind, p.TRUE["other"]), self.node(part))

    def call(self, node: Call, base: bool) -> str:
        field = self.field(node)
        takes = FUNCTIONS[node.function].takes
        calendar = "calendar" in takes and len(node.arguments) == len(takes)
        values = node.arguments[:-1] if calendar else node.arguments
        parts = [self.value(each, field, base) for each in values]
        if node.function in p.OF_MANY:
            return self.said(p.OF_MANY[node.function], ("、" if self.lang == "zh" else ", ").join(parts))
        phrase = p.FUNCTIONS.get(f"{node.function} {len(parts)}", p.FUNCTIONS[node.function])
        text = self.said(phrase, *parts)
        if calendar and isinstance(node.arguments[-1], Constant):
            id = str(node.arguments[-1].name).partition(":")[2]
            return self.said(p.CALENDAR, text, self.named("calendars", id))
        return text

    def over(self, node: Over) -> str:
        listed = self.listed(node.listed)
        condition = "" if node.condition is None else self.node(node.condition)
        if condition and node.op != "all":
            listed = self.said(p.WITH, listed, condition)
        # Parts in their whole's currency are added as they are, other records in the base currency.
        base = not _entity(self.reader.entities, node.listed.entity).shares_currency
        value = "" if node.value is None else self.node(node.value, base)
        return self.said(p.OVER[node.op], listed, value, condition)

    def ref(self, node: FieldRef, base: bool) -> str:
        entities = self.reader.entities
        labels = [_field(entities, entity, link).label for entity, link, _ in node.links]
        text = " › ".join(say(each, self.lang) for each in [*labels, field_of(node, entities).label])
        if base and node.type == "money":
            text = self.said(p.BASE, text)
        return self.said(p.BEFORE, text) if node.old else text

    def listed(self, listed: Listed) -> str:
        owner = _entity(self.reader.entities, listed.owner)
        way = [_field(self.reader.entities, entity, link).label for entity, link, _ in listed.links]
        if listed.field is not None:
            label = owner.fields[listed.field].label
        else:
            label = next(
                (each.inverse_label for each in owner.inverses if each.source == listed.entity),
                _entity(self.reader.entities, listed.entity).plural,
            )
        return " › ".join(say(each, self.lang) for each in [*way, label])

    def constant(self, node: Constant, field: Field | None, base: bool = False) -> str:
        found = bound(node, self.values, self.binding)
        if node.name is not None and node.name in p.VARIABLES:
            return self.said(p.VARIABLES[node.name], self.shown(found, node.kind, None))
        if node.name is not None and node.name.startswith("$user."):
            user = _entity(self.reader.entities, "user")
            return self.said(p.OF_USER, say(user.fields[node.name.removeprefix("$user.")].label, self.lang))
        if field is not None and field.options and isinstance(found, str):
            option = field.option(found)
            return found if option is None else say(option.label, self.lang)
        return f"“{found}”" if node.kind == "text" and found is not None else self.shown(found, node.kind, field, base)

    def named(self, section: str, id: str) -> str:
        label = self.reader.labels(section, id)
        return id if label is None else say(label, self.lang)

    def field(self, node: Node) -> Field | None:
        """The field whose values a value has, if any."""
        match node:
            case FieldRef():
                return field_of(node, self.reader.entities)
            case Either(then=then, otherwise=otherwise):
                return self.field(then) or self.field(otherwise)
            case Call(function=function, arguments=arguments) if function in ALIKE:
                return next((found for each in arguments if (found := self.field(each)) is not None), None)
        return None

    def shown(self, value: Any, kind: Kind, field: Field | None, base: bool = False) -> str:
        """A value as a person reads it."""
        if value is None:
            return self.said(p.SHOWN[None])
        if isinstance(value, bool):
            return self.said(p.SHOWN[value])
        if kind == "id":
            return self.record(str(value), field)
        if field is not None and not registry.of(field).compared and kind != "json":
            currency = (self.reader.currency if base else self.currency) or ""
            return registry.of(field).show(field, value, TextContext(self.lang, self.binding.timezone, currency))
        if kind == "number":
            return number_text(value)
        if isinstance(value, dt.datetime):
            return value.astimezone(zone(self.binding.timezone)).strftime("%Y-%m-%d %H:%M")
        if isinstance(value, tuple):
            return ("、" if self.lang == "zh" else ", ").join(map(str, value))
        text = str(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def record(self, id: str, field: Field | None) -> str:
        targets = field.to if field is not None and field.type in _PLAIN_LINKS else ()
        found = (self.reader.titles(each, id) for each in targets)
        return next((each for each in found if each), id)


def _entity(entities: Entities, id: str) -> Entity:
    found = entities(id)
    if found is None:
        raise LookupError(id)
    return found


def _field(entities: Entities, entity: str, id: str) -> Field:
    return _entity(entities, entity).fields[id]
