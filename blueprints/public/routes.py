"""What anybody may fetch: the pages' own assets and the sign of life."""

from __future__ import annotations

from flask import Flask, Response, request

from blueprints.assets import SHELF
from blueprints.limits import UNKNOWN_ADDRESS
from blueprints.policies import OPEN, Route
from blueprints.policies import mount as mount_routes
from blueprints.public import visitors
from blueprints.security import takes_gzip
from metadata.problems import NotFound


def mount(app: Flask) -> None:
    mount_routes(app, "public", "", ROUTES)


def asset(name: str) -> Response:
    """One file of the pages. A hashed name is kept by browsers for good; any other is asked for again."""
    try:
        found = SHELF.file(name)
    except NotFound:
        raise NotFound(UNKNOWN_ADDRESS()) from None
    zipped = found.zipped if takes_gzip(request) else None
    response = Response(found.content if zipped is None else zipped, mimetype=found.media_type)
    if zipped is not None:
        response.headers["Content-Encoding"] = "gzip"
    if found.zipped is not None:
        response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if found.hashed else "public, max-age=300"
    response.set_etag(found.tag if zipped is None else f"{found.tag}-gzip")
    response.make_conditional(request)
    return response


def alive() -> Response:
    return Response("ok\n", mimetype="text/plain")


ROUTES = (
    *visitors.ROUTES,
    Route("/assets/<name>", "GET", asset, OPEN),
    Route("/healthz", "GET", alive, OPEN),
)
