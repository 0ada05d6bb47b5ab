"""Which rules of an entity fire in a save, and what they decide of a record. Pure; made ready once for each content.

What a rule sets is not decided here: it is one of the writers of a save, put in order with formulas and lookups.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Condition, Needs, Row, binder, condition, needs
from metadata.expressions.holes import Hole, Part, parse_text
from metadata.expressions.names import Scope
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression, FieldRef, Node, Over, parts_of
from metadata.model import Entity
from metadata.rules import Rule


@dataclass(frozen=True, eq=False)
class Ready:
    """A rule with its condition as a closure."""

    rule: Rule
    when: Expression | None
    holds: Condition | None
    triggers: frozenset[str]
    """Ids of the record's own fields of which one must change so that the rule fires on a record that is there."""
    message: Mapping[str, tuple[Part, ...]]
    """Of `reject`, by language."""

    @cached_property
    def bind(self) -> Callable[[Binding], Sequence[Any]]:
        """The constants of the condition, ready to be bound."""
        return _nothing if self.when is None else binder(self.when)


def _nothing(binding: Binding) -> Sequence[Any]:
    return ()


@dataclass(frozen=True, eq=False)
class Book:
    """The rules of one entity that decide something, in their order."""

    entity: Entity
    rules: tuple[Ready, ...]

    @cached_property
    def needs(self) -> Needs:
        """What a row must bring so that every condition can be asked of it."""
        return needs(*(each.when.root for each in self.rules if each.when is not None))

    @cached_property
    def reaches_out(self) -> bool:
        """Whether a condition looks at other records."""
        wanted = self.needs
        return bool(wanted.links or wanted.lists or (wanted.before and (wanted.before.links or wanted.before.lists)))


@dataclass(slots=True)
class Decision:
    """What the rules say of one record."""

    refused: list[Ready] = field(default_factory=list)
    """Rules that reject it, warnings among them."""
    required: dict[str, Ready] = field(default_factory=dict)
    hidden: dict[str, Ready] = field(default_factory=dict)
    read_only: dict[str, Ready] = field(default_factory=dict)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Field id -> the options that may be chosen: those that every rule allows."""


def make_ready(entity: Entity, scope: Scope) -> Book:
    """The rules of an entity made ready. Those that only set values decide nothing."""
    rules = [_ready(each, entity, scope) for each in entity.rules if each.reject is not None or each.bound]
    return Book(entity, tuple(rules))


def bind(book: Book, binding: Binding) -> list[Sequence[Any]]:
    """The constants of each rule, in the order of the book: made once for a save of many records."""
    return [each.bind(binding) for each in book.rules]


def decide(
    book: Book, constants: Sequence[Sequence[Any]], row: Row, changed: AbstractSet[str] | None, *, live: bool = False
) -> Decision:
    """What the rules that fire say of a record.

    `changed`: ids of its fields that differ from before, None for a new record. `live`: in a form the fields that are
    hidden, required or closed follow from what it shows, changed or not.
    """
    found = Decision()
    for ready, values in zip(book.rules, constants, strict=True):
        rule = ready.rule
        if (rule.on == "create" and changed is not None) or (rule.on == "update" and changed is None):
            continue
        fires = changed is None or ready.when is None or not ready.triggers.isdisjoint(changed)
        if not fires and not live:
            continue
        if ready.holds is None or ready.holds(row, values):
            _take(found, ready, fires)
    if found.required:
        _leave_hidden(found, book, constants, row)
    return found


def fired(book: Book, constants: Sequence[Sequence[Any]], row: Row, changed: AbstractSet[str] | None) -> list[Rule]:
    """The rules that fire and whose condition holds, as `decide` would ask them."""
    found = []
    for ready, values in zip(book.rules, constants, strict=True):
        rule = ready.rule
        if (rule.on == "create" and changed is not None) or (rule.on == "update" and changed is None):
            continue
        fires = changed is None or ready.when is None or not ready.triggers.isdisjoint(changed)
        if fires and (ready.holds is None or ready.holds(row, values)):
            found.append(rule)
    return found


def _leave_hidden(found: Decision, book: Book, constants: Sequence[Sequence[Any]], row: Row) -> None:
    """Nobody can fill in what is not shown, so it is not required: also where the hiding rule itself does not fire."""
    for ready, values in zip(book.rules, constants, strict=True):
        hides = [id for id in ready.rule.hide if id in found.required]
        if hides and (ready.holds is None or ready.holds(row, values)):
            for id in hides:
                del found.required[id]


def _take(found: Decision, ready: Ready, fires: bool) -> None:
    rule = ready.rule
    if rule.reject is not None and fires:
        found.refused.append(ready)
    for id in rule.require:
        found.required.setdefault(id, ready)
    for id in rule.hide:
        found.hidden.setdefault(id, ready)
    for id in rule.read_only:
        found.read_only.setdefault(id, ready)
    for id, options in rule.options.items():
        held = found.options.get(id)
        found.options[id] = options if held is None else tuple(each for each in held if each in options)


def _ready(rule: Rule, entity: Entity, scope: Scope) -> Ready:
    when = None if rule.when is None else parse_in(rule.when, entity, scope)
    message = {} if rule.reject is None else rule.reject.message
    return Ready(
        rule,
        when,
        None if when is None else condition(when.root),
        (frozenset() if when is None else own_reads(when)) | rule.bound,
        {lang: parse_text(text, entity, scope) for lang, text in message.items()},
    )


def own_reads(expression: Expression) -> frozenset[str]:
    """Ids of the record's own fields that an expression looks at: links that it walks and lists included."""
    return frozenset(_own(expression.root))


def _own(node: Node) -> Collection[str]:
    match node:
        case FieldRef():
            return {node.links[0][1] if node.links else node.field}
        case Over(listed=listed):
            return {listed.links[0][1]} if listed.links else {listed.field} if listed.field is not None else ()
    return {id for part in parts_of(node) for id in _own(part)}


def holes_of(ready: Ready) -> tuple[Hole, ...]:
    """The holes of a rule's message, in all languages."""
    return tuple(each for parts in ready.message.values() for each in parts if isinstance(each, Hole))
