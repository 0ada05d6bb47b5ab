"""The generated pages: menu, lists, records, forms, imports, jobs."""

from __future__ import annotations

from flask import Flask, Response, make_response, redirect, request

from blueprints import context
from blueprints.app import finding, forms, lists, records, transfers
from blueprints.app.shell import menu, page
from blueprints.auth.pages import remember_language, safe_path
from blueprints.limits import UNKNOWN_ADDRESS
from blueprints.policies import PAGE, PAGE_FILES, Route
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
    Route("/app/-/suggest/<entity>", "GET", finding.suggest, PAGE),
    Route("/app/-/jobs/<id>", "GET", transfers.job, PAGE),
    Route("/app/-/jobs/<id>/cancel", "POST", transfers.cancel_job, PAGE),
    Route("/app/<entity>", "GET", lists.find, PAGE),
    Route("/app/<entity>/new", "GET", forms.new, PAGE),
    Route("/app/<entity>/new", "POST", forms.create_post, PAGE_FILES),
    Route("/app/<entity>/import", "GET", transfers.import_, PAGE),
    Route("/app/<entity>/import", "POST", transfers.import_post, PAGE_FILES),
    Route("/app/<entity>/<id>", "GET", records.show, PAGE),
    Route("/app/<entity>/<id>/edit", "GET", forms.edit, PAGE),
    Route("/app/<entity>/<id>/edit", "POST", forms.edit_post, PAGE_FILES),
    Route("/app/<entity>/<id>/delete", "GET", records.delete, PAGE),
    Route("/app/<entity>/<id>/delete", "POST", records.delete_post, PAGE),
    Route("/app/<entity>/<id>/restore", "POST", records.restore, PAGE),
)


def mount(app: Flask) -> None:
    mount_routes(app, "app", "", ROUTES)
