"""What computed fields read, in which order they are computed, and what follows when a field changes. Pure.

All of it is worked out when a description is compiled (`Computed.reads`, `Entity.writers`, `Entity.triggers`), so that
a request asks nothing of entities that it does not write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from metadata.expressions.tree import (
    Call,
    Compare,
    Constant,
    FieldRef,
    In,
    InUnit,
    Listed,
    Node,
    Over,
    parts_of,
    walk,
)
from metadata.model import Entity, Field, Hop, Model, Trigger, Writer

Way = tuple[Hop, ...]

CURRENCY = "currency"
"""The field that says in which currency the amounts of a record are."""


class Read(NamedTuple):
    """A field whose value is looked at, and the way from the record that asks to the one that has it."""

    entity: str
    field: str
    way: Way = ()


class Cell(NamedTuple):
    """A field of an entity, as a node of the graph of what follows from what."""

    entity: str
    field: str


@dataclass(frozen=True, slots=True)
class Source:
    """Something that gives a field its value, with what it reads."""

    entity: str
    writer: Writer
    reads: tuple[Read, ...]

    @property
    def cell(self) -> Cell:
        return Cell(self.entity, self.writer.field)

    def own(self) -> Iterator[str]:
        """The fields of the record itself that it reads. A rule may look at the value that it sets."""
        for each in self.reads:
            if not each.way and not (self.writer.rule is not None and each.field == self.writer.field):
                yield each.field


def reads_of(node: Node) -> tuple[Read, ...]:
    """Every field that an expression looks at, links and what makes a list included."""
    return tuple(dict.fromkeys(_reads(node, ())))


def _reads(node: Node, way: Way) -> Iterator[Read]:
    match node:
        case FieldRef():
            way = yield from _along(node.links, way)
            yield Read(node.entity, node.field, way)
        case Over(listed=listed):
            way = yield from _along(listed.links, way)
            way = yield from _into(listed, way)
            for each in parts_of(node):
                yield from _reads(each, way)
        case _:
            for each in parts_of(node):
                yield from _reads(each, way)


def _along(links: Iterable[tuple[str, str, str]], way: Way) -> Generator[Read, None, Way]:
    for entity, link, _ in links:
        yield Read(entity, link, way)
        way = (*way, Hop(entity, link))
    return way


def _into(listed: Listed, way: Way) -> Generator[Read, None, Way]:
    holder = listed.through or listed.entity
    way = (*way, Hop(holder, listed.link, back=True))
    yield Read(holder, listed.link, way)
    if listed.through is not None and listed.far is not None:
        yield Read(listed.through, listed.far, way)
        way = (*way, Hop(listed.through, listed.far))
    return way


def needs_read(entity: Entity, field: Field, model: Model) -> frozenset[tuple[str, str]]:
    """(entity id, field id) of everything that one must be allowed to read in order to read a field."""
    if field.computed is None or field.computed.disclose:
        return frozenset()
    return frozenset((each[0], each[1]) for each in field.computed.reads)


def parts_readable(field: Field, may_read: Callable[[str, str], bool]) -> bool:
    """Whether everything that a computed value is made of may be read."""
    return field.computed is not None and all(may_read(each[0], each[1]) for each in field.computed.reads)


def needed(source: Source, sources: Mapping[Cell, Source], disclosed: Iterable[Cell] = ()) -> tuple[Cell, ...]:
    """What is in a value: the fields that it is made of, and what is in those of them that are computed."""
    open_, found = frozenset(disclosed), dict[Cell, None]()
    due = [source]
    while due:
        for each in due.pop().reads:
            cell = Cell(each.entity, each.field)
            if cell in found:
                continue
            found[cell] = None
            if cell in sources and cell not in open_:
                due.append(sources[cell])
    return tuple(found)


def of_time(node: Node) -> bool:
    """Whether a value changes by itself as time goes by."""
    return any(isinstance(each, Constant) and each.name in ("$now", "$today") for each in walk(node))


def of_person(node: Node) -> bool:
    """Whether a value is another one for each who asks."""
    return any(
        isinstance(each, InUnit)
        or (isinstance(each, Constant) and (each.name or "").startswith(("$user", "has_role:")))
        for each in walk(node)
    )


def functions_of(node: Node) -> frozenset[str]:
    """The names of the functions that are called."""
    return frozenset(each.function for each in walk(node) if isinstance(each, Call))


def amounts_of(node: Node) -> Iterator[FieldRef | Over]:
    """The amounts that count as they are: those of comparisons are compared in the tenant's currency if need be."""
    match node:
        case Compare() | In():
            return
        case FieldRef():
            if node.type == "money":
                yield node
        case Over(value=value):
            if value is not None and any(True for _ in amounts_of(value)):
                yield node
        case _:
            for each in parts_of(node):
                yield from amounts_of(each)


# -- the graph


def circles(sources: Iterable[Source]) -> Iterator[tuple[Cell, ...]]:
    """Values that follow from themselves: the fields of each circle, every one read by the next."""
    graph: dict[Cell, set[Cell]] = {}
    for each in sources:
        held = graph.setdefault(each.cell, set())
        ignored = each.cell if each.writer.rule is not None else None
        held.update(cell for read in each.reads if (cell := Cell(read.entity, read.field)) != ignored)
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            found: list[Cell] = error.args[1]
            yield tuple(found[:-1])
            for read, reader in pairwise(found):
                graph[reader].discard(read)  # all of its edges, so that each circle is told once
        else:
            return


def in_order(sources: Sequence[Source]) -> tuple[Writer, ...]:
    """The writers of one entity, each after those of what it reads; otherwise in the order given."""
    writing: dict[str, list[int]] = {}
    for at, each in enumerate(sources):
        writing.setdefault(each.writer.field, []).append(at)
    graph: dict[int, set[int]] = {}
    for at, each in enumerate(sources):
        graph[at] = {before for field in each.own() for before in writing.get(field, ()) if before != at}
        # Of several rules that set one field, the later one speaks last.
        graph[at].update(before for before in writing[each.writer.field] if before < at)
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found: list[Writer] = []
    ready = sorted(sorter.get_ready())
    while ready:
        at = ready.pop(0)
        found.append(sources[at].writer)
        sorter.done(at)
        ready = sorted((*ready, *sorter.get_ready()))
    return tuple(found)


def triggers(sources: Iterable[Source], sharing: Iterable[tuple[str, Hop]] = ()) -> Mapping[str, tuple[Trigger, ...]]:
    """Entity id -> what must be computed anew in other records when one of its fields changes.

    `sharing`: entities whose currency is that of their rows too, with the way from those.
    """
    found: dict[tuple[str, str, str, tuple[Hop, ...]], list[str]] = {}
    for owner, hop in sharing:
        found[owner, CURRENCY, hop.entity, (hop,)] = [CURRENCY]
    for each in sources:
        if each.writer.rule is not None:
            continue  # rules look at the record that is saved
        for entity, field, way in each.reads:
            if way:
                fields = found.setdefault((entity, field, each.entity, way), [])
                if each.writer.field not in fields:
                    fields.append(each.writer.field)
    by_entity: dict[str, list[Trigger]] = {}
    for (entity, field, target, way), fields in found.items():
        by_entity.setdefault(entity, []).append(Trigger(field, target, tuple(fields), way))
    return {entity: tuple(held) for entity, held in by_entity.items()}
