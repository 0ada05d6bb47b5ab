"""The controls of a form: what each shows at first, and how what was entered becomes the JSON of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Request

from blueprints.app.controls import families
from blueprints.app.controls.base import Control, Differing, Family, Form, Option, Reading, Sent, digest
from blueprints.app.controls.computed import explanation
from metadata.model import Field
from metadata.problems import say


def asked(form: Form, field: Field) -> list[str]:
    """What to ask of the record so that a field's control can be shown."""
    return families.of(field).asked(form, field)


def control(form: Form, field: Field, record: Mapping[str, Any], sent: Sent | None = None) -> Control:
    """The control of a field: as it was sent if it was, else as the record is; with the problems that `form` tells."""
    family = families.of(field)
    form = form if form.record is record else replace(form, record=record)
    parts = family.parts(form, field, record.get(field.key))
    if sent is not None and family.is_sent(field, sent):
        parts |= family.entered(form, field, sent, parts)
    return Control(
        name=form.prefix + field.key,
        key=field.key,
        label=_label(form, field),
        required=field.required,
        help=_help(form, field) if not form.row else "",
        wide=family.wide and not form.row,
        compact=form.compact,
        problems=family.told(form, field),
        **parts,
    )


def _help(form: Form, field: Field) -> str:
    """What is said of the field, and how a computed one comes about."""
    said = say(field.help, form.words.lang) if field.help is not None else ""
    return f"{said} {explanation(form, field)}".strip() if field.computed is not None else said


def _label(form: Form, field: Field) -> str:
    """A cell says its column and its row."""
    label = say(field.label, form.words.lang)
    return form.words("form_cell", label=label, row=form.row) if form.row else label


def read(form: Form, field: Field, request: Request | Sent) -> Reading:
    """(was in the form, the JSON value, what is wrong)."""
    return families.of(field).read(form, field, sent_in(form, request))


def sent_in(form: Form, request: Request | Sent) -> Sent:
    return request if isinstance(request, Sent) else Sent(request.form, request.files, form.prefix)


def marks(form: Form, field: Field, shown: Control) -> Mapping[str, str]:
    """Marks of what a control holds: kept in the form, they tell later what was changed."""
    return families.of(field).marks(form, field, shown)


def mark_sent(form: Form, field: Field, sent: Sent) -> str:
    """The mark of what was sent for a field; to be compared with the first of its `marks`."""
    return digest(families.of(field).sent(form, field, sent))


def is_sent_with_file(field: Field, sent: Sent) -> bool:
    """Whether a file came with the form: it is new whatever the mark says."""
    return sent.upload(f"{field.key}.file") is not None


__all__ = [
    "Control",
    "Differing",
    "Family",
    "Form",
    "Option",
    "Reading",
    "Sent",
    "asked",
    "control",
    "is_sent_with_file",
    "mark_sent",
    "marks",
    "read",
    "sent_in",
]
