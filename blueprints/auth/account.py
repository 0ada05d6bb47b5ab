"""A person's own page: the password and the API tokens."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.shell import page
from blueprints.auth import cookies
from blueprints.auth.sessions import own
from metadata.problems import Invalid, Problem, TooMany
from runtime import accounts, preferences, tokens
from runtime.workspace import Workspace


def account() -> Response:
    return context.perform(_page)


def change_password() -> Response:
    """Every session ends, this one too: the next page is the sign-in."""
    user = context.perform(own)
    address = request.remote_addr or ""
    current, new = request.form.get("current"), request.form.get("new")
    try:
        accounts.change_password(context.host(), context.tenant(), user, current, new, address=address)
    except (Invalid, TooMany) as error:
        return _refused(error.status, error.problems)
    response = make_response(redirect(url_for("auth.sign_in", changed=1), 303))
    cookies.take(response)
    return response


def create_token_page() -> Response:
    days, name, scope = request.form.get("days", ""), request.form.get("name"), request.form.get("scope")
    number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else None

    def command(ws: Workspace) -> Response:
        issued = tokens.create(ws, own(ws), name, [scope], days=number)
        return _page(ws, secret=issued.secret)

    try:
        return context.perform(command, write=True)
    except Invalid as error:
        return _refused(error.status, error.problems)


def revoke_token_page(id: str) -> Response:
    context.perform(lambda ws: tokens.revoke(ws, own(ws), id), write=True)
    return make_response(redirect(url_for("auth.account"), 303))


def _refused(status: int, problems: tuple[Problem, ...]) -> Response:
    response = context.perform(lambda ws: _page(ws, problems))
    response.status_code = status
    return response


def _page(ws: Workspace, problems: tuple[Problem, ...] = (), secret: str = "") -> Response:
    lang = context.language()
    return page(
        ws,
        "account.html",
        tokens=tokens.living(ws, own(ws)),
        secret=secret,
        problems=[each.message(lang) for each in problems],
        timezone=ws.actor.timezone,
        timezones=_timezones(ws),
        now=f"{ws.now.astimezone(ZoneInfo(ws.actor.timezone)):%Y-%m-%d %H:%M}",
    )


def _timezones(ws: Workspace) -> tuple[str, ...]:
    """Those to choose from; the one that holds now is among them, whatever it is."""
    known = preferences.timezones()
    return known if ws.actor.timezone in known else (ws.actor.timezone, *known)
