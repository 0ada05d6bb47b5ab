"""The person's choices of notifications: by which way each kind comes, and when it is to be quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.calendars import WEEKDAYS
from metadata.problems import Invalid, Problem
from runtime.notifications import choices
from runtime.notifications.choices import Choices
from runtime.notifications.kinds import GROUPS, WAYS
from runtime.notifications.quiet import clock_of
from runtime.workspace import Workspace

_FROM, _UNTIL = "22:00", "08:00"


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    label: str
    chosen: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Kind:
    id: str
    label: str
    help: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


def notice_settings() -> Response:
    return context.perform(_page)


def notice_settings_post() -> Response:
    """Keep what was chosen; what is wrong is told on the same page."""
    sent = _sent()
    try:
        context.perform(lambda ws: choices.put(ws, sent), write=True)
    except Invalid as error:
        refused = error.problems
        response = context.perform(lambda ws: _page(ws, refused))
        response.status_code = error.status
        return response
    return make_response(redirect(url_for("app.notice_settings", done="notice_settings_saved"), 303))


def _sent() -> dict[str, Any]:
    form = request.form
    kinds = {
        each.id: {way: way in each.fixed or form.get(f"{each.id}.{way}") == "1" for way in WAYS}
        for each in GROUPS.values()
    }
    if form.get("quiet") != "1":
        return {"kinds": kinds, "quiet": None}
    quiet = {
        "from": form.get("from", "").strip() or None,
        "until": form.get("until", "").strip() or None,
        "days": form.getlist("days"),
        "calendar": form.get("calendar", "").strip() or None,
    }
    return {"kinds": kinds, "quiet": quiet}


def _page(ws: Workspace, problems: Sequence[Problem] = ()) -> Response:
    words, mine = Words(context.language()), choices.mine(ws)
    settings = ws.host.settings
    quiet = mine.quiet
    return page(
        ws,
        "notice_settings.html",
        kinds=_kinds(words, mine),
        ways=[words(f"notice_{way}") for way in WAYS],
        problems=[each.message(words.lang) for each in problems],
        address=str(ws.actor.attributes.get("email") or ""),
        sends_mail=bool(settings.smtp_url and settings.mail_from),
        quiet=quiet is not None,
        start=clock_of(quiet.start) if quiet is not None and quiet.start is not None else ("" if quiet else _FROM),
        end=clock_of(quiet.end) if quiet is not None and quiet.end is not None else ("" if quiet else _UNTIL),
        days=[Choice(each, words(f"day_{each}"), quiet is not None and each in quiet.days) for each in WEEKDAYS],
        calendars=[
            Choice(each.key, words.label(each.label), quiet is not None and quiet.calendar == each.id)
            for each in ws.model.all("calendars")
        ],
        zone=ws.actor.timezone.replace("_", " "),
    )


def _kinds(words: Words, mine: Choices) -> list[Kind]:
    return [
        Kind(
            group.id,
            words.label(group.label),
            words.label(group.help),
            tuple(Way(way, words(f"notice_{way}"), way in mine.of(group), way in group.fixed) for way in WAYS),
        )
        for group in GROUPS.values()
    ]


ROUTES = (
    Route("/app/-/notifications/settings", "GET", notice_settings, PAGE),
    Route("/app/-/notifications/settings", "POST", notice_settings_post, PAGE),
)
