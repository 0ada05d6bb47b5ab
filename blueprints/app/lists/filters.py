"""The filter of a list as chips: what an expression says, and the expression that somebody builds from chips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from blueprints import context, errors
from blueprints.answers import json_answer
from blueprints.app import cells
from blueprints.app.lists.asked import Asked
from blueprints.app.lists.columns import choosable, link_label
from blueprints.app.lists.conditions import Refused, family_of, ops_of, read, said_op, said_value
from blueprints.app.shell import entity_of, text_context
from blueprints.limits import json_object, require_keys
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.expressions import conditions
from metadata.expressions.conditions import Condition, Joined
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity
from metadata.problems import BadRequest, NotFound
from runtime import queries
from runtime.queries.query import unknown_field
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition as it is shown. `data`: what the browser sends back for it."""

    field: str
    op: str
    value: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A chip, or a group of them joined by `op`."""

    chip: Chip | None = None
    op: str = ""
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """The filter as it is shown: chips, or the text when it says more than chips can."""

    op: str = "and"
    parts: tuple[Part, ...] = ()
    text: str = ""
    fixed: tuple[Part, ...] = ()
    """The view's own conditions, which stay."""
    fixed_op: str = "and"
    fixed_text: str = ""

    @property
    def count(self) -> int:
        return sum(len(each.chips) or 1 for each in self.parts) + bool(self.text)


def bar(ws: Workspace, given: Asked, words: Words, reading: TextContext) -> Bar:
    """The filter of a list. A condition that is not understood stays the text that it is."""
    if not given.where and not given.fixed:
        return Bar()
    own, fixed = _joined(ws, given.entity, given.where), _joined(ws, given.entity, given.fixed)
    titles = _titles(ws, given.entity, reading, words, own, fixed)
    shower = _Shower(ws, given.entity, words, reading, titles)
    return Bar(
        own.op if own is not None else "and",
        tuple(shower.parts(own)),
        "" if own is not None else given.where,
        tuple(shower.parts(fixed)),
        fixed.op if fixed is not None else "and",
        "" if fixed is not None else given.fixed,
    )


def _joined(ws: Workspace, entity: Entity, text: str) -> Joined | None:
    if not text:
        return conditions.NOTHING
    try:
        return conditions.conditions_of(queries.expression_of(ws, entity, text), ws.model.entity)
    except BadRequest:
        return None


def _titles(
    ws: Workspace, entity: Entity, reading: TextContext, words: Words, *joined: Joined | None
) -> Mapping[tuple[str, str], str]:
    """The names of the records that conditions mention: (entity key, id) -> title."""
    mentioned: dict[tuple[str, str], None] = {}
    for each in (part for one in joined if one is not None for part in conditions.every(one)):
        found = cells.shown(ws, entity, each.path) if each.kind == "id" else None
        if found is not None and found.target is not None:
            mentioned.update(dict.fromkeys((found.target.key, id) for id in each.values if cells.is_id(id)))
    if not mentioned:
        return {}
    titles = cells.Titles(ws, reading, words.file)
    titles.learn(mentioned)
    return {key: titles.piece(*key).text for key in mentioned}


@dataclass(frozen=True, slots=True)
class _Shower:
    ws: Workspace
    entity: Entity
    words: Words
    reading: TextContext
    titles: Mapping[tuple[str, str], str]

    def parts(self, joined: Joined | None) -> Iterator[Part]:
        for each in joined.parts if joined is not None else ():
            if isinstance(each, Joined):
                chips = tuple(self.chip(inner) for inner in each.parts if isinstance(inner, Condition))
                yield Part(op=each.op, chips=chips)
            else:
                yield Part(self.chip(each))

    def chip(self, condition: Condition) -> Chip:
        shown = cells.shown(self.ws, self.entity, condition.path)
        data = as_json(condition)
        if shown is None:  # a field that is understood but stands in no cell
            return Chip(condition.path, said_op(condition, None, self.words), ", ".join(condition.values), data)
        over = link_label(self.ws, self.entity, condition.path, self.words)
        label = self.words.label(shown.label)
        values = [said_value(shown, each, self.words, self.reading, self.titles) for each in condition.values]
        return Chip(
            f"{over} › {label}" if over else label,
            said_op(condition, shown.field, self.words),
            self.words.list_comma.join(values),
            data,
        )


def as_json(part: Condition | Joined) -> dict[str, Any]:
    """A filter as the browser holds it."""
    if isinstance(part, Condition):
        return {"path": part.path, "op": part.op, "values": list(part.values)}
    return {"op": part.op, "parts": [as_json(each) for each in part.parts]}


# -- from chips to text and back


def list_filter(entity: str) -> Response:
    """`{"joined": {"op": "and", "parts": [{"path", "op", "values"}, ...]}}` or `{"where": text}` -> both of them.

    `joined` is null for a text that says more than chips can; with `problems` when it says nothing. Keeps nothing.
    """
    body, _ = json_object(request)
    require_keys(body, "joined", "where")
    return context.perform(lambda ws: _converted(ws, entity_of(ws, entity), body))


def _converted(ws: Workspace, entity: Entity, body: Mapping[str, Any]) -> Response:
    lang = context.language()
    try:
        text = str(body.get("where") or "").strip() if "where" in body else _text(ws, entity, body.get("joined"))
        joined = conditions.NOTHING
        if text:
            expression = queries.expression_of(ws, entity, text)
            found = conditions.conditions_of(expression, ws.model.entity)
            return json_answer({"where": text, "joined": as_json(found) if found is not None else None})
        return json_answer({"where": "", "joined": as_json(joined)})
    except BadRequest as error:
        return json_answer({"where": None, "problems": [errors.as_json(each, lang) for each in error.problems]})


def _text(ws: Workspace, entity: Entity, given: Any) -> str:
    """The expression of chips. Raises BadRequest with what is wrong with each value."""
    joined = read(ws, entity, given, text_context(ws))
    if isinstance(joined, Refused):
        raise BadRequest(joined.problems)
    return conditions.text_of(joined)


def list_filter_fields(entity: str) -> Response:
    """What may be asked about, as a list to choose from."""
    return context.perform(lambda ws: _fields(ws, entity_of(ws, entity)))


def _fields(ws: Workspace, entity: Entity) -> Response:
    words = Words(context.language())
    groups: dict[str, list[dict[str, str]]] = {}
    for each in choosable(ws, entity):
        if ops_of(each.field):
            over = link_label(ws, entity, each.path, words)
            groups.setdefault(over, []).append({"path": each.path, "label": words.label(each.label)})
    return make_response(render_template("list_fields.html", groups=list(groups.items())))


def list_condition(entity: str) -> Response:
    """The controls of one condition: `?path=stage&op=is&value=won&value=lost`."""
    return context.perform(lambda ws: _condition(ws, entity_of(ws, entity)))


def _condition(ws: Workspace, entity: Entity) -> Response:
    arguments, words, reading = request.args, Words(context.language()), text_context(ws)
    path = arguments.get("path", "")
    shown = cells.shown(ws, entity, path)
    if shown is None or not ops_of(shown.field):
        raise NotFound(unknown_field("path", name=path[:60], entity=entity.label))
    field, family = shown.field, family_of(shown.field)
    ops = ops_of(field)
    op = arguments.get("op", "") if arguments.get("op") in ops else ops[0]
    values = [each for each in arguments.getlist("value") if each]
    over = link_label(ws, entity, path, words)
    label = words.label(shown.label)
    return make_response(
        render_template(
            "list_condition.html",
            label=f"{over} › {label}" if over else label,
            path=shown.path,
            family=family,
            ops=[(each, said_op(Condition(path, "text", each), field, words), each == op) for each in ops],
            without=conditions.WITHOUT_VALUE,
            options=[
                {"value": each.key, "label": words.label(each.label), "color": each.color, "chosen": each.key in values}
                for each in field.options
                if not each.retired or each.key in values
            ],
            values=values,
            records=_records(ws, entity, shown, values, words, reading) if family == "record" else [],
            suggest=url_for("app.suggest", entity=shown.target.key) if shown.target is not None else "",
            me="user" in field.to,
        )
    )


def _records(
    ws: Workspace,
    entity: Entity,
    shown: cells.Shown,
    values: Sequence[str],
    words: Words,
    reading: TextContext,
) -> list[dict[str, str]]:
    condition = Joined("and", (Condition(shown.path, "id", "is", tuple(values)),))
    titles = _titles(ws, entity, reading, words, condition)
    chosen: Iterable[str] = (each for each in values if cells.is_id(each))
    return [{"id": each, "title": said_value(shown, each, words, reading, titles)} for each in chosen]


ROUTES = (
    Route("/app/-/filter/<entity>", "POST", list_filter, PAGE),
    Route("/app/-/filter/<entity>/fields", "GET", list_filter_fields, PAGE),
    Route("/app/-/filter/<entity>/condition", "GET", list_condition, PAGE),
)
