"""The generated pages: menu, lists, records, forms, imports, jobs."""

from __future__ import annotations

from flask import Flask, Response, make_response, redirect, request

from blueprints import context
from blueprints.app import finding, forms, lists, records, transfers
from blueprints.app.shell import menu, page
from blueprints.auth.pages import remember_language, safe_path
from blueprints.limits import UNKNOWN_ADDRESS
from blueprints.policies import PAGE, Route
from blueprints.policies import mount as mount_routes
from metadata.problems import LANGUAGES, NotFound
from runtime.workspace import Workspace


def home() -> Response:
    """The first thing in the person's menu."""
    return context.perform(_home)


def _home(ws: Workspace) -> Response:
    for group in menu(ws, context.language()):
        for line in group.items:
            return make_response(redirect(line.url, 303))
    return page(ws, "home.html")


def speak(code: str) -> Response:
    """Choose the language of the pages and go back to where it was chosen."""
    if code not in LANGUAGES:
        raise NotFound(UNKNOWN_ADDRESS())
    came_from = request.referrer or ""
    start = request.host_url.rstrip("/")
    target = (
        safe_path(came_from.removeprefix(start)) if came_from.startswith(start + "/") else request.script_root + "/"
    )
    response = make_response(redirect(target, 303))
    remember_language(response, code)
    return response


ROUTES = (
    Route("/", "GET", home, PAGE),
    Route("/app", "GET", home, PAGE),
    Route("/app/-/language/<code>", "GET", speak, PAGE),
    *finding.ROUTES,
    *transfers.ROUTES,
    *lists.ROUTES,
    *forms.ROUTES,
    *records.ROUTES,
)
"""Addresses under `/app/-/` are the platform's own: no entity's key begins like that."""


def mount(app: Flask) -> None:
    mount_routes(app, "app", "", ROUTES)
