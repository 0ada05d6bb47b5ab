"""The inbox: what waits for the person, in groups by when it is due, and what can be done with it in one tap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.answers import no_content
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.fieldtypes.dates import local
from metadata.ids import is_uuid
from metadata.problems import NotFound
from runtime import inbox as inboxes
from runtime import records
from runtime.inbox import KINDS, MOST_COUNTED
from runtime.processes.books import TASK
from runtime.queries.query import not_found
from runtime.workspace import Workspace

_AT_ONCE = 50
_CURSOR = 4_000
_LONGEST_REASON = 2_000
_ICONS = {"person": "checkbox", "workflow": "route", "rule": "bolt", "sla": "clock", "approval": "writing-sign"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that waits. `task`: its id where it can be completed here."""

    title: str
    url: str
    icon: str
    kind: str
    who: str
    about: str
    about_url: str
    due: str
    iso: str
    high: bool
    task: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    key: str
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    current: bool
    count: str


def inbox_() -> Response:
    """`?kind=` narrows it to tasks of one kind, or to approvals."""
    return context.perform(_shown)


def _shown(ws: Workspace) -> Response:
    reader = reader_of(ws)
    kind = next((each for each in KINDS if each == request.args.get("kind")), None)
    found = inboxes.inbox(ws, kind, _AT_ONCE, request.args.get("after", "")[:_CURSOR] or None)
    counts = inboxes.counts(ws)
    task = ws.model.entity(TASK)
    may_create = task is not None and visibility.may(ws, task, "create")
    more = url_for("app.inbox", kind=kind, after=found["next"]) if found["next"] else None
    return page(
        ws,
        "inbox.html",
        parts=_parts(reader, found["data"]),
        tabs=_tabs(reader, counts, kind),
        kind=kind,
        more=more,
        new=url_for("app.new", entity=task.key) if task is not None and may_create else None,
        may_write=task is not None and visibility.may(ws, task, "update"),
        done=_note(reader),
        undo=_undo(),
    )


def _note(reader: Reader) -> str:
    """What was just done, told by the page that follows it."""
    did = request.args.get("did", "")
    return reader.words(f"inbox_{did}_note") if did in ("done", "later", "dropped") else ""


def _undo() -> str:
    id = request.args.get("task", "")
    return url_for("app.inbox_open", id=id) if request.args.get("did") in ("done", "dropped") and is_uuid(id) else ""


def _tabs(reader: Reader, counts: Mapping[Any, int], kind: str | None) -> list[Tab]:
    words = reader.words
    found = [Tab(words.inbox_kind_all, url_for("app.inbox"), kind is None, _number(sum(counts.values())))]
    for each in KINDS:
        if counts[each] or each == kind:
            label, place = words(f"inbox_kind_{each}"), url_for("app.inbox", kind=each)
            found.append(Tab(label, place, each == kind, _number(counts[each])))
    return found


def _number(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")


def _parts(reader: Reader, items: Sequence[Mapping[str, Any]]) -> list[Part]:
    found = []
    for group, some in groupby(items, key=lambda each: str(each["group"])):
        rows = tuple(_row(reader, each) for each in some)
        found.append(Part(group, reader.words(f"inbox_group_{group}"), rows))
    return found


def _row(reader: Reader, item: Mapping[str, Any]) -> Row:
    words, about, who = reader.words, item["about"], (item["from"] or {}).get("name", "")
    of_task = item["kind"] != "approval"
    if of_task:
        url, kind = url_for("app.show", entity=_task_key(reader.ws), id=item["id"]), ""
    else:
        url = url_for("app.approval", id=item["request"], task=item["id"])
        kind = " · ".join(each for each in (item["approval"], item["step"]) if each)
    entity = reader.ws.model.entity(about["entity"]) if about else None
    return Row(
        item["title"] or words("approval_no_title"),
        url,
        _ICONS[item["kind"]],
        kind or ("" if who and item["kind"] == "person" else words(f"inbox_kind_{item['kind']}")),
        who,
        (about["title"] or about["id"][:8]) if about else "",
        url_for("app.show", entity=entity.key, id=about["id"]) if entity is not None and about else "",
        _when(reader, item["due"]),
        item["due"] or "",
        item.get("priority") == "high",
        item["id"] if of_task else "",
    )


def _task_key(ws: Workspace) -> str:
    task = ws.model.entity(TASK)
    return task.key if task is not None else TASK


def _when(reader: Reader, due: str | None) -> str:
    if not due:
        return ""
    return due if len(due) == 10 else f"{reader.moment(due):%Y-%m-%d %H:%M}"


def inbox_count() -> Response:
    """How much waits, for the menu: an empty answer for nothing."""
    return Response(_number(context.perform(inboxes.count)), mimetype="text/html")


# -- one tap


def inbox_done(id: str) -> Response:
    """Complete a task."""
    return _did(id, "done", {"status": "done"})


def inbox_open(id: str) -> Response:
    """Take it back: the task waits again."""
    return _did(id, "", {"status": "open"})


def inbox_drop(id: str) -> Response:
    """Say that a task will not be done, and why."""
    why = request.form.get("why", "").strip()[:_LONGEST_REASON]
    return _did(id, "dropped", {"status": "dropped", **({"result": why} if why else {})})


def inbox_later(id: str) -> Response:
    """Put a task off: `?to=tomorrow|week|month`."""
    to = request.form.get("to", "")

    def changes(ws: Workspace) -> dict[str, Any]:
        return {"due": _later(to, local(ws.now, ws.actor.timezone).date()).isoformat()}

    return _did(id, "later", changes)


def _later(to: str, today: dt.date) -> dt.date:
    match to:
        case "week":
            return today + dt.timedelta(days=7 - today.weekday())
        case "month":
            return today + dt.timedelta(days=30)
    return today + dt.timedelta(days=1)


def _did(id: str, note: str, changes: Any) -> Response:
    def command(ws: Workspace) -> None:
        entity = ws.model.entity(TASK)
        if entity is None or not is_uuid(id):
            raise NotFound(not_found(entity="task"))
        given = changes(ws) if callable(changes) else changes
        due = entity.fields.get("due")
        if "due" in given and due is not None and due.type == "datetime":
            day = dt.date.fromisoformat(given["due"])
            given = {"due": dt.datetime.combine(day, dt.time(18), ZoneInfo(ws.actor.timezone)).isoformat()}
        # By today's keys: a package may have renamed the fields.
        named = {entity.fields[each].key: value for each, value in given.items() if each in entity.fields}
        records.update(ws, entity, id, named, confirm=("*",))

    context.perform(command, write=True)
    if not request.accept_mimetypes.accept_html:
        return no_content()
    place: dict[str, Any] = {"kind": request.args.get("kind"), "did": note or None, "task": id if note else None}
    return make_response(redirect(url_for("app.inbox", **place), 303))


ROUTES = (
    Route("/app/-/inbox", "GET", inbox_, PAGE),
    Route("/app/-/inbox/count", "GET", inbox_count, PAGE),
    Route("/app/-/inbox/<id>/done", "POST", inbox_done, PAGE),
    Route("/app/-/inbox/<id>/open", "POST", inbox_open, PAGE),
    Route("/app/-/inbox/<id>/drop", "POST", inbox_drop, PAGE),
    Route("/app/-/inbox/<id>/later", "POST", inbox_later, PAGE),
)
