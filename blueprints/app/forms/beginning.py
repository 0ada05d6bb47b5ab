"""What a form holds when it opens: the defaults of a new record and the links it is opened from, or the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from blueprints import context, visibility
from blueprints.app import cells, controls
from blueprints.app.records import record_of
from blueprints.app.shell import text_context
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.fieldtypes.defaults import resolve_default
from metadata.model import Entity, Field
from metadata.problems import PlatformError
from runtime.workspace import Workspace

TITLE = ".title"
"""In an address: what the record is to be called, whatever the field of its title is."""
FOCUS = ".focus"
"""In an address: the field in which the cursor begins."""
_TYPED = frozenset({"text", "date", "datetime", "choice", "integer", "decimal", "email", "phone", "boolean"})
"""Types whose value an address may give: a calendar opens a form for a day, a board for a stage."""


def form_of(ws: Workspace, entity: Entity) -> controls.Form:
    return controls.Form(ws, entity, Words(context.language()), text_context(ws))


def start(form: controls.Form) -> dict[str, Any]:
    """Defaults, and what the address gives: `?account=<id>`, `?subject=note:<id>`, `?name=...`, `?.title=...`."""
    ws, found = form.ws, {}
    zone = str(ws.model.settings.get("timezone", "UTC"))
    for field in visibility.writable(ws, form.entity):
        value = resolve_default(field, ws.now.replace(second=0, microsecond=0), zone, ws.actor.user)
        if value is not None:
            found[field.key] = registry.of(field).dump(field, value)
        given = request.args.get(field.key) or (request.args.get(TITLE, "") if field.id == form.entity.title else "")
        if given:
            found |= _given(form, field, given)
        if field.type in cells.LINKS and isinstance(found.get(field.key), str):
            found[field.key] = _with_title(ws, field, found[field.key])
    return found


def changed_by_address(form: controls.Form, fields: Sequence[Field]) -> dict[str, Any]:
    """What the address would change of a record, by key, for the person to look at and to save: `?stage=lost`."""
    found: dict[str, Any] = {}
    for field in fields:
        if field.type in _TYPED and (text := request.args.get(field.key)):
            found |= _given(form, field, text)
    return found


def _given(form: controls.Form, field: Field, text: str) -> dict[str, Any]:
    if field.type in cells.LINKS:
        return {field.key: text} if cells.is_id(text) else {}
    if field.type == "any_link":
        entity, _, id = text.partition(":")
        return {field.key: {"entity": entity, "id": id}} if cells.is_id(id) else {}
    if field.type not in _TYPED or len(text) > 300:
        return {}
    kind = registry.of(field)
    try:
        value = kind.read_text(field, text, form.context)
    except ValueProblem:
        return {}
    return {} if value is None else {field.key: kind.dump(field, value)}


def _with_title(ws: Workspace, field: Field, id: str) -> Any:
    target = ws.model.entity(field.to[0])
    key = cells.title_of(ws, target) if target is not None else None
    if target is None or key is None:
        return id
    try:
        return record_of(ws, target, id, (key,))
    except PlatformError:
        return None


def current(form: controls.Form, id: str, fields: Sequence[Field]) -> Mapping[str, Any]:
    """The record with what the controls of these fields show, and who changed it last. Raises NotFound."""
    asked = [name for each in fields for name in controls.asked(form, each)]
    by = cells.shown(form.ws, form.entity, "updated_by")
    asked += [by.asked, "updated_at"] if by is not None and "updated_at" in form.entity.fields else []
    return record_of(form.ws, form.entity, id, asked)


def is_hidden(record: Mapping[str, Any], field: Field) -> bool:
    """Whether the record holds a link there to something that the actor may not see."""
    value = record.get(field.key)
    return isinstance(value, Mapping) and value.get("hidden") is True
