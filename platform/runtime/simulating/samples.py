"""Examples of a difference: which record, when, who, and why, as far as whoever asks may see it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.access import rights
from metadata.approvals import Approval, conditions_of
from metadata.expressions.explaining import Explanation, Reader, Step, explain
from metadata.expressions.needs import needs
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Expression
from metadata.fieldtypes.base import TextContext
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.workflow_texts import scope_of_workflows
from runtime import rates
from runtime.approvals.world.people import People
from runtime.queries.history import visible_ids
from runtime.queries.timed import scope_of
from runtime.records.drafts import Draft
from runtime.simulating.changed import Item
from runtime.simulating.comparing import Happens, Ruled, Verdict
from runtime.simulating.past import Moment
from runtime.simulating.sides import Page, Side
from runtime.trying import Eyes
from runtime.workspace import Workspace

MOST = 1_000
"""Samples of one report, of all differences together."""
_MOST_WHY = 10
"""Conditions of one approval that are explained."""

Data = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """The newest samples of every difference, no more than `most` of each."""

    most: int
    _held: dict[tuple[str, str], list[tuple[Any, int, Data]]] = field(default_factory=dict)
    _count: int = 0

    def wants(self, item: str, difference: str, at: Any) -> bool:
        held = self._held.get((item, difference), [])
        if len(held) < self.most:
            return sum(map(len, self._held.values())) < MOST
        return self.most > 0 and bool(at > held[0][0])

    def put(self, item: str, difference: str, at: Any, sample: Data) -> None:
        held = self._held.setdefault((item, difference), [])
        self._count += 1
        heapq.heappush(held, (at, self._count, sample))
        if len(held) > self.most:
            heapq.heappop(held)

    def of(self, item: str, difference: str) -> list[Data]:
        """The newest first."""
        return [sample for _, _, sample in sorted(self._held.get((item, difference), []), reverse=True)]


class Eye(Eyes):
    """What a reader sees of two descriptions: what only the changed one has shows no more than what it is made of."""

    def reads(self, entity: Entity, of: Field) -> bool:
        if self.ws.actor.platform:
            return True
        there = self.ws.model.entity(entity.id)
        if there is None:
            return False
        if of.computed is not None:
            return all(self._reads(each[0], each[1]) for each in of.computed.reads)
        return self._reads(entity.id, of.id) if of.id in there.fields else True

    def _reads(self, entity: str, field: str) -> bool:
        there = self.ws.model.entity(entity)
        return there is not None and (
            field not in there.fields or rights(self.ws.model, self.ws.actor, there).always_read(field)
        )


class Teller:
    """Makes samples for a reader. `ws` is his unit of work, of the released model."""

    def __init__(self, ws: Workspace, page: Page) -> None:
        self.ws, self.page = ws, page
        self.eye = Eye(ws)
        self._visible: frozenset[str] | None = None

    def sees(self, entity: Entity, record: str) -> bool:
        """Whether the reader may see a record of the page, in the recycle bin or not."""
        if self._visible is None:
            self._visible = visible_ids(self.ws, entity, {each.record for each in self.page.moments})
        return record in self._visible

    def sample(
        self,
        item: Item,
        at: int,
        sides: tuple[tuple[Side, Draft, Verdict], tuple[Side, Draft, Verdict] | None],
    ) -> Data | None:
        """One example; None of a record that the reader does not see."""
        moment, old = self.page.moments[at], self.page.sides.old
        if not self.sees(old.entity, moment.record):
            return None
        found: Data = {
            "entity": old.entity.key,
            "record": moment.record,
            "title": self.eye.title(old.entity.id, moment.record) or self._title(old, moment),
            "event": moment.event or None,
            "at": moment.at.isoformat(),
            "who": moment.actor_name or self._name(moment.actor),
            "what": moment.kind,
        }
        for name, held in zip(("before", "after"), sides, strict=True):
            found[name] = None if held is None else self._side(item, at, *held)
        return found

    def _title(self, side: Side, moment: Moment) -> str | None:
        """What a record in the recycle bin was called then."""
        field = side.entity.fields[side.entity.title]
        value = moment.values.get(field.id)
        if value is None or not self.eye.reads(side.entity, field):
            return None
        return side.plan.types[field.id].show(field, value, TextContext(self.ws.actor.language, "UTC")) or None

    def _name(self, user: str | None) -> str:
        return "" if user is None else People(self.page.sides.old.ws).name(user)

    def _side(self, item: Item, at: int, side: Side, draft: Draft, verdict: Verdict) -> Data:
        why = [] if self.page.moments[at].lost else list(self._whys(item, at, side, draft, verdict))
        return {**self._told(side, verdict), "why": why}

    # -- what it does

    def _told(self, side: Side, verdict: Verdict) -> Data:
        if isinstance(verdict, Ruled):
            return {
                "refuses": verdict.refuses,
                "warns": verdict.warns,
                "demands": [self._field(side.entity, id) for id in verdict.demands],
                "closed": [self._field(side.entity, id) for id in verdict.closed],
                "not_offered": [self._field(side.entity, id) for id in verdict.not_offered],
                "sets": self._values(side, side.entity.id, verdict.sets),
            }
        way = None if verdict.way is None else [self._line(side, each) for each in verdict.way]
        return {"does": verdict.does, "by": verdict.by, "way": way}

    def _field(self, entity: Entity, id: str) -> str | None:
        found = entity.fields.get(id)
        return None if found is None or not self.eye.reads(entity, found) else found.key

    def _values(self, side: Side, entity: str, values: Mapping[str, Any]) -> Data:
        found, of = {}, side.model.entity(entity)
        for id, value in values.items():
            known = None if of is None else of.fields.get(id)
            if of is None or known is None:
                continue
            found[known.key] = self._value(known, value) if self.eye.reads(of, known) else {"hidden": True}
        return found

    def _value(self, field: Field, value: Any) -> Any:
        if field.to and isinstance(value, str) and is_uuid(value):
            title = self.eye.title(field.to[0], value) if len(field.to) == 1 else None
            return {"hidden": True} if title is None else {"id": value, "title": title}
        option = field.option(value) if field.options and isinstance(value, str) else None
        return value if option is None else option.key

    def _line(self, side: Side, line: Mapping[str, Any]) -> Data:
        found = dict(line)
        if "values" in found:
            found["values"] = self._values(side, found["entity"], found["values"])
        if found.get("people"):
            people = People(self.page.sides.old.ws)
            found["people"] = [{"id": each, "name": people.name(each)} for each in found["people"]]
        if not self.ws.actor.platform:
            for name in ("over", "late"):
                found.pop(name, None)  # a moment may be that of a field
        return found

    # -- why

    def _whys(self, item: Item, at: int, side: Side, draft: Draft, verdict: Verdict) -> Iterator[Data]:
        for text in self._texts(item, at, side, verdict):
            try:
                scope = (
                    scope_of_workflows(side.model, changes=True)
                    if item.kind == "workflow"
                    else scope_of(side.model, changes=item.kind == "rule")
                )
                expression = parse_in(text, side.entity, scope)
            except ExpressionInvalid:
                continue
            found = self._explained(side, at, draft, expression, text)
            if found is not None:
                yield {"failed": _step(found.failed), "root": _step(found.root)}

    def _texts(self, item: Item, at: int, side: Side, verdict: Verdict) -> Iterator[str]:
        """The conditions that decided."""
        if item.kind == "rule":
            rule = next((each for each in side.entity.rules if each.id == item.id), None)
            if rule is not None and rule.when is not None:
                yield rule.when
            return
        if item.kind == "workflow":
            workflow = side.model.get("workflows", item.id)
            for each in () if workflow is None else workflow.triggers:
                asked = each.kind == self.page.moments[at].kind and each.when is not None
                if asked and (not isinstance(verdict, Happens) or verdict.by in ("", each.id)):
                    yield each.when
            return
        approval: Approval | None = side.model.get("approvals", item.id)
        if approval is not None:
            for count, (_, text) in enumerate(conditions_of(approval)):
                if count < _MOST_WHY:
                    yield text

    def _explained(self, side: Side, at: int, draft: Draft, expression: Expression, text: str) -> Explanation | None:
        eye = self.eye
        key = ("why", side is self.page.sides.old, text)
        row = self.page.row(key, draft, needs(expression.root))
        reader = Reader(side.model.entity, eye.reads, eye.title, eye.label, rates.base_currency(self.ws))
        binding = self.page.binding(side, at)
        told = explain(expression, eye.row(row), binding, reader)
        if self.ws.actor.platform:
            return told
        # Records that it looks at and the reader does not see would decide otherwise: then nothing is explained.
        whole = explain(expression, row, binding, reader)
        return told if (told.failed is None) == (whole.failed is None) else None


def _step(step: Step | None) -> Data | None:
    if step is None:
        return None
    return {
        "kind": step.kind,
        "text": dict(step.text),
        "result": dict(step.result),
        "holds": step.holds,
        "hidden": step.hidden,
        "parts": [_step(each) for each in step.parts],
    }
