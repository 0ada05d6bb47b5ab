"""The person's notifications: how many are unread, the list of them, reading them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.answers import no_content
from blueprints.app.finding import titles
from blueprints.app.shell import page, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.ids import is_uuid
from runtime import notifications
from runtime.notifications import Notification
from runtime.workspace import Workspace

_AT_ONCE = 40
_ICONS = {
    "assigned": "user-check",
    "assigned_many": "users",
    "reminder": "alarm",
    "reminder.contact": "phone-call",
    "mention": "at",
    "mention_many": "at",
    "mention_unseen": "user-x",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One notification as its reader sees it. `url` is empty when what it is about is out of reach by now."""

    id: str
    said: str
    about: str
    url: str
    icon: str
    iso: str
    at: str
    read: bool


def notices() -> Response:
    """What happened that concerns the person, newest first."""
    return context.perform(_notices)


def _notices(ws: Workspace) -> Response:
    found, next = notifications.listing(ws, _AT_ONCE, request.args.get("after"))
    shown = _shown(ws, found)
    more = url_for("app.notices", after=next) if next else None
    return page(ws, "notices.html", notices=shown, more=more, any_unread=any(not each.read for each in shown))


def _shown(ws: Workspace, found: Sequence[Notification]) -> list[Shown]:
    words, reading = Words(context.language()), text_context(ws)
    names = _names(ws, found, reading)
    zone = reading.timezone
    return [_show(ws, each, names, words, zone) for each in found]


def _names(ws: Workspace, found: Iterable[Notification], reading: TextContext) -> dict[tuple[str, str], str]:
    """How the records are called that notifications are about: one question for each entity, by today's rights."""
    wanted: dict[str, list[str]] = {}
    for each in found:
        if each.entity and each.record and is_uuid(each.record):
            wanted.setdefault(each.entity, []).append(each.record)
    names = {}
    for name, ids in wanted.items():
        entity = ws.model.entity(name)
        if entity is not None and visibility.may(ws, entity, "read"):
            names.update({(name, id): title for id, title in titles(ws, name, ids, reading).items()})
    return names


def _show(ws: Workspace, each: Notification, names: dict[tuple[str, str], str], words: Words, zone: str) -> Shown:
    entity = ws.model.entity(each.entity) if each.entity else None
    what, url, about = "", "", ""
    if entity is not None and visibility.may(ws, entity, "read"):
        what = words.label(entity.plural if each.count else entity.label)
        if each.record and (each.entity or "", each.record) in names:
            about = names[each.entity or "", each.record] or each.record[:8]
            url = url_for("app.show", entity=entity.key, id=each.record)
        elif not each.record:
            url = url_for("app.find", entity=entity.key)
        else:
            about = words.notice_out_of_reach
    elif each.job:
        url = url_for("app.job", id=each.job)
    elif each.approval:
        url = url_for("app.approval", id=each.approval)
    elif entity is not None:
        about = words.notice_out_of_reach
    said = notifications.subject(each.kind, words.lang, what=what, count=each.count) if what or each.job else ""
    if each.kind in ("assigned", "mention") and said and each.who:
        said = words("notice_by", said=said, who=each.who)
    at = each.at.astimezone(_zone(zone))
    icon = _ICONS.get(each.kind, "alert-triangle" if each.kind.endswith(".failed") else "circle-check")
    if each.approval:
        icon = "writing-sign"
    return Shown(
        each.id, said or each.subject, about, url, icon, each.at.isoformat(), f"{at:%Y-%m-%d %H:%M}", each.read
    )


def _zone(name: str) -> dt.tzinfo:
    return ZoneInfo(name)


def unread() -> Response:
    """How many are unread, for the bell: an empty answer for none."""
    count = context.perform(notifications.unread)
    most = notifications.MOST_UNREAD
    return Response(f"{most}+" if count > most else str(count or ""), mimetype="text/html")


def read_notice(id: str) -> Response:
    """Open what a notification is about, which is then read."""
    context.perform(lambda ws: notifications.mark_read(ws, [id] if is_uuid(id) else []), write=True)
    return no_content() if not request.accept_mimetypes.accept_html else _back()


def read_all_notices() -> Response:
    """Nothing is new any more."""
    context.perform(notifications.mark_read, write=True)
    return _back()


def _back() -> Response:
    return make_response(redirect(url_for("app.notices"), 303))


ROUTES = (
    Route("/app/-/notifications", "GET", notices, PAGE),
    Route("/app/-/notifications/unread", "GET", unread, PAGE),
    Route("/app/-/notifications/read", "POST", read_all_notices, PAGE),
    Route("/app/-/notifications/<id>/read", "POST", read_notice, PAGE),
)
