"""What a person chooses about the frame: workspace, theme, language, time zone."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, make_response, redirect, request

from blueprints import context
from blueprints.answers import no_content
from blueprints.app.shell import WORKSPACE_COOKIE, menu, page
from blueprints.auth.cookies import keep
from blueprints.auth.pages import safe_path
from blueprints.limits import UNKNOWN_ADDRESS, UNKNOWN_KEY
from blueprints.policies import PAGE, Route
from metadata.problems import BadRequest, Invalid, NotFound, kind
from runtime import preferences
from runtime.workspace import Workspace

_KNOWN = ("theme", "language", "timezone")

BAD_THEME = kind(
    "preference_theme",
    en="There is no appearance called {theme}. Choose one of: {known}.",
    zh="没有名为 {theme} 的外观。可选：{known}。",
)


def workspace(key: str) -> Response:
    """Show another workspace's menu from now on, and its first page."""
    return context.perform(lambda ws: _workspace(ws, key))


def _workspace(ws: Workspace, key: str) -> Response:
    group = next((each for each in menu(ws, context.language()) if each.key == key), None)
    if group is None:
        raise NotFound(UNKNOWN_ADDRESS())
    response = make_response(redirect(group.url, 303))
    keep(response, WORKSPACE_COOKIE, key)
    return response


def prefer() -> Response:
    """Choose theme, language or time zone: kept for the account, and in this browser for the next page."""
    chosen = {name: value for name, value in request.form.items() if name != "csrf"}
    if unknown := [name for name in chosen if name not in _KNOWN]:
        raise BadRequest([UNKNOWN_KEY(name, key=name, known=_KNOWN) for name in unknown])
    context.perform(lambda ws: _keep(ws, chosen), write=True)
    wants_page = request.accept_mimetypes.accept_html
    response = make_response(redirect(came_from(), 303)) if wants_page else no_content()
    for name, cookie in (("theme", context.THEME_COOKIE), ("language", context.LANGUAGE_COOKIE)):
        if name in chosen:
            keep(response, cookie, chosen[name])
    return response


def _keep(ws: Workspace, chosen: Mapping[str, str]) -> None:
    if (theme := chosen.get("theme")) is not None:
        if theme not in context.THEMES:
            raise Invalid(BAD_THEME("theme", theme=theme[:40], known=context.THEMES))
        preferences.put(ws, "theme", theme)
    if (language := chosen.get("language")) is not None:
        preferences.speak(ws, language)
    if (timezone := chosen.get("timezone")) is not None:
        preferences.live_in(ws, timezone)


def create_menu() -> Response:
    """Everything that the person may create, as a page: for browsers without scripts."""
    return context.perform(lambda ws: page(ws, "create.html"))


def came_from() -> str:
    """The page of ours on which something was chosen, else the first page."""
    start = request.host_url.rstrip("/")
    before = request.referrer or ""
    return safe_path(before.removeprefix(start)) if before.startswith(start + "/") else request.script_root + "/"


ROUTES = (
    Route("/app/-/workspace/<key>", "GET", workspace, PAGE),
    Route("/app/-/preferences", "POST", prefer, PAGE),
    Route("/app/-/create", "GET", create_menu, PAGE),
)
