"""Which approval a record of the past needs, and who would have been asked: by the code of the preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from metadata.access import platform_actor
from metadata.approvals import Approval, deciding_fields
from metadata.expressions.evaluate import bound_values, needs
from metadata.expressions.tree import Expression, Node
from metadata.ids import uuid7
from runtime.approvals.keeping import definitions
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.queries.build import binding_of
from runtime.records.computing.asking import Asker
from runtime.records.drafts import Draft
from runtime.simulating.changed import Item
from runtime.simulating.comparing import Happens
from runtime.simulating.sides import Page, Side, Sides
from workflow.approvals.deciding import texts
from workflow.approvals.previewing import Step, preview
from workflow.approvals.refusals import Refused
from workflow.approvals.request import Request


class Questions(Asker):
    """One record of the past; its texts are those of a side, what they look at beyond it is as it is now."""

    def __init__(self, side: Side, page: Page, at: int, draft: Draft) -> None:
        ws = side.at(page.moments[at])
        super().__init__(ws, side.plan, draft, partial(binding_of, side.model, platform_actor(), ws.now))
        self._side, self._page = side, page

    def _ask(self, expression: Expression, ask: Any, node: Node | None = None) -> Any:
        root = node or expression.root
        row = self._page.row(("asked", id(root)), self.draft, needs(root), root)
        return ask(row, bound_values(expression, self._binding()))


class Then(RecordWorld):
    """The record as it was, and people as they are now."""

    def __init__(self, side: Side, page: Page, at: int, draft: Draft, people: People) -> None:
        old = page.sides.old
        super().__init__(old.at(page.moments[at]), old.plan, draft, people)
        self._then = (side, page, at)
        self.asker = Questions(side, page, at, draft)

    def _computed(self, after: Draft) -> RecordWorld:
        side, page, at = self._then
        return Then(side, page, at, super()._computed(after).draft, self.people)


class Approvals:
    """The approvals of one entity, on both sides: a record needs the first of them whose condition it meets."""

    def __init__(self, sides: Sides, items: Sequence[Item]) -> None:
        self.sides = sides
        self.items = [each.id for each in items]
        self._known: Mapping[int, tuple[Approval, ...]] = {
            id(side): definitions.of_entity(side.model, side.entity) for side in sides.each()
        }
        fields: set[str] = set()
        for side in sides.each():
            for each in self._known[id(side)]:
                fields |= deciding_fields(each, side.model)
                names = {text.partition(".")[0] for text in texts(each)}
                fields |= {field.id for name in names if (field := side.entity.find(name)) is not None}
        self.fields = frozenset(fields)
        """Ids of the record's own fields that decide."""

    def asks(self, page: Page, at: int) -> bool:
        """Whether the answer may be another one than at the save before."""
        moment = page.moments[at]
        if moment.kind in ("created", "submitted"):
            return True
        return moment.kind == "updated" and moment.changed is not None and not self.fields.isdisjoint(moment.changed)

    def verdicts(
        self, page: Page, at: int, old: Draft, new: Draft | None, people: People
    ) -> Mapping[str, tuple[Happens, Happens]]:
        """Whether each is the one that the record needs, and its route."""
        before = self._chosen(self.sides.old, page, at, old, people)
        after: tuple[str, tuple[Any, ...]] | None = None
        if self.sides.new is not None and new is not None:
            after = self._chosen(self.sides.new, page, at, new, people)
        return {each: (_happens(each, before), _happens(each, after)) for each in self.items}

    def _chosen(
        self, side: Side, page: Page, at: int, draft: Draft, people: People
    ) -> tuple[str, tuple[Any, ...]] | None:
        world = Then(side, page, at, draft, people)
        found = next((each for each in self._known[id(side)] if each.entry is None or world.holds(each.entry)), None)
        if found is None:
            return None
        moment = page.moments[at]
        if found.id not in self.items or moment.actor is None:
            return found.id, ()
        request = Request(uuid7(), found.id, side.ws.release, side.entity.id, draft.id, moment.actor)
        try:
            return found.id, tuple(_line(each) for each in preview(found, world, request))
        except Refused as refused:
            return found.id, ({"what": "refused", "codes": [each.code for each in refused.problems]},)


def _line(step: Step) -> dict[str, Any]:
    people = [each.user for each in step.people]
    return {"node": step.node, "kind": step.kind, "people": people, "outcome": step.outcome, "ways": list(step.ways)}


def _happens(id: str, chosen: tuple[str, tuple[Any, ...]] | None) -> Happens:
    if chosen is None or chosen[0] != id:
        return Happens()
    return Happens(True, "", chosen[1])
