"""What must be kept but never shown around: keys, passwords of other systems, numbers of cards and identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.fieldtypes.texts import LINES
from metadata.model import Field
from metadata.problems import Problem, kind

not_secret = kind(
    "value_not_secret",
    en="{label} takes a text of 1 to {max} characters without control characters. Correct it.",
    zh="{label} 需要 1 到 {max} 个字符、不含控制字符的文本，请更正。",
)

open_secret = kind(
    "field_secret_default",
    en="A secret that stands in a description is none. Remove its default.",
    zh="写在描述中的密文不再是秘密，请删除默认值。",
)

SET: Final = {"set": True}
"""All that anybody is told about a secret."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A secret on its way to be encrypted. Not shown when printed."""

    text: str = field(repr=False)


class _Kept:
    """Says that a secret stays as it is: what a client sends that gives back what it has read."""


KEPT: Final = _Kept()


class Secret(FieldType):
    """A text that is encrypted before it is kept.

    A client writes a text (or null) and reads `{"set": true}` or null; sending `{"set": true}` back changes nothing.
    It is in no search, order, filter (but `== null`), file or event; who may change it may have it shown, which is
    written down. The stored value is the ciphertext: see `runtime.vault`.
    """

    name = "secret"
    kind = "json"
    sortable = False
    indexable = False
    in_cells = False
    concealed = True
    operators: tuple[str, ...] = ("==", "!=")
    control = "secret"
    properties: Mapping[str, Any] = {
        "max": {"type": "integer", "minimum": 1, "maximum": 4000, "description": "Most characters; 1000 if not given."},
    }
    longest = 1000
    _allowed = ecma(LINES)

    def check(self, field: Field) -> tuple[Problem, ...]:
        return () if field.default is None else (open_secret("default"),)

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> Plain | _Kept | None:
        if raw is None or isinstance(raw, (Plain, _Kept)):
            return raw
        if raw == SET and type(raw) is dict and raw["set"] is True:
            return KEPT
        longest = field.props.get("max", self.longest)
        fits = isinstance(raw, str) and 0 < len(raw) <= longest and self._allowed.search(raw)
        if not fits or not raw.strip() or any("\ud800" <= each <= "\udfff" for each in raw):
            raise refuse(not_secret, field, max=longest)
        return Plain(raw)

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else dict(SET)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        # Blanks at the ends belong to it.
        return self.parse(field, text) if text.strip() else None

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else "••••••"

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        text = {
            "type": "string",
            "minLength": 1,
            "maxLength": field.props.get("max", self.longest),
            "pattern": LINES,
            "anyOf": [{"pattern": r"\S"}],
        }
        told = {
            "type": "object",
            "properties": {"set": {"const": True}},
            "required": ["set"],
            "additionalProperties": False,
        }
        return {"anyOf": [text, told]}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("correct horse", "密钥 4711", "p@ss")

    def refused(self, field: Field) -> tuple[Any, ...]:
        longest = field.props.get("max", self.longest)
        return (
            1,
            True,
            [],
            {},
            "",
            " ",
            {"set": False},
            {"set": True, "x": 1},
            "a\x00b",
            "\ud800",
            "x" * (longest + 1),
        )
