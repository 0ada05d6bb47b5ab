"""Texts: one line, many lines, and tags. Blanks at both ends go; a blank text is no value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from metadata import mentions
from metadata.fieldtypes.base import ENCRYPTED, ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import BLANKS, ecma
from metadata.folding import fold
from metadata.model import Field
from metadata.problems import Problem, kind

not_text = kind(
    "value_not_text",
    en="{label} takes a text. Send it in quotes.",
    zh="{label} 需要文本，请用引号括起来。",
)
too_long = kind(
    "value_too_long",
    en="{label} has {length} characters. Shorten it to {max} at most.",
    zh="{label} 有 {length} 个字符，请缩短到 {max} 个以内。",
)
too_short = kind(
    "value_too_short",
    en="{label} needs at least {min} characters. Write more.",
    zh="{label} 至少需要 {min} 个字符，请补充。",
)
bad_character = kind(
    "value_character",
    en="{label} holds an invisible control character ({character}). Remove it.",
    zh="{label} 含有不可见的控制字符（{character}），请删除。",
)
several_lines = kind(
    "value_several_lines",
    en="{label} takes one line. Remove the line breaks and tabs.",
    zh="{label} 只能填写一行，请删除换行和制表符。",
)
min_above_max = kind(
    "field_min_above_max",
    en="The smallest value {min} is above the largest {max}. Swap or correct them.",
    zh="最小值 {min} 大于最大值 {max}，请对调或更正。",
)
tag_refused = kind(
    "value_tag",
    en="{label}: a tag has 1 to {max} characters and no comma, semicolon or line break. Write several tags instead.",
    zh="{label}：每个标签为 1 到 {max} 个字符，不能含逗号、分号或换行，请拆成多个标签。",
)
not_tags = kind(
    "value_not_tags",
    en='{label} takes a list of texts, like ["new", "vip"]. Send a list.',
    zh='{label} 需要文本列表，例如 ["new", "vip"]，请以列表发送。',
)
too_many_tags = kind(
    "value_too_many_tags",
    en="{label} takes at most {max} tags. Remove some.",
    zh="{label} 最多 {max} 个标签，请删减。",
)

LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile(r"[\t\r\n\u2028\u2029]")
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Text(FieldType):
    """One line of text."""

    name = "text"
    kind = "text"
    groupable = True
    maskable = True
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with")
    properties: Mapping[str, Any] = {
        "max": {"type": "integer", "minimum": 1, "maximum": 4000, "description": "Most characters; 255 if not given."},
        "min": {"type": "integer", "minimum": 1, "maximum": 4000, "description": "Fewest characters of a value."},
        **ENCRYPTED,
    }
    longest = 255
    pattern = LINE
    _allowed = ecma(LINE)

    def check(self, field: Field) -> tuple[Problem, ...]:
        low, high = field.props.get("min", 0), field.props.get("max", self.longest)
        return (min_above_max("min", min=low, max=high),) if low > high else ()

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise refuse(not_text, field)
        longest = field.props.get("max", self.longest)
        if len(raw) > longest:
            raise refuse(too_long, field, length=len(raw), max=longest)
        # Printable texts hold nothing that is refused; the expressions run for the few others.
        if not raw.isprintable() and (self._allowed.search(raw) is None or _SURROGATE.search(raw)):
            raise self._unprintable(field, raw)
        text = self.tidy(raw)
        if not text:
            return None
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            if len(text) > longest:  # a few characters of India and of Hebrew fall apart in NFC
                raise refuse(too_long, field, length=len(text), max=longest)
        shortest = field.props.get("min", 0)
        if shortest and len(text) < shortest:
            raise refuse(too_short, field, min=shortest)
        return text

    def tidy(self, raw: str) -> str:
        return raw.strip(BLANKS)

    def _unprintable(self, field: Field, raw: str) -> Exception:
        found = _INVISIBLE.search(raw)
        if found is None:
            return refuse(several_lines, field)
        return refuse(bad_character, field, character=f"U+{ord(found[0]):04X}")

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        schema: dict[str, Any] = {
            "type": "string",
            "maxLength": field.props.get("max", self.longest),
            "pattern": self.pattern,
        }
        shortest = field.props.get("min", 1 if field.required else 0)
        if shortest:
            # Counted without the blanks around it, which a minimal length cannot say.
            inner = r"\S" if shortest == 1 else rf"\S[\s\S]{{{shortest - 2},}}\S"
            blank = [] if field.required else [{"pattern": r"^\s*$"}]
            schema["anyOf"] = [{"pattern": inner}, *blank]
        return schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        high = field.props.get("max", self.longest)
        low = field.props.get("min", 1)
        return tuple(dict.fromkeys((_fitted("Ada", low, high), _fitted("北京市 Größe", low, high), "Z" * high)))

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (12, True, ["a"], {"a": 1}, "a\x00b", "a\nb", "\ud800", "x" * (field.props.get("max", self.longest) + 1))


def _fitted(text: str, low: int, high: int) -> str:
    return text.ljust(low, "n")[:high].rstrip()


class LongText(Text):
    """Many lines of text. Line breaks are kept as `\\n`."""

    name = "long_text"
    sortable = False
    groupable = False
    control = "textarea"
    properties: Mapping[str, Any] = {
        "max": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100_000,
            "description": "Most characters; 100,000 if not given.",
        },
        "min": {"type": "integer", "minimum": 1, "maximum": 4000, "description": "Fewest characters of a value."},
        **ENCRYPTED,
    }
    longest = 100_000
    pattern = LINES
    _allowed = ecma(LINES)

    def tidy(self, raw: str) -> str:
        text = raw.replace("\r\n", "\n").replace("\r", "\n") if "\r" in raw else raw
        return text.strip(BLANKS)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return mentions.plain(super().show(field, value, context))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(value)

    def samples(self, field: Field) -> tuple[Any, ...]:
        high = field.props.get("max", self.longest)
        low = field.props.get("min", 1)
        texts = ("Called twice.\nNo answer yet.", "第一行\n\n\t第二行", "short")
        return tuple(dict.fromkeys(_fitted(each, low, high) for each in texts))

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (
            12,
            True,
            ["a"],
            {"a": 1},
            "a\x00b",
            "a\x1bb",
            "\ud800",
            "x" * (field.props.get("max", self.longest) + 1),
        )


MOST_TAGS = 30
LONGEST_TAG = 60
_SEPARATOR = re.compile(r"[,;、，；\n]")
_TAG = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029,;、，；]*$"
_TAG_ALLOWED = ecma(_TAG)


class Tags(FieldType):
    """Free words on a record. Each stands once whatever its case; an empty list is no value."""

    name = "tags"
    kind = "set"
    sortable = False
    operators: tuple[str, ...] = ("contains", "==", "!=")
    control = "tags"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("list"),)

    def parse(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        if raw is None:
            return None
        if not isinstance(raw, (list, tuple)):
            raise refuse(not_tags, field)
        if len(raw) > MOST_TAGS:
            raise refuse(too_many_tags, field, max=MOST_TAGS)
        found: dict[str, str] = {}
        for index, each in enumerate(raw):
            tag = self._tag(field, index, each)
            found.setdefault(fold(tag), tag)
        return tuple(found.values()) or None

    def _tag(self, field: Field, index: int, raw: Any) -> str:
        if not isinstance(raw, str):
            raise refuse(not_tags, field, str(index))
        allowed = len(raw) <= LONGEST_TAG and _TAG_ALLOWED.search(raw) and not _SURROGATE.search(raw)
        tag = unicodedata.normalize("NFC", raw.strip(BLANKS)) if allowed else ""
        if not 0 < len(tag) <= LONGEST_TAG:
            raise refuse(tag_refused, field, str(index), max=LONGEST_TAG)
        return tag

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else list(value)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        return self.parse(field, [each.strip() for each in _SEPARATOR.split(text) if each.strip()])

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else ("、" if context.language == "zh" else ", ").join(value)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else ", ".join(value)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else tuple(value)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        tag = {"type": "string", "maxLength": LONGEST_TAG, "pattern": _TAG, "anyOf": [{"pattern": r"\S"}]}
        schema: dict[str, Any] = {"type": "array", "items": tag, "maxItems": MOST_TAGS}
        return schema | {"minItems": 1} if field.required else schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (["vip"], ["重点客户", "east"])

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (
            "vip",
            [1],
            [""],
            [" "],
            ["a,b"],
            ["a；b"],
            ["a\nb"],
            ["x" * 61],
            [f"t{n}" for n in range(31)],
            {"a": 1},
        )
