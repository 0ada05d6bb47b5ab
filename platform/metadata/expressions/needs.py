"""What must be loaded before expressions are evaluated: fields, the records that links lead to, and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metadata.expressions.tree import Changed, FieldRef, Listed, Node, Over, parts_of

Step = tuple[str, str]
"""(id of the link field, id of the entity that it points at)"""


@dataclass(frozen=True, slots=True)
class Needs:
    """What is read of one record: `Row.values` must have the fields (of an amount its base value too)."""

    fields: frozenset[str] = frozenset()
    """Ids; links that are walked, and `id` where there are lists, included."""
    links: Mapping[Step, Needs] = field(default_factory=dict)
    """What is read of the linked records, for `Row.linked`."""
    lists: Mapping[Listed, Needs] = field(default_factory=dict)
    """What is read of each listed record, for `Row.listed`, which is asked with the same list."""
    before: Needs | None = None
    """What is read of the record as it was before the save, for `Row.before` and links from there."""

    def __bool__(self) -> bool:
        return bool(self.fields or self.links or self.lists or self.before)


def needs(*nodes: Node) -> Needs:
    """What several expressions of one entity read together."""
    found = _Reading()
    for each in nodes:
        found.node(each)
    return found.needs()


class _Reading:
    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.links: dict[Step, _Reading] = {}
        self.lists: dict[Listed, _Reading] = {}
        self.before: _Reading | None = None

    def needs(self) -> Needs:
        return Needs(
            frozenset(self.fields),
            {step: each.needs() for step, each in self.links.items()},
            {listed: each.needs() for listed, each in self.lists.items()},
            None if self.before is None else self.before.needs(),
        )

    def node(self, node: Node) -> None:
        match node:
            case FieldRef(old=True):
                self._before()._walked(node.links).fields.add(node.field)
            case FieldRef():
                self._walked(node.links).fields.add(node.field)
            case Changed(ref=ref):
                self.fields.add(ref.field)
                self._before().fields.add(ref.field)
            case Over(listed=listed):
                owner = self._walked(listed.links)
                owner.fields.add("id")
                inner = owner.lists.setdefault(replace(listed, links=()), _Reading())
                for part in parts_of(node):
                    inner.node(part)
            case _:
                for part in parts_of(node):
                    self.node(part)

    def _before(self) -> _Reading:
        if self.before is None:
            self.before = _Reading()
        return self.before

    def _walked(self, links: tuple[tuple[str, str, str], ...]) -> _Reading:
        reading = self
        for _, link, target in links:
            reading.fields.add(link)
            reading = reading.links.setdefault((link, target), _Reading())
        return reading
