"""Why an expression has its value: each part in words with what it came to, in both languages.

Values of fields that the reader may not see are blanked, and with them what is made of them; that the whole condition
holds or not, he is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from metadata.expressions import phrases as p
from metadata.expressions.binding import Binding
from metadata.expressions.closures.lists import records
from metadata.expressions.evaluate import Constants, Row, bound_values, value
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
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    is_condition,
    kind_of,
    parts_of,
    walk,
)
from metadata.expressions.wording import Reader, Words
from metadata.problems import LANGUAGES, Label, say

__all__ = ["Explanation", "Reader", "Step", "explain", "first_failed", "lines"]

MOST_RECORDS = 10
"""Of a list, told one by one; of the others only how many there are."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an expression: what it says, what it came to, and the parts that it was made of."""

    kind: Literal["condition", "value", "record"]
    text: Label
    result: Label
    """`yes` or `no`, a value as people read it, or that it is hidden; empty of a record."""
    holds: bool | None = None
    """Of a condition that the reader may know."""
    hidden: bool = False
    parts: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    root: Step
    failed: Step | None
    """The first condition that decided against; None when the whole holds, or is no condition."""


def explain(expression: Expression, row: Row, binding: Binding, reader: Reader) -> Explanation:
    """Everything about one evaluation. Raises LookupError for an expression of another model."""
    teller = _Teller(expression, row, binding, reader)
    root = teller.step(expression.root, row)
    if is_condition(expression.root):
        holds = teller.told[id(root)]
        against = None if holds else teller.against(root, expression.root, False)
        answered = _answered(root, holds)
        return Explanation(answered, answered if against is root else against)
    return Explanation(root, None)


def first_failed(expression: Expression, row: Row, binding: Binding, reader: Reader) -> Step | None:
    """The first condition that decided against, with its values; None when everything holds."""
    return explain(expression, row, binding, reader).failed


def lines(step: Step, lang: str = "en") -> list[str]:
    """A tree of steps as lines of plain text."""
    return list(_lines(step, lang, 0))


def _lines(step: Step, lang: str, depth: int) -> Iterator[str]:
    mark = {True: "✓ ", False: "✗ ", None: "  "}[step.holds]
    text, result = say(step.text, lang), say(step.result, lang)
    apart = "：" if lang == "zh" else ": "
    told = f" = {result}" if step.kind == "value" else f"{apart}{result}" if result else ""
    yield f"{'  ' * depth}{mark}{text}{told}"
    for each in step.parts:
        yield from _lines(each, lang, depth + 1)


def _answered(step: Step, holds: bool) -> Step:
    return Step(step.kind, step.text, p.SHOWN[holds], holds, step.hidden, step.parts)


class _Teller:
    def __init__(self, expression: Expression, row: Row, binding: Binding, reader: Reader) -> None:
        self.reader, self.binding = reader, binding
        self.constants: Constants = bound_values(expression, binding)
        currency = row.values.get("currency")
        self.words = [
            Words(lang, reader, expression.values, binding, None if currency is None else str(currency))
            for lang in LANGUAGES
        ]
        self.told: dict[int, bool] = {}
        """What each condition came to, by the identity of its step; kept from the reader where it must be."""
        self.kept: list[Step] = []

    def step(self, node: Node, row: Row, base: bool = False) -> Step:
        """One part, with those below it."""
        found = value(node, base)(row, self.constants)
        hidden = self._hides(node)
        parts = tuple(self._parts(node, row, base))
        text = self._both(lambda words: self._text(words, node, base))
        if is_condition(node):
            result: Label = p.HIDDEN if hidden else p.SHOWN[bool(found)]
            step = Step("condition", text, result, None if hidden else bool(found), hidden, parts)
            self.told[id(step)] = bool(found)
        else:
            result = p.HIDDEN if hidden else self._both(lambda words: self._shown(words, node, found, base))
            step = Step("value", text, result, None, hidden, parts)
        self.kept.append(step)  # an identity is one only while its object lives
        return step

    def _both(self, say_it: Callable[[Words], str]) -> Label:
        return {each.lang: say_it(each) for each in self.words}

    def _text(self, words: Words, node: Node, base: bool) -> str:
        match node:
            case Logic(op=op):
                return words.said(p.LOGIC[op])
            case Not(part=Logic() | Not()):
                return words.said(p.NOT)
        return words.node(node, base)

    def _shown(self, words: Words, node: Node, found: Any, base: bool) -> str:
        money = base and isinstance(node, FieldRef) and node.type == "money"
        return words.shown(found, kind_of(node), words.field(node), money)

    def _hides(self, node: Node) -> bool:
        visible, entities = self.reader.visible, self.reader.entities
        if visible is None:
            return False
        for entity, field in _reads(node):
            of = entities(entity)
            if of is None or not visible(of, of.fields[field]):
                return True
        return False

    def _parts(self, node: Node, row: Row, base: bool) -> Iterator[Step]:
        match node:
            case Either():
                asked = self.step(node.condition, row)
                yield asked
                if not asked.hidden:  # which one was chosen says what was asked
                    yield self.step(node.then if self.told[id(asked)] else node.otherwise, row, base)
            case Over():
                yield from self._records(node, row)
            case Compare():
                yield from self._values(parts_of(node), row, compares_base(node))
            case In(needle=needle):
                yield from self._values((needle,), row, True)
            case TextMatch(text=text, part=part):
                yield from self._values((text, part), row, False)
            case Arithmetic() | Negative() | Call():
                yield from self._values(parts_of(node), row, base)
            case Changed(ref=ref):
                yield from self._values((_before(ref), ref), row, False)
            case Constant() | FieldRef():
                return
            case _:
                for part in parts_of(node):
                    if not isinstance(part, Constant):
                        yield self.step(part, row)

    def _values(self, nodes: Sequence[Node], row: Row, base: bool) -> Iterator[Step]:
        for node in nodes:
            # A literal is in the text already; a value of the one who asks is not.
            if not isinstance(node, Constant) or (node.name or "").startswith("$user."):
                yield self.step(node, row, base)

    def _records(self, node: Over, row: Row) -> Iterator[Step]:
        if self._hides(replace(node, condition=None, value=None)):
            return  # which records there are is hidden, too
        found = records(node)(row)
        for number, each in enumerate(found[:MOST_RECORDS], 1):
            inner = [self.step(part, each, part is node.value) for part in parts_of(node)]
            title = self.reader.titles(node.listed.entity, str(each.values.get("id")))
            name = self._both(lambda words, n=number, t=title: t or words.said(p.RECORD, str(n)))  # type: ignore[misc]
            yield Step("record", name, {"*": ""}, None, False, tuple(inner))
        if len(found) > MOST_RECORDS:
            more = str(len(found) - MOST_RECORDS)
            yield Step("record", self._both(lambda words: words.said(p.AND_MORE, more)), {"*": ""})

    def against(self, step: Step, node: Node, wanted: bool) -> Step:
        """What made a condition come to what it did: the first part that decided it, or all of it."""
        match node:
            case Logic(op=op, parts=parts) if (op == "and") != wanted:
                for part, each in zip(parts, step.parts, strict=True):
                    if self.told[id(each)] == wanted:
                        return self.against(each, part, wanted)
            case Not(part=part) if step.parts:
                inner = self.against(step.parts[0], part, not wanted)
                return step if inner is step.parts[0] else inner
        return step


def _before(ref: FieldRef) -> FieldRef:
    return FieldRef(ref.entity, ref.field, ref.type, ref.kind, ref.links, True)


def _reads(node: Node) -> Iterator[tuple[str, str]]:
    yield from Expression("", "", node, (), "").reads()
    for each in walk(node):
        if isinstance(each, Constant) and each.name is not None and each.name.startswith("$user."):
            yield "user", each.name.removeprefix("$user.")
