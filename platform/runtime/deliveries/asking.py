"""Wanting something sent: written down in the caller's transaction, sent after it, and never without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from channels import mail as mails
from channels.egress import METHODS, place_of
from metadata.problems import Invalid, Label, kind, say
from runtime.deliveries import table
from runtime.deliveries.delivery import AWAITED, MAIL, PATIENT
from runtime.workspace import Workspace

LARGEST = 256 * 1024
TOO_LARGE = kind(
    "delivery.too_large",
    en="What is to be sent has {size} bytes; at most {most} can be sent. Send less of it.",
    zh="要发送的内容有 {size} 字节，最多 {most} 字节，请减少内容。",
)
BAD_METHOD = kind(
    "delivery.bad_method",
    en="{method} is no method of a request. Use GET, POST, PUT, PATCH or DELETE.",
    zh="{method} 不是有效的请求方法。请使用 GET、POST、PUT、PATCH 或 DELETE。",
)


def request(
    ws: Workspace,
    key: str,
    url: str,
    method: str = "POST",
    body: Any = None,
    secret: str | None = None,
    then: Mapping[str, Any] | None = None,
) -> str:
    """Have a request sent once this transaction is committed; the delivery's id. A key that was used gives that one's.

    `body` is JSON data. `secret`: name of a record of `shared_secret` by which it is signed. `then` (`{instance,
    visit}`): `processes.answered` is called when it has been answered, or given up. Raises Invalid.
    """
    place = place_of(url)
    if method not in METHODS:
        raise Invalid(BAD_METHOD("method", method=method[:20]))
    payload = {"url": url, "method": method, "body": _text(body), "secret": secret, "insist": then is None}
    about = f"{method} {place.authority}"
    return _one(ws, key, "http", place.authority, about, payload, then)


def mail(
    ws: Workspace,
    key: str,
    to: str,
    subject: Label | str,
    body: Label | str,
    then: Mapping[str, Any] | None = None,
    lang: str = "en",
) -> str:
    """Have a mail sent once this transaction is committed; the delivery's id. A key that was used gives that one's.

    `to` is one address, `body` plain text, both texts in `lang` if they are given in several. Raises Invalid.
    """
    address = mails.address_of(to)
    words = {"subject": say(subject, lang), "text": say(body, lang), "lang": lang}
    _require_small(len(words["text"].encode()))
    mails.compose(mails.Mail(key, "check@example.com", address, words["subject"], words["text"], lang))
    about = f"@{address.rpartition('@')[2]}"
    return _one(ws, key, "mail", MAIL, about, {"to": address, **words}, then)


def webhooks(ws: Workspace, wanted: Sequence[Mapping[str, Any]]) -> int:
    """Have messages of webhooks sent; how many of them are new.

    Each: key, url, body (JSON data), webhook (id of its record), record (id: those of one are sent one after another).
    """
    rows = []
    for each in wanted:
        place = place_of(each["url"])
        payload = {"url": each["url"], "method": "POST", "body": _text(each["body"]), "secret": None, "insist": True}
        rows.append(
            {
                "key": each["key"],
                "channel": "http",
                "target": place.authority,
                "about": f"POST {place.authority}",
                "origin": each["webhook"],
                "line": f"{each['webhook']}:{each['record']}",
                "payload": payload,
                "attempts": PATIENT,
            }
        )
    return sum(1 for id in table.put(ws, rows) if id is not None)


def _one(
    ws: Workspace, key: str, channel: str, target: str, about: str, payload: Any, then: Mapping[str, Any] | None
) -> str:
    row = {
        "key": key,
        "channel": channel,
        "target": target,
        "about": about,
        "payload": payload,
        "attempts": PATIENT if then is None else AWAITED,
        "then": dict(then) if then is not None else None,
    }
    (id,) = table.put(ws, [row])
    return id if id is not None else table.id_of(ws, key)


def _text(body: Any) -> str | None:
    if body is None:
        return None
    data = orjson.dumps(body)
    _require_small(len(data))
    return data.decode()


def require_small(body: Any) -> None:
    """Raises Invalid for JSON data that is too large to be sent."""
    _text(body)


def _require_small(size: int) -> None:
    if size > LARGEST:
        raise Invalid(TOO_LARGE("body", size=size, most=LARGEST))
