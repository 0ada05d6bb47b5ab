"""Workflows on a record: the buttons that start one, what ran about the record, and why one did not start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.addresses import address_at
from blueprints.app.processes import seeing
from blueprints.app.processes.seeing import Row
from blueprints.app.reading import Reader, reader_of, record_of, title_of
from blueprints.app.shell import entity_of, page
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.expressions.explaining import Step
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import NotFound, PlatformError, Problem
from metadata.sections.workflows.drawing import STARTS
from metadata.workflows import Workflow, workflows_of
from runtime.processes import buttons, reading
from runtime.processes.why import Why, why
from runtime.workspace import Workspace

_LATEST = 5
_LONGEST = 30
_BESIDE = 2
"""Buttons that stand beside the others; the rest are in the menu."""


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Automation:
    """What a record's page shows of workflows."""

    beside: tuple[Button, ...]
    others: tuple[Button, ...]
    latest: tuple[Row, ...]
    url: str
    shown: bool
    """Whether there is anything to tell: workflows about such records, or runs about this one."""
    started: str | None
    """Address of the run that was just started."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One trigger and what it decides now. `failed` is the first condition against it."""

    label: str
    holds: bool
    failed: Step | None
    root: Step | None
    condition: bool


def automation(reader: Reader, entity: Entity, id: str) -> Automation | None:
    """None in a tenant without workflows: then nothing is asked of the database."""
    ws = reader.ws
    if not ws.model.index.get("workflows"):
        return None
    found = offered(reader, entity, id)
    shown, _ = reading.runs_of(ws, entity, id, limit=_LATEST)
    latest = tuple(seeing.row(reader, each) for each in shown)
    run = request.args.get("run", "")
    started = request.args.get("done") == "process_started" and any(each.id == run for each in latest)
    return Automation(
        found[:_BESIDE],
        found[_BESIDE:],
        latest,
        address_at("app.process_record", entity=entity.key, id=id),
        bool(latest or workflows_of(ws.model, entity.id)),
        address_at("app.process_run", id=run) if started else None,
    )


def offered(reader: Reader, entity: Entity, id: str) -> tuple[Button, ...]:
    """What the actor may start on the record as it is now."""
    if not buttons.buttons_of(reader.ws, entity):
        return ()
    return tuple(
        Button(
            reader.words.label(each.label), address_at("app.process_button", entity=entity.key, id=id, name=each.name)
        )
        for each in buttons.offered(reader.ws, entity, id)
    )


def process_button(entity: str, id: str, name: str) -> Response:
    """The question before a workflow is started."""
    return context.perform(lambda ws: _question(ws, entity_of(ws, entity), id, name, ()))


def process_press(entity: str, id: str, name: str) -> Response:
    """Start it. A refusal is told on the page that asked."""

    def command(ws: Workspace) -> tuple[str, str]:
        found = entity_of(ws, entity)
        return found.key, buttons.press(ws, found, id, name).id

    try:
        key, run = context.perform(command, write=True)
    except PlatformError as error:
        if error.status not in (403, 409, 422):
            raise
        problems = error.problems
        return context.perform(lambda ws: _question(ws, entity_of(ws, entity), id, name, problems))
    return make_response(redirect(url_for("app.show", entity=key, id=id, done="process_started", run=run), 303))


def _question(ws: Workspace, entity: Entity, id: str, name: str, problems: Sequence[Problem]) -> Response:
    reader, record = reader_of(ws), record_of(ws, entity, id)
    mine = buttons.buttons_of(ws, entity)
    button = next((each for each in mine if each.name == name), None)
    if button is None:
        known = [each.name for each in mine]
        raise NotFound(buttons.NO_ACTION("name", entity=entity.plural, name=name[:80], known=known or "–"))
    now = any(each.name == name for each in buttons.offered(ws, entity, id))
    words = reader.words
    told = [each.message(words.lang) for each in problems]
    if not now and not told:
        told = [buttons.NOT_NOW(action=button.label, entity=entity.label).message(words.lang)]
    return page(
        ws,
        "process_button.html",
        409 if problems else 200,
        title=title_of(ws, entity, record, reader.context),
        label=words.label(button.label),
        workflow=words.label(button.workflow.label),
        problems=told,
        possible=now,
        plural=words.label(entity.plural),
        urls=_urls(entity, id)
        | {"why": url_for("app.process_record", entity=entity.key, id=id, why=button.workflow.key)},
    )


def process_record(entity: str, id: str) -> Response:
    """What ran about a record; `?why=<workflow>` tells why one does not start, `?after=` shows older runs."""
    return context.perform(lambda ws: _record(ws, entity_of(ws, entity), id))


def _record(ws: Workspace, entity: Entity, id: str) -> Response:
    reader, record = reader_of(ws), record_of(ws, entity, id)
    words, given = reader.words, request.args
    after = given.get("after", "")
    shown, next = reading.runs_of(ws, entity, id, after if is_uuid(after) else None, _LONGEST)
    about = workflows_of(ws.model, entity.id)
    chosen = _named(about, given.get("why", ""))
    answer = why(ws, entity, id, chosen.key) if chosen is not None else None
    return page(
        ws,
        "process_record.html",
        title=title_of(ws, entity, record, reader.context),
        rows=[seeing.row(reader, each) for each in shown],
        workflows=[(each.key, words.label(each.label), each is chosen) for each in about],
        answer=None if answer is None else _answer(words, answer),
        plural=words.label(entity.plural),
        urls=_urls(entity, id)
        | {
            "next": url_for("app.process_record", entity=entity.key, id=id, after=next) if next else None,
            "first": url_for("app.process_record", entity=entity.key, id=id) if after else None,
        },
    )


def _named(about: Sequence[Workflow], key: str) -> Workflow | None:
    return next((each for each in about if each.key == key), None)


def _answer(words: Words, answer: Why) -> dict[str, Any]:
    return {
        "label": words.label(answer.workflow.label),
        "against": [each.message(words.lang) for each in answer.against],
        "triggers": [
            Asked(
                words.label(each.trigger.label) if each.trigger.label else words.label(STARTS[each.trigger.kind]),
                each.holds,
                None if each.explanation is None else _known(each.explanation.failed),
                None if each.explanation is None else _known(each.explanation.root),
                each.trigger.when is not None,
            )
            for each in answer.triggers
        ],
        "latest": None if answer.latest is None else address_at("app.process_run", id=answer.latest.id),
    }


def _known(step: Step | None) -> Step | None:
    """What an explanation says, unless it is about something that the reader may not see: then not even what the
    description says of it is for him."""
    return None if step is None or _hides(step) else step


def _hides(step: Step) -> bool:
    return step.hidden or any(map(_hides, step.parts))


def _urls(entity: Entity, id: str) -> dict[str, str | None]:
    return {
        "list": url_for("app.find", entity=entity.key),
        "record": url_for("app.show", entity=entity.key, id=id),
        "self": url_for("app.process_record", entity=entity.key, id=id),
    }


ROUTES = (
    Route("/app/<entity>/<id>/runs", "GET", process_record, PAGE),
    Route("/app/<entity>/<id>/actions/<name>", "GET", process_button, PAGE),
    Route("/app/<entity>/<id>/actions/<name>", "POST", process_press, PAGE),
)
