"""Rules in a form: what they would say of what is typed, asked while it is typed. Saving asks them all again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request, url_for

from blueprints import context, visibility
from blueprints.answers import json_answer
from blueprints.app import controls
from blueprints.app.forms import beginning, parts, reading
from blueprints.app.shell import entity_of
from blueprints.policies import PAGE_FILES, Route
from metadata.model import Entity, Field
from metadata.problems import Forbidden
from runtime.records.checking.rules import WARNING
from runtime.records.foreseeing import Foreseen, foresee
from runtime.records.policies import may_not
from runtime.workspace import Workspace

NEW = "new"
"""In the place of an id: a record that is still to be made."""


def asked(entity: str, id: str) -> Response:
    """What the rules say of the form as it was sent; see `as_json`. Nothing is written."""
    return json_answer(context.perform(lambda ws: _asked(ws, entity_of(ws, entity), None if id == NEW else id)))


def _asked(ws: Workspace, entity: Entity, id: str | None) -> dict[str, Any]:
    action = "create" if id is None else "update"
    if not visibility.may(ws, entity, action):
        raise Forbidden(may_not(entity, action))
    form = beginning.form_of(ws, entity)
    fields = parts.fields_of(form, request.args.get("quick") == "1")
    sent = controls.Sent(request.form, request.files)
    if id is None:
        record: Mapping[str, Any] = beginning.start(form)
        values = reading.of_new(form, fields, record, sent).values
    else:
        record = beginning.current(form, id, fields)
        values = reading.of_record(form, fields, record, sent).values
    return as_json(form, fields, foresee(ws, entity, id, values))


def at_first(form: controls.Form, id: str | None, fields: Sequence[Field], record: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a form as it opens; `record` is a new one, or what the address changes of one that is there."""
    if id is not None:
        return as_json(form, fields, foresee(form.ws, form.entity, id, record))
    values = {each.key: record[each.key] for each in fields if each.key in record and _is_plain(record[each.key])}
    return as_json(form, fields, foresee(form.ws, form.entity, None, values))


def _is_plain(value: Any) -> bool:
    return not isinstance(value, Mapping) or "id" not in value


def url_of(entity: Entity, id: str | None, quick: bool) -> str:
    """Where a form of an entity with rules asks; empty for others."""
    if not entity.rules:
        return ""
    return url_for("app.asked", entity=entity.key, id=id or NEW, quick="1" if quick else None)


def as_json(form: controls.Form, fields: Sequence[Field], found: Foreseen) -> dict[str, Any]:
    """`{"hidden", "required", "closed": keys, "options": {key: values}, "said": [{"field", "message", "warn",
    "about"}], "set": {key: text of the control}}`, of the fields of the form."""
    here = {each.id: each for each in fields}

    def keys(ids: frozenset[str]) -> list[str]:
        return [here[id].key for id in here if id in ids]

    return {
        "hidden": keys(found.hidden),
        "required": keys(found.required),
        "closed": keys(found.read_only),
        "options": {
            here[id].key: [option.key for each in options if (option := here[id].option(each)) is not None]
            for id, options in found.options.items()
            if id in here
        },
        "said": [
            {
                "field": each.problem.path,
                "message": each.problem.message(form.words.lang),
                "warn": each.problem.code == WARNING.code,
                "about": keys(each.about),
            }
            for each in found.said
        ],
        "set": dict(_set(form, here, found.values)),
    }


def _set(form: controls.Form, here: Mapping[str, Field], values: Mapping[str, Any]) -> Any:
    """What the controls of fields that rules set would hold: a text, or the value of the option that is chosen."""
    for id, value in values.items():
        field = here.get(id)
        if field is None or field.type in _NOT_SHOWN:
            continue
        shown = controls.control(form, field, {field.key: value})
        chosen = next((each.value for each in shown.options if each.chosen), "")
        yield field.key, chosen if shown.options else shown.text


_NOT_SHOWN = frozenset({"link", "user", "unit", "any_link", "multi_choice", "tags", "address", "rich_text", "location"})
"""Fields of which one text is not all that their control holds: they show what a rule set once they are saved."""

ROUTES = (Route("/app/-/rules/<entity>/<id>", "POST", asked, PAGE_FILES),)
