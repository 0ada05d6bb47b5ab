"""What anybody may fetch: the pages' own assets and the sign of life."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Flask, Response, request

from blueprints.limits import UNKNOWN_ADDRESS
from blueprints.policies import OPEN, Route
from blueprints.policies import mount as mount_routes
from metadata.problems import NotFound

_FOLDER = Path(__file__).resolve().parents[1] / "static"


def mount(app: Flask) -> None:
    mount_routes(app, "public", "", ROUTES)


@cache
def _assets() -> dict[str, tuple[bytes, str, str]]:
    """Name -> content, media type, tag. Read once: names from outside never touch the file system."""
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        content = path.read_bytes()
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found[path.name] = (content, media_type, hashlib.sha256(content).hexdigest()[:20])
    return found


def asset(name: str) -> Response:
    if name not in _assets():
        raise NotFound(UNKNOWN_ADDRESS())
    content, media_type, tag = _assets()[name]
    response = Response(content, mimetype=media_type)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.set_etag(tag)
    response.make_conditional(request)
    return response


def alive() -> Response:
    return Response("ok\n", mimetype="text/plain")


ROUTES = (
    Route("/assets/<name>", "GET", asset, OPEN),
    Route("/healthz", "GET", alive, OPEN),
)
