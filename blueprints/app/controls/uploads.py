"""The control of a file: a file to send with the form, or the id of one that a script has sent before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from blueprints.app.controls.base import Control, Family, Form, Option, Reading, Sent
from metadata.ids import is_uuid
from metadata.model import Field
from metadata.problems import NotFound
from runtime import files


class File(Family):
    """One file. What is there stays until another one comes or it is taken away."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "file", **_chosen(form, value if isinstance(value, str) else "")}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return _chosen(form, sent.last(field.key))

    def names(self, field: Field) -> tuple[str, ...]:
        return (field.key, f"{field.key}.remove")

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: [control.chosen], f"{field.key}.remove": []}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        upload = sent.upload(f"{field.key}.file")
        if upload is not None:
            return True, files.store(form.ws, upload.stream, upload.filename or "", upload.mimetype), []
        if sent.last(f"{field.key}.remove"):
            return True, None, []
        return field.key in sent, sent.last(field.key) or None, []


class Picture(File):
    """One picture, shown as it is."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "kind": self.kind}


class Files(Family):
    """Several files in their order: each that is there has a box to keep it, and more may come with the form."""

    wide = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "files", "group": True, **_listed(form, value or ())}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return _listed(form, [each for each in sent.all(field.key) if each])

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: ["", *(each.value for each in control.options)]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        uploads = [each for each in sent.files.getlist(f"{sent.prefix}{field.key}.file") if each.filename]
        stored = [files.store(form.ws, each.stream, each.filename or "", each.mimetype) for each in uploads]
        kept = [each for each in sent.all(field.key) if each]
        return field.key in sent or bool(stored), [*kept, *stored] or None, []


def _listed(form: Form, ids: Sequence[str]) -> dict[str, Any]:
    found = [(id, _chosen(form, id)) for id in ids]
    options = tuple(Option(id, about["text"] or id[:8], True) for id, about in found)
    return {"options": options, "more": {"about": {id: about["more"] for id, about in found}}}


def _chosen(form: Form, id: str) -> dict[str, Any]:
    """The file that stands in the control, by name and size when the actor may see it."""
    if not is_uuid(id):
        return {"chosen": "", "text": "", "more": {}}
    try:
        found = files.find(form.ws, id)
    except NotFound:
        return {"chosen": id, "text": id[:8], "more": {}}
    url = url_for("api.download", id=id)
    return {"chosen": id, "text": found.name, "more": {"url": url, "size": found.size, "media": found.media_type}}


FAMILIES: Mapping[str, Family] = {
    "file": File(),
    "files": Files(),
    "image": Picture("image"),
    "signature": Picture("signature"),
}
