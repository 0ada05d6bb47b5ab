"""How much a request may bring, and how a JSON body is read: no duplicate keys, no NaN, not too deep, an object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Flask, Request
from flask.globals import request_ctx

from blueprints.context import policy
from metadata.problems import BadRequest, TooLarge, kind

_DEPTH = 32
_KEY = re.compile(rb'"[ \t\r\n]*:')
_QUERY_BYTES = 16 * 1024
_FORM_PARTS = 2_000

BODY_TOO_LARGE = kind(
    "body_too_large",
    en="The request is larger than {most} bytes. Send less at once, or use an import for many records.",
    zh="请求超过 {most} 字节。请减少单次发送的内容，大量记录请使用导入。",
)
NOT_JSON = kind(
    "body_not_json",
    en="The body is not valid JSON: {reason}. Send UTF-8 JSON without NaN.",
    zh="请求体不是有效的 JSON：{reason}。请发送 UTF-8 编码且不含 NaN 的 JSON。",
)
NOT_JSON_TYPE = kind(
    "body_not_json_type",
    en="The body must be JSON. Send it with Content-Type: application/json.",
    zh="请求体必须是 JSON。请使用 Content-Type: application/json 发送。",
)
NOT_AN_OBJECT = kind(
    "body_not_object",
    en="The body must be a JSON object: {{...}}.",
    zh="请求体必须是一个 JSON 对象：{{...}}。",
)
DUPLICATE_KEY = kind(
    "body_duplicate_key",
    en="The key {key} appears twice in one object. Keep one of them.",
    zh="键 {key} 在同一对象中出现了两次。请只保留一个。",
)
TOO_DEEP = kind(
    "body_too_deep",
    en="The body is nested deeper than {most} levels. Flatten it.",
    zh="请求体嵌套超过 {most} 层。请减少层级。",
)
UNKNOWN_KEY = kind(
    "key_unknown",
    en="{key} is not understood here. Use: {known}.",
    zh="此处不支持 {key}。可用：{known}。",
)
BAD_CHARACTER = kind(
    "bad_character",
    en="The address contains a character that no text has. Remove control characters from it.",
    zh="地址中包含无效字符。请去掉控制字符。",
)
QUERY_TOO_LONG = kind(
    "query_too_long",
    en="The query string is longer than {most} bytes. Shorten the filter.",
    zh="查询字符串超过 {most} 字节。请缩短筛选条件。",
)


def install(app: Flask) -> None:
    app.config["MAX_FORM_PARTS"] = _FORM_PARTS
    app.config["MAX_FORM_MEMORY_SIZE"] = 2 * 1024 * 1024
    app.before_request(_bound)


def _bound() -> None:
    rule = policy()
    if rule is None:
        return  # no route: the router's own answer says why
    asked = request_ctx.request  # the proxy looks for it at each mention
    most, query = rule.body, asked.query_string
    asked.max_content_length = most
    if asked.content_length is not None and asked.content_length > most:
        raise TooLarge(BODY_TOO_LARGE(most=most))
    if len(query) > _QUERY_BYTES:
        raise TooLarge(QUERY_TOO_LONG(most=_QUERY_BYTES))
    if "\0" in asked.path or b"%00" in query or b"\0" in query:
        raise BadRequest(BAD_CHARACTER())


UNKNOWN_ADDRESS = kind(
    "address_unknown",
    en="There is nothing at this address. Check it for misspellings.",
    zh="此地址没有内容。请检查拼写。",
)


def json_object(request: Request) -> tuple[dict[str, Any], bytes]:
    """The body of a request as a JSON object, and as it came. Raises BadRequest with the reason."""
    if request.mimetype != "application/json":
        raise BadRequest(NOT_JSON_TYPE())
    data = request.get_data(cache=False)
    found = read_json(data)
    if not isinstance(found, dict):
        raise BadRequest(NOT_AN_OBJECT())
    return found, data


def require_keys(body: Mapping[str, Any], *known: str) -> None:
    """Refuse a body with keys that nobody reads: a misspelt one must not be lost in silence. Raises BadRequest."""
    unknown = [UNKNOWN_KEY(key, key=key, known=known) for key in body if key not in known]
    if unknown:
        raise BadRequest(unknown)


def read_json(data: bytes) -> Any:
    """JSON read strictly. orjson gives the values, of which the last of one key wins.

    A key is a quotation mark before a colon. Are there as many in the text as keys in the values, none came twice; else
    (a text may hold them too) the standard reader, which hands out pairs, looks for duplicates.
    """
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(NOT_JSON(reason=_reason(error))) from None
    if len(_KEY.findall(data)) != _keys(found, _DEPTH):
        json.loads(data, object_pairs_hook=_once)
    return found


def _reason(error: json.JSONDecodeError) -> str:
    return f"{error.msg.split(':')[0]} (line {error.lineno}, column {error.colno})"


def _once(pairs: Sequence[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadRequest(DUPLICATE_KEY(key, key=key))
        seen.add(key)


def _keys(value: Any, left: int) -> int:
    """How many keys the objects in a value have. Raises BadRequest when it is too deep."""
    if left == 0:
        raise BadRequest(TOO_DEEP(most=_DEPTH))
    count = len(value) if isinstance(value, dict) else 0
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(item, (dict, list)):
            count += _keys(item, left - 1)
    return count
