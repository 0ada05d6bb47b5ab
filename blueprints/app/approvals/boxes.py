"""The lists that somebody works through: what waits for him, what he decided, submitted, got copies of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.approvals import values
from blueprints.app.approvals.speaking import speaking
from blueprints.app.approvals.way import moment
from blueprints.app.reading import Reader, Value, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.problems import BadRequest, Problem
from runtime import approvals
from runtime.approvals.showing.boxes import MOST_COUNTED, Box
from runtime.approvals.showing.briefs import Brief, briefs
from runtime.workspace import Workspace

_AT_ONCE = 30
_CURSOR = 2_000
_ICONS = {
    "waiting": "writing-sign",
    "done": "checks",
    "started": "send",
    "copied": "mail",
    "given": "user-share",
}
_DUE = ("waiting", "given")
"""Boxes of what may be late."""
_TINTS = {"running": "blue", "approved": "green", "rejected": "red", "returned": "orange", "voided": "orange"}
_DECIDED = {"approved": "green", "rejected": "red", "returned": "orange", "approving": "cyan"}


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    url: str
    current: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One request in a box. `when_said` says what its time is of."""

    title: str
    url: str
    kind: str
    who: str
    summary: tuple[Value, ...]
    node: str
    when: str
    iso: str
    when_said: str
    due: str
    overdue: bool
    unread: bool
    state: str = ""
    tint: str = "gray"
    task: str = ""
    """Id, where it may be approved together with others."""


def approval_count() -> Response:
    """How many tasks wait, for the menu: an empty answer for none."""
    count = context.perform(lambda ws: approvals.counts(ws)["waiting"])
    return Response(_number(count), mimetype="text/html")


def _number(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")


def box_of(name: str) -> Box:
    return next((each for each in approvals.BOXES if each == name), "waiting")


def _shown(ws: Workspace, done: str = "", refused: Sequence[tuple[str, str]] = (), status: int = 200) -> Response:
    ws = speaking(ws)
    reader, given = reader_of(ws), request.args
    box, q = box_of(given.get("box", "")), given.get("q", "").strip()[:200]
    chosen = given.get("approval", "")[:60]
    overdue = given.get("overdue") == "1" and box in _DUE
    kinds = _kinds(reader, chosen)
    narrow: dict[str, Any] = {"approval": chosen or None, "overdue": overdue, "q": q or None}
    found = approvals.boxes(ws, box, **narrow, limit=_AT_ONCE, after=given.get("after", "")[:_CURSOR] or None)
    known = briefs(ws, [each["request"] for each in found["data"]], copied=box == "copied")
    counts = approvals.counts(ws)
    titles = {each.get("task"): each["title"] for each in found["data"]}
    items = [_item(reader, box, each, known.get(each["request"])) for each in found["data"]]
    place: dict[str, Any] = {
        "box": box,
        "q": q or None,
        "approval": chosen or None,
        "overdue": "1" if overdue else None,
    }
    return page(
        ws,
        "approvals.html",
        status,
        box=box,
        icon_of=_ICONS[box],
        tabs=[_tab(reader, each, box, counts) for each in approvals.BOXES],
        items=items,
        together=any(each.task for each in items),
        kinds=kinds,
        q=q,
        overdue=overdue,
        may_be_late=box in _DUE,
        narrowed=bool(q or chosen or overdue or given.get("after")),
        more=url_for("app.approvals", **place, after=found["next"]) if found["next"] else None,
        here=url_for("app.approval_bulk", **place),
        done=done or _bulk_done(reader, given.get("did", "")) or _represented(reader, given.get("moved", "")),
        proxies=approvals.out_of_line(ws) if box in _DUE else 0,
        times=url_for("app.approval_times") if approvals.looks_after(ws) else "",
        refused=[(titles.get(id, ""), why) for id, why in refused],
    )


def _bulk_done(reader: Reader, number: str) -> str:
    known = number.isascii() and number.isdigit() and 0 < int(number[:4]) <= approvals.MOST_AT_ONCE
    return reader.words("approval_bulk_done", count=int(number[:4])) if known else ""


def _represented(reader: Reader, number: str) -> str:
    known = number.isascii() and number.isdigit() and int(number[:4]) > 0
    return reader.words("approval_represented", count=int(number[:4])) if known else ""


def _tab(reader: Reader, key: str, box: str, counts: Mapping[str, int]) -> Tab:
    count = {"waiting": counts["waiting"], "copied": counts["unread"]}.get(key, 0)
    label = reader.words(f"approval_box_{key}")
    return Tab(key, label, url_for("app.approvals", box=key), key == box, _number(count))


def _kinds(reader: Reader, chosen: str) -> list[dict[str, Any]]:
    """The definitions to narrow by."""
    return [
        {"key": each.key, "label": reader.words.label(each.label), "chosen": chosen in (each.key, each.id)}
        for each in reader.ws.model.all("approvals")
    ]


def _item(reader: Reader, box: Box, told: Mapping[str, Any], brief: Brief | None) -> Item:
    words = reader.words
    started = box == "started"
    state, tint = ("", "gray") if box in ("waiting", "copied") else _state(reader, told, started)
    time, said = _time(box, told)
    entity = reader.ws.model.entity(brief.entity) if brief is not None else None
    summary = values.labelled(reader, entity, brief.summary, brief.summary) if brief is not None and entity else []
    task = told.get("task", "")
    place = {"id": told["request"], "task": task if box == "waiting" else None}
    return Item(
        told["title"] or words("approval_no_title"),
        url_for("app.approval", **place),
        told["approval"]["label"],
        (told["initiator"] or {}).get("name", ""),
        tuple(summary),
        "" if started else told["node"]["label"],
        moment(reader, time),
        time or "",
        words(said),
        "" if started else moment(reader, told["due"]),
        bool(told.get("overdue")),
        bool(told.get("unread")),
        state,
        tint,
        task if box == "waiting" and brief is not None and task in brief.together else "",
    )


def _state(reader: Reader, told: Mapping[str, Any], started: bool) -> tuple[str, str]:
    state = told["state"]
    if started:
        state = "returned" if told["returned"] and state == "running" else state
        return reader.words(f"approval_state_{state}"), _TINTS.get(state, "gray")
    known = "resubmitted" if told["kind"] == "initiator" and state == "approved" else state
    return reader.words(f"approval_task_{known}"), _DECIDED.get(state, "gray")


def _time(box: Box, told: Mapping[str, Any]) -> tuple[str | None, str]:
    """The time that matters in a box, and what it is."""
    match box:
        case "started":
            return told["submitted_at"], "approval_submitted_at"
        case "done":
            return told["decided_at"], "approval_decided_at"
        case "copied":
            return told["opened_at"], "approval_copied_at"
        case _:
            return told["opened_at"], "approval_waits_since"


# -- many at once


def approval_bulk() -> Response:
    """Approve the tasks that are ticked; who could not be approved is told with the reason."""
    tasks, comment = request.form.getlist("task"), request.form.get("comment", "").strip()
    if not tasks:
        return context.perform(
            lambda ws: _shown(ws, refused=[("", reader_of(ws).words("approval_bulk_none"))], status=422)
        )
    if len(comment) > approvals.LONGEST or "\x00" in comment:
        raise BadRequest([_too_long(comment)])
    address = request.remote_addr

    def command(ws: Workspace) -> list[tuple[str, Sequence[Problem]]]:
        verdicts = approvals.approve_many(ws, tasks, comment, address)
        return [(each.id or "", each.problems) for each in verdicts]

    made = context.perform(command, write=True)
    wrong = [(id, problems) for id, problems in made if problems]
    good = len(made) - len(wrong)
    if not wrong:
        place: dict[str, Any] = {**request.args, "box": "waiting", "did": good}
        return make_response(redirect(url_for("app.approvals", **place), 303))
    return context.perform(lambda ws: _verdicts(ws, good, wrong))


def _too_long(comment: str) -> Problem:
    from runtime.approvals.acting import TOO_LONG

    return TOO_LONG("comment", most=approvals.LONGEST)


def _verdicts(ws: Workspace, good: int, wrong: Sequence[tuple[str, Sequence[Problem]]]) -> Response:
    words = reader_of(ws).words
    done = words("approval_bulk_done", count=good) if good else ""
    return _shown(ws, done, [(id, " ".join(each.message(words.lang) for each in problems)) for id, problems in wrong])


def approval_represent() -> Response:
    """Bring one's own open tasks in line with one's standing proxies."""
    address = request.remote_addr

    def command(ws: Workspace) -> int:
        return approvals.represent(ws, ws.actor.user or "", address)

    moved = context.perform(command, write=True)
    box = box_of(request.args.get("box", ""))
    return make_response(redirect(url_for("app.approvals", box=box, moved=moved or None), 303))


def approvals_() -> Response:
    """`?box=waiting|done|started|copied|given`, narrowed by `q`, `approval`, `overdue=1`."""
    return context.perform(_shown)


ROUTES = (
    Route("/app/-/approvals", "GET", approvals_, PAGE),
    Route("/app/-/approvals", "POST", approval_bulk, PAGE),
    Route("/app/-/approvals/count", "GET", approval_count, PAGE),
    Route("/app/-/approvals/represent", "POST", approval_represent, PAGE),
)
