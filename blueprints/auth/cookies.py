"""The session cookie: how it is set and taken away."""

from __future__ import annotations

from flask import Response, request

from blueprints import context
from runtime.accounts import SignedIn, digest


def held() -> str:
    """The hash of the session that the browser holds, or an empty text."""
    secret = request.cookies.get(context.cookie_name(), "")
    return digest(secret) if secret else ""


def give(response: Response, signed_in: SignedIn) -> None:
    response.set_cookie(
        context.cookie_name(),
        signed_in.secret,
        expires=signed_in.expires_at,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def take(response: Response) -> None:
    response.delete_cookie(context.cookie_name(), path="/", secure=request.is_secure, httponly=True, samesite="Lax")
