"""Chinese divisions: provinces, cities and districts by their GB/T 2260 code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata import divisions
from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import kind

unknown_division = kind(
    "value_unknown_region",
    en="{label}: {code} is not the code of a division of China. Send six digits of GB/T 2260, like 440305.",
    zh="{label}：{code} 不是行政区划代码，请发送 GB/T 2260 的六位代码，例如 440305。",
)
not_division = kind(
    "value_not_region",
    en="{label} takes the code of a division of China as text. Send six digits, like 440305.",
    zh="{label} 需要文本形式的行政区划代码，请发送六位数字，例如 440305。",
)
unread_division = kind(
    "value_unreadable_region",
    en="{label}: {text} is no division of China. Write it like Guangdong / Shenzhen / Nanshan or 440305.",
    zh="{label}：找不到行政区划“{text}”，请写作 广东省 / 深圳市 / 南山区 或 440305。",
)
several_divisions = kind(
    "value_ambiguous_region",
    en="{label}: {text} may be {names}. Write its province and city too.",
    zh="{label}：{text} 可能是 {names}，请连同省、市一起填写。",
)
wrong_level = kind(
    "value_region_level",
    en="{label}: {name} is a {found}; this field needs a {wanted}. Choose one of that level.",
    zh="{label}：{name}是{found}，此字段需要{wanted}，请选择该级别的区划。",
)

_FORM = r"^[1-8][0-9]{5}$"
_CODE = ecma(_FORM)
_LEVEL_NAMES: Mapping[str, Any] = {
    "province": {"en": "province", "zh": "省级"},
    "city": {"en": "city", "zh": "地级"},
    "district": {"en": "district", "zh": "县级"},
}


class Region(FieldType):
    """A province, city or district of China by code; `level` says which, any of them if not given.

    Everything within a province or a city begins with its two or four digits: `starts_with(region, '44')`. A district
    that answers to its province (仙桃市) or is of a municipality (朝阳区) passes as a city too.
    """

    name = "region"
    kind = "text"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=", "in", "starts_with")
    control = "region"
    properties: Mapping[str, Any] = {
        "level": {"enum": list(divisions.LEVELS), "description": "What kind of division; any if not given."},
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str) or _CODE.search(raw) is None:
            raise refuse(not_division, field)
        if raw not in divisions.table():
            raise refuse(unknown_division, field, code=raw)
        level = field.props.get("level")
        if level is not None and level not in divisions.levels_of(raw):
            names = {"found": _LEVEL_NAMES[divisions.level(raw)], "wanted": _LEVEL_NAMES[level]}
            raise refuse(wrong_level, field, name=_label(raw), **names)
        return raw

    def literal(self, field: Field, raw: str) -> str:
        found = divisions.find(plain(raw)) if len(raw) <= 60 else ()
        return found[0] if len(found) == 1 else raw

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """A code, or names from the province down; fewer where they leave no doubt."""
        typed = plain(text)
        if not typed:
            return None
        found = divisions.find(typed) if len(typed) <= 80 else ()
        if len(found) > 1 and (level := field.props.get("level")):
            found = tuple(each for each in found if divisions.level(each) == level) or found
        if not found:
            raise refuse(unread_division, field, text=text.strip()[:40])
        if len(found) > 1:
            names = {lang: [divisions.path(each, lang) for each in found[:5]] for lang in ("en", "zh")}
            told = {"en": ", ".join(names["en"]), "zh": "、".join(names["zh"])}
            raise refuse(several_divisions, field, text=text.strip()[:40], names=told)
        return self.parse(field, found[0])

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else divisions.path(value, context.language)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        text = divisions.path(value, context.language)
        return text if divisions.find(text) == (value,) else str(value)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else (divisions.path(value, "zh"), divisions.path(value, "en"))

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "pattern": _FORM, "description": "GB/T 2260"}

    def samples(self, field: Field) -> tuple[Any, ...]:
        kinds = {"province": ("440000", "310000"), "city": ("440300", "530100"), "district": ("440305", "110105")}
        any_level = ("440305", "110105", "429004", "440300", "440000", "810000")
        return kinds.get(str(field.props.get("level")), any_level)

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (440305, True, [], {}, "", "44", "广东省", "440399", "990000", "440305\n", "４40305", "x" * 41)


def _label(code: str) -> Mapping[str, str]:
    return {lang: divisions.path(code, lang) for lang in ("en", "zh")}
