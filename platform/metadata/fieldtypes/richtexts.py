"""Text with headings, lists and links, kept as HTML that has been sanitised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metadata import mentions, sanitizing
from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.fieldtypes.texts import LINES, bad_character, not_text, too_long
from metadata.model import Field

_ALLOWED = ecma(LINES)
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN = 200
"""Characters of it that a list shows."""


class RichText(FieldType):
    """HTML of a few harmless tags. What is sent is sanitised before it is kept; a text without tags becomes
    paragraphs. Lists, search and conditions know its plain text, which lies beside it."""

    name = "rich_text"
    kind = "text"
    sortable = False
    indexable = False
    compared = 1
    operators: tuple[str, ...] = ("contains", "starts_with")
    control = "rich_text"
    properties: Mapping[str, Any] = {
        "max": {
            "type": "integer",
            "minimum": 1,
            "maximum": 200_000,
            "description": "Most characters of its HTML; 100,000 if not given.",
        },
    }
    longest = 100_000

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"), ColumnSpec("text", "__plain"))

    def comparable(self, value: Any) -> Any:
        return sanitizing.plain_text(value)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise refuse(not_text, field)
        longest = field.props.get("max", self.longest)
        if len(raw) > longest:
            raise refuse(too_long, field, length=len(raw), max=longest)
        if (found := _INVISIBLE.search(raw)) is not None:
            raise refuse(bad_character, field, character=f"U+{ord(found[0]):04X}")
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        kept = sanitizing.clean(text if sanitizing.is_html(text) else sanitizing.from_text(text))
        if not sanitizing.is_html(kept):  # all its tags were refused
            kept = sanitizing.from_text(sanitizing.plain_text(kept))
        if not sanitizing.plain_text(kept):
            return None
        if len(kept) > longest:
            raise refuse(too_long, field, length=len(kept), max=longest)
        return kept

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        text = " ".join(mentions.plain(sanitizing.plain_text(value)).split())
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rstrip()}…"

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return value or ""

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else (sanitizing.plain_text(value),)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {
            "type": "string",
            "maxLength": field.props.get("max", self.longest),
            "pattern": LINES,
            "contentMediaType": "text/html",
        }

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (
            "<p>Met <strong>Ada</strong> &amp; agreed.</p><ul><li>Price</li><li>Date</li></ul>",
            '<h2>会议纪要</h2><p>见<a href="https://example.com/notes">记录</a>。</p>',
            "Just a line, 3 < 4\n\nand another",
        )

    def refused(self, field: Field) -> tuple[Any, ...]:
        longest = field.props.get("max", self.longest)
        return (12, True, ["a"], {"a": 1}, "a\x00b", "<p>a\x1bb</p>", "\ud800", "x" * (longest + 1), "&" * longest)
