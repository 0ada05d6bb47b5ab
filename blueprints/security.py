"""What protects the browser: headers on every answer, and proof that a write by cookie comes from our own pages."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request

from metadata.problems import Forbidden, kind

TOKEN_HEADER = "X-CSRF-Token"
TOKEN_FIELD = "csrf"

FOREIGN = kind(
    "foreign_origin",
    en="This request comes from another site. Open the page here and try again.",
    zh="此请求来自其他网站。请在本站打开页面后重试。",
)
NO_TOKEN = kind(
    "csrf_token",
    en="The form is out of date. Load the page again and repeat what you did.",
    zh="表单已过期。请重新加载页面后再操作。",
)

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DATA = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def install(app: Flask) -> None:
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    headers = response.headers
    for name, value in _ALWAYS.items():
        headers[name] = value
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = _PAGE if response.mimetype == "text/html" else _DATA
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
        headers["Vary"] = "Cookie, Authorization, Accept, Accept-Language"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def require_own_origin(request: Request) -> None:
    """Refuse an unsafe request that a browser says another site made. Raises Forbidden."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden(FOREIGN())
    origin = request.headers.get("Origin")
    # Host alone is compared: behind a proxy the scheme that we see is not the browser's.
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise Forbidden(FOREIGN())


def sent_token(request: Request) -> str:
    """The secret that the caller sent, in a header or a form. Reads the form: call it before a transaction opens."""
    sent = request.headers.get(TOKEN_HEADER)
    if sent is None and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        sent = request.form.get(TOKEN_FIELD)
    return sent or ""


def require_token(sent: str, expected: str) -> None:
    """Refuse a request by cookie without the secret of its session. Raises Forbidden."""
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Forbidden(NO_TOKEN())
