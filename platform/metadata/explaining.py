"""What breaks the grammar, said in our own words: every problem with its place and a suggestion, no library texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError

from metadata.documents.marked import Map, Seq
from metadata.icons import icons
from metadata.problems import Position, Problem, kind

UNKNOWN = kind(
    "grammar_unknown_key",
    en="“{key}” is not known here. Correct or remove it; known are: {known}.",
    zh="此处没有“{key}”。请更正或删除；可用的有：{known}。",
)
NOT_YET = kind(
    "grammar_not_yet",
    en="“{key}” is not available in this version. Remove it.",
    zh="“{key}”在此版本中尚不可用，请删除。",
)
MISSING = kind(
    "grammar_missing",
    en="“{key}” is missing. Add it.",
    zh="缺少“{key}”，请补充。",
)
TYPE = kind(
    "grammar_type",
    en="This must be {expected}. Change it.",
    zh="此处必须是{expected}，请修改。",
)
CHOICE = kind(
    "grammar_choice",
    en="“{value}” is not possible here. Use one of: {known}.",
    zh="此处不能使用“{value}”。请使用其中之一：{known}。",
)
PATTERN = kind(
    "grammar_pattern",
    en="“{value}” is not written as it must be here ({pattern}). Rewrite it.",
    zh="“{value}”的写法不符合要求（{pattern}），请改写。",
)
ICON = kind(
    "grammar_icon",
    en="There is no icon “{value}”. Choose one by its name at tabler.io/icons.",
    zh="没有图标“{value}”。请在 tabler.io/icons 中按名称选择。",
)
RANGE = kind(
    "grammar_range",
    en="“{value}” is out of bounds: {rule} {limit}. Choose another value.",
    zh="“{value}”超出范围：{rule} {limit}。请换一个值。",
)
EMPTY = kind(
    "grammar_empty",
    en="This is empty or has too few entries. Add at least {limit}.",
    zh="此处为空或条目太少，至少需要 {limit} 个。",
)
LONG = kind(
    "grammar_long",
    en="This is longer than allowed (at most {limit}). Shorten it.",
    zh="此处过长（最多 {limit}），请缩短。",
)
LANGUAGE = kind(
    "grammar_language",
    en="“{key}” is not a language code. Use codes such as en and zh, or * for every language.",
    zh="“{key}”不是语言代码。请使用 en、zh 等代码，或用 * 表示所有语言。",
)
REFUSED = kind(
    "grammar_refused",
    en="This value does not fit here ({rule}). Change it.",
    zh="此值不适用于此处（{rule}），请修改。",
)

WORDS: Mapping[str, Mapping[str, str]] = {
    "string": {"en": "a text", "zh": "文本"},
    "object": {"en": "a mapping", "zh": "映射"},
    "array": {"en": "a list", "zh": "列表"},
    "integer": {"en": "a whole number", "zh": "整数"},
    "number": {"en": "a number", "zh": "数字"},
    "boolean": {"en": "true or false", "zh": "true 或 false"},
    "null": {"en": "null", "zh": "null"},
}
RULES: Mapping[str, Mapping[str, str]] = {
    "minimum": {"en": "at least", "zh": "至少"},
    "maximum": {"en": "at most", "zh": "最多"},
    "exclusiveMinimum": {"en": "more than", "zh": "大于"},
    "exclusiveMaximum": {"en": "less than", "zh": "小于"},
}
_NAME_WORDS = {
    "en": "small letters, digits and _, beginning with a letter, 40 at most",
    "zh": "小写字母、数字和下划线，以字母开头，最多 40 个字符",
}
PATTERNS: Mapping[str, Mapping[str, str]] = {
    "^[a-z][a-z0-9_]{0,39}$": _NAME_WORDS,
    "^[a-z0-9-]{1,40}$": {"en": "the name of an icon, like user-circle", "zh": "图标名称，例如 user-circle"},
    "^([a-z]{2,20}|#[0-9a-fA-F]{6})$": {"en": "a colour like green or #2fb344", "zh": "颜色，例如 green 或 #2fb344"},
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": {"en": "a date like 2027-06-30", "zh": "日期，例如 2027-06-30"},
    "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$": {
        "en": "hours like 09:00-18:00",
        "zh": "时间段，例如 09:00-18:00",
    },
    "^[A-Z]{3}$": {"en": "three letters of ISO 4217, like CNY", "zh": "ISO 4217 三位字母，例如 CNY"},
    "^[A-Z]{2}$": {"en": "two letters of ISO 3166, like CN", "zh": "ISO 3166 两位字母，例如 CN"},
    "^[a-z]{2,3}(-[A-Za-z]{2,4})?$": {"en": "a language code like zh", "zh": "语言代码，例如 zh"},
    "^[a-z0-9][a-z0-9_-]{0,39}$": {"en": "small letters, digits, - and _", "zh": "小写字母、数字、- 和 _"},
    "^([*]|(>=|==) ?[0-9]+([.][0-9]+)*)$": {"en": "like '>=1.0'", "zh": "例如 '>=1.0'"},
    r"^(count|(sum|avg|min|max)\([a-z][a-z0-9_.]{0,199}\))$": {
        "en": "count, sum(field), avg(field), min(field) or max(field)",
        "zh": "count、sum(字段)、avg(字段)、min(字段) 或 max(字段)",
    },
    r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$": {"en": "a number like 12.5", "zh": "数字，例如 12.5"},
}
"""Patterns of the grammar in words."""
LATER = frozenset("pipelines messages metrics reports segments journeys duplicates retention gapless".split())
"""Words of the language that this version refuses: nothing is in the grammar that nothing executes."""


def explain(validator: Any, data: Any, path: str, place: Position) -> Iterator[Problem]:
    """Each thing that a validator refuses as a problem of ours, once, with its place."""
    seen: set[tuple[str, str, object]] = set()
    for error in validator.iter_errors(data):
        for problem in _problems_of(error, data, path, place):
            key = (problem.code, problem.path, problem.params.get("key"))
            if key not in seen:
                seen.add(key)
                yield problem


def _problems_of(error: ValidationError, data: Any, path: str, place: Position) -> Iterator[Problem]:
    steps = [str(each) for each in error.absolute_path]
    here = ".".join([path, *steps])
    at = position(data, list(error.absolute_path), place)
    wrong: Any = error.instance
    limit: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            schema: Any = error.schema
            known = tuple(schema.get("properties", ()))
            for key in wrong:
                if key not in known:
                    yield _unknown(key, known, f"{here}.{key}", _key_position(wrong, key, at))
        case "required":
            for key in limit:
                if key not in wrong:
                    yield MISSING(f"{here}.{key}", at=at, key=key)
        case "type":
            expected = _words(limit if isinstance(limit, list) else [limit])
            yield TYPE(here, at=at, expected=expected)
        case "enum" | "const":
            values = limit if error.validator == "enum" else [limit]
            yield not_one_of(wrong, [str(each) for each in values], here, at)
        case "anyOf" | "oneOf":
            yield from _branches(error, data, path, place, here, at)
        case "pattern":
            if list(error.schema_path)[-2:-1] == ["propertyNames"]:
                yield _bad_name(error, data, here, place)
            else:
                yield PATTERN(here, at=at, value=wrong, pattern=PATTERNS.get(limit, limit))
        case "format" if limit == "icon":
            yield ICON(here, at=at, suggestion=nearest(str(wrong), icons()), value=wrong)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            yield RANGE(here, at=at, value=wrong, rule=RULES[str(error.validator)], limit=limit)
        case "minProperties" | "minItems" | "minLength":
            yield EMPTY(here, at=at, limit=limit)
        case "maxProperties" | "maxItems" | "maxLength":
            yield LONG(here, at=at, limit=limit)
        case _:
            yield REFUSED(here, at=at, rule=str(error.validator))


def _bad_name(error: ValidationError, data: Any, here: str, place: Position) -> Problem:
    holder = data
    for step in error.absolute_path:
        holder = holder[step]
    at = _key_position(holder, str(error.instance), place)
    if "[*]" in str(error.validator_value):
        return LANGUAGE(here, at=at, key=error.instance)
    pattern = str(error.validator_value)
    return PATTERN(here, at=at, value=error.instance, pattern=PATTERNS.get(pattern, pattern))


def _branches(
    error: ValidationError, data: Any, path: str, place: Position, here: str, at: Position
) -> Iterator[Problem]:
    """Of several ways to write a thing, the one that was meant is the one of the same type."""
    branches: Any = error.validator_value
    by_branch: dict[int, list[ValidationError]] = {}
    for each in error.context or ():
        by_branch.setdefault(int(each.schema_path[0]), []).append(each)
    for found in by_branch.values():
        if not any(each.validator == "type" and not each.path for each in found):
            for each in found:
                yield from _problems_of(each, data, path, place)
            return
    named = [each.get("type", "string") for each in branches]
    yield TYPE(
        here, at=at, expected=_words([word for each in named for word in (each if isinstance(each, list) else [each])])
    )


def _words(names: Iterable[str]) -> Mapping[str, str]:
    words = [WORDS[name] for name in dict.fromkeys(names)]
    return {"en": " or ".join(each["en"] for each in words), "zh": "或".join(each["zh"] for each in words)}


def _unknown(key: str, known: Iterable[str], path: str, at: Position) -> Problem:
    if key in LATER:
        return NOT_YET(path, at=at, key=key)
    names = [each for each in known if each not in ("before", "after", "id")]
    return UNKNOWN(path, at=at, suggestion=nearest(key, names), key=key, known=names)


def not_one_of(value: Any, known: Iterable[str], path: str, at: Position) -> Problem:
    names = list(known)
    if isinstance(value, str) and value in LATER and value not in names:
        return NOT_YET(path, at=at, key=value)
    return CHOICE(path, at=at, suggestion=nearest(str(value), names), value=value, known=names)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    found = get_close_matches(name, list(known), 1, 0.55)
    return found[0] if found else None


def position(data: Any, path: Iterable[Any], place: Position) -> Position:
    """Where the value at a path was written; of what is not there, where its holder was."""
    for step in path:
        if isinstance(data, Map) and step in data:
            mark = data.marks[step]
            place = mark.key_position if isinstance(data[step], (Map, Seq)) else mark.value_position
            data = data[step]
        elif isinstance(data, Seq) and isinstance(step, int) and step < len(data):
            place = data.marks[step].value_position
            data = data[step]
        else:
            break
    return place


def without(data: Map, problems: Iterable[Problem], path: str) -> Map:
    """A copy without what was refused, so that nothing is said twice about it later."""
    for problem in problems:
        if problem.path.startswith(f"{path}."):
            data = _pruned(data, problem.path[len(path) + 1 :])
    return data


def _pruned(data: Map, path: str) -> Map:
    kept = Map()
    kept.born = data.born
    for key, value in data.items():
        if path == key:
            continue
        if path.startswith(f"{key}.") and isinstance(value, Map):
            value = _pruned(value, path[len(key) + 1 :])
        kept.put(key, value, data.marks[key])
    return kept


def _key_position(holder: Any, key: str, place: Position) -> Position:
    return holder.marks[key].key_position if isinstance(holder, Map) and key in holder.marks else place
