"""The stage bar: the options of a choice as steps, where the record stands among them, and how it is moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app import cells, reading
from blueprints.app.reading import Reader
from blueprints.app.shell import entity_of, page
from blueprints.app.warned import confirmed, to_confirm
from blueprints.policies import PAGE, Route
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime import records
from runtime.workspace import Workspace

_STOPPED = ("red", "gray")
"""Colours of an end without success: what stands before it was not necessarily reached (a lost deal was never won)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One option. `state`: done (before where the record stands), current, open."""

    value: str
    label: str
    color: str
    state: str


@dataclass(frozen=True, slots=True)
class Stages:
    """The bar. `movable`: whether the person may ever move it; each move is judged again when it is made."""

    key: str
    label: str
    steps: tuple[Step, ...]
    current: str
    movable: bool


def stages(reader: Reader, entity: Entity, field_id: str | None, record: Mapping[str, Any]) -> Stages | None:
    """The bar of a record that was read with its stage; None when the actor may not read the field."""
    shown = cells.shown(reader.ws, entity, field_id) if field_id is not None else None
    if shown is None:
        return None
    field, value = shown.field, record.get(shown.field.key)
    options = [each for each in field.options if not each.retired or each.key == value]
    at = next((place for place, each in enumerate(options) if each.key == value), -1)
    stopped = at > 0 and options[at].color in _STOPPED
    steps = tuple(
        Step(
            each.key,
            reader.words.label(each.label),
            each.color or "",
            "current" if place == at else "done" if place < at and not stopped else "open",
        )
        for place, each in enumerate(options)
    )
    movable = field.id in reading.editable_in(reader.ws, entity, str(record["id"]))
    return Stages(field.key, reader.words.label(field.label), steps, value or "", movable)


def move_stage(entity: str, id: str) -> Response:
    """Move a record by the button of a step, in a browser without scripts; with them the bar calls the API."""
    text = request.form.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        name = request.form.get("field", "")
        records.update(ws, found, id, {name: request.form.get("value") or None}, version, confirmed())
        return url_for("app.show", entity=found.key, id=id, done="saved")

    try:
        return make_response(redirect(context.perform(command, write=True), 303))
    except PlatformError as error:
        if error.status not in (409, 422):
            raise
        refused = error
    return context.perform(lambda ws: _refused(ws, entity_of(ws, entity), id, refused))


def _refused(ws: Workspace, entity: Entity, id: str, error: PlatformError) -> Response:
    reader = reading.reader_of(ws)
    record = reading.record_of(ws, entity, id)
    return page(
        ws,
        "record_refused.html",
        error.status,
        title=reading.title_of(ws, entity, record, reader.context),
        problems=[each.message(reader.words.lang) for each in error.problems],
        again=_again(entity, id, error),
        back=url_for("app.show", entity=entity.key, id=id),
    )


def _again(entity: Entity, id: str, error: PlatformError) -> dict[str, Any] | None:
    """The same move with its warnings confirmed, where nothing else stands against it."""
    rules = [to_confirm(each) for each in error.problems]
    if not rules or None in rules:
        return None
    sent = {name: request.form.get(name, "") for name in ("field", "value", "version")}
    url = url_for("app.move_stage", entity=entity.key, id=id)
    return {"url": url, "sent": sent, "confirm": dict.fromkeys([*confirmed(), *rules])}


ROUTES = (Route("/app/<entity>/<id>/stage", "POST", move_stage, PAGE),)
