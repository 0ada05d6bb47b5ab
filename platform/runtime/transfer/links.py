"""Texts in cells become the records that they name: by title, by a key field, or by id, in one statement for many."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.problems import Problem, kind
from runtime.codecs import json_text
from runtime.queries.build import Build, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule
from runtime.workspace import Workspace

NOT_FOUND = kind(
    "import_link_not_found",
    en="{label}: no {entity} has the {field} “{text}”. Correct it, or load {entity} first.",
    zh="{label}：没有{field}为“{text}”的{entity}。请更正，或先导入{entity}。",
)
SEVERAL = kind(
    "import_link_ambiguous",
    en="{label}: {number} records of {entity} have the {field} “{text}”. Name it by another field, or by its id.",
    zh="{label}：有 {number} 条{entity}的{field}为“{text}”。请改用其他字段或 ID 指明。",
)
MAY_NOT_NAME = kind(
    "import_link_unreadable",
    en="{label}: you may not read the {field} of {entity}, so records cannot be named by it.",
    zh="{label}：您无权查看{entity}的{field}，不能用它指定记录。",
)

_WITH_ID = re.compile(r"\[([0-9a-fA-F-]{36})\]\s*\Z")


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names: one record, or why it does not."""

    id: str | None
    number: int = 1


NOTHING = Named(None, 0)


def id_in(text: str) -> str | None:
    """The id that a cell gives beside or instead of a name: `Acme [018f...]`, or the id alone."""
    if len(text) < 36:
        return None
    found = _WITH_ID.search(text)
    id = found[1] if found else text.strip()
    return id.lower() if is_uuid(id) else None


def key_field(target: Entity, by: Field | None) -> Field:
    """The field whose values the texts are."""
    return by if by is not None else target.fields[target.title]


def resolve(ws: Workspace, target: Entity, by: Field | None, texts: Collection[str]) -> Mapping[str, Named]:
    """What each text names among the records that the actor may see."""
    found: dict[str, Named] = {}
    open_: list[str] = []
    for text in texts:
        id = id_in(text)
        if id is not None:
            found[text] = Named(id)
        else:
            open_.append(text)
    if not open_:
        return found
    key = key_field(target, by)
    found.update(_looked_up(ws, target, key, open_))
    email = next((each for each in target.fields.values() if each.type == "email"), None)
    if by is None and email is not None:
        # People are often known by their address.
        addresses = [text for text in open_ if "@" in text and found.get(text, NOTHING).id is None]
        if addresses:
            found.update(_looked_up(ws, target, email, addresses))
    return found


def problem(field: Field, target: Entity, by: Field | None, text: str, named: Named) -> Problem:
    """Why a text does not name one record."""
    shown: dict[str, Any] = {
        "label": field.label,
        "entity": target.label,
        "field": key_field(target, by).label,
        "text": text[:60],
    }
    if named.number > 1:
        return SEVERAL(field.key, number=named.number, **shown)
    return NOT_FOUND(field.key, **shown)


def may_name(ws: Workspace, target: Entity, by: Field | None) -> bool:
    """Whether the actor may read the field by which records are named: naming by it would tell its values."""
    return Build(ws.model, ws.actor, ws.db.dialect).rights(target).always_read(key_field(target, by).id)


def _looked_up(ws: Workspace, target: Entity, key: Field, texts: Collection[str]) -> Mapping[str, Named]:
    values: dict[Any, str] = {}
    same: dict[str, str] = {}
    stored = _storing(ws, target, key)
    for text in texts:
        value = stored(text)
        if value is not None:
            same[text] = values.setdefault(value, text)
    if not values:
        return {}
    statement = _statement(ws, target, key)
    inputs = inputs_of(ws)
    wanted = list(values)
    inputs.q = {"wanted": wanted if ws.db.dialect == "postgresql" else json_text(wanted)}
    rows = statement.fetch(ws, inputs)
    found = {values[value]: Named(id if number == 1 else None, number) for value, id, number in rows}
    return {text: found[first] for text, first in same.items() if first in found}


def _storing(ws: Workspace, target: Entity, key: Field) -> Callable[[str], Any]:
    """Text -> what the column holds; None when no value can be written so."""
    type_ = registry.of(key)
    context = TextContext(ws.actor.language, str(ws.model.settings.get("timezone", "UTC")))
    encode = Build(ws.model, ws.actor, ws.db.dialect).table(target).fields[key.id].encode[type_.compared]

    def stored(text: str) -> Any:
        try:
            value = type_.read_text(key, text, context)
        except ValueProblem:
            return None
        if value is not None and type_.compared:
            value = type_.comparable(value)
        return encode(value) if value is not None and encode is not None else value

    return stored


def _statement(ws: Workspace, target: Entity, key: Field) -> Statement:
    cached = ("named", target.id, key.id, ws.db.dialect, actor_shape(ws.actor))

    def make() -> Statement:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        source = build.aliased(target)
        column = source.column(key.id, registry.of(key).compared)
        conditions = [_among(build, column), source.kept()]
        rule = row_rule(build, source, "read")
        if rule is not None:
            conditions.append(rule)
        id = sa.func.min(sa.cast(source.column("id"), sa.Text))
        return build.finish(
            sa.select(column, id, sa.func.count()).select_from(source.origin).where(*conditions).group_by(column)
        )

    return kept(ws.model).get(cached, make)


def _among(build: Build, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    if build.postgres:
        return column == sa.any_(sa.bindparam("wanted", type_=postgresql.ARRAY(column.type)))
    rows = sa.func.json_each(sa.bindparam("wanted", type_=sa.Text())).table_valued("value")
    return column.in_(sa.select(rows.c.value))
