"""What protects the browser: headers on every answer, and proof that a write by cookie comes from our own pages."""

from __future__ import annotations

import gzip
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request

from metadata.problems import Forbidden, kind

TOKEN_HEADER = "X-CSRF-Token"
TOKEN_FIELD = "csrf"
_MASKED = "m."
_SMALL = 1024
_LEVEL = 2

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

PAGE_POLICY = (
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
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=()",
}


def install(app: Flask) -> None:
    app.after_request(lambda response: _compress(_protect(response)))


def _protect(response: Response) -> Response:
    headers = response.headers
    present = {name.lower() for name, _ in headers}
    for name, value in _ALWAYS.items():
        if name.lower() not in present:
            headers.add(name, value)
    if "content-security-policy" not in present:
        headers.add("Content-Security-Policy", PAGE_POLICY if response.mimetype == "text/html" else _DATA)
    if "cache-control" not in present:
        headers.add("Cache-Control", "no-store")
        headers["Vary"] = "Cookie, Authorization, Accept, Accept-Language, Accept-Encoding"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _compress(response: Response) -> Response:
    """Send a page in fewer bytes. Not when another site caused the request: it could learn from the sizes."""
    if (
        response.mimetype != "text/html"
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or not takes_gzip(request)
        or request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
    ):
        return response
    content = response.get_data()
    if len(content) > _SMALL:
        response.set_data(gzip.compress(content, _LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip(request: Request) -> bool:
    return request.accept_encodings.quality("gzip") > 0


def require_own_origin(request: Request) -> None:
    """Refuse an unsafe request that a browser says another site made. Raises Forbidden."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden(FOREIGN())
    origin = request.headers.get("Origin")
    # Host alone is compared: behind a proxy the scheme that we see is not the browser's.
    if origin is not None and _host_of(origin) != request.host.lower():
        raise Forbidden(FOREIGN())


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets that hold no address
        return ""


def sent_token(request: Request) -> str:
    """The secret that the caller sent, in a header or a form. Reads the form: call it before a transaction opens."""
    sent = request.headers.get(TOKEN_HEADER)
    if sent is None and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        sent = request.form.get(TOKEN_FIELD)
    return sent or ""


def require_token(sent: str, expected: str) -> None:
    """Refuse a request by cookie without the secret of its session, plain or masked. Raises Forbidden."""
    if not expected or not hmac.compare_digest(_unmasked(sent).encode(), expected.encode()):
        raise Forbidden(NO_TOKEN())


def masked(secret: str) -> str:
    """The secret of a session as a page holds it: other letters each time, so that the size of a compressed page,
    which may repeat what a caller sent, says nothing about it."""
    plain = secret.encode()
    pad = secrets.token_bytes(len(plain))
    return f"{_MASKED}{pad.hex()}{_xor(plain, pad).hex()}"


def _unmasked(sent: str) -> str:
    if not sent.startswith(_MASKED):
        return sent
    try:
        both = bytes.fromhex(sent.removeprefix(_MASKED))
        return _xor(both[: len(both) // 2], both[len(both) // 2 :]).decode()
    except ValueError:
        return ""


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
