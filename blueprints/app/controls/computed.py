"""Fields that get their values by themselves: shown in a form, with how they come about, and never sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.app import cells
from blueprints.app.controls.base import Control, Family, Form, Reading, Sent
from metadata.access import rights
from metadata.computing import parts_readable
from metadata.expressions.wording import Reader, Words
from metadata.model import Field
from runtime.queries.build import binding_of
from runtime.queries.timed import expression_of


class ComputedFamily(Family):
    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "computed", "text": _shown(form, field)}

    def names(self, field: Field) -> tuple[str, ...]:
        return ()

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {}

    def is_sent(self, field: Field, sent: Sent) -> bool:
        return False

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        return False, None, []


def _shown(form: Form, field: Field) -> str:
    shown = cells.shown(form.ws, form.entity, field.id)
    if shown is None:
        return ""
    titles = cells.Titles(form.ws, form.context, form.words.file)
    titles.read([shown], [form.record])
    return cells.cell(shown, form.record, form.context, titles).text


def explanation(form: Form, field: Field) -> str:
    """How the value comes about, in words; nothing for those who may not read what it is made of."""
    model, ws = form.ws.model, form.ws

    def may_read(entity_id: str, field_id: str) -> bool:
        entity = model.entity(entity_id)
        return entity is not None and rights(model, ws.actor, entity).may_read(field_id)

    if not parts_readable(field, may_read):
        return ""
    expression = expression_of(model, form.entity, field)
    reader = Reader(model.entity, currency=form.context.currency)
    said = Words(form.words.lang, reader, expression.values, binding_of(model, ws.actor, ws.now), None)
    return f"= {said.node(expression.root)}"


COMPUTED = ComputedFamily()
