"""Records go out as CSV or Excel: what the actor may read, in cells that no spreadsheet takes for formulas.

Importing an export changes nothing: texts are guarded and unguarded exactly, and a link whose title is not the only
one of its kind is followed by its id in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import Masked, TextContext
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field
from metadata.problems import say
from runtime import queries
from runtime.queries import Query
from runtime.queries.names import entity_of
from runtime.queries.query import LIST_CAP
from runtime.transfer import links, sheets
from runtime.transfer.mapping import PART
from runtime.workspace import Workspace, timezone_of

_ONE = frozenset({"link", "user", "unit"})
_CHUNK = 1_000
_BEYOND = frozenset({"version", "created_by", "updated_by"})
"""Fields that an export leaves out unless they are asked for."""
_COLON = {"en": ": ", "zh": "："}


@dataclass(frozen=True, slots=True)
class Sheet:
    """How an export is to look."""

    kind: Literal["csv", "xlsx"] = "csv"
    headers: Literal["key", "label"] = "key"


@dataclass(frozen=True, slots=True)
class _Out:
    """One column: its field, where its value lies in a row, and for links the target with its titles' place."""

    header: str
    path: str
    field: Field
    at: int
    target: Entity | None = None
    title: int | None = None
    listed: bool = False
    part: str | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    query: Query
    outs: tuple[_Out, ...]
    id: int | None
    currency: int | None


def write(
    ws: Workspace, query: Query, path: Path, sheet: Sheet, tell: Callable[[int], None] = lambda rows: None
) -> int:
    """Write every record that meets a query to a file; how many. Limit and cursor of the query do not count."""
    layout = _layout(ws, query, sheet)
    general = TextContext(ws.actor.language, timezone_of(ws), str(ws.model.settings.get("currency", "")))
    written = 0
    with sheets.opened(path, sheet.kind, [each.header for each in layout.outs]) as put:
        for rows in queries.stream(ws, layout.query, _CHUNK):
            clear = _clear_titles(ws, layout, rows)
            for row in rows:
                currency = row[layout.currency] if layout.currency is not None else None
                context = replace(general, currency=currency) if currency else general
                put([_cell(ws, layout, each, row, context, clear) for each in layout.outs])
            written += len(rows)
            tell(written)
    return written


def check(ws: Workspace, query: Query, sheet: Sheet) -> None:
    """Refuse what cannot be exported before a job takes it on. Raises BadRequest, Forbidden, ExpressionInvalid."""
    queries.columns(ws, _layout(ws, query, sheet).query)


def _layout(ws: Workspace, query: Query, sheet: Sheet) -> _Layout:
    """Which columns the sheet has and what is asked for them."""
    entity = entity_of(ws.model, query.entity)
    if query.fields is None:
        query = replace(query, fields=_usual_fields(ws, query, entity))
    shown = queries.columns(ws, query)
    targets = {column.path: _target(ws, column) for column in shown}
    titles = {path: f"{path}.{target.fields[target.title].key}" for path, target in targets.items() if target}
    # What the sheet itself needs, as far as the actor may read it: a role can hide these like any other field.
    extra = [entity.fields[each].key for each in ("id", "currency") if _readable(ws, entity, each)]
    names = dict.fromkeys([*extra, *(column.path for column in shown), *titles.values()])
    query = replace(query, fields=tuple(names))
    place = {column.path: at for at, column in enumerate(queries.columns(ws, query))}
    outs: list[_Out] = []
    for column in shown:
        header = column.path if sheet.headers == "key" else _label(ws, entity, column)
        if registry.of(column.field).spread:
            outs += _part_columns(ws, column, header, place[column.path], sheet)
            continue
        # The titles of a list come with its records, in the same place.
        title = place.get(titles.get(column.path, "")) if not column.listed else None
        target = targets[column.path]
        outs.append(_Out(header, column.path, column.field, place[column.path], target, title, column.listed))
    return _Layout(query, tuple(outs), place.get("id"), place.get("currency"))


def _label(ws: Workspace, entity: Entity, column: queries.Column) -> str:
    """What a column is called: `Account: Level`, with the links that lead to it."""
    at: Entity | None = entity
    found = []
    for step in column.path.split(".")[:-1]:
        link = at.find(step) if at is not None else None
        if link is not None:
            found.append(say(link.label, ws.actor.language))
            at = ws.model.entity(link.to[0]) if link.to else None
    return _COLON[ws.actor.language].join([*found, say(column.field.label, ws.actor.language)])


def _part_columns(ws: Workspace, column: queries.Column, header: str, at: int, sheet: Sheet) -> Iterator[_Out]:
    for part, label in registry.of(column.field).parts.items():
        named = f"{header}.{part}" if sheet.headers == "key" else f"{header}{PART}{say(label, ws.actor.language)}"
        yield _Out(named, column.path, column.field, at, part=part)


def _usual_fields(ws: Workspace, query: Query, entity: Entity) -> tuple[str, ...]:
    """Everything that a cell can hold and the actor may read."""
    shown = (column.field for column in queries.columns(ws, query))
    readable = {each.id for each in shown if registry.of(each).in_cells and _may_read(ws, entity, each)}
    found = [each.key for each in entity.fields.values() if each.id in readable and each.id not in _BEYOND]
    for each in entity.fields.values():
        if each.type == "links" and _may_read(ws, entity, each):
            found.append(each.key)
    return tuple(found)


def _readable(ws: Workspace, entity: Entity, id: str) -> bool:
    return id in entity.fields and _may_read(ws, entity, entity.fields[id])


def _may_read(ws: Workspace, entity: Entity, field: Field) -> bool:
    from metadata.access import rights

    return rights(ws.model, ws.actor, entity).may_read(field.id)


def _target(ws: Workspace, column: queries.Column) -> Entity | None:
    """The entity whose records a column names, when the actor may read their titles."""
    if column.field.type not in _ONE and not (column.listed and column.field.type == "links"):
        return None
    target = ws.model.entity(column.field.to[0]) if column.field.to else None
    return target if target is not None and links.may_name(ws, target, None) else None


def _cell(
    ws: Workspace, layout: _Layout, out: _Out, row: Sequence[Any], context: TextContext, clear: dict[str, set[str]]
) -> sheets.Cell:
    value = row[out.at]
    if value is None or isinstance(value, Masked):  # a mask is for screens: in a file it would pass for a value
        return ""
    if out.part is not None:
        return registry.of(out.field).write_part(out.field, out.part, value, context)
    if out.listed:
        return _list(ws, layout, out, row, value)
    if out.target is not None and out.title is not None:
        title = row[out.title]
        text = "" if title is None else _title_text(out.target, title)
        return text if text in clear[out.path] else f"{text} [{value}]".strip()
    if out.field.type in _ONE:
        return f"[{value}]"
    if isinstance(value, AnyLink):
        return registry.of(out.field).write_text(out.field, value, context)
    return sheets.typed(out.field, value, registry.of(out.field).write_text(out.field, value, context))


def _title_text(target: Entity, title: Any) -> str:
    field = target.fields[target.title]
    return registry.of(field).write_text(field, title, TextContext())


def _list(ws: Workspace, layout: _Layout, out: _Out, row: Sequence[Any], value: Sequence[Any]) -> str:
    """The records of a list by their ids, so that none is mistaken; a title before each, for people."""
    if len(value) >= LIST_CAP and layout.id is not None:
        whole = Query(layout.query.entity, fields=layout.query.fields, ids=(row[layout.id],), limit=1)
        value = queries.find(ws, whole).rows[0][out.at]
    found = []
    for each in value:
        if isinstance(each, dict) and out.target is not None:
            title = _listed_title(out.target, each)
            found.append(f"{title.translate(_SEPARATORS)} [{each['id']}]".strip())
        else:
            found.append(f"[{each['id'] if isinstance(each, dict) else each}]")
    return "; ".join(found)


def _listed_title(target: Entity, record: dict[str, Any]) -> str:
    field = target.fields[target.title]
    value = record.get(field.key)
    return "" if value is None else _title_text(target, registry.of(field).parse(field, value))


_SEPARATORS = {ord(each): " " for each in ";；\n"}


def _clear_titles(ws: Workspace, layout: _Layout, rows: Sequence[Sequence[Any]]) -> dict[str, set[str]]:
    """For each link column the titles that lead back to one record alone."""
    found: dict[str, set[str]] = {}
    for out in layout.outs:
        if out.target is None or out.title is None:
            continue
        wanted: dict[str, str] = {}
        for row in rows:
            if row[out.at] is not None and row[out.title] is not None:
                wanted[_title_text(out.target, row[out.title])] = row[out.at]
        named = links.resolve(ws, out.target, None, list(wanted))
        found[out.path] = {text for text, id in wanted.items() if (hit := named.get(text)) and hit.id == id}
    return found
