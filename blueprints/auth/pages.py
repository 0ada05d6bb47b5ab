"""The sign-in page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template, request

from blueprints import context, security
from blueprints.auth import cookies
from blueprints.texts import Words
from metadata.problems import LANGUAGES, TooMany, Unauthenticated
from runtime import accounts


def sign_in() -> Response:
    """The form. `?lang=` is remembered."""
    notice = Words(context.language()).password_changed if request.args.get("changed") else ""
    response = make_response(_page(request.args.get("next", "/"), notice=notice))
    if request.args.get("lang"):
        remember_language(response, context.language())
    return response


def sign_in_post() -> Response:
    """Try a name and a password."""
    security.require_own_origin(request)
    next, login = request.form.get("next", "/"), request.form.get("login", "")
    try:
        signed_in = accounts.sign_in(
            context.host(),
            context.tenant(),
            login,
            request.form.get("password", ""),
            address=request.remote_addr or "",
            agent=request.user_agent.string,
            replaces=cookies.held(),
        )
    except (Unauthenticated, TooMany) as error:
        messages = [each.message(context.language()) for each in error.problems]
        response = make_response(_page(next, login, messages), error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = make_response(redirect(request.script_root + safe_path(next), 303))
    cookies.give(response, signed_in)
    cookies.keep_choices(response, signed_in.user, _chosen_language() or None)
    return response


def sign_out() -> Response:
    """End this session."""
    secret = request.cookies.get(context.cookie_name(), "")
    context.perform(lambda ws: accounts.sign_out(ws, secret), write=True)
    response = make_response(redirect(request.script_root + "/auth/sign-in", 303))
    cookies.take(response)
    return response


def remember_language(response: Response, code: str) -> None:
    cookies.keep(response, context.LANGUAGE_COOKIE, code)


def safe_path(target: str) -> str:
    """A path on this site and nothing else, whatever a link asked for."""
    try:
        parts = urlsplit(target.replace("\\", "/"))
    except ValueError:  # brackets that hold no address
        return "/"
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if plain and not parts.scheme and not parts.netloc else "/"


def _chosen_language() -> str:
    """The language that was chosen on this page, which then counts more than the one of the account."""
    asked = request.args.get("lang") or request.form.get("lang", "")
    return asked if asked in LANGUAGES else ""


def _page(next: str, login: str = "", messages: list[str] | None = None, notice: str = "") -> str:
    tenant = context.tenant()
    return render_template(
        "sign_in.html",
        next=safe_path(next),
        login=login[:200],
        messages=messages or [],
        notice=notice,
        tenant_label=tenant.label or tenant.name,
        chosen_language=_chosen_language(),
    )
