"""What the tiles of a dashboard say with the reader's rights: figures, rows, what to do next; see also charting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from flask import url_for

from blueprints import visibility
from blueprints.app import cards, cells, figures, periods
from blueprints.app.sieve import both
from blueprints.texts import Words
from metadata.expressions.binding import Binding
from metadata.expressions.binding import today as day_of_tenant
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.measures import MEASURE
from metadata.model import Dashboard, Entity, Field, NextSource, Tile, View
from metadata.problems import PlatformError
from runtime import queries
from runtime.queries import Query
from runtime.workspace import Workspace

_NEXT = 8
_LATE_DAYS = 30
"""What was due longer ago is not what to do next: it is found in the lists and boards."""


@dataclass(frozen=True, slots=True)
class Metric:
    figure: figures.Figure
    rows_url: str
    before: figures.Figure | None = None
    change: str = ""
    """`+12%`, or empty when it cannot be said."""
    better: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    labels: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, tuple[cells.Cell, ...]], ...]
    """(address of the record, its cells)."""
    rows_url: str


@dataclass(frozen=True, slots=True)
class Todo:
    """Something to do: what, why, and when it is or was due."""

    title: str
    url: str
    reason: str
    icon: str
    when: str
    date: str
    late: bool


# -- what a reader may see at all


def may_open(ws: Workspace, found: Dashboard) -> bool:
    """Whether a dashboard is meant for the actor and shows them anything."""
    meant = not found.roles or bool(set(found.roles) & set(ws.actor.roles)) or ws.actor.platform
    return meant and any(each.kind != "text" for each in tiles_of(ws, found))


def tiles_of(ws: Workspace, found: Dashboard) -> tuple[Tile, ...]:
    """The tiles that the actor may know of: one whose records or fields they may not read is not there."""
    return visibility.kept_for(
        ws,
        ("tiles", found.id),
        lambda: tuple(shown for each in found.tiles if (shown := visible(ws, each)) is not None),
    )


def visible(ws: Workspace, tile: Tile) -> Tile | None:
    """The tile as far as the actor may know of it; None when it would tell, or hint at, what they may not read."""
    if tile.kind == "text":
        return tile
    if tile.kind == "next":
        sources = tuple(each for each in tile.sources if _may_ask(ws, each.entity, (each.date,), each.where))
        return replace(tile, sources=sources) if sources else None
    view = ws.model.get("views", tile.view) if tile.view else None
    names = [each for each in (tile.group, tile.split, *tile.period[:1]) if each]
    if found := MEASURE.fullmatch(tile.measure):
        names.append(found.group(2))
    wheres = [tile.where, view.where if view is not None else None]
    may = tile.entity is not None and all(_may_ask(ws, tile.entity, names, each) for each in wheres)
    return tile if may else None


def _may_ask(ws: Workspace, name: str, fields: Iterable[str], where: str | None) -> bool:
    entity = ws.model.entity(name)
    if entity is None or not visibility.may(ws, entity, "read"):
        return False
    if any(cells.shown(ws, entity, each) is None for each in fields):
        return False
    try:
        if where:
            queries.expression_of(ws, entity, where)
    except PlatformError:
        return False
    return True


# -- conditions


def _today(ws: Workspace) -> dt.date:
    return day_of_tenant(Binding(ws.now, str(ws.model.settings.get("timezone", "UTC")), ws.actor.user))


def where_of(ws: Workspace, entity: Entity, tile: Tile, *also: str | None) -> str | None:
    view = ws.model.get("views", tile.view) if tile.view else None
    return both(tile.where, view.where if view is not None else None, *also)


def within(ws: Workspace, entity: Entity, tile: Tile) -> str | None:
    if not tile.period:
        return None
    return periods.period(tile.period[1], _today(ws)).condition(entity.fields[tile.period[0]].key)


def rows_url(ws: Workspace, entity: Entity, where: str | None) -> str:
    """The list of all records that meet a condition, whatever the first view leaves out."""
    views: list[View] = visibility.kept_for(
        ws, ("views", entity.id), lambda: [each for each in ws.model.all("views") if each.entity == entity.id]
    )
    plain = next((each.key for each in views if each.kind == "list" and not each.where), "-")
    return url_for("app.find", entity=entity.key, view=plain, where=where)


def entity_of(ws: Workspace, tile: Tile) -> Entity:
    found = ws.model.entity(tile.entity or "")
    assert found is not None, "only visible tiles are asked for"
    return found


def measured(ws: Workspace, entity: Entity, tile: Tile) -> tuple[str, Field | None]:
    """(the measure in today's keys, the field that it measures)."""
    found = MEASURE.fullmatch(tile.measure)
    shown = cells.shown(ws, entity, found.group(2)) if found else None
    return (f"{found.group(1)}({shown.path})", shown.field) if found and shown else ("count", None)


def figure_of(field: Field | None, value: Any, words: Words, reading: TextContext) -> figures.Figure:
    if field is None:
        return figures.count(int(value or 0), words.dashboard_records, words.lang)
    return figures.figure(field, value, reading)


# -- figures


def metric(ws: Workspace, tile: Tile, words: Words, reading: TextContext) -> Metric:
    entity = entity_of(ws, tile)
    measure, field = measured(ws, entity, tile)
    where = where_of(ws, entity, tile, within(ws, entity, tile))
    now = figure_of(field, _one(ws, entity, measure, where), words, reading)
    url = rows_url(ws, entity, where)
    if not tile.compare or not tile.period:
        return Metric(now, url)
    before = periods.previous(tile.period[1], _today(ws)).condition(entity.fields[tile.period[0]].key)
    then = figure_of(field, _one(ws, entity, measure, where_of(ws, entity, tile, before)), words, reading)
    change = f"{(now.number - then.number) / then.number * 100:+.0f}%" if then.number > 0 else ""
    return Metric(now, url, then, change, now.number >= then.number)


def _one(ws: Workspace, entity: Entity, measure: str, where: str | None) -> Any:
    found = queries.aggregate(ws, entity.id, (), (measure,), where)
    return found[0][measure] if found else None


# -- rows


def rows(ws: Workspace, tile: Tile, words: Words, reading: TextContext) -> Rows:
    entity = entity_of(ws, tile)
    view = ws.model.get("views", tile.view) if tile.view else None
    names = tile.columns or (view.columns if view is not None else ()) or (entity.title,)
    columns = [found for each in names if (found := cells.shown(ws, entity, each)) is not None]
    sort = tile.sort or (view.sort if view is not None else ())
    where = where_of(ws, entity, tile, within(ws, entity, tile))
    query = Query(
        entity.id,
        where=where,
        sort=tuple(each for each in sort if cells.shown(ws, entity, each.lstrip("-")) is not None),
        fields=tuple(dict.fromkeys(each.asked for each in columns)) or ("id",),
        limit=tile.limit,
    )
    records = queries.as_json(queries.find(ws, query))
    titles = cells.Titles(ws, reading, words.file)
    titles.read(columns, records)
    return Rows(
        tuple(words.label(each.label) for each in columns),
        tuple(each.number for each in columns),
        tuple(
            (
                url_for("app.show", entity=entity.key, id=each["id"]),
                tuple(cells.cell(column, each, reading, titles) for column in columns),
            )
            for each in records
        ),
        rows_url(ws, entity, where),
    )


# -- what to do next


def todos(ws: Workspace, tile: Tile, words: Words, reading: TextContext) -> tuple[Todo, ...]:
    """The earliest of each source in turn, so that none crowds out the others; one statement each."""
    today = cards.today(ws, reading.timezone)
    found = [list(_from_source(ws, source, words, reading, today)) for source in tile.sources]
    turns = [each for turn in zip_longest(*found) for each in turn if each is not None]
    return tuple(sorted(turns[:_NEXT], key=lambda each: each.date))


def _from_source(
    ws: Workspace, source: NextSource, words: Words, reading: TextContext, today: dt.date
) -> Iterable[Todo]:
    entity = ws.model.entity(source.entity)
    assert entity is not None, "only visible sources are asked for"
    date = entity.fields[source.date]
    first, last = _today(ws) - dt.timedelta(days=_LATE_DAYS), _today(ws) + dt.timedelta(days=source.days + 1)
    near = periods.Period(first, last).condition(date.key)
    title = entity.fields[entity.title] if cells.title_of(ws, entity) is not None else None
    fields = (date.key, *((title.key,) if title is not None and registry.of(title).stored else ()))
    query = Query(entity.id, where=both(source.where, near), sort=(date.key,), fields=fields, limit=_NEXT)
    for each in queries.as_json(queries.find(ws, query)):
        day = cards.day_of(str(each[date.key]), reading.timezone)
        text = cells.text_of(title, each.get(title.key), reading) if title is not None else ""
        yield Todo(
            text or each["id"][:8],
            url_for("app.show", entity=entity.key, id=each["id"]),
            words.label(source.label),
            source.icon or entity.icon,
            when_text((day - today).days, words),
            str(day),
            day < today,
        )


def when_text(days: int, words: Words) -> str:
    """A distance from today in words."""
    match days:
        case 0:
            return words.dashboard_due_today
        case 1:
            return words.dashboard_due_tomorrow
        case -1:
            return words.dashboard_due_late_one
    return words("dashboard_due_late", days=-days) if days < 0 else words("dashboard_due_in", days=days)
