"""The session and one's own tokens for programs in a browser: JSON in, JSON out."""

from __future__ import annotations

from flask import Response, request

from blueprints import context, security
from blueprints.answers import created, json_answer, no_content
from blueprints.auth import cookies
from blueprints.limits import json_object, require_keys
from metadata.problems import Unauthenticated
from runtime import accounts, tokens
from runtime.workspace import Workspace


def begin() -> Response:
    """Sign in: `{"login", "password"}`. The answer holds the secret that writes by cookie have to send."""
    security.require_own_origin(request)
    body, _ = json_object(request)
    require_keys(body, "login", "password")
    signed_in = accounts.sign_in(
        context.host(),
        context.tenant(),
        body.get("login"),
        body.get("password"),
        address=request.remote_addr or "",
        agent=request.user_agent.string,
        replaces=cookies.held(),
    )
    answer = {"user": signed_in.user, "csrf": signed_in.csrf, "expires_at": signed_in.expires_at.isoformat()}
    response = created(answer, None)
    cookies.give(response, signed_in)
    return response


def show() -> Response:
    """Who is signed in."""
    return json_answer(context.perform(_session))


def _session(ws: Workspace) -> dict[str, object]:
    roles = [role.key for id in ws.actor.roles if (role := ws.model.role(id))]
    return {
        "user": ws.actor.user,
        "name": ws.actor.name,
        "roles": roles,
        "language": ws.actor.language,
        "timezone": ws.actor.timezone,
        "csrf": ws.session.csrf if ws.session else None,
    }


def end() -> Response:
    """Sign out."""
    secret = request.cookies.get(context.cookie_name(), "")
    context.perform(lambda ws: accounts.sign_out(ws, secret), write=True)
    response = no_content()
    cookies.take(response)
    return response


def own(ws: Workspace) -> str:
    """The user who is signed in. Raises Unauthenticated."""
    if ws.actor.user is None:
        raise Unauthenticated(context.SIGN_IN())
    return ws.actor.user


def tokens_() -> Response:
    """One's own living tokens, without their secrets."""
    return json_answer({"data": context.perform(lambda ws: tokens.living(ws, own(ws)))})


def create_token() -> Response:
    """A new token: `{"name", "scopes", "role", "days"}`. Its secret is in this answer and nowhere else."""
    body, _ = json_object(request)
    require_keys(body, "name", "scopes", "role", "days")

    def command(ws: Workspace) -> tokens.Issued:
        days = body.get("days", tokens.DAYS)
        return tokens.create(ws, own(ws), body.get("name"), body.get("scopes"), role=body.get("role"), days=days)

    issued = context.perform(command, write=True)
    answer = {"id": issued.id, "token": issued.secret, "expires_at": issued.expires_at.isoformat()}
    return created(answer, None)


def revoke_token(id: str) -> Response:
    context.perform(lambda ws: tokens.revoke(ws, own(ws), id), write=True)
    return no_content()
