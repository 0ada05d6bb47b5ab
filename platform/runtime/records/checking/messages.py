"""What a rule says to the one who saves: its message, the holes filled in as far as he may read what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metadata.access import Rights, rights
from metadata.expressions.evaluate import Row, bound_values, needs, value
from metadata.expressions.holes import Hole, Part, parse_text
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import FieldRef, Over, walk
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.problems import LANGUAGES, Label
from runtime.queries.build import binding_of
from runtime.queries.fields import right_in
from runtime.queries.rules import sees
from runtime.queries.timed import scope_of
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.records.policies import reaches_all
from runtime.workspace import Workspace
from workflow.rules import Ready, holes_of

BLANK = "…"
"""Stands for a value that the reader may not know."""


class Messages:
    """The messages of one save."""

    def __init__(self, ws: Workspace, plan: WritePlan, may: Rights) -> None:
        self.ws, self.plan, self.may = ws, plan, may

    def of(self, ready: Ready, draft: Draft) -> Mapping[str, str]:
        """The message in every language."""
        row = self._row(ready, draft)
        return {lang: self._text(_parts(ready, lang), row, draft, lang) for lang in LANGUAGES}

    def text(self, label: Label, draft: Draft) -> Mapping[str, str]:
        """Any text with holes in every language; one that names what is no longer there is empty."""
        scope = scope_of(self.ws.model)
        try:
            every = {lang: parse_text(text, self.plan.entity, scope) for lang, text in label.items()}
        except ExpressionInvalid:
            return {}
        row = self._of([each for parts in every.values() for each in parts if isinstance(each, Hole)], draft)
        return {lang: self._text(said_in(every, lang), row, draft, lang) for lang in LANGUAGES}

    def _row(self, ready: Ready, draft: Draft) -> Row:
        return self._of(holes_of(ready), draft)

    def _of(self, holes: Sequence[Hole], draft: Draft) -> Row:
        wanted = needs(*(each.expression.root for each in holes))
        if wanted.links or wanted.lists or wanted.before:
            return rows_of(self.ws, self.plan, [draft], wanted)[draft.id]
        return Row(draft.values, before=draft.before)

    def _text(self, parts: Sequence[Part], row: Row, draft: Draft, lang: str) -> str:
        return "".join(each if isinstance(each, str) else self._shown(each, row, draft, lang) for each in parts)

    def _shown(self, hole: Hole, row: Row, draft: Draft, lang: str) -> str:
        if not self._may_know(hole, draft):
            return BLANK
        found = value(hole.expression.root)(row, bound_values(hole.expression, binding_of(*self._who())))
        if found is None:
            return BLANK
        field = hole.field
        if field is None or registry.of(field).compared or field.type in ("id", "any_link"):
            return str(found)
        return registry.of(field).show(field, found, self._context(hole, draft, lang))

    def _who(self) -> tuple[Any, Any, Any]:
        return self.ws.model, self.ws.actor, self.ws.now

    def _context(self, hole: Hole, draft: Draft, lang: str) -> TextContext:
        """Amounts of the record itself are in its currency; of others only the number is said."""
        own = isinstance(hole.expression.root, FieldRef) and not hole.expression.root.links
        currency = str(draft.values.get("currency") or "") if own else ""
        return TextContext(lang, self.ws.actor.timezone, currency)

    def _may_know(self, hole: Hole, draft: Draft) -> bool:
        if self.ws.actor.platform:
            return True
        for entity_id, field_id in hole.expression.reads():
            entity = self.ws.model.entity(entity_id)
            if entity is None or not rights(self.ws.model, self.ws.actor, entity).may_read(field_id):
                return False
        nodes = list(walk(hole.expression.root))
        own = [each.field for each in nodes if isinstance(each, FieldRef) and each.entity == self.plan.entity.id]
        reads = right_in(self.ws, self.plan.entity, "read", [draft.values])
        return all(reads(id, draft.values) for id in own) and all(self._sees(each, draft) for each in nodes)

    def _sees(self, node: Any, draft: Draft) -> bool:
        """Whether he sees the records that a part reaches: of a path its first one, of others all."""
        steps = node.links if isinstance(node, FieldRef) else node.listed.links if isinstance(node, Over) else ()
        targets = [target for _, _, target in steps]
        if isinstance(node, Over):
            targets.append(node.listed.entity)
        for at, target in enumerate(targets):
            entity = self.ws.model.entity(target)
            if entity is None:
                return False
            first = at == 0 and bool(steps)
            record = draft.values.get(steps[0][1]) if first else None
            if not reaches_all(self.ws, entity, "read") and not (
                isinstance(record, str) and sees(self.ws, entity, "read", record, deleted=False)
            ):
                return False
        return True


def _parts(ready: Ready, lang: str) -> Sequence[Part]:
    return said_in(ready.message, lang)


def said_in(held: Mapping[str, Sequence[Part]], lang: str) -> Sequence[Part]:
    """The text in a language: that language, else for all, else English, else any; as `problems.say`."""
    for each in (lang, "*", "en"):
        if each in held:
            return held[each]
    return next(iter(held.values()), ())
