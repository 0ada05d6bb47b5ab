"""Finding a record by what somebody types: suggestions, and the one record that a typed title means."""

from __future__ import annotations

from flask import Request, Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app import cells
from blueprints.app.shell import entity_of
from blueprints.policies import PAGE, Route
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.folding import fold
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.problems import NotFound, Problem, kind
from runtime import queries
from runtime.queries import Query
from runtime.workspace import Workspace

_SUGGESTIONS = 10

NONE_FOUND = kind(
    "link_none_found",
    en="{label}: there is no {what} called {text}. Choose one from the list.",
    zh="{label}：没有名为 {text} 的{what}，请从列表中选择。",
)
SEVERAL_FOUND = kind(
    "link_several_found",
    en="{label}: {text} may mean several. Choose one from the list.",
    zh="{label}：{text} 对应多条记录，请从列表中选择。",
)


def suggest(entity: str) -> Response:
    """Records whose title is like what is being typed: `{"data": [{"id", "title"}]}`."""
    text = request.args.get("q", "")[:200]
    found = context.perform(lambda ws: like(ws, entity_of(ws, entity), text, _SUGGESTIONS))
    return json_answer({"data": found})


def like(ws: Workspace, entity: Entity, text: str, limit: int) -> list[dict[str, str]]:
    """Records by quick search, or by a part of their title when quick search does not look there."""
    key = cells.title_of(ws, entity)
    if entity.title in entity.search or not text.strip() or key is None:
        return queries.autocomplete(ws, entity.id, text, limit)
    operators = registry.of(entity.fields[entity.title]).operators
    if "contains" not in operators:
        return []
    quoted = text.strip().replace("\\", "\\\\").replace('"', '\\"')
    query = Query(entity.id, where=f'contains({key}, "{quoted}")', fields=(key,), limit=limit)
    records = queries.as_json(queries.find(ws, query))
    reading = TextContext(context.language())
    return [
        {"id": each["id"], "title": cells.text_of(entity.fields[entity.title], each[key], reading)} for each in records
    ]


def title(ws: Workspace, entity: str, id: str, reading: TextContext) -> str:
    """How a record is called; empty when the actor may not see it."""
    found = ws.model.entity(entity)
    key = cells.title_of(ws, found) if found is not None else None
    if found is None or key is None:
        return ""
    try:
        return cells.text_of(found.fields[found.title], queries.get(ws, found.id, id, (key,)).get(key), reading)
    except NotFound:
        return ""


def chosen(ws: Workspace, target: str, field: Field, request: Request) -> tuple[str | None, list[Problem]]:
    """The id that a finder means: the one chosen from its list, unless another text was typed since."""
    form = request.form
    text = form.get(field.key, "").strip()
    return resolve(ws, target, field, text, form.get(f"{field.key}.id", ""), form.get(f"{field.key}.was", ""))


def resolve(ws: Workspace, target: str, field: Field, text: str, id: str, was: str) -> tuple[str | None, list[Problem]]:
    if not text:
        return None, []
    if text == was and is_uuid(id):
        return id, []
    if is_uuid(text):
        return text, []
    return _by_title(ws, target, field, text)


def _by_title(ws: Workspace, target: str, field: Field, text: str) -> tuple[str | None, list[Problem]]:
    entity = ws.model.entity(target)
    if entity is None:
        return None, []
    found = like(ws, entity, text, 50)
    same = [each for each in found if fold(each["title"]) == fold(text)] or found
    match same:
        case [only]:
            return only["id"], []
        case []:
            return None, [NONE_FOUND(field.key, label=field.label, what=entity.label, text=text[:80])]
    return None, [SEVERAL_FOUND(field.key, label=field.label, text=text[:80])]


ROUTES = (Route("/app/-/suggest/<entity>", "GET", suggest, PAGE),)
