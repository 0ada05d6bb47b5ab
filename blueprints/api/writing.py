"""How a write is answered: in one transaction with its effects, and once for each Idempotency-Key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_bytes
from runtime import idempotency
from runtime.workspace import Workspace

Command = Callable[[Workspace], "Written"]


class Written:
    """What a write answers: a status, JSON data (None: nothing), and where the new thing is."""

    __slots__ = ("location", "status", "value")

    def __init__(self, value: Any, status: int = 200, location: str | None = None) -> None:
        self.value, self.status, self.location = value, status, location


def asked(*parts: object) -> bytes:
    """What a request with files asks for, in place of its body: multipart bodies differ each time they are sent."""
    return repr(parts).encode()


def write(command: Command, body: bytes = b"", channel: str | None = None) -> Response:
    """Run a write. A repeated Idempotency-Key gets the first answer again and changes nothing."""
    key = request.headers.get("Idempotency-Key")

    def once(ws: Workspace) -> tuple[int, bytes, str | None, bool]:
        if key is not None:
            # The tenant is in the table's place; the query string says what is meant as much as the path. A token may
            # read less than another of the same person, so it does not get the other's answers.
            token = ws.session.id if ws.session is not None else ""
            digest = idempotency.digest(request.method, f"{request.full_path}#{token}", body)
            held = idempotency.begin(ws, key, digest)
            if held is not None:
                location, _, text = held.body.partition("\n")
                return held.status, text.encode(), location or None, True
        written = command(ws)
        data = b"" if written.value is None else json_bytes(written.value)
        if key is not None:
            idempotency.finish(ws, key, written.status, f"{written.location or ''}\n{data.decode()}")
        return written.status, data, written.location, False

    status, data, location, repeated = context.perform(once, write=True, channel=channel)
    response = Response(data, status, content_type="application/json" if data else None)
    if not data:
        response.headers.pop("Content-Type", None)
    if location is not None:
        response.headers["Location"] = location
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response
