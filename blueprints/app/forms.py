"""Creating and editing in a form: every problem beside its field, nothing typed is lost, a conflict shows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app import cells, controls, layouts
from blueprints.app.records import record_of, title_of
from blueprints.app.shell import entity_of, page, text_context
from blueprints.policies import PAGE, PAGE_FILES, Route
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.defaults import resolve_default
from metadata.model import Entity, Field
from metadata.problems import Conflict, Forbidden, Invalid, PlatformError, Problem
from runtime import files, records
from runtime.records.policies import may_not
from runtime.workspace import Workspace


def new(entity: str) -> Response:
    """An empty form; `?account=<id>` fills in the record that it was opened from."""
    return context.perform(lambda ws: _new(ws, entity_of(ws, entity)))


def _new(ws: Workspace, entity: Entity) -> Response:
    if not visibility.may(ws, entity, "create"):
        raise Forbidden(may_not(entity, "create"))
    return _form(ws, entity, None, _start(ws, entity))


def _start(ws: Workspace, entity: Entity) -> dict[str, Any]:
    """Defaults, and links given in the address."""
    found: dict[str, Any] = {}
    zone = str(ws.model.settings.get("timezone", "UTC"))
    for field in visibility.writable(ws, entity):
        value = resolve_default(field, ws.now, zone, ws.actor.user)
        if value is not None:
            found[field.key] = registry.of(field).dump(field, value)
        given = request.args.get(field.key, "")
        if field.type in cells.LINKS and cells.is_id(given):
            found[field.key] = given
        if field.type == "any_link" and cells.is_id(given.partition(":")[2]):
            found[field.key] = dict(zip(("entity", "id"), given.split(":"), strict=True))
        if field.type in cells.LINKS and isinstance(found.get(field.key), str):
            found[field.key] = _with_title(ws, field, found[field.key])
    return found


def _with_title(ws: Workspace, field: Field, id: str) -> Any:
    target = ws.model.entity(field.to[0])
    key = cells.title_of(ws, target) if target is not None else None
    if target is None or key is None:
        return id
    try:
        return record_of(ws, target, id, (key,))
    except PlatformError:
        return None


def edit(entity: str, id: str) -> Response:
    """The form with the record's values."""
    return context.perform(lambda ws: _edit(ws, entity_of(ws, entity), id))


def _edit(ws: Workspace, entity: Entity, id: str) -> Response:
    if not visibility.may(ws, entity, "update"):
        raise Forbidden(may_not(entity, "update"))
    return _form(ws, entity, id, _current(ws, entity, id))


def _current(ws: Workspace, entity: Entity, id: str) -> Mapping[str, Any]:
    form = _reading(ws, entity)
    fields = [entity.fields[id] for part in layouts.form_parts(ws, entity) for id in part.fields]
    return record_of(ws, entity, id, [name for each in fields for name in controls.asked(form, each)])


def create_post(entity: str) -> Response:
    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        record = records.create(ws, found, _sent(ws, found, None))
        return url_for("app.show", entity=found.key, id=record.id, done="saved")

    return _saved_or_told(command, entity, None)


def edit_post(entity: str, id: str) -> Response:
    text = request.form.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def command(ws: Workspace) -> str:
        found = entity_of(ws, entity)
        records.update(ws, found, id, _sent(ws, found, _current(ws, found, id)), version)
        return url_for("app.show", entity=found.key, id=id, done="saved")

    return _saved_or_told(command, entity, id)


def _saved_or_told(command: Any, entity: str, id: str | None) -> Response:
    try:
        return make_response(redirect(context.perform(command, write=True), 303))
    except (Invalid, Conflict) as error:
        refused = error
    return context.perform(lambda ws: _again(ws, entity_of(ws, entity), id, refused))


def _again(ws: Workspace, entity: Entity, id: str | None, error: PlatformError) -> Response:
    """The same form with what was typed and what is wrong. After a conflict it carries the newer version."""
    record = _start(ws, entity) if id is None else _current(ws, entity, id)
    return _form(ws, entity, id, record, error)


def _sent(ws: Workspace, entity: Entity, current: Mapping[str, Any] | None) -> dict[str, Any]:
    """The JSON of what was typed; only what the form had. Raises Invalid for links that were not found."""
    form = _reading(ws, entity)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    begun = {entity.names.get(key, key) for key in _start(ws, entity)} if current is None else set()
    for part in layouts.form_parts(ws, entity):
        for id in part.fields:
            field = entity.fields[id]
            there, value, wrong = _sent_file(ws, field) if field.type == "file" else controls.read(form, field, request)
            problems.extend(wrong)
            kept = (
                _is_kept(form, current, field) if current is not None else _is_blank(field, value) and id not in begun
            )
            if there and not wrong and not kept:
                found[field.key] = value
    if problems:
        raise Invalid(problems)
    return found


def _is_hidden(current: Mapping[str, Any], field: Field) -> bool:
    value = current.get(field.key)
    return isinstance(value, Mapping) and value.get("hidden") is True


def _is_blank(field: Field, value: Any) -> bool:
    """What was left empty in a new form is not sent, so that the platform's own defaults (the owner) apply."""
    return value is None or (value == [] and field.type != "json")


def _is_kept(form: controls.Form, current: Mapping[str, Any], field: Field) -> bool:
    """Whether the field is as the form showed it: a text may show less than the value holds."""
    return _is_hidden(current, field) or controls.is_as_shown(form, field, current, request)


def _sent_file(ws: Workspace, field: Field) -> tuple[bool, Any, list[Problem]]:
    upload = request.files.get(f"{field.key}.file")
    if upload is not None and upload.filename:
        return True, files.store(ws, upload.stream, upload.filename, upload.mimetype), []
    if request.form.get(f"{field.key}.remove"):
        return True, None, []
    return False, None, []


def _reading(ws: Workspace, entity: Entity) -> controls.Form:
    return controls.Form(ws, entity, Words(context.language()), text_context(ws))


def _form(
    ws: Workspace, entity: Entity, id: str | None, record: Mapping[str, Any], error: PlatformError | None = None
) -> Response:
    form = _reading(ws, entity)
    problems = error.problems if error is not None else ()
    sent = dict(request.form.lists()) if error is not None else None
    conflict = isinstance(error, Conflict) and id is not None
    sections = [
        {
            "label": form.words.label(part.label),
            "columns": part.columns,
            "controls": [
                _control(form, entity.fields[each], record, sent, problems, conflict)
                for each in part.fields
                if not _is_hidden(record, entity.fields[each])
            ],
        }
        for part in layouts.form_parts(ws, entity)
    ]
    title = title_of(ws, entity, record, form.context) if id is not None else ""
    words = form.words
    back = url_for("app.show", entity=entity.key, id=id) if id is not None else url_for("app.find", entity=entity.key)
    return page(
        ws,
        "form.html",
        error.status if error is not None else 200,
        heading=words("edit_title", title=title) if id is not None else words("new", what=words.label(entity.label)),
        plural=words.label(entity.plural),
        sections=sections,
        version=record.get("version") if id is not None else None,
        conflict=conflict,
        problems=[_told(entity, each, words) for each in problems],
        urls={"list": url_for("app.find", entity=entity.key), "back": back},
    )


def _control(
    form: controls.Form,
    field: Field,
    record: Mapping[str, Any],
    sent: Mapping[str, list[str]] | None,
    problems: Sequence[Problem],
    conflict: bool,
) -> controls.Control:
    own = tuple(each.message(form.words.lang) for each in problems if each.path.split(".")[0] in (field.key, field.id))
    made = controls.control(form, field, record, sent, own)
    if not conflict:
        return made
    saved = controls.control(form, field, record, None)
    if (saved.text, saved.chosen, saved.options) == (made.text, made.chosen, made.options):
        return made
    theirs = saved.text or ", ".join(each.label for each in saved.options if each.chosen)
    return controls.control(form, field, record, sent, own, theirs)


def _told(entity: Entity, problem: Problem, words: Words) -> dict[str, str | None]:
    field = entity.find(problem.path.split(".")[0]) if problem.path else None
    return {
        "anchor": f"f-{field.key}" if field is not None else None,
        "label": words.label(field.label) if field is not None else "",
        "message": problem.message(words.lang),
    }


ROUTES = (
    Route("/app/<entity>/new", "GET", new, PAGE),
    Route("/app/<entity>/new", "POST", create_post, PAGE_FILES),
    Route("/app/<entity>/<id>/edit", "GET", edit, PAGE),
    Route("/app/<entity>/<id>/edit", "POST", edit_post, PAGE_FILES),
)
