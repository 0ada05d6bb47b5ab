"""Yes or no, one of several options, several of them. Stored by option id, written out by today's key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, ValueProblem, refuse
from metadata.folding import fold, plain
from metadata.model import Field, Option
from metadata.problems import Problem, kind, say

not_boolean = kind(
    "value_not_boolean",
    en="{label} takes true or false, without quotes. Send one of the two.",
    zh="{label} 需要 true 或 false（不加引号），请发送其中之一。",
)
unreadable_boolean = kind(
    "value_unreadable_boolean",
    en="{label}: {text} is neither yes nor no. Write yes or no.",
    zh="{label}：{text} 既不是“是”也不是“否”，请填写是或否。",
)
unknown_option = kind(
    "value_unknown_option",
    en="{label}: {value} is not one of its options. Choose one of {options}.",
    zh="{label}：{value} 不在选项中，请选择其中之一：{options}。",
)
not_option = kind(
    "value_not_option",
    en="{label} takes the key of one option, as text. Choose one of {options}.",
    zh="{label} 需要一个选项的键（文本），请选择其中之一：{options}。",
)
not_options = kind(
    "value_not_options",
    en="{label} takes a list of option keys. Send a list of some of {options}.",
    zh="{label} 需要选项键的列表，请从这些选项中选择并以列表发送：{options}。",
)
too_many_options = kind(
    "value_too_many_options",
    en="{label} takes at most {max} values. Remove some.",
    zh="{label} 最多 {max} 个值，请删减。",
)
no_options = kind(
    "field_no_options",
    en="A choice needs options. Name an option set, or list options here.",
    zh="选项字段需要选项，请引用一个选项集，或在此列出选项。",
)

_YES = frozenset("yes y true t 1 on x ok 是 对 真 有 √ ✓ ✔ ☑ 已 启用".split())
_NO = frozenset("no n false f 0 off 否 不 不是 错 假 无 × ✗ ✘ ☐ 未 停用".split())
_SEPARATOR = re.compile(r"[,;、，；\n]")
MOST_VALUES = 1000


class Boolean(FieldType):
    """True or false."""

    name = "boolean"
    kind = "boolean"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=")
    control = "checkbox"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("boolean"),)

    def parse(self, field: Field, raw: Any) -> bool | None:
        if raw is None or isinstance(raw, bool):
            return raw
        raise refuse(not_boolean, field)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = fold(plain(text))
        if typed in _YES or typed in _NO:
            return typed in _YES
        if typed:
            raise refuse(unreadable_boolean, field, text=text.strip()[:40])
        return None

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        return ("是" if value else "否") if context.language == "zh" else ("Yes" if value else "No")

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "boolean"}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (True, False)

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (0, 1, "true", "", [], {}, 1.5)


def _keys(field: Field) -> tuple[str, ...]:
    return tuple(each.key for each in field.options if not each.retired)


def _names(field: Field) -> list[str]:
    """What an option may be called in JSON: today's keys, and ids."""
    return list(dict.fromkeys([each.key for each in field.options] + [each.id for each in field.options]))


def _unknown(field: Field, raw: str, path: str = "") -> ValueProblem:
    near = get_close_matches(raw[:100], _names(field), 1)
    return refuse(unknown_option, field, path, near[0] if near else None, value=raw[:60], options=_keys(field))


def _by_text(field: Field, text: str) -> Option | None:
    """The option that a person means: by id, key or its label in any language, living ones first."""
    if found := field.option(text):
        return found
    typed = fold(plain(text))
    for each in sorted(field.options, key=lambda option: option.retired):
        if typed in {fold(plain(name)) for name in (each.key, *_texts(each))}:
            return each
    return None


def _texts(option: Option) -> Iterable[str]:
    return (option.label,) if isinstance(option.label, str) else option.label.values()


def _written(field: Field, id: str, lang: str, separated: bool = False) -> str:
    """An option as exported: by its label where that leads back to it, else by its key."""
    option = field.option(id)
    if option is None:
        return id
    label = say(option.label, lang)
    clear = label.strip() == label != "" and not (separated and _SEPARATOR.search(label))
    found = _by_text(field, label) if clear else None
    return label if found is not None and found.id == option.id else option.key


def is_retired(field: Field, value: Any) -> bool:
    """Whether a value of a choice or multi_choice holds an option that may stay but not be chosen anew."""
    ids = (value,) if isinstance(value, str) else value or ()
    return any(option.retired for id in ids if (option := field.option(id)) is not None)


def impossible(field: Field, value: Any, other: str | None) -> tuple[Option, ...]:
    """The options in a value that the option `other` of the field it depends on does not allow."""
    ids = (value,) if isinstance(value, str) else value or ()
    options = [option for id in ids if (option := field.option(id)) is not None]
    return tuple(each for each in options if each.given and other not in each.given)


_OPTION_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {"type": "string", "description": "The option set, a key of the section `options`."},
        {"type": "object", "minProperties": 1, "description": "Options of this field alone, by id."},
    ]
}


_DEPENDS: Mapping[str, Any] = {
    "type": "string",
    "description": "The choice field whose value decides, by `for` of each option here, which options are possible.",
}


class Choice(FieldType):
    """One option."""

    name = "choice"
    kind = "text"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=", "in")
    control = "select"
    properties: Mapping[str, Any] = {"options": _OPTION_SCHEMA, "depends_on": _DEPENDS}

    def check(self, field: Field) -> tuple[Problem, ...]:
        return () if field.options else (no_options("options"),)

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise refuse(not_option, field, options=_keys(field))
        option = field.option(raw)
        if option is None:
            raise _unknown(field, raw)
        return option.id

    def dump(self, field: Field, value: Any) -> Any:
        option = None if value is None else field.option(value)
        return option.key if option is not None else value

    def keep(self, field: Field, value: Any) -> Any:
        return value

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        option = _by_text(field, text.strip())
        if option is None:
            raise _unknown(field, text.strip())
        return option.id

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        option = None if value is None else field.option(value)
        return say(option.label, context.language) if option is not None else value or ""

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else _written(field, value, context.language)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        option = None if value is None else field.option(value)
        return tuple(dict.fromkeys(_texts(option))) if option is not None else ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "enum": _names(field)}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return tuple(each.key for each in field.options)

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (1, True, [], {}, "", "no such option", *([each.key] for each in field.options[:1]))


class MultiChoice(FieldType):
    """Several options, in the order of the description; none of them is no value."""

    name = "multi_choice"
    kind = "set"
    sortable = False
    operators: tuple[str, ...] = ("contains", "==", "!=")
    control = "multi_select"
    properties: Mapping[str, Any] = {"options": _OPTION_SCHEMA, "depends_on": _DEPENDS}

    def check(self, field: Field) -> tuple[Problem, ...]:
        return () if field.options else (no_options("options"),)

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("list"),)

    def parse(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        if raw is None:
            return None
        if not isinstance(raw, (list, tuple)):
            raise refuse(not_options, field, options=_keys(field))
        if len(raw) > MOST_VALUES:
            raise refuse(too_many_options, field, max=MOST_VALUES)
        found = set()
        for index, each in enumerate(raw):
            if not isinstance(each, str):
                raise refuse(not_option, field, str(index), options=_keys(field))
            option = field.option(each)
            if option is None:
                raise _unknown(field, each, str(index))
            found.add(option.id)
        return tuple(each.id for each in field.options if each.id in found) or None

    def dump(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        return [option.key if (option := field.option(each)) is not None else each for each in value]

    def keep(self, field: Field, value: Any) -> Any:
        return None if value is None else list(value)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        whole = _by_text(field, text.strip())
        if whole is not None:
            return (whole.id,)
        found = []
        for part in (each.strip() for each in _SEPARATOR.split(text)):
            option = _by_text(field, part) if part else None
            if option is not None:
                found.append(option.id)
            elif part:
                raise _unknown(field, part)
        return self.parse(field, found)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        options = (field.option(each) or each for each in value or ())
        labels = (each if isinstance(each, str) else say(each.label, context.language) for each in options)
        return ("、" if context.language == "zh" else ", ").join(labels)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return ", ".join(_written(field, each, context.language, separated=True) for each in value or ())

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        options = (field.option(each) for each in value or ())
        return tuple(dict.fromkeys(text for each in options if each is not None for text in _texts(each)))

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        items = {"type": "string", "enum": _names(field)}
        schema: dict[str, Any] = {"type": "array", "items": items, "maxItems": MOST_VALUES}
        return schema | {"minItems": 1} if field.required else schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        keys = [each.key for each in field.options]
        return (keys[:1], keys)

    def refused(self, field: Field) -> tuple[Any, ...]:
        first = field.options[0].key if field.options else "x"
        return (first, 1, True, {}, [1], ["no such option"], [first, None], [[first]])
