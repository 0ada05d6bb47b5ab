"""Charts: groups and measures of records, in an order and with names, and the condition that each bar stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blueprints.app import cards, cells, figures, periods
from blueprints.app.sieve import both
from blueprints.app.tiles import entity_of, figure_of, measured, rows_url, where_of, within
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Tile
from runtime import queries
from runtime.queries import Query
from runtime.workspace import Workspace

_MOST_BARS, _MOST_COLORS = 12, 8
OTHERS = "\0others"
"""The key of all groups that have no place of their own."""


@dataclass(frozen=True, slots=True)
class Point:
    """One bar or slice. `url` opens its records."""

    label: str
    figures: tuple[figures.Figure, ...]
    urls: tuple[str, ...]
    tint: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    label: str
    tint: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    kind: str
    points: tuple[Point, ...]
    series: tuple[Series, ...]
    measure: str
    rows_url: str
    dated: bool = False
    """Whether the points follow one another in time."""


def chart(ws: Workspace, tile: Tile, words: Words, reading: TextContext) -> Chart:
    """Raises BadRequest when there are too many groups."""
    entity = entity_of(ws, tile)
    measure, field = measured(ws, entity, tile)
    where = where_of(ws, entity, tile, within(ws, entity, tile))
    group = _Group(ws, entity, tile.group or "", tile.bucket, words, reading)
    split = _Group(ws, entity, tile.split, None, words, reading) if tile.split else None
    names = [each.name for each in (group, split) if each is not None]
    found = queries.aggregate(ws, entity.id, names, (measure,), where)
    values = {(_key(each[group.name]), _key(each[split.name]) if split else ""): each[measure] for each in found}
    adds_up = measure == "count" or measure.startswith("sum(")
    rows, columns = (
        group.ordered([each[0] for each in values], _size(values, 0), _MOST_BARS if adds_up else 0),
        split.ordered([each[1] for each in values], _size(values, 1), _MOST_COLORS if adds_up else 0)
        if split
        else [""],
    )
    group.learn(rows)
    if split is not None:
        split.learn(columns)
    points = [
        Point(
            group.label(row),
            tuple(figure_of(field, _total(values, row, each, rows, columns), words, reading) for each in columns),
            tuple(_drill(ws, entity, where, group, row, split, each) for each in columns),
            group.tint(row),
        )
        for row in rows
    ]
    series = tuple(Series(split.label(each), split.tint(each)) for each in columns) if split else (Series(""),)
    label = words.label(field.label) if field is not None else words.dashboard_records
    return Chart(tile.chart, tuple(points), series, label, rows_url(ws, entity, where), group.bucket is not None)


def _key(value: Any) -> str:
    if isinstance(value, Mapping):
        return "?"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _amount(value: Any) -> Decimal:
    return Decimal(str((value["amount"] if isinstance(value, Mapping) else value) or 0))


def _size(values: Mapping[tuple[str, str], Any], at: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for key, value in values.items():
        found[key[at]] = found.get(key[at], Decimal(0)) + abs(_amount(value))
    return found


def _total(
    values: Mapping[tuple[str, str], Any], row: str, column: str, rows: Sequence[str], columns: Sequence[str]
) -> Any:
    """The value of a group; of the others, the sum of all that have no place of their own."""
    if OTHERS not in (row, column):
        return values.get((row, column))
    found = [
        value
        for (one, two), value in values.items()
        if (one == row or (row == OTHERS and one not in rows))
        and (two == column or (column == OTHERS and two not in columns))
    ]
    held = [each for each in found if each is not None]
    if held and isinstance(held[0], Mapping):
        return {"amount": str(sum((_amount(each) for each in held), Decimal(0))), "currency": held[0]["currency"]}
    return str(sum((_amount(each) for each in held), Decimal(0)))


def _drill(
    ws: Workspace, entity: Entity, where: str | None, group: _Group, row: str, split: _Group | None, column: str
) -> str:
    """Where the records of one bar are listed; empty when no condition says them."""
    conditions = [group.condition(row), split.condition(column) if split is not None else None]
    if None in conditions[: 2 if split is not None else 1]:
        return ""
    return rows_url(ws, entity, both(where, *conditions))


class _Group:
    """A field that makes groups: in which order they stand, what they are called, what condition they are."""

    def __init__(
        self, ws: Workspace, entity: Entity, path: str, bucket: str | None, words: Words, reading: TextContext
    ) -> None:
        shown = cells.shown(ws, entity, path)
        assert shown is not None, "only visible tiles are asked for"
        self.ws, self.shown, self.words, self.reading = ws, shown, words, reading
        self.field, self.bucket = shown.field, bucket
        self.name = f"{shown.path}:{bucket}" if bucket else shown.path
        self._names: dict[str, str] = {}

    def ordered(self, keys: Sequence[str], size: Mapping[str, Decimal], most: int) -> list[str]:
        """Options in their order, dates by time without gaps, all else by size; what is small goes under others."""
        held = list(dict.fromkeys(keys))
        if self.bucket:
            dated = sorted(each for each in held if each)
            return periods.buckets(dated[0], dated[-1], self.bucket) if dated else []
        if self.field.options:
            keep = [each.key for each in self.field.options if each.key in held or not each.retired]
            found = [each for each in keep if each in held] + [each for each in held if each not in keep]
        elif self.field.type == "boolean":
            found = [each for each in ("true", "false", "") if each in held]
        else:
            found = sorted(held, key=lambda each: (each in ("", "?"), -size[each], each))
        if most and len(found) > most:
            found = [*found[: most - 1], OTHERS]
        return found

    def learn(self, keys: Sequence[str]) -> None:
        """Find out the names of linked records, in one question."""
        target, title = self.shown.target, self.shown.title
        ids = tuple(each for each in keys if each not in ("", "?", OTHERS))
        if target is None or title is None or not ids:
            return
        page = queries.find(self.ws, Query(target.id, fields=(title.key,), ids=ids, limit=len(ids)))
        for each in queries.as_json(page):
            self._names[each["id"]] = cells.text_of(title, each.get(title.key), self.reading)

    def label(self, key: str) -> str:
        words = self.words
        if key in ("", "?", OTHERS):
            return {"": words.dashboard_unset, "?": words.hidden, OTHERS: words.dashboard_others}[key]
        if self.field.type in cells.LINKS:
            return self._names.get(key) or key[:8]
        if self.field.type == "boolean":
            return words.yes if key == "true" else words.no
        option = self.field.option(key)
        return words.label(option.label) if option is not None else key

    def tint(self, key: str) -> str:
        option = self.field.option(key) if self.field.options else None
        return cards.tint(option) if option is not None and option.color else ""

    def condition(self, key: str) -> str | None:
        path = self.shown.path
        if key in ("?", OTHERS):
            return None
        if key == "":
            return f"{path} == null"
        if self.bucket:
            found = periods.bucket(key)
            return found.condition(path) if found is not None else None
        if self.field.type in ("boolean", "integer"):
            return f"{path} == {key}"
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        return f"{path} == '{quoted}'"
