"""The page of one run: its workflow as a tree with how each step stands, and what was done, step by step."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app.processes import histories, seeing
from blueprints.app.processes.drawing import drawn
from blueprints.app.processes.tracing import Teller
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.sections.workflows.drawing import STARTS
from runtime.processes import reading
from runtime.processes.reading import Shown
from runtime.workspace import Workspace

_LINES = 6_000
"""More than a run can have: it takes 1,000 steps at most."""
_PASSAGES = 100
_TOLD = {"cancelled": "process_told_cancel", "resumed": "process_told_resume"}


def process_run(id: str) -> Response:
    """`?from=<n>`: the steps from the n-th on."""

    def found(ws: Workspace) -> Response:
        return _page(reader_of(ws), seeing.seen(ws, id), _from())

    return context.perform(found)


def process_cancel(id: str) -> Response:
    """End the run where it stands."""
    return _change(id, reading.cancel, "cancelled")


def process_resume(id: str) -> Response:
    """Have the step that failed tried again."""
    return _change(id, reading.resume, "resumed")


def _change(id: str, change: Callable[[Workspace, Shown], None], told: str) -> Response:
    context.perform(lambda ws: change(ws, seeing.seen(ws, id)), write=True)
    return make_response(redirect(url_for("app.process_run", id=id, told=told), 303))


def _from() -> int:
    given = request.args.get("from", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0


def _page(reader: Reader, shown: Shown, first: int) -> Response:
    ws, run, words = reader.ws, shown.run, reader.words
    lines = reading.lines_of(ws, shown, limit=_LINES)
    visits = histories.visits(lines)
    teller = Teller(reader, shown)
    row = seeing.rows(reader, [shown])[0]
    looks_after = seeing.looks_after(ws)
    told = _TOLD.get(request.args.get("told", ""))
    after = first + _PASSAGES
    return page(
        ws,
        "process_run.html",
        row=row,
        run=run,
        told=words(told) if told else "",
        started_by=_trigger(reader, shown),
        who=_who(reader, run.initiator),
        error=row.error,
        drawing=drawn(reader, shown.workflow, visits, run.is_over) if shown.workflow is not None else None,
        passages=teller.tell(visits[first:after]),
        notes=teller.notes(histories.own(lines)) if len(visits) <= after else [],
        urls={
            "cancel": url_for("app.process_cancel", id=run.id) if looks_after and not run.is_over else None,
            "resume": url_for("app.process_resume", id=run.id)
            if looks_after and not run.is_over and run.state == "failed"
            else None,
            "all": url_for("app.process_runs") if looks_after else None,
            "parent": url_for("app.process_run", id=run.parent)
            if run.parent and seeing.may_see(ws, run.parent)
            else None,
            "more": f"{url_for('app.process_run', id=run.id)}?from={after}" if len(visits) > after else None,
        },
    )


def _trigger(reader: Reader, shown: Shown) -> str:
    if shown.workflow is None or shown.run.trigger is None:
        return reader.words.label(STARTS["called"])
    found = next((each for each in shown.workflow.triggers if each.id == shown.run.trigger), None)
    if found is None:
        return ""
    label = reader.words.label(found.label) if found.label else ""
    return label or reader.words.label(STARTS[found.kind])


def _who(reader: Reader, user: str | None) -> str:
    """The name of who caused it, as far as the reader may know people."""
    people = reader.ws.model.entity("user")
    if user is None or people is None or not visibility.may(reader.ws, people, "read"):
        return ""
    reader.titles.learn([("user", user)])
    piece = reader.titles.piece("user", user)
    return piece.text if piece.url else ""


ROUTES = (
    Route("/app/-/runs/<id>", "GET", process_run, PAGE),
    Route("/app/-/runs/<id>/cancel", "POST", process_cancel, PAGE),
    Route("/app/-/runs/<id>/resume", "POST", process_resume, PAGE),
)
