"""The control of one field of one record, edited in place; and how a typed text is understood, for any control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context, errors, visibility
from blueprints.answers import json_answer
from blueprints.app import cells, controls
from blueprints.app.controls import families
from blueprints.app.controls.typed import Typed
from blueprints.app.forms import beginning, saving
from blueprints.app.forms.showing import entered_text, last_change, said_of
from blueprints.app.shell import entity_of, shell_of
from blueprints.policies import PAGE, PAGE_FILES, Route
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Field
from metadata.problems import Conflict, Forbidden, NotFound, PlatformError, kind
from runtime.records.policies import may_not
from runtime.workspace import Workspace

NEW = "new"
"""In the place of an id: the control of a record that is still to be made."""

NO_FIELD = kind(
    "form_no_field",
    en="There is no field {name} here that you may change. Check its name.",
    zh="此处没有您可以修改的字段 {name}。请检查名称。",
)


def single(entity: str, id: str, field: str) -> Response:
    """The control with the record's value, its version and its mark. `new` instead of an id: an empty one."""
    return context.perform(lambda ws: _single(ws, entity, id, field))


def _single(ws: Workspace, entity: str, id: str, name: str) -> Response:
    form, field = _field(ws, entity, name, "create" if id == NEW else "update")
    record: Mapping[str, Any] = {} if id == NEW else beginning.current(form, id, [field])
    if beginning.is_hidden(record, field):
        raise NotFound(NO_FIELD(name=name[:60]))
    control = controls.control(form, field, record)
    marks = controls.marks(form, field, control)
    page = render_template(
        "form_single.html",
        shell=shell_of(ws),
        c=replace(control, focus=True),
        version=record.get("version"),
        base=json.dumps(marks, separators=(",", ":")),
        action="" if id == NEW else url_for("app.single_post", entity=form.entity.key, id=id, field=field.key),
    )
    return make_response(page)


def single_post(entity: str, id: str, field: str) -> Response:
    """Save one field: `{"version", "text", "html"}`; 409 with `conflict`, both values; 422 with what is wrong."""
    version = saving.sent_version()

    def command(ws: Workspace) -> None:
        form, found = _field(ws, entity, field, "update")
        saving.change(form, id, [found], controls.Sent(request.form, request.files), version)

    try:
        context.perform(command, write=True)
    except PlatformError as error:
        refused = error
        document = errors.document(refused.status, refused.problems, context.language())
        if isinstance(refused, Conflict):
            document["conflict"] = context.perform(lambda ws: _conflict(ws, entity, id, field))
        return json_answer(document, refused.status)
    return json_answer(context.perform(lambda ws: _saved(ws, entity, id, field)))


def _conflict(ws: Workspace, entity: str, id: str, name: str) -> dict[str, Any]:
    """Both sides, and with which version and mark to save again over the other."""
    form, field = _field(ws, entity, name, "update")
    record = beginning.current(form, id, [field])
    by, at = last_change(form, record)
    sent = controls.Sent(request.form, request.files)
    theirs = controls.control(form, field, record)
    return {
        "mine": entered_text(form, field, controls.control(form, field, record, sent), sent),
        "theirs": said_of(form, field, record),
        "by": by,
        "at": at,
        "version": record["version"],
        "base": json.dumps(controls.marks(form, field, theirs), separators=(",", ":")),
    }


def _saved(ws: Workspace, entity: str, id: str, name: str) -> dict[str, Any]:
    form, field = _field(ws, entity, name, "read")
    shown = cells.shown(ws, form.entity, field.id)
    record = beginning.current(form, id, [field])
    if shown is None:
        return {"version": record["version"], "text": "", "html": ""}
    titles = cells.Titles(ws, form.context, form.words.file)
    titles.read([shown], [record])
    cell = cells.cell(shown, record, form.context, titles)
    return {
        "version": record["version"],
        "text": cell.text,
        "html": render_template("form_cell.html", cell=cell).strip(),
    }


def _field(ws: Workspace, entity: str, name: str, action: str) -> tuple[controls.Form, Field]:
    """The field and what its control needs. Raises NotFound, Forbidden."""
    found = entity_of(ws, entity)
    if not visibility.may(ws, found, action):
        raise Forbidden(may_not(found, action))
    field = found.find(name)
    if field is None or (action != "read" and field not in visibility.writable(ws, found)) or field.type == "children":
        raise NotFound(NO_FIELD(name=name[:60]))
    return replace(beginning.form_of(ws, found), compact=True, alone=True), field


def understood(entity: str, field: str) -> Response:
    """How a text in a control is read: `{"text": as it would stand there, "shown": as it is shown}`, or `problem`."""
    text = request.args.get("text", "")[:4000]
    return json_answer(context.perform(lambda ws: _understood(ws, entity, field, text)))


def _understood(ws: Workspace, entity: str, name: str, text: str) -> dict[str, str]:
    found = entity_of(ws, entity)
    field = found.find(name)
    if field is None or field not in visibility.writable(ws, found):
        raise NotFound(NO_FIELD(name=name[:60]))
    family = families.of(field)
    if not isinstance(family, Typed):
        raise NotFound(NO_FIELD(name=name[:60]))
    form = replace(beginning.form_of(ws, found), record={"currency": request.args.get("currency", "")[:3]})
    try:
        value = family.value(form, field, text)
    except ValueProblem as refused:
        return {"problem": refused.problem.message(form.words.lang)}
    if value is None:
        return {"text": "", "shown": ""}
    return {"text": family.text(form, field, value), "shown": cells.text_of(field, value, form.context)}


ROUTES = (
    Route("/app/-/control/<entity>/<id>/<field>", "GET", single, PAGE),
    Route("/app/-/control/<entity>/<id>/<field>", "POST", single_post, PAGE_FILES),
    Route("/app/-/understood/<entity>/<field>", "GET", understood, PAGE),
)
