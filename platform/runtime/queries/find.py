"""Ask for records: a page, one record, all of them in chunks, the list of another record, a suggestion while typing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.ids import is_uuid
from metadata.problems import BadRequest, NotFound
from runtime.queries import query as q
from runtime.queries.build import Build
from runtime.queries.lists import fetch_lists
from runtime.queries.merged import absent
from runtime.queries.names import entity_of, find_list
from runtime.queries.order import cursor_text, cursor_values, digest_of, has_rest
from runtime.queries.prepare import (
    Asked,
    Plan,
    ask,
    count_statement,
    counted_statement,
    one_id,
    page_statement,
    plan_of,
    readable_search,
)
from runtime.queries.query import Column, Page, Query
from runtime.queries.rules import sees

if TYPE_CHECKING:
    from runtime.workspace import Workspace


def find(ws: Workspace, query: Query) -> Page:
    """One page of records. Raises BadRequest, Forbidden, ExpressionInvalid."""
    _check_limit(query.limit)
    return _page(ask(ws, query))


def get(
    ws: Workspace, entity: str, id: str, fields: Sequence[str] | None = None, deleted: bool = False
) -> dict[str, Any]:
    """One record as JSON data. Raises NotFound, also when the actor may not see it, and Gone for a merged one."""
    found: list[dict[str, Any]] = []
    if is_uuid(id):
        names = None if fields is None else tuple(fields)
        page = _page(ask(ws, Query(entity, fields=names, ids=(id.lower(),), limit=1, deleted=deleted)))
        found = page.output.objects(page.raw, page.lists)
    if not found:
        shown = entity_of(ws.model, entity)
        missing = NotFound(q.not_found(shown.key, entity=shown.label))
        raise missing if deleted else absent(ws, shown, id, missing)
    return found[0]


def columns(ws: Workspace, query: Query) -> tuple[Column, ...]:
    """The columns that the rows of an answer have."""
    return plan_of(ask(ws, query)).output.columns


def stream(ws: Workspace, query: Query, chunk: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
    """All records that meet a query, in chunks of rows. Its limit and cursor do not count."""
    asked = ask(ws, replace(query, limit=chunk, after=None, count="none"))
    while True:
        page = _page(asked)
        if page.raw:
            yield page.rows
        if page.next is None:
            return
        asked.query = replace(asked.query, after=page.next)


def related(
    ws: Workspace,
    entity: str,
    id: str,
    key: str,
    **asked: Any,
) -> Page:
    """The records of one list of a record (its children, its links, what links to it), with the options of a Query."""
    source = entity_of(ws.model, entity)
    build = Build(ws.model, ws.actor, ws.db.dialect)
    listed = find_list(build, source, key)
    if listed is None:
        raise NotFound(q.unknown_list(source.key, entity=source.label, name=key[:60]))
    if not is_uuid(id) or not sees(ws, source, "read", id.lower(), deleted=False):
        raise absent(ws, source, id, NotFound(q.not_found(source.key, entity=source.label)))
    query = Query(listed.entity.id, **asked)
    _check_limit(query.limit)
    return _page(ask(ws, replace(query, ids=None), related=listed, related_to=id.lower()))


def autocomplete(ws: Workspace, entity: str, text: str, limit: int = 10) -> list[dict[str, str]]:
    """Records to choose from while somebody types: id and title."""
    found = entity_of(ws.model, entity)
    title = found.fields[found.title]
    if not Build(ws.model, ws.actor, ws.db.dialect).may_read(found, title):
        return []
    query = Query(found.id, fields=(title.id,), limit=limit)
    typed = _UNTYPED.sub("", text).strip()[:_LONGEST_TYPED]
    if typed and readable_search(ws, found):
        query = replace(query, q=typed)
    elif typed and "contains" in registry.of(title).operators:
        part = typed.replace("\\", "\\\\").replace("'", "\\'")
        query = replace(query, where=f"contains({title.id}, '{part}')")
    elif typed:
        return []
    page = find(ws, query)
    titles = [registry.of(title).show(title, row[0], TextContext(ws.actor.language)) for row in page.rows]
    return [{"id": row[0], "title": each} for row, each in zip(page.raw, titles, strict=True)]


_UNTYPED = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_TYPED = 200


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= q.MAX_LIMIT:
        raise BadRequest(q.bad_limit("limit", limit=q.MAX_LIMIT))


def _page(asked: Asked) -> Page:
    query, plan = asked.query, plan_of(asked)
    belongs = _digest(asked)
    raw, counted = _rows(asked, plan, belongs)
    more = len(raw) > query.limit
    if more:
        raw = raw[: query.limit]
    shown = plan.output.opened(asked.ws, raw)

    def cursor(place: int) -> str:
        return cursor_text(belongs, [raw[place][at] for at in plan.positions])

    next = cursor(-1) if more else None
    lists: dict[str, dict[str, list[Any]]] = {}
    if plan.output.lists:
        lists = fetch_lists(asked.ws, plan.output.lists, [row[0] for row in raw], query.deleted)
    count, capped = _count(asked, len(raw), more, counted)
    return Page(plan.output, shown, lists, next, count, capped, cursor)


def _digest(asked: Asked) -> str:
    """What a cursor must come from to fit a question."""
    query, related = asked.query, asked.related
    key = related.key if related is not None else None
    return digest_of(asked.entity.id, query.where, query.sort, query.q, query.deleted, key)


def _rows(asked: Asked, plan: Plan, belongs: str) -> tuple[list[tuple[Any, ...]], int | None]:
    """The rows of the page and one more, if there is one; beside them the capped count, where they came with it."""
    ws, inputs, query = asked.ws, asked.inputs, asked.query
    inputs.limit = query.limit + 1
    if query.after is None and query.count == "capped" and not one_id(asked):
        found = counted_statement(asked).fetch(ws, inputs)
        return [row[:-1] for row in found], found[0][-1] if found else None
    if query.after is None:
        return list(page_statement(asked, "first").fetch(ws, inputs)), None
    inputs.cursor = cursor_values(query.after, belongs, plan.keys, ws.db.dialect)
    empty = tuple(value is None for value in inputs.cursor)
    raw = list(page_statement(asked, "after", empty).fetch(ws, inputs))
    if len(raw) < inputs.limit and has_rest(plan.keys, empty):
        inputs.limit -= len(raw)
        raw += page_statement(asked, "rest").fetch(ws, inputs)
    return raw, None


def _count(asked: Asked, seen: int, more: bool, counted: int | None) -> tuple[int | None, bool]:
    query = asked.query
    if query.count == "none":
        return None, False
    if query.after is None and not more:
        return seen, False
    capped = query.count == "capped"
    if counted is None:
        counted = int(count_statement(asked, capped).fetch(asked.ws, asked.inputs)[0][0])
    return counted, capped and counted >= q.CAP
