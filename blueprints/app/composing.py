"""The composer: the short form of something about a record (a call, a note, a contact), saved from its page."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app import controls, layouts, reading, relating
from blueprints.app.forms import beginning
from blueprints.app.reading import Reader
from blueprints.app.relating import Adding
from blueprints.app.shell import entity_of, page, shell_of
from blueprints.policies import PAGE, PAGE_FILES, Route
from metadata.model import Entity, Field
from metadata.problems import Forbidden, Invalid, PlatformError
from runtime import idempotency, records
from runtime.records.policies import may_not
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Composed:
    """What was made."""

    entity: str
    id: str


def compose(entity: str, id: str) -> Response:
    """The short form: of the list `of`, else with a button for each kind of the record's timeline.

    The form alone for scripts (`?part=1`), a page of its own without.
    """
    return context.perform(lambda ws: _form(ws, entity_of(ws, entity), id))


def compose_post(entity: str, id: str) -> Response:
    """Save it: JSON for scripts, 422 with the form and what is wrong; without scripts back to the record."""

    def command(ws: Workspace) -> Composed:
        found = entity_of(ws, entity)
        add = _adding(ws, found, id)
        key = _key()
        if key is not None:
            held = idempotency.begin(ws, key, idempotency.digest("POST", f"compose/{add.entity.id}", b""))
            if held is not None:
                return Composed(add.entity.key, str(held.body))
        made = records.create(ws, add.entity, _sent(ws, add)).id
        if key is not None:
            idempotency.finish(ws, key, 303, made)
        return Composed(add.entity.key, made)

    try:
        made = context.perform(command, write=True)
    except Invalid as error:
        refused = error
        return context.perform(lambda ws: _form(ws, entity_of(ws, entity), id, refused))
    if _alone():
        return json_answer(
            {"entity": made.entity, "id": made.id, "url": url_for("app.show", entity=made.entity, id=made.id)}
        )
    return make_response(redirect(url_for("app.show", entity=entity, id=id, done="saved"), 303))


def _alone() -> bool:
    return request.args.get("part") == "1"


def _key() -> str | None:
    once = request.form.get("once", "")
    return f"compose:{once}" if once.isalnum() and len(once) <= 64 else None


def _adding(ws: Workspace, entity: Entity, id: str) -> Adding:
    """The list that is added to. Raises Forbidden, and NotFound for a record that the actor may not read."""
    keys = [request.args["of"]] if request.args.get("of") else layouts.arrangement(ws, entity).timeline
    reading.record_of(ws, entity, id)
    for key in keys:
        add = relating.adding(ws, entity, id, key)
        if add is not None:
            return add
    raise Forbidden(may_not(entity, "create"))


def _fields(ws: Workspace, add: Adding) -> list[Field]:
    """The short form's, without the link: that is known."""
    quick = [add.entity.fields[id] for id in layouts.quick_fields(ws, add.entity)]
    return [each for each in quick if each.key != add.link]


def _sent(ws: Workspace, add: Adding) -> dict[str, Any]:
    form = beginning.form_of(ws, add.entity)
    begun = beginning.start(form)
    sent = controls.Sent(request.form, request.files)
    values: dict[str, Any] = {}
    problems = []
    for field in _fields(ws, add):
        there, value, wrong = controls.read(form, field, sent)
        problems += wrong
        blank = value is None or (value == [] and field.type != "json")
        if there and not wrong and not (blank and field.key not in begun):
            values[field.key] = value
    if problems:
        raise Invalid(problems)
    return {**values, add.link: add.given}


def _form(ws: Workspace, entity: Entity, id: str, error: PlatformError | None = None) -> Response:
    reader = reading.reader_of(ws)
    add = _adding(ws, entity, id)
    record = reading.record_of(ws, entity, id)
    form = beginning.form_of(ws, add.entity)
    form = replace(form, problems=tuple(error.problems) if error is not None else ())
    sent = controls.Sent(request.form, request.files) if error is not None else None
    begun = beginning.start(form)
    kind = relating.kind_of(ws, add.entity)
    shown = [(each, controls.control(form, each, begun, sent)) for each in _fields(ws, add)]
    first = next((each.key for each, made in shown if each != kind and made.problems), _first(shown, kind, begun))
    whole = {add.link: add.text, **({kind.key: begun[kind.key]} if kind is not None and kind.key in begun else {})}
    values = {
        "about": reading.title_of(ws, entity, record, reader.context),
        "what": reader.words.label(add.entity.label),
        "starters": _starters(reader, entity, id, add),
        "kind": next((made for each, made in shown if each == kind and _is_row(made)), None),
        "controls": [
            replace(made, focus=each.key == first) for each, made in shown if not (each == kind and _is_row(made))
        ],
        "problems": [each.message(reader.words.lang) for each in _unplaced(form.problems, shown)],
        "action": url_for("app.compose_post", entity=entity.key, id=id, of=add.key),
        "once": request.form.get("once") or secrets.token_hex(12),
        "back": url_for("app.show", entity=entity.key, id=id),
        "whole": url_for("app.new", entity=add.entity.key, **whole),
    }
    status = error.status if error is not None else 200
    if _alone():
        return make_response(render_template("record_compose.html", shell=shell_of(ws), **values), status)
    return page(ws, "record_composer.html", status, **values)


def _starters(reader: Reader, entity: Entity, id: str, add: Adding) -> tuple[relating.Starter, ...]:
    """The other kinds to choose from, when it is a list of the timeline that is added to."""
    keys = layouts.arrangement(reader.ws, entity).timeline
    return relating.starters(reader, entity, id, keys) if add.key in keys else ()


def _is_row(control: controls.Control) -> bool:
    """Whether the kinds are few enough to stand side by side as buttons."""
    return 0 < len(control.options) <= 8


def _first(shown: list[tuple[Field, controls.Control]], kind: Field | None, begun: dict[str, Any]) -> str:
    """Where the cursor is to stand: in the first thing that is still empty."""
    open_ = [each.key for each, _ in shown if each != kind and begun.get(each.key) is None]
    return open_[0] if open_ else ""


def _unplaced(problems: Any, shown: list[tuple[Field, controls.Control]]) -> list[Any]:
    """Problems that no control of the form says."""
    own = {name for each, _ in shown for name in (each.key, each.id)}
    return [each for each in problems if each.path.split(".")[0] not in own]


ROUTES = (
    Route("/app/-/compose/<entity>/<id>", "GET", compose, PAGE),
    Route("/app/-/compose/<entity>/<id>", "POST", compose_post, PAGE_FILES),
)
