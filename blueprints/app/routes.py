"""The generated pages: menu, lists, records, forms, imports, jobs."""

from __future__ import annotations

from flask import Flask, Response, make_response, redirect

from blueprints import context
from blueprints.app import (
    boards,
    choices,
    composing,
    dashboards,
    deleting,
    divisions,
    finding,
    first_run,
    forms,
    inbox,
    lists,
    mentioning,
    merging,
    notice_settings,
    notices,
    palette,
    pooling,
    presence,
    previews,
    processes,
    records,
    recycling,
    related_page,
    sharing,
    sla,
    stages,
    transfers,
)
from blueprints.app.approvals import asking as approval_asking
from blueprints.app.approvals import boxes as approval_boxes
from blueprints.app.approvals import by_mail as approval_by_mail
from blueprints.app.approvals import one as approval_one
from blueprints.app.approvals import times as approval_times
from blueprints.app.choices import came_from
from blueprints.app.shell import current_group, menu, page
from blueprints.auth.pages import remember_language
from blueprints.limits import UNKNOWN_ADDRESS
from blueprints.policies import PAGE, VISITOR, Route
from blueprints.policies import mount as mount_routes
from metadata.problems import LANGUAGES, NotFound
from runtime.workspace import Workspace


def home() -> Response:
    """Where the person's workspace begins."""
    return context.perform(_home)


def _home(ws: Workspace) -> Response:
    if steps := first_run.steps(ws, context.language()):
        return page(ws, "home.html", steps=steps)
    group = current_group(menu(ws, context.language()))
    return make_response(redirect(group.url, 303)) if group is not None else page(ws, "home.html")


def speak(code: str) -> Response:
    """Choose the language of the pages and go back to where it was chosen."""
    if code not in LANGUAGES:
        raise NotFound(UNKNOWN_ADDRESS())
    response = make_response(redirect(came_from(), 303))
    remember_language(response, code)
    return response


ROUTES = (
    Route("/", "GET", home, PAGE),
    Route("/app", "GET", home, PAGE),
    Route("/app/-/language/<code>", "GET", speak, VISITOR),
    *boards.ROUTES,
    *dashboards.ROUTES,
    *choices.ROUTES,
    *palette.ROUTES,
    *inbox.ROUTES,
    *notice_settings.ROUTES,
    *notices.ROUTES,
    *finding.ROUTES,
    *mentioning.ROUTES,
    *transfers.ROUTES,
    *recycling.ROUTES,
    *merging.ROUTES,
    *lists.ROUTES,
    *forms.ROUTES,
    *records.ROUTES,
    *stages.ROUTES,
    *composing.ROUTES,
    *presence.ROUTES,
    *previews.ROUTES,
    *divisions.ROUTES,
    *deleting.ROUTES,
    *pooling.ROUTES,
    *sharing.ROUTES,
    *sla.ROUTES,
    *processes.ROUTES,
    *related_page.ROUTES,
    *approval_boxes.ROUTES,
    *approval_times.ROUTES,
    *approval_one.ROUTES,
    *approval_asking.ROUTES,
    *approval_by_mail.ROUTES,
)
"""Addresses under `/app/-/` are the platform's own: no entity's key begins like that."""


def mount(app: Flask) -> None:
    mount_routes(app, "app", "", ROUTES)
