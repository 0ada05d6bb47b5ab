"""`Idempotency-Key`: the answer to a write is kept in its own transaction, and a repeated write gets it again."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from metadata.problems import BadRequest, Invalid, kind
from runtime import sealing
from runtime.codecs import datetime_text
from runtime.database.db import Params
from runtime.workspace import Workspace

KEEP = dt.timedelta(hours=24)
_LONGEST_KEY = 255

OTHER_REQUEST = kind(
    "idempotency.other_request",
    en="This Idempotency-Key was used for another request. Send a new key with a new request.",
    zh="该 Idempotency-Key 已用于另一个请求。新的请求请使用新的键。",
)
BAD_KEY = kind(
    "idempotency.bad_key",
    en="An Idempotency-Key has 1 to {longest} printable characters.",
    zh="Idempotency-Key 应为 1 到 {longest} 个可打印字符。",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: str


def digest(method: str, path: str, body: bytes) -> str:
    """What makes a request the same as another."""
    found = hashlib.sha256()
    for part in (method.upper().encode(), path.encode(), body):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def begin(ws: Workspace, key: str, request: str) -> Answer | None:
    """Claim a key for a request (its `digest`): None when it is new, else the answer that was given.

    A second request with the key waits here until the first is committed or undone. Undone requests (any error)
    leave no trace, so they may be repeated.
    """
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise BadRequest(BAD_KEY("idempotency_key", longest=_LONGEST_KEY))
    who = _who(ws)
    if ws.db.fetch(_CLAIM[ws.db.dialect], _params(ws, key=key, actor=who, digest=request, at=_moment(ws, ws.now))):
        return None
    found = ws.db.fetch(_FIND[ws.db.dialect], _params(ws, key=key, actor=who))
    held, status, body = found[0]
    if held != request:
        raise Invalid(OTHER_REQUEST("idempotency_key"))
    return Answer(status, _opened(ws, key, body))


def finish(ws: Workspace, key: str, status: int, body: str) -> None:
    """Keep the answer of the request that claimed the key, to be committed with its effects."""
    settings = ws.host.settings
    kept = body if sealing.current_key(settings) is None else sealing.seal(settings, _place(ws, key), body)
    ws.db.run(_KEEP[ws.db.dialect], _params(ws, status=status, body=kept, key=key, actor=_who(ws)))


def forget(ws: Workspace, limit: int = 5_000) -> int:
    """Drop answers that are older than clients may ask for; how many."""
    return len(ws.db.fetch(_FORGET[ws.db.dialect], _params(ws, before=_moment(ws, ws.now - KEEP), limit=limit)))


def _place(ws: Workspace, key: str) -> bytes:
    return sealing.place_of(ws.tenant.id, "_idempotency", _who(ws), key)


def _opened(ws: Workspace, key: str, body: str) -> str:
    """An answer may hold what records keep encrypted, so all are, as far as there is a key."""
    if not sealing.is_sealed(body):
        return body
    text = sealing.unseal(ws.host.settings, _place(ws, key), body)
    if text is None:
        raise Invalid(sealing.LOST("idempotency_key"))
    return text


def _who(ws: Workspace) -> str:
    return ws.actor.user or "platform"


def _moment(ws: Workspace, at: dt.datetime) -> object:
    return at if ws.db.dialect == "postgresql" else datetime_text(at)


def _params(ws: Workspace, **values: object) -> Params:
    """Parameters as the driver takes them: by name, or by position in the order given."""
    return values if ws.db.dialect == "postgresql" else tuple(values.values())


_CLAIM = {
    "postgresql": """
        INSERT INTO _idempotency (key, actor, digest, status, body, created_at)
        VALUES (%(key)s, %(actor)s, %(digest)s, 0, '', %(at)s)
        ON CONFLICT (key, actor) DO NOTHING RETURNING key""",
    "sqlite": """
        INSERT INTO _idempotency (key, actor, digest, status, body, created_at) VALUES (?, ?, ?, 0, '', ?)
        ON CONFLICT (key, actor) DO NOTHING RETURNING key""",
}
_FIND = {
    "postgresql": "SELECT digest, status, body FROM _idempotency WHERE key = %(key)s AND actor = %(actor)s",
    "sqlite": "SELECT digest, status, body FROM _idempotency WHERE key = ? AND actor = ?",
}
_KEEP = {
    "postgresql": """
        UPDATE _idempotency SET status = %(status)s, body = %(body)s WHERE key = %(key)s AND actor = %(actor)s""",
    "sqlite": "UPDATE _idempotency SET status = ?, body = ? WHERE key = ? AND actor = ?",
}
_FORGET = {
    "postgresql": """
        DELETE FROM _idempotency WHERE (key, actor) IN
        (SELECT key, actor FROM _idempotency WHERE created_at < %(before)s LIMIT %(limit)s) RETURNING key""",
    "sqlite": """
        DELETE FROM _idempotency WHERE (key, actor) IN
        (SELECT key, actor FROM _idempotency WHERE created_at < ? LIMIT ?) RETURNING key""",
}
