"""Try an expression on a record: its result, and the explanation of every part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.app.reading import reader_of, record_of, title_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.expressions.explaining import Step
from metadata.expressions.parser import MAX_LENGTH
from metadata.expressions.problems import ExpressionInvalid
from metadata.model import Entity
from metadata.problems import Forbidden, PlatformError, Problem, kind, say
from runtime.queries.find import autocomplete
from runtime.trying import try_on, understood
from runtime.workspace import Workspace

NOT_YOURS = kind(
    "studio_not_allowed",
    en="Only people who configure this system see this page. Ask an administrator.",
    zh="只有负责配置系统的人员可以查看此页面。请联系管理员。",
)
OFFERED = 8


@dataclass(frozen=True, slots=True)
class Told:
    """One problem of the text: what is said, the column, what was perhaps meant, and the text around the place."""

    message: str
    column: int | None
    suggestion: str | None
    before: str
    at: str
    after: str


def expressions() -> Response:
    """The form; `?entity=&id=&expression=` fills it in."""
    return context.perform(lambda ws: _page(ws, request.args, asked=bool(request.args.get("expression"))))


def expressions_tried() -> Response:
    """The result. Asked by POST, for an expression may be longer than an address; nothing is written."""
    return context.perform(lambda ws: _page(ws, request.form, asked=True))


def _page(ws: Workspace, given: Mapping[str, str], asked: bool) -> Response:
    if not visibility.has_capability(ws, "configure"):
        raise Forbidden(NOT_YOURS())
    words = Words(context.language())
    entities = sorted(visibility.entities(ws), key=lambda each: words.label(each.label))
    entity = next((each for each in entities if each.key == given.get("entity")), entities[0] if entities else None)
    text, id, sought = (given.get(name, "").strip() for name in ("expression", "id", "q"))
    if entity is not None and given.get("of", entity.key) != entity.key:
        id = sought = ""  # they were of the entity that was chosen before
    records = [] if entity is None else autocomplete(ws, entity.key, sought, OFFERED)
    if id not in {each["id"] for each in records} and (sought or not id):
        id = records[0]["id"] if records else ""
    result, problems = _result(ws, entity, id, text, words.lang) if asked and entity is not None else (None, [])
    return page(
        ws,
        "studio_expressions.html",
        422 if problems else 200,
        entities=[(each.key, words.label(each.label), each is entity) for each in entities],
        records=[{**each, "chosen": each["id"] == id} for each in records],
        other=_other(ws, entity, id) if entity is not None and id not in {each["id"] for each in records} else None,
        sought=sought,
        text=text,
        longest=MAX_LENGTH,
        result=result,
        problems=problems,
    )


def _other(ws: Workspace, entity: Entity, id: str) -> dict[str, str] | None:
    """The record that was asked for without being among those offered; an id that nobody sees stays an id."""
    if not id:
        return None
    try:
        record = record_of(ws, entity, id)
    except PlatformError as error:
        if error.status != 404:
            raise
        return {"id": id, "title": id}
    return {"id": id, "title": title_of(ws, entity, record, reader_of(ws).context)}


def _result(ws: Workspace, entity: Entity, id: str, text: str, lang: str) -> tuple[dict[str, Any] | None, list[Told]]:
    if not text:
        return None, []
    try:
        if not id:
            understood(ws, entity, text)  # without a record it is checked all the same
            return None, []
        found = try_on(ws, entity.key, id, text)
    except ExpressionInvalid as error:
        return None, [_told(each, text, lang) for each in error.problems]
    except PlatformError as error:
        if error.status != 404:
            raise
        return None, [_told(each, text, lang) for each in error.problems]
    failed = None if found.failed is None or found.failed is found.root else _step(found.failed, lang)
    return {"root": _step(found.root, lang), "failed": failed}, []


def _step(step: Step, lang: str) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "text": say(step.text, lang),
        "result": say(step.result, lang),
        "holds": step.holds,
        "hidden": step.hidden,
        "parts": [_step(each, lang) for each in step.parts],
    }


def _told(problem: Problem, text: str, lang: str) -> Told:
    column = problem.params.get("column")
    if not isinstance(column, int):
        return Told(problem.message(lang), None, problem.suggestion, "", "", "")
    at = min(max(column - 1, 0), len(text))
    end = at
    while end < len(text) and (text[end].isalnum() or text[end] in "_.$"):
        end += 1
    end = max(end, at + 1)
    return Told(problem.message(lang), column, problem.suggestion, text[:at], text[at:end] or "␣", text[end:])


ROUTES = (
    Route("/expressions", "GET", expressions, PAGE),
    Route("/expressions", "POST", expressions_tried, PAGE),
)
