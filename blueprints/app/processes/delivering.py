"""What goes outside as those see it who look after it: what was not delivered, and sending it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.app.processes.looks import State, moment
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.ids import is_uuid
from runtime import deliveries
from runtime.deliveries.delivery import STATES, Delivery
from runtime.workspace import Workspace

_LONGEST = 40
_LOOKS = {
    "queued": ("clock", "amber"),
    "sending": ("send", "blue"),
    "done": ("circle-check", "green"),
    "failed": ("circle-x", "red"),
    "dead": ("alert-triangle", "red"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery, and never what is in it. `again`: a person may have it sent again."""

    id: str
    about: str
    target: str
    state: State
    tries: int
    error: str
    made: str
    iso: str
    next: str
    again: bool


def process_deliveries() -> Response:
    """The newest first: `?state=&target=&after=`."""

    def found(ws: Workspace) -> Response:
        reader, given = reader_of(ws), request.args
        state = given.get("state") if given.get("state") in STATES else None
        target, after = given.get("target") or None, given.get("after", "")
        shown = deliveries.listing(ws, state, target, after if is_uuid(after) else None, _LONGEST)
        kept: dict[str, Any] = {"state": state, "target": target}
        count = request.args.get("count", "")
        return page(
            ws,
            "process_deliveries.html",
            told=_told(reader, given.get("told", ""), int(count) if count.isascii() and count.isdigit() else 0),
            rows=[_row(ws, reader, each) for each in shown],
            states=[(each, reader.words(f"delivery_state_{each}"), each == state) for each in STATES],
            state=state,
            target=target,
            filtered=bool(state or target),
            urls={
                "next": url_for("app.process_deliveries", **kept, after=shown[-1].id)
                if len(shown) == _LONGEST
                else None,
                "first": url_for("app.process_deliveries", **kept) if after else None,
            },
        )

    return context.perform(found)


def process_replay(id: str) -> Response:
    """Have one that is over sent again."""
    context.perform(lambda ws: deliveries.replay(ws, id), write=True)
    return _back(1)


def process_replay_target() -> Response:
    """Have everything for a target sent that was not."""
    target = request.form.get("target", "")
    return _back(context.perform(lambda ws: deliveries.replay_target(ws, target), write=True))


def _back(count: int) -> Response:
    form = request.form
    kept: dict[str, Any] = {"state": form.get("state") or None, "target": form.get("target") or None}
    return make_response(redirect(url_for("app.process_deliveries", **kept, told="again", count=count), 303))


def _told(reader: Reader, told: str, count: int) -> str:
    return reader.words("delivery_again_told", count=min(count, 10**6)) if told == "again" else ""


def _row(ws: Workspace, reader: Reader, each: Delivery) -> Row:
    icon, tint = _LOOKS[each.state]
    over = each.state in ("done", "failed", "dead")
    error = " · ".join(str(part) for part in (each.error, each.status) if part)
    return Row(
        each.id,
        each.about,
        each.target,
        State(each.state, reader.words(f"delivery_state_{each.state}"), icon, tint),
        each.attempt,
        "" if each.state == "done" else error,
        moment(reader, each.created_at.isoformat()),
        each.created_at.isoformat(),
        moment(reader, each.next_at.isoformat()) if each.state == "queued" else "",
        over or each.epoch != ws.restore_epoch,
    )


ROUTES = (
    Route("/app/-/deliveries", "GET", process_deliveries, PAGE),
    Route("/app/-/deliveries/replay", "POST", process_replay_target, PAGE),
    Route("/app/-/deliveries/<id>/replay", "POST", process_replay, PAGE),
)
