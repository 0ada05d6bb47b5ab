"""Files that were uploaded, held by their ids: one, several, a picture, a signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.links import Identifier, not_ids, record_id, too_many_ids
from metadata.ids import UUID_PATTERN
from metadata.model import Field


class File(Identifier):
    """One uploaded file. The bytes and the name are the platform's; the record holds the id."""

    name = "file"
    sortable = False
    indexable = False
    in_cells = False
    operators: tuple[str, ...] = ("==", "!=")
    control = "file"

    def files(self, value: Any) -> tuple[str, ...]:
        return () if value is None else (value,)


class Image(File):
    """A picture: a file whose content is PNG, JPEG, GIF or WebP of at most 40 million pixels, whatever it is called."""

    name = "image"
    control = "image"
    media: tuple[str, ...] = ("image/png", "image/jpeg", "image/gif", "image/webp")
    """What its content may be."""


class Signature(Image):
    """What somebody has signed with: a picture in PNG, drawn by hand or written from a typed name."""

    name = "signature"
    control = "signature"
    media = ("image/png",)


MOST_FILES = 50
_USUAL = 20


class Files(FieldType):
    """Several uploaded files in the order in which they are to be shown; none of them is no value."""

    name = "files"
    kind = "json"
    sortable = False
    indexable = False
    in_cells = False
    operators: tuple[str, ...] = ("==", "!=")
    control = "files"
    properties: Mapping[str, Any] = {
        "max": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_FILES,
            "description": f"Most files; {_USUAL} if not given.",
        },
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("list"),)

    def files(self, value: Any) -> tuple[str, ...]:
        return tuple(value or ())

    def parse(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        if raw is None:
            return None
        if not isinstance(raw, (list, tuple)):
            raise refuse(not_ids, field)
        if len(raw) > most(field):
            raise refuse(too_many_ids, field, max=most(field))
        return tuple(dict.fromkeys(record_id(field, each, str(index)) for index, each in enumerate(raw))) or None

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else list(value)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        return self.parse(field, text.replace(",", " ").split())

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if not value else str(len(value))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return " ".join(value or ())

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        items = {"type": "string", "format": "uuid", "pattern": UUID_PATTERN}
        schema: dict[str, Any] = {"type": "array", "items": items, "maxItems": most(field)}
        return schema | {"minItems": 1} if field.required else schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        one, two = Identifier().samples(field)
        return ([one], [two, one])

    def refused(self, field: Field) -> tuple[Any, ...]:
        one = Identifier().samples(field)[0]
        return (one, 1, True, {}, [1], ["x"], [None], [[one]], [{"id": one}], [one] * (most(field) + 1))


def most(field: Field) -> int:
    return int(field.props.get("max", _USUAL))
