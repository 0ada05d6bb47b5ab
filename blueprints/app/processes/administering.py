"""Looking after workflows: all of them with their drawing, switches and numbers of runs; the runs of all records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context, visibility
from blueprints.app.processes import seeing
from blueprints.app.processes.drawing import drawn
from blueprints.app.processes.looks import STATES, State, moment, state_of
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.ids import is_uuid
from metadata.problems import Forbidden, NotFound
from metadata.workflows import Workflow
from runtime import deliveries
from runtime.processes import instances, reading, switches
from runtime.processes.reading import NOT_YOURS
from runtime.processes.switches import ALL, Switch
from runtime.processes.totals import totals
from runtime.workspace import Workspace

_DAYS = 7
_FAILED = 10
_LONGEST = 40
_MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class Count:
    state: State
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Off:
    by: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One workflow in the list."""

    key: str
    label: str
    entity: str
    active: bool
    off: Off | None
    counts: tuple[Count, ...]
    url: str


def may_open(ws: Workspace) -> bool:
    """Whether the pages are for the actor: who looks after jobs, or configures."""
    return any(visibility.has_capability(ws, each) for each in ("jobs", "configure"))


def _require(ws: Workspace) -> None:
    if not may_open(ws):
        raise Forbidden(NOT_YOURS())


def process_workflows() -> Response:
    """All workflows, the failed runs, and the switch for all of them."""

    def found(ws: Workspace) -> Response:
        _require(ws)
        reader = reader_of(ws)
        off = _off(reader)
        counts = _counts(ws)
        failed, _ = reading.listing(ws, state="failed", limit=_FAILED) if seeing.looks_after(ws) else ([], None)
        return page(
            ws,
            "process_workflows.html",
            told=_told(reader),
            lines=[_line(reader, each, off, counts) for each in ws.model.all("workflows")],
            all_off=off.get(ALL),
            failed=seeing.rows(reader, failed),
            undelivered=len(deliveries.listing(ws, "dead", limit=_LONGEST)) if seeing.looks_after(ws) else 0,
            most=_LONGEST,
            days=_DAYS,
            **_may(ws),
        )

    return context.perform(found)


def process_workflow(name: str) -> Response:
    """One workflow with its drawing and its switch."""

    def found(ws: Workspace) -> Response:
        _require(ws)
        reader = reader_of(ws)
        workflow = ws.model.get("workflows", name)
        if workflow is None:
            raise NotFound(switches.NO_WORKFLOW(name=name[:80], known="–"))
        off = _off(reader)
        return page(
            ws,
            "process_workflow.html",
            told=_told(reader),
            line=_line(reader, workflow, off, _counts(ws)),
            all_off=off.get(ALL),
            drawing=drawn(reader, workflow),
            days=_DAYS,
            **_may(ws),
        )

    return context.perform(found)


def process_off() -> Response:
    """Switch a workflow (`name`), or all (`*`), off."""
    name, reason = request.form.get("name", ""), request.form.get("reason", "").replace("\0", "").strip()[:_MOST_REASON]

    def command(ws: Workspace) -> str:
        switches.switch_off(ws, name, reason or None)
        return _back(ws, name, "off")

    return make_response(redirect(context.perform(command, write=True), 303))


def process_on() -> Response:
    """Let a workflow (`name`), or all that are off (`*`), run again."""
    name = request.form.get("name", "")

    def command(ws: Workspace) -> str:
        switches.switch_on(ws, name)
        return _back(ws, name, "on")

    return make_response(redirect(context.perform(command, write=True), 303))


def _back(ws: Workspace, name: str, told: str) -> str:
    if name == ALL:
        return url_for("app.process_workflows", told=f"all_{told}")
    found = ws.model.get("workflows", name)
    assert found is not None
    return url_for("app.process_workflow", name=found.key, told=told)


def process_runs() -> Response:
    """The runs about all records: `?workflow=&state=&after=`."""

    def found(ws: Workspace) -> Response:
        reading.require_manager(ws)
        reader, given = reader_of(ws), request.args
        state = given.get("state") if given.get("state") in STATES else None
        named: Workflow | None = ws.model.get("workflows", given.get("workflow", "")) if given.get("workflow") else None
        after = given.get("after", "")
        shown, next = reading.listing(
            ws, named.id if named is not None else None, state, after if is_uuid(after) else None, _LONGEST
        )
        kept: dict[str, Any] = {"workflow": named.key if named is not None else None, "state": state}
        words = reader.words
        return page(
            ws,
            "process_runs.html",
            rows=seeing.rows(reader, shown),
            workflows=[(each.key, words.label(each.label), each is named) for each in ws.model.all("workflows")],
            states=[(each, state_of(words, each).label, each == state) for each in STATES],
            filtered=bool(named or state),
            urls={
                "next": url_for("app.process_runs", **kept, after=next) if next else None,
                "first": url_for("app.process_runs", **kept) if after else None,
            },
        )

    return context.perform(found)


def _may(ws: Workspace) -> dict[str, bool]:
    return {"looks_after": seeing.looks_after(ws), "configures": visibility.has_capability(ws, "configure")}


def _counts(ws: Workspace) -> Mapping[str, Mapping[str, int]]:
    return totals(ws, ws.now - dt.timedelta(days=_DAYS)) if seeing.looks_after(ws) else {}


def _off(reader: Reader) -> dict[str, Off]:
    if reader.ws.system_version < instances.SINCE:
        return {}
    return {each.workflow: _switch(reader, each) for each in switches.listing(reader.ws)}


def _switch(reader: Reader, switch: Switch) -> Off:
    return Off(switch.by_name, moment(reader, switch.at.isoformat()), switch.reason or "")


def _line(reader: Reader, workflow: Workflow, off: Mapping[str, Off], counts: Mapping[str, Mapping[str, int]]) -> Line:
    words = reader.words
    entity = reader.ws.model.entity(workflow.entity)
    of = counts.get(workflow.id, {})
    return Line(
        workflow.key,
        words.label(workflow.label),
        words.label(entity.plural) if entity is not None else workflow.entity,
        workflow.active,
        off.get(workflow.id),
        tuple(
            Count(state_of(words, each), of[each], url_for("app.process_runs", workflow=workflow.key, state=each))
            for each in STATES
            if of.get(each)
        ),
        url_for("app.process_workflow", name=workflow.key),
    )


def _told(reader: Reader) -> str:
    told = request.args.get("told", "")
    return reader.words(f"process_told_{told}") if told in ("off", "on", "all_off", "all_on") else ""


ROUTES = (
    Route("/app/-/workflows", "GET", process_workflows, PAGE),
    Route("/app/-/workflows/off", "POST", process_off, PAGE),
    Route("/app/-/workflows/on", "POST", process_on, PAGE),
    Route("/app/-/workflows/<name>", "GET", process_workflow, PAGE),
    Route("/app/-/runs", "GET", process_runs, PAGE),
)
