"""Saving a form: once however often it is sent, keeping what others saved meanwhile, refusals beside the fields."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app import controls
from blueprints.app.forms import beginning, parts, reading
from blueprints.app.forms.showing import Shown, new_url, show_form
from blueprints.app.shell import entity_of
from blueprints.app.warned import confirmed
from metadata.model import Entity, Field
from metadata.problems import Conflict, Invalid, PlatformError
from runtime import idempotency, records
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved, and what is said about it."""

    entity: str
    id: str
    done: str = "saved"


T = TypeVar("T")
Command = Callable[[Workspace], Saved]


def create_post(entity: str) -> Response:
    def command(ws: Workspace) -> Saved:
        found = entity_of(ws, entity)
        key = _key()
        if key is not None:
            held = idempotency.begin(ws, key, idempotency.digest("POST", f"form/{found.id}", b""))
            if held is not None:
                return Saved(found.key, held.body)
        form = beginning.form_of(ws, found)
        changes = reading.of_new(form, _fields(form), beginning.start(form), controls.Sent(request.form, request.files))
        id = told_together(changes, lambda: records.create(ws, found, changes.values, confirmed())).id
        if key is not None:
            idempotency.finish(ws, key, 303, id)
        return Saved(found.key, id)

    return _answer(command, entity, None)


def edit_post(entity: str, id: str) -> Response:
    version = sent_version()

    def command(ws: Workspace) -> Saved:
        found = entity_of(ws, entity)
        form = beginning.form_of(ws, found)
        merged = change(form, id, _fields(form), controls.Sent(request.form, request.files), version)
        return Saved(found.key, id, "form_merged" if merged else "saved")

    return _answer(command, entity, id)


def change(
    form: controls.Form, id: str, fields: list[Field], sent: controls.Sent, version: int | None
) -> tuple[Field, ...]:
    """Save what was changed of these fields; the fields that only somebody else has changed meanwhile, which stay.

    Raises Conflict when both have changed one field, Invalid, Forbidden, NotFound.
    """
    record = beginning.current(form, id, fields)
    changes = reading.of_record(form, fields, record, sent)
    stale = version is not None and version != record.get("version")
    if version is not None and changes.both:
        stale = True  # rows may change without their record
        version = min(version, int(record["version"]) - 1)
    elif stale and "base" in sent:
        version = record.get("version")
    told_together(changes, lambda: records.update(form.ws, form.entity, id, changes.values, version, confirmed()))
    return changes.others if stale else ()


def told_together(changes: reading.Changes, write: Callable[[], T]) -> T:
    """Write what could be read, so that everything wrong is told at once; nothing stays when anything is wrong."""
    try:
        written = write()
    except Invalid as error:
        told = {each.path for each in changes.problems}
        raise Invalid([*changes.problems, *(each for each in error.problems if each.path not in told)]) from error
    if changes.problems:
        raise Invalid(changes.problems)
    return written


def sent_version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _fields(form: controls.Form) -> list[Field]:
    return parts.fields_of(form, is_quick())


def is_quick() -> bool:
    return request.args.get("quick") == "1"


def is_drawer() -> bool:
    return request.args.get("drawer") == "1"


def _key() -> str | None:
    """The form's own number with what it holds: sent twice it is one thing, changed and sent again another."""
    once = request.form.get("once", "")
    if not once or len(once) > 64 or not once.isalnum():
        return None
    found = hashlib.sha256()
    for name, value in request.form.items(multi=True):
        if name not in ("csrf", "then"):
            found.update(repr((name, value)).encode())
    for name, upload in request.files.items(multi=True):
        found.update(repr((name, upload.filename)).encode())
    return f"form:{once}:{found.hexdigest()}"


def _answer(command: Command, entity: str, id: str | None) -> Response:
    try:
        saved = context.perform(command, write=True)
    except (Invalid, Conflict) as error:
        refused: PlatformError = error
        return context.perform(lambda ws: _again(ws, entity_of(ws, entity), id, refused))
    if is_drawer():
        return json_answer(context.perform(lambda ws: _told(ws, saved)))
    return make_response(redirect(_next(saved), 303))


def _next(saved: Saved) -> str:
    """Where to go after saving: to the record, or to a new form like this one."""
    if request.form.get("then") == "new":
        return new_url(saved.entity, done=saved.done)
    return url_for("app.show", entity=saved.entity, id=saved.id, done=saved.done)


def _told(ws: Workspace, saved: Saved) -> dict[str, str]:
    """What a script needs that has saved a form in a drawer."""
    from blueprints.app import finding
    from blueprints.app.shell import text_context

    return {
        "entity": saved.entity,
        "id": saved.id,
        "title": finding.title(ws, saved.entity, saved.id, text_context(ws)) or saved.id[:8],
        "url": url_for("app.show", entity=saved.entity, id=saved.id),
    }


def _again(ws: Workspace, entity: Entity, id: str | None, error: PlatformError) -> Response:
    """The same form with what was typed and what is wrong. After a conflict it carries the newer version."""
    return show_form(Shown(beginning.form_of(ws, entity), id, is_quick(), is_drawer(), error))
