"""The session cookie: how it is set and taken away."""

from __future__ import annotations

from flask import Response, request

from blueprints import context
from runtime import preferences
from runtime.accounts import SignedIn, digest
from runtime.workspace import AsUser, open_workspace

_YEAR = 31_536_000


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


def keep(response: Response, name: str, value: str) -> None:
    """Let the browser remember a choice that is no secret."""
    response.set_cookie(name, value, max_age=_YEAR, path="/", secure=request.is_secure, samesite="Lax")


def keep_choices(response: Response, user: str, language: str | None = None) -> None:
    """Bring what somebody who has just signed in chose elsewhere: the theme, and the language unless one was chosen
    on the way in."""
    with open_workspace(context.host(), context.tenant(), AsUser(user)) as ws:
        theme, spoken = preferences.get(ws, "theme"), language or preferences.get(ws, "language")
    for name, value in ((context.THEME_COOKIE, theme), (context.LANGUAGE_COOKIE, spoken)):
        if isinstance(value, str):
            keep(response, name, value)
