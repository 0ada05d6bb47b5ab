"""Free JSON data on a record, for what other systems hand over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.model import Field
from metadata.problems import kind

json_too_large = kind(
    "value_json_too_large",
    en="{label} takes at most 64 KB of JSON. Send less.",
    zh="{label} 最多 64 KB 的 JSON，请减少内容。",
)
json_too_deep = kind(
    "value_json_too_deep",
    en="{label} takes at most {depth} levels of lists and objects. Flatten it.",
    zh="{label} 最多 {depth} 层列表和对象，请减少层级。",
)
json_number = kind(
    "value_json_number",
    en="{label} holds a number that cannot be kept exactly. Send it as text.",
    zh="{label} 含有无法精确保存的数字，请以文本发送。",
)
json_text = kind(
    "value_json_text",
    en="{label} holds a text with a NUL or half a character. Remove it.",
    zh="{label} 的文本含有 NUL 或不完整的字符，请删除。",
)
json_other = kind(
    "value_not_json",
    en="{label} is not JSON. Check brackets, quotes and commas.",
    zh="{label} 不是 JSON，请检查括号、引号和逗号。",
)

DEPTH = 20
SIZE = 65_536


class Json(FieldType):
    """Any JSON value of at most 64 KB and 20 levels."""

    name = "json"
    kind = "json"
    sortable = False
    operators: tuple[str, ...] = ("==", "!=")
    control = "json"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("json"),)

    def parse(self, field: Field, raw: Any) -> Any:
        if raw is None:
            return None
        value = _copied(field, raw, DEPTH)
        if len(orjson.dumps(value)) > SIZE:
            raise refuse(json_too_large, field)
        return value

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        try:
            raw = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise refuse(json_other, field) from None
        return self.parse(field, raw)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else orjson.dumps(value).decode()

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": ["object", "array", "string", "number", "boolean"]}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ({"a": [1, 2.5, None, {"b": "文"}]}, ["x", True], "text", 0, False, {}, [])

    def refused(self, field: Field) -> tuple[Any, ...]:
        deep: Any = []
        for _ in range(DEPTH):
            deep = [deep]
        numbers: tuple[Any, ...] = (float("nan"), float("inf"), 1e300, 2**64, [-(2**70)])
        return (deep, "x" * SIZE, ["\x00"], {"\x00": 1}, {"a": "\ud800"}, *numbers)


def _copied(field: Field, raw: Any, depth: int) -> Any:
    """The same data as plain lists and dicts, checked for what a database or a reader could not give back."""
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, (int, float)):
        # Databases write large numbers out as integers, and those have 64 bits.
        if not -(2**63) <= raw < 2**63:
            raise refuse(json_number, field)
        return raw
    if isinstance(raw, str):
        return _text(field, raw)
    if depth == 0:
        raise refuse(json_too_deep, field, depth=DEPTH)
    if isinstance(raw, Mapping):
        return {_text(field, key): _copied(field, each, depth - 1) for key, each in raw.items()}
    if isinstance(raw, (list, tuple)):
        return [_copied(field, each, depth - 1) for each in raw]
    raise refuse(json_other, field)


def _text(field: Field, raw: Any) -> str:
    if not isinstance(raw, str):
        raise refuse(json_other, field)
    if len(raw) > SIZE:
        raise refuse(json_too_large, field)
    if "\x00" in raw or (not raw.isprintable() and any("\ud800" <= each <= "\udfff" for each in raw)):
        raise refuse(json_text, field)
    return raw
