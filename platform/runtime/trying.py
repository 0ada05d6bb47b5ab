"""An expression asked of one record, as the one who asks sees it: the answer and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from metadata.access import rights
from metadata.calendars import calendar_names
from metadata.expressions.evaluate import Row, needs
from metadata.expressions.explaining import Explanation, Reader, explain
from metadata.expressions.names import Scope
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Constant, Expression, Listed, Truth
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Forbidden, Label
from runtime import rates, sealing
from runtime.queries.build import Build, binding_of
from runtime.queries.find import find
from runtime.queries.query import MAX_LIMIT, Query
from runtime.queries.rules import sees
from runtime.records.computing.loading import Loaded
from runtime.records.computing.times import timed_values
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan, plan_of
from runtime.records.policies import entity_of, not_found
from runtime.workspace import Workspace


def try_on(ws: Workspace, entity: str, id: str, text: str) -> Explanation:
    """What an expression says of a record. Its fields are those that the actor may read, and what it reaches is what
    he may see; all else is empty, as in his filters. Raises NotFound, ExpressionInvalid.
    """
    found = entity_of(ws, entity)
    expression = understood(ws, found, text)
    if not sees(ws, found, "read", id.lower(), deleted=False):
        raise not_found(found)
    return explained(ws, found, id, expression)


def explained(
    ws: Workspace, found: Entity, id: str, expression: Expression, changed: Mapping[str, Any] = EMPTY
) -> Explanation:
    """The same of a checked expression and a record that he sees. `changed`: what fields were before a save."""
    plan = plan_of(ws.model, found, ws.db.dialect)
    values = _values(ws, plan, id.lower())
    wanted = needs(expression.root)
    draft = Draft(values["id"], values, {**values, **changed})
    loaded = Loaded(ws, plan, wanted)
    loaded.load([draft], wanted)
    eyes = Eyes(ws)
    reader = Reader(ws.model.entity, eyes.reads, eyes.title, eyes.label, rates.base_currency(ws))
    return explain(expression, eyes.row(loaded.row(draft)), binding_of(ws.model, ws.actor, ws.now), reader)


def understood(ws: Workspace, entity: Entity, text: str) -> Expression:
    """A condition, or a value: what stands alone is not asked whether it is true. Raises ExpressionInvalid."""
    scope = Scope(
        ws.model.entity,
        Eyes(ws).reads,
        role=lambda name: None if (role := ws.model.role(name)) is None else role.id,
        calendars=calendar_names(ws.model),
    )
    expression = parse_in(text, entity, scope)
    root = expression.root
    if isinstance(root, Truth) and not isinstance(root.part, Constant):
        return replace(expression, root=root.part)
    return expression


def _values(ws: Workspace, plan: WritePlan, id: str) -> dict[str, Any]:
    row = ws.db.execute(sa.select(*plan.selected).where(plan.table.column("id") == id)).first()
    if row is None:
        raise not_found(plan.entity)
    values = sealing.values(ws, plan, tuple(row))
    return {**values, **timed_values(ws, plan, values)}


@dataclass(slots=True)
class Eyes:
    """What the actor sees of the records that are reached; asked of the database once for each."""

    ws: Workspace
    known: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """Title of each visible record, None of one that is not visible; without a title that he may read its id."""

    def reads(self, entity: Entity, of: Field) -> bool:
        """Whether he may read a field in every record: one that he may read in some is empty here."""
        return self.ws.actor.platform or rights(self.ws.model, self.ws.actor, entity).always_read(of.id)

    def row(self, row: Row) -> Row:
        def linked(entity: str, record: Any) -> Mapping[str, Any] | None:
            id = getattr(record, "id", record)
            return row.linked(entity, record) if self.title(entity, id) is not None else None

        def listed(of: Listed, record: str) -> Sequence[Row]:
            found = row.listed(of, record)
            ids = [str(each.values["id"]) for each in found]
            self.learn(of.entity, ids)
            return [
                Row(each.values, linked, None, listed) for each in found if self.title(of.entity, each.values["id"])
            ]

        return Row(row.values, linked, row.before, listed)

    def title(self, entity: str, id: str) -> str | None:
        if (entity, id) not in self.known:
            self.learn(entity, [id])
        return self.known[entity, id]

    def label(self, section: str, id: str) -> Label | None:
        found = self.ws.model.get(section, id)
        return None if found is None else found.label

    def learn(self, entity: str, ids: Sequence[str]) -> None:
        missing = [each for each in dict.fromkeys(ids) if (entity, each) not in self.known]
        for at in range(0, len(missing), MAX_LIMIT):
            chunk = missing[at : at + MAX_LIMIT]
            self.known.update(dict.fromkeys(((entity, each) for each in chunk), None))
            self.known.update(((entity, id), title) for id, title in self._titles(entity, chunk))

    def _titles(self, entity: str, ids: Sequence[str]) -> list[tuple[str, str]]:
        found = self.ws.model.entity(entity)
        if found is None:
            return []
        title = found.fields[found.title]
        shown = registry.of(title).stored and Build(self.ws.model, self.ws.actor, self.ws.db.dialect).may_read(
            found, title
        )
        fields = (title.id,) if shown else ("id",)
        try:
            page = find(self.ws, Query(found.id, fields=fields, ids=tuple(ids), limit=MAX_LIMIT))
        except Forbidden:
            return []
        context = TextContext(self.ws.actor.language, self.ws.actor.timezone)
        show = registry.of(title).show if shown else lambda of, value, context: ""
        return [(raw[0], show(title, row[0], context) or raw[0]) for raw, row in zip(page.raw, page.rows, strict=True)]
