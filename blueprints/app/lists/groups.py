"""Groups of a list with counts and sums, opened one at a time; and the totals below it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints import context
from blueprints.app import cells
from blueprints.app.lists import columns as columns_
from blueprints.app.lists import rows
from blueprints.app.lists.asked import ROWS, Asked, address, asked, joined
from blueprints.app.shell import entity_of, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.expressions.printing import quoted
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field
from metadata.problems import BadRequest, kind
from runtime import queries
from runtime.queries.query import not_groupable
from runtime.workspace import Workspace

_MOST = 100
"""Groups on a page; the largest, where there are more."""
_NOTHING, _HIDDEN = "-", "!"
"""In addresses: the group without a value, and that of records that may not be seen."""

NO_GROUP = kind(
    "list_group_gone",
    en="There is no such group here any more. Load the list again.",
    zh="该分组已不存在，请重新加载列表。",
)


@dataclass(frozen=True, slots=True)
class Group:
    """One group. `value` as addresses know it, `url` gives its rows; none for what may not be opened."""

    value: str
    label: str
    tint: str
    count: int
    sums: tuple[tuple[str, str], ...]
    """(label of the column, total) for each total of the list."""
    url: str | None
    rows: str = ""
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Grouped:
    label: str
    groups: tuple[Group, ...]
    count: int
    further: int
    """Groups that are not shown."""
    lead: int = 1
    """Columns that the head of a group takes, before the first of its sums."""


def measures_of(given: Asked, heads: Sequence[columns_.Head]) -> dict[str, str]:
    """Column path -> what to ask for: `sum(amount)`."""
    return {each.path: f"{each.total}({each.path})" for each in heads if each.total}


def grouped(ws: Workspace, given: Asked, writer: rows.Writer) -> Grouped:
    """The groups of a list; the first is open. Raises BadRequest."""
    field, by = _field(ws, given), given.group
    measures = measures_of(given, writer.heads)
    found = queries.aggregate(
        ws, given.entity.id, (by,), ("count", *measures.values()), given.condition, given.q or None
    )
    made = _labelled(ws, given, field, found, writer, measures)
    shown = made if len(made) <= _MOST else _largest(made)
    if shown and shown[0].url is not None:
        shown[0] = _opened(ws, given, shown[0], writer)
    total = sum(each["count"] for each in found)
    lead = next((at for at, each in enumerate(writer.heads) if each.total and at > 0), len(writer.heads))
    return Grouped(writer.words.label(field.label), tuple(shown), total, len(made) - len(shown), lead)


def _field(ws: Workspace, given: Asked) -> Field:
    """The field that is grouped by. Raises BadRequest, the same for a hidden field as for none."""
    path = given.group.partition(":")[0]
    shown = cells.shown(ws, given.entity, path)
    if shown is None or "." in shown.path:
        raise BadRequest(not_groupable("group", name=given.group[:80]))
    return shown.field


def _largest(groups: Sequence[Group]) -> list[Group]:
    kept = sorted(groups, key=lambda each: -each.count)[:_MOST]
    return [each for each in groups if each in kept]


def _labelled(
    ws: Workspace,
    given: Asked,
    field: Field,
    found: Sequence[Mapping[str, Any]],
    writer: rows.Writer,
    measures: Mapping[str, str],
) -> list[Group]:
    words, reading = writer.words, writer.reading
    values = [each[given.group] for each in found]
    titles = _titles(ws, given.entity, field, values, writer)
    made = []
    for each, value in zip(found, values, strict=True):
        name = _named(value)
        sums = tuple(
            (head.label, said(ws, given.entity, head, each[measures[head.path]], reading))
            for head in writer.heads
            if head.path in measures
        )
        option = field.option(name) if field.options else None
        made.append(
            Group(
                name,
                _label(field, value, titles, words, reading, given.group),
                option.color or "" if option is not None else "",
                each["count"],
                sums,
                address("app.list_group", within=name, after=None) if name != _HIDDEN else None,
            )
        )
    if field.options:
        order = {each.key: at for at, each in enumerate(field.options)}
        made.sort(key=lambda each: order.get(each.value, len(order)))
    elif field.type in cells.LINKS:
        made.sort(key=lambda each: (each.value in (_NOTHING, _HIDDEN), each.label))
    return made


def _named(value: Any) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, Mapping):
        return _HIDDEN
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _titles(
    ws: Workspace, entity: Entity, field: Field, values: Sequence[Any], writer: rows.Writer
) -> Mapping[str, str]:
    """Names of the linked records that make groups."""
    shown = cells.shown(ws, entity, field.id)
    if field.type not in cells.LINKS or shown is None or shown.target is None:
        return {}
    ids = [each for each in values if isinstance(each, str)]
    titles = cells.Titles(ws, writer.reading, writer.words.file)
    for at in range(0, len(ids), 500):
        titles.learn((shown.target.key, each) for each in ids[at : at + 500])
    return {each: titles.piece(shown.target.key, each).text for each in ids}


def _label(field: Field, value: Any, titles: Mapping[str, str], words: Words, reading: TextContext, group: str) -> str:
    if value is None:
        return words.list_without
    if isinstance(value, Mapping):
        return words.hidden
    if isinstance(value, bool):
        return words.yes if value else words.no
    if ":" in group or field.type in ("date", "datetime"):
        return str(value)
    if field.options:
        option = field.option(str(value))
        return words.label(option.label) if option is not None else str(value)
    return titles.get(str(value)) or cells.text_of(field, value, reading)


def said(ws: Workspace, entity: Entity, head: columns_.Head, value: Any, reading: TextContext) -> str:
    """A sum, average or extreme as people read it."""
    field = entity.find(head.path)
    if value is None or field is None:
        return ""
    type_ = registry.of(field)
    if type_.kind in ("date", "datetime") or not isinstance(value, str) or field.type == "money":
        return cells.text_of(field, value, reading)
    # An average has more decimals than its field takes.
    return cells.text_of(field, f"{float(value):.2f}" if head.total == "avg" else value, reading)


# -- one group's rows


def list_group(entity: str) -> Response:
    """The rows of one group, and where there are more."""
    return context.perform(lambda ws: _group_rows(ws, asked(ws, entity_of(ws, entity))))


def _group_rows(ws: Workspace, given: Asked) -> Response:
    words, reading = Words(context.language()), text_context(ws)
    shown = columns_.chosen(ws, given.entity, given.look.columns)
    table = columns_.table(ws, given, shown, words)
    writer = rows.Writer(ws, given.entity, shown, table.heads, reading, words)
    _field(ws, given)
    name = request.args.get("within", "")
    group = Group(name, "", "", 0, (), address("app.list_group", within=name, after=None))
    opened = _opened(ws, given, group, writer)
    return make_response(render_template("list_rows.html", rows=opened.rows, more=opened.more))


def _opened(ws: Workspace, given: Asked, group: Group, writer: rows.Writer) -> Group:
    """A group with its first rows, or those after the address's cursor."""
    condition = joined([each for each in (given.condition, _within(ws, given, group.value)) if each])
    inner = replace(
        given.query([each.asked for each in writer.columns], limit=ROWS, after=given.after), where=condition
    )
    found = queries.find(ws, inner)
    more = address("app.list_group", within=group.value, after=found.next) if found.next else None
    return replace(group, rows=writer.rows(queries.as_json(found)), more=more)


def _within(ws: Workspace, given: Asked, value: str) -> str:
    """The condition that a record is in a group. Raises BadRequest for a group that cannot be."""
    field, (path, _, period) = _field(ws, given), given.group.partition(":")
    if value == _NOTHING:
        return f"{path} == null"
    if field.type in ("date", "datetime"):
        first, end = _period(value, period or "day")
        return f"{path} >= {quoted(first.isoformat())} and {path} < {quoted(end.isoformat())}"
    if field.type == "boolean" and value in ("true", "false"):
        return f"{path} == {value}"
    if field.type in ("integer", "rating", "duration") and value.lstrip("-").isdigit():
        return f"{path} == {value}"
    if field.type in cells.LINKS and not cells.is_id(value):
        raise BadRequest(NO_GROUP("within"))
    return f"{path} == {quoted(value)}"


def _period(text: str, period: str) -> tuple[dt.date, dt.date]:
    """First day of a period and of the next one."""
    try:
        match period:
            case "year":
                first = dt.date(int(text), 1, 1)
                return first, dt.date(first.year + 1, 1, 1)
            case "quarter":
                year, _, quarter = text.partition("-Q")
                first = dt.date(int(year), 3 * int(quarter) - 2, 1)
                return first, _months_later(first, 3)
            case "month":
                first = dt.date.fromisoformat(f"{text}-01")
                return first, _months_later(first, 1)
        first = dt.date.fromisoformat(text)
        return first, first + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest(NO_GROUP("within")) from None


def _months_later(day: dt.date, months: int) -> dt.date:
    month = day.month - 1 + months
    return dt.date(day.year + month // 12, month % 12 + 1, 1)


# -- totals


def list_totals(entity: str) -> Response:
    """The row below a list: how many records meet its filter, and the totals of its columns."""
    return context.perform(lambda ws: _totals(ws, asked(ws, entity_of(ws, entity))))


def _totals(ws: Workspace, given: Asked) -> Response:
    words, reading = Words(context.language()), text_context(ws)
    table = columns_.table(ws, given, columns_.chosen(ws, given.entity, given.look.columns), words)
    measures = measures_of(given, table.heads)
    found: Mapping[str, Any] = {}
    if measures and not given.deleted:
        rows_ = queries.aggregate(
            ws, given.entity.id, (), ("count", *measures.values()), given.condition, given.q or None
        )
        found = rows_[0]
    cells_ = [
        {
            "head": each,
            "text": said(ws, given.entity, each, found.get(measures[each.path]), reading)
            if each.path in measures
            else "",
            "what": words(f"list_measure_{each.total}") if each.total else "",
        }
        for each in table.heads
    ]
    return make_response(render_template("list_totals.html", cells=cells_, count=found.get("count")))


ROUTES = (
    Route("/app/-/list/<entity>/group", "GET", list_group, PAGE),
    Route("/app/-/list/<entity>/totals", "GET", list_totals, PAGE),
)
