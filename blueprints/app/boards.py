"""A board: columns by the values of a field, with counts and sums, and the first cards of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, make_response, render_template, request
from markupsafe import Markup

from blueprints import context, visibility
from blueprints.addresses import address_of
from blueprints.answers import json_answer, json_bytes
from blueprints.app import cards, cells, figures, layouts, sieve
from blueprints.app.shell import entity_of, page, text_context
from blueprints.app.sieve import Sieve
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field, View
from metadata.problems import BadRequest, NotFound
from runtime import queries
from runtime.queries import Query
from runtime.queries.query import not_found, unknown_entity
from runtime.saved_views import SavedView
from runtime.workspace import Workspace

_CARDS = 20
_AT_ONCE = 6
"""Columns whose cards come with the page; those further right load when they are scrolled to."""
_COLUMNS = 24
_SAID = ("add_title", "cancelled", "held", "moved", "over", "refused", "undo", "undone")
"""Texts that the browser says."""
NOTHING = "-"
"""Stands for an empty value in addresses."""


@dataclass(frozen=True, slots=True)
class Column:
    """One value of the field. `value` is what a record is given here: an option's key, true/false, an id, or `-`."""

    value: str
    label: str
    tint: str = ""
    count: int = 0
    sums: tuple[figures.Figure, ...] = ()
    retired: bool = False
    done: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A board's view as the actor may see it. `movable`: some record may be given another value."""

    entity: Entity
    view: View
    by: Field
    sums: tuple[Field, ...]
    face: cards.Face
    movable: bool
    creatable: bool
    quick: bool
    """A title is enough for a new record."""
    drawer: str
    """Which form opens else: `quick` when the short one has the board's field, or the whole one."""


def show(ws: Workspace, entity: Entity, view: View, mine: Sequence[SavedView] = ()) -> Response:
    """The whole page. A filter that is not understood leaves the page standing and says why."""
    words, board = Words(context.language()), board_of(ws, entity, view)
    asked = sieve.asked(view)
    try:
        columns, problems = columns_of(ws, board, asked, words), []
    except BadRequest as error:
        columns, problems = (), [each.message(words.lang) for each in error.problems]
    filled = [each for each in columns if each.count][:_AT_ONCE]
    found = {each.value: _cards(ws, board, asked, each, words) for each in filled}
    return page(
        ws,
        "board.html",
        422 if problems else 200,
        heading=words.label(view.label),
        entity_label=words.label(entity.label),
        entity_plural=words.label(entity.plural),
        views=sieve.views(ws, entity, asked, words, mine),
        filters=sieve.filters(ws, entity, asked, words, view.props["by"]),
        asked=asked,
        searchable=bool(entity.search),
        problems=problems,
        board=board,
        by_label=words.label(board.by.label),
        columns=[_shown(ws, board, asked, each, found.get(each.value)) for each in columns],
        total=sum(each.count for each in columns),
        texts=json_bytes({each: words(f"board_{each}") for each in _SAID}).decode(),
        clear_url=address_of("app.find", entity=entity.key, view=view.key),
        new_url=address_of("app.new", entity=entity.key) if board.creatable else None,
    )


def board_of(ws: Workspace, entity: Entity, view: View) -> Board:
    """Raises NotFound when the actor may not read what makes the columns."""
    made = visibility.kept_for(ws, ("board", view.id), lambda: _board(ws, entity, view))
    if made is None:
        raise NotFound(unknown_entity(name=view.key))
    return made


def _board(ws: Workspace, entity: Entity, view: View) -> Board | None:
    readable = {each.id for each in visibility.readable(ws, entity)}
    props = view.props
    if props["by"] not in readable or not sieve.may_use(ws, entity, view):
        return None
    by = entity.fields[props["by"]]
    writable = {each.id for each in visibility.writable(ws, entity)}
    creatable = visibility.may(ws, entity, "create")
    needed = {each.id for each in entity.fields.values() if each.required and not each.system and each.default is None}
    return Board(
        entity,
        view,
        by,
        tuple(entity.fields[each] for each in props.get("sums", ()) if each in readable),
        cards.face(ws, entity, props.get("card", ()), props.get("due"), view.id),
        visibility.may(ws, entity, "update") and by.id in writable,
        creatable,
        creatable and needed <= {entity.title, by.id} and {entity.title, by.id} <= writable,
        "quick" if by.id in layouts.quick_fields(ws, entity) else "",
    )


def columns_of(ws: Workspace, board: Board, asked: Sieve, words: Words) -> tuple[Column, ...]:
    """Every column with its count and sums, in one statement; names of linked records in a second one.

    Raises BadRequest.
    """
    measures = ("count", *(f"sum({each.key})" for each in board.sums))
    where = sieve.condition(board.entity, asked)
    groups = queries.aggregate(ws, board.entity.id, (board.by.key,), measures, where, asked.q or None)
    held = {_value(each[board.by.key]): each for each in groups}
    reading = text_context(ws)
    found = [
        replace(
            each,
            count=held[each.value]["count"] if each.value in held else 0,
            sums=tuple(_sum(field, held.get(each.value), reading) for field in board.sums),
            done=each.value in _done(board),
        )
        for each in _values(ws, board, held, words, reading)
    ]
    return tuple(each for each in found if each.count or not (each.retired or each.value == NOTHING))


def _done(board: Board) -> frozenset[str]:
    options = (board.by.option(each) for each in board.view.props.get("done", ()))
    named = frozenset(each.key for each in options if each is not None)
    return named or frozenset(board.view.props.get("done", ()))


def _value(value: Any) -> str:
    """A group's value as a column's."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if not isinstance(value, Mapping) else "?"


def _values(ws: Workspace, board: Board, held: Mapping[str, Any], words: Words, reading: TextContext) -> list[Column]:
    empty = Column(NOTHING, words.board_empty)
    by = board.by
    if by.options:
        offered = (
            Column(each.key, words.label(each.label), cards.tint(each), retired=each.retired) for each in by.options
        )
        return [empty, *offered]
    if by.type == "boolean":
        return [empty, Column("false", words.no), Column("true", words.yes)]
    # Of linked records only those with the most, as many as a person can look at.
    ids = sorted((each for each in held if each not in (NOTHING, "?")), key=lambda each: -held[each]["count"])
    names = _names(ws, by, ids[:_COLUMNS], reading)
    linked = (Column(id, names.get(id, id[:8])) for id in ids[:_COLUMNS])
    return [empty, *sorted(linked, key=lambda each: each.label)]


def _names(ws: Workspace, by: Field, ids: Sequence[str], reading: TextContext) -> dict[str, str]:
    target = ws.model.entity(by.to[0]) if by.to else None
    key = cells.title_of(ws, target) if target is not None and visibility.may(ws, target, "read") else None
    if target is None or key is None or not ids:
        return {}
    records = queries.as_json(queries.find(ws, Query(target.id, fields=(key,), ids=tuple(ids), limit=len(ids))))
    field = target.fields[target.title]
    return {each["id"]: cells.text_of(field, each.get(key), reading) or each["id"][:8] for each in records}


def _sum(field: Field, group: Mapping[str, Any] | None, reading: TextContext) -> figures.Figure:
    value = group[f"sum({field.key})"] if group is not None else None
    return figures.figure(field, value, reading)


def condition_of(field: Field, value: str) -> str:
    """The condition that a record stands in a column."""
    if value == NOTHING:
        return f"{field.key} == null"
    return f"{field.key} == {value}" if field.type == "boolean" else f'{field.key} == "{value}"'


@dataclass(frozen=True, slots=True)
class Some:
    """Cards of one column, and where the next ones are."""

    cards: Markup
    more_url: str | None


def _cards(ws: Workspace, board: Board, asked: Sieve, column: Column, words: Words, after: str | None = None) -> Some:
    entity = board.entity
    readable = {each.id for each in visibility.readable(ws, entity)}
    query = Query(
        entity.id,
        where=sieve.condition(entity, asked, condition_of(board.by, column.value)),
        sort=tuple(each for each in board.view.sort if each.lstrip("-").split(".")[0] in readable),
        fields=board.face.asked,
        limit=_CARDS,
        after=after,
        q=asked.q or None,
    )
    found = queries.find(ws, query)
    reading = text_context(ws)
    made = cards.cards(ws, entity, board.face, queries.as_json(found), reading, column.done)
    more = _part_url("board_column", board, asked, value=column.value, after=found.next) if found.next else None
    return Some(cards.written(made, words, board.movable), more)


def _part_url(endpoint: str, board: Board, asked: Sieve, **arguments: Any) -> str:
    return address_of(f"app.{endpoint}", view=board.view.key, **asked.arguments(), **arguments)


def _shown(ws: Workspace, board: Board, asked: Sieve, column: Column, some: Some | None) -> dict[str, Any]:
    """A column for the template: with its cards, or with the address from which they come."""
    prefill: dict[str, Any] = {board.by.key: column.value} if column.value != NOTHING else {}
    return {
        "head": column,
        "some": some,
        "load_url": _part_url("board_column", board, asked, value=column.value) if column.count and not some else None,
        "new_url": address_of("app.new", entity=board.entity.key, **prefill) if board.creatable else None,
    }


# -- parts of a board, for the browser


def board_column(view: str) -> Response:
    """The next cards of a column as a fragment."""

    def command(ws: Workspace) -> Response:
        board, asked = _part(ws, view)
        value = request.args.get("value", NOTHING)
        column = Column(value, "", done=value in _done(board))
        words = Words(context.language())
        some = _cards(ws, board, asked, column, words, request.args.get("after") or None)
        return make_response(render_template("board_cards.html", some=some))

    return context.perform(command)


def board_heads(view: str) -> Response:
    """Count and sums of every column as JSON: `[{"value", "count", "sums": [{"text", "title"}]}]`."""

    def command(ws: Workspace) -> Response:
        board, asked = _part(ws, view)
        found = columns_of(ws, board, asked, Words(context.language()))
        return json_answer(
            [
                {
                    "value": each.value,
                    "count": each.count,
                    "sums": [{"text": one.short, "title": one.text} for one in each.sums],
                }
                for each in found
            ]
        )

    return context.perform(command)


def board_card(view: str, id: str) -> Response:
    """One card as it is now."""

    def command(ws: Workspace) -> Response:
        board, _ = _part(ws, view)
        fields = tuple(dict.fromkeys((*board.face.asked, board.by.key)))
        page = queries.find(ws, Query(board.entity.id, fields=fields, ids=(id,), limit=1))
        records = queries.as_json(page)
        if not records:
            raise NotFound(not_found(board.entity.key, entity=board.entity.label))
        value = records[0].get(board.by.key)
        at = _value(value["id"] if isinstance(value, Mapping) and "id" in value else value)
        made = cards.cards(ws, board.entity, board.face, records, text_context(ws), at in _done(board))
        shown = cards.written(made, Words(context.language()), board.movable, at)
        return make_response(render_template("board_cards.html", some=Some(shown, None)))

    return context.perform(command)


def _part(ws: Workspace, name: str) -> tuple[Board, Sieve]:
    view = ws.model.get("views", name)
    if view is None or view.kind != "board":
        raise NotFound(unknown_entity(name=name[:60]))
    return board_of(ws, entity_of(ws, view.entity), view), sieve.asked(view)


ROUTES = (
    Route("/app/-/boards/<view>/column", "GET", board_column, PAGE),
    Route("/app/-/boards/<view>/heads", "GET", board_heads, PAGE),
    Route("/app/-/boards/<view>/cards/<id>", "GET", board_card, PAGE),
)
