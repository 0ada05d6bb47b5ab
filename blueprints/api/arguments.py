"""The query string of a request: every key is known, appears once and has a value that makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from blueprints.limits import UNKNOWN_KEY
from metadata.problems import BadRequest, Problem, kind
from runtime.queries.query import MAX_LIMIT

LIMIT = 50
_SHAPE = ("where", "sort", "fields", "limit", "after", "count", "q", "deleted")

TWICE = kind(
    "argument_twice",
    en="{key} is given twice. Give it once.",
    zh="{key} 出现了两次，请只保留一个。",
)
NOT_A_LIMIT = kind(
    "limit_bad",
    en="limit is a whole number from 1 to {most}. Page on with after=<next> for more.",
    zh="limit 必须是 1 到 {most} 的整数。更多数据请用 after=<next> 翻页。",
)
NOT_A_CHOICE = kind(
    "argument_bad",
    en="{key} is one of: {known}.",
    zh="{key} 只能是：{known}。",
)
EMPTY_NAME = kind(
    "argument_empty_name",
    en="{key} has an empty name in it. Separate names with one comma each.",
    zh="{key} 中有空名称。请用单个逗号分隔名称。",
)
NOT_A_NUMBER = kind(
    "argument_number",
    en="{key} is a whole number of at least {least}.",
    zh="{key} 必须是不小于 {least} 的整数。",
)


def read(request: Request, *known: str) -> dict[str, str]:
    """The arguments by key. `lang` is always understood. Raises BadRequest with everything wrong."""
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for key, values in request.args.lists():
        if key not in known and key != "lang":
            problems.append(UNKNOWN_KEY(key, key=key, known=known))
        elif len(values) > 1:
            problems.append(TWICE(key, key=key))
        elif key != "lang":
            found[key] = values[0]
    if problems:
        raise BadRequest(problems)
    return found


def listing(request: Request, *without: str) -> dict[str, Any]:
    """The arguments of a list as keyword arguments of a query."""
    known = tuple(each for each in _SHAPE if each not in without)
    given = read(request, *known)
    problems: list[Problem] = []
    shape: dict[str, Any] = {
        "where": given.get("where") or None,
        "sort": names(given, "sort", problems) or (),
        "fields": names(given, "fields", problems),
        "limit": limit(given, problems),
        "after": given.get("after") or None,
        "count": choice(given, "count", ("none", "capped", "exact"), "none", problems),
        "q": given.get("q") or None,
        "deleted": choice(given, "deleted", ("false", "true"), "false", problems) == "true",
    }
    if problems:
        raise BadRequest(problems)
    return {key: value for key, value in shape.items() if key not in without}


def limit(given: Mapping[str, str], problems: list[Problem]) -> int:
    text = given.get("limit")
    if text is None:
        return LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        problems.append(NOT_A_LIMIT("limit", most=MAX_LIMIT))
        return LIMIT
    return int(text)


def names(given: Mapping[str, str], key: str, problems: list[Problem]) -> tuple[str, ...] | None:
    """Names separated by commas; commas inside parentheses do not count."""
    text = given.get(key)
    if text is None:
        return None
    found = tuple(each.strip() for each in text.split(","))
    if not all(found):
        problems.append(EMPTY_NAME(key, key=key))
        return None
    return found


def choice(given: Mapping[str, str], key: str, known: tuple[str, ...], default: str, problems: list[Problem]) -> str:
    value = given.get(key, default)
    if value not in known:
        problems.append(NOT_A_CHOICE(key, key=key, known=known))
        return default
    return value


def number(given: Mapping[str, str], key: str, default: int | None, least: int = 0) -> int | None:
    """A whole number, or the default. Raises BadRequest."""
    text = given.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise BadRequest(NOT_A_NUMBER(key, key=key, least=least))
    return int(text)
