"""Finding a record by what somebody types: suggestions, and the one record that a typed title means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from flask import Response, request

from blueprints import context, visibility
from blueprints.answers import json_answer
from blueprints.app import cells
from blueprints.app.shell import entity_of, text_context
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
_MOST_NAMED = 200
_DETAILS, _LOOKED_AT = 2, 4
_SHORT = ("link", "region", "text", "barcode", "choice", "email", "phone", "sequence")
"""Types whose values tell records of one title apart, the most telling first."""

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
    """Records whose title is like what is being typed: `{"data": [{"id", "title", "detail"}]}`, the detail where there
    is anything that tells records of one title apart."""
    text = request.args.get("q", "")[:200]

    def found(ws: Workspace) -> list[dict[str, str]]:
        kind_of = entity_of(ws, entity)
        return with_details(ws, kind_of, like(ws, kind_of, text, _SUGGESTIONS))

    return json_answer({"data": context.perform(found)})


def with_details(ws: Workspace, entity: Entity, found: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each record with its first two telling values."""
    fields = visibility.kept_for(ws, ("details", entity.id), lambda: _telling(ws, entity))
    if not found or not fields:
        return found
    asked = tuple(dict.fromkeys(each.asked for each in fields))
    query = Query(entity.id, fields=asked, ids=tuple(each["id"] for each in found), limit=len(found))
    records = {each["id"]: each for each in queries.as_json(queries.find(ws, query))}
    reading = text_context(ws)
    titles = cells.Titles(ws, reading, "")
    for each in found:
        record = records.get(each["id"], {})
        texts = [text for field in fields if (text := cells.cell(field, record, reading, titles).text)]
        if texts:
            each["detail"] = " · ".join(texts[:_DETAILS])
    return found


def _telling(ws: Workspace, entity: Entity) -> tuple[cells.Shown, ...]:
    """The fields that tell records of one title apart, the most telling first."""
    own = [each for each in entity.fields.values() if each.type in _SHORT and each.id != entity.title]
    named = [each for each in own if not each.system or each.id in entity.search]
    named.sort(key=lambda each: (_SHORT.index(each.type), each.id not in entity.search))
    found = (cells.shown(ws, entity, each.id) for each in named)
    return tuple(each for each in found if each is not None)[:_LOOKED_AT]


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


class Finder(Protocol):
    """What a browser sent, by name; empty for what it did not send."""

    def last(self, name: str) -> str: ...


def titles(ws: Workspace, entity: str, ids: Iterable[str], reading: TextContext) -> dict[str, str]:
    """How some records are called, by id; those that the actor may not see are left out."""
    found = ws.model.entity(entity)
    key = cells.title_of(ws, found) if found is not None else None
    wanted = tuple(dict.fromkeys(ids))[:_MOST_NAMED]
    if found is None or key is None or not wanted:
        return {}
    query = Query(found.id, fields=(key,), ids=wanted, limit=len(wanted))
    records = queries.as_json(queries.find(ws, query))
    return {each["id"]: cells.text_of(found.fields[found.title], each.get(key), reading) for each in records}


def chosen(ws: Workspace, target: str, field: Field, sent: Finder) -> tuple[str | None, list[Problem]]:
    """The id that a finder means: the one chosen from its list, unless another text was typed since."""
    text = sent.last(field.key).strip()
    return resolve(ws, target, field, text, sent.last(f"{field.key}.id"), sent.last(f"{field.key}.was"))


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
