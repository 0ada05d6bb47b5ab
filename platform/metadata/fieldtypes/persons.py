"""Names of people in their parts, shown and sorted in the order of their script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import orjson

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, ValueProblem, refuse
from metadata.fieldtypes.patterns import BLANKS, ecma
from metadata.fieldtypes.texts import LINE
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Label, kind

PARTS = ("prefix", "family", "given", "middle", "suffix")

not_name = kind(
    "value_not_person_name",
    en='{label} takes a name in its parts. Send {{"family": ..., "given": ...}}, with middle, prefix and suffix '
    "where there are any.",
    zh='{label} 需要按部分填写的姓名，请发送 {{"family": ..., "given": ...}}，可另加 middle、prefix、suffix。',
)
bad_part = kind(
    "value_person_name_part",
    en="{label}: {part} takes one line of at most {max} characters. Correct it.",
    zh="{label}：{part} 只能是一行、最多 {max} 个字符的文本，请更正。",
)
no_name = kind(
    "value_person_name_empty",
    en="{label} needs a family name or a given name. Fill in one of them.",
    zh="{label} 至少需要姓或名，请填写其中之一。",
)

LONGEST = 60
_FORM = ecma(LINE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CJK = re.compile(
    "[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u3040-\u30ff\U00020000-\U0003ffff]"
)
_COMPOUND = frozenset(
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 "
    "公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 令狐 百里 呼延 东郭 南门 羊舌 微生 左丘 东门 西门 第五".split()
)
_TITLES = frozenset("mr mrs ms miss mx dr prof sir dame rev hon fr".split())
_HONORIFICS = ("先生", "女士", "小姐", "博士", "教授", "老师", "医生", "同学")
_ENDINGS = frozenset("jr sr ii iii iv phd md esq".split())
_JOINED = " | "


class PersonName(FieldType):
    """Family and given name, where there are any also middle name, prefix (Dr., 先生) and suffix (Jr.).

    Written in Chinese, Japanese or Korean characters it is shown family name first and without blanks, else given
    name first. It is sorted by family name, then given name. Conditions look at both orders: `contains(name, 'Ada
    Lovelace')` and `starts_with(name, 'Lovelace')` find Ada Lovelace; `name == 'Ada Lovelace'` compares the parts.
    """

    name = "person_name"
    kind = "text"
    compared = 1
    operators: tuple[str, ...] = ("==", "!=", "in", "contains", "starts_with")
    control = "person_name"
    parts: Mapping[str, Label] = {
        "prefix": {"en": "Title", "zh": "称谓"},
        "family": {"en": "Family name", "zh": "姓"},
        "given": {"en": "Given name", "zh": "名"},
        "middle": {"en": "Middle name", "zh": "中间名"},
        "suffix": {"en": "Suffix", "zh": "后缀"},
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("json"), ColumnSpec("text", "__sorted"))

    def comparable(self, value: Any) -> Any:
        rest = " ".join(filter(None, (value.get("given"), value.get("middle"))))
        return f"{_joined(value, value.get('family'), rest)}{_JOINED}{displayed(value)}"

    def literal(self, field: Field, raw: str) -> str:
        try:
            found = self.read_text(field, raw, TextContext())
        except ValueProblem:
            return raw
        return raw if found is None else str(self.comparable(found))

    def parse(self, field: Field, raw: Any) -> dict[str, str] | None:
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or set(raw) - set(PARTS):
            raise refuse(not_name, field)
        found = {part: text for part in PARTS if (text := self._part(field, part, raw.get(part)))}
        if "family" not in found and "given" not in found:
            raise refuse(no_name, field)
        return found

    def _part(self, field: Field, part: str, raw: Any) -> str:
        if raw is None:
            return ""
        fits = isinstance(raw, str) and len(raw) <= LONGEST and _FORM.search(raw) and not _SURROGATE.search(raw)
        text = unicodedata.normalize("NFC", raw.strip(BLANKS)) if fits else ""
        if not fits or len(text) > LONGEST:
            raise refuse(bad_part, field, part, part=part, max=LONGEST)
        return " ".join(text.split())

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """`Lovelace, Ada`, `Dr. Ada Byron Lovelace`, `欧阳小明`; JSON for what no order of words can say."""
        typed = text.strip()
        if not typed:
            return None
        if typed.startswith("{"):
            try:
                return self.parse(field, orjson.loads(typed))
            except orjson.JSONDecodeError:
                raise refuse(not_name, field) from None
        return self.parse(field, _read(plain(typed)))

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else displayed(value)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        whole = displayed(value)
        rest = displayed({part: said for part, said in value.items() if part != "family"})
        for text in (whole, f"{value.get('family')}, {rest}"):
            if _read(text) == value:
                return text
        return orjson.dumps(value).decode()

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else (displayed(value),)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        part = {"anyOf": [{"type": "string", "maxLength": LONGEST, "pattern": LINE}, {"type": "null"}]}
        some = {"type": "string", "pattern": r"\S"}
        return {
            "type": "object",
            "properties": dict.fromkeys(PARTS, part),
            "additionalProperties": False,
            "anyOf": [{"properties": {each: some}, "required": [each]} for each in ("family", "given")],
        }

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (
            {"family": "Lovelace", "given": "Ada", "middle": "Byron", "prefix": "Dr."},
            {"family": "欧阳", "given": "小明"},
            {"family": "王", "given": "芳", "prefix": "女士"},
            {"family": "van Beethoven", "given": "Ludwig"},
            {"given": "Sukarno"},
        )

    def refused(self, field: Field) -> tuple[Any, ...]:
        parts: tuple[Any, ...] = (
            {},
            {"prefix": "Dr."},
            {"family": " "},
            {"family": 1},
            {"family": "x" * (LONGEST + 1)},
            {"given": "a\nb"},
            {"given": "a\x00"},
            {"family": "A", "name": "B"},
            {"family": None},
        )
        return (1, True, "Ada Lovelace", ["Ada"], *parts)


def displayed(value: Mapping[str, str]) -> str:
    """A name as its script has it."""
    prefix, family, given = value.get("prefix"), value.get("family"), value.get("given")
    if _is_cjk(value):
        return "".join(filter(None, (family, given, value.get("middle"), prefix, value.get("suffix"))))
    words = (prefix, given, value.get("middle"), family, value.get("suffix"))
    return " ".join(filter(None, words))


def _joined(value: Mapping[str, str], family: str | None, rest: str) -> str:
    return ("" if _is_cjk(value) else " ").join(filter(None, (family, rest)))


def _is_cjk(value: Mapping[str, str]) -> bool:
    said = (value.get("family") or "") + (value.get("given") or "")
    return bool(said) and all(_CJK.match(each) or each == "·" for each in said) and "·" not in said


def _read(text: str) -> dict[str, str]:
    """The parts of a name as people write it in one line; at least a given name."""
    if all(_CJK.match(each) for each in text) and len(text) <= 12:
        return _read_cjk(text)
    family, comma, rest = (each.strip() for each in text.partition(","))
    words = (rest if comma else family).split()
    found: dict[str, str] = {}
    if words and words[0].rstrip(".").lower() in _TITLES and len(words) > 1:
        found["prefix"] = words.pop(0)
    if words and words[-1].rstrip(".").replace(".", "").lower() in _ENDINGS and len(words) > 1:
        found["suffix"] = words.pop()
    if comma:
        found["family"] = family
    elif len(words) > 1:
        found["family"] = words.pop()
    if words:
        found["given"] = words[0]
        if len(words) > 1:
            found["middle"] = " ".join(words[1:])
    return {part: found[part] for part in PARTS if part in found}


def _read_cjk(text: str) -> dict[str, str]:
    prefix = next((each for each in _HONORIFICS if text.endswith(each) and len(text) > len(each)), "")
    name = text.removesuffix(prefix) if prefix else text
    long = len(name) > 2 and name[:2] in _COMPOUND
    family, given = (name[:2], name[2:]) if long else (name[:1], name[1:])
    return {part: said for part, said in (("prefix", prefix), ("family", family), ("given", given)) if said}
