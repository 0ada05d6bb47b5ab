"""The front door: sign-in page, session as JSON, one's own password and tokens."""

from __future__ import annotations

from flask import Flask

from blueprints.auth import account, pages, sessions
from blueprints.policies import PAGE, SESSION, VISITOR, VISITOR_API, Route
from blueprints.policies import mount as mount_routes

ROUTES = (
    Route("/sign-in", "GET", pages.sign_in, VISITOR),
    Route("/sign-in", "POST", pages.sign_in_post, VISITOR),
    Route("/sign-out", "POST", pages.sign_out, PAGE),
    Route("/session", "POST", sessions.begin, VISITOR_API),
    Route("/session", "GET", sessions.show, SESSION),
    Route("/session", "DELETE", sessions.end, SESSION),
    Route("/tokens", "GET", sessions.tokens_, SESSION),
    Route("/tokens", "POST", sessions.create_token, SESSION),
    Route("/tokens/<id>", "DELETE", sessions.revoke_token, SESSION),
    Route("/account", "GET", account.account, PAGE),
    Route("/account/password", "POST", account.change_password, PAGE),
    Route("/account/tokens", "POST", account.create_token_page, PAGE),
    Route("/account/tokens/<id>/revoke", "POST", account.revoke_token_page, PAGE),
)


def mount(app: Flask) -> None:
    mount_routes(app, "auth", "/auth", ROUTES)
