"""How JSON leaves: orjson bytes, with the exact values that clients rely on."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response


def json_bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def json_answer(value: Any, status: int = 200) -> Response:
    return Response(json_bytes(value), status, content_type="application/json")


def created(value: Any, location: str | None) -> Response:
    response = json_answer(value, 201)
    if location is not None:
        response.headers["Location"] = location
    return response


def no_content() -> Response:
    return Response(status=204)
