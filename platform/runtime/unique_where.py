"""The condition of a partial unique index as SQL, from the same compiler that filters lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from metadata.access import platform_actor
from metadata.expressions.parser import parse
from metadata.model import Entity, Index, Model
from runtime.dialects import dialect_named
from runtime.queries.build import Build, Inputs, Joins, Source, binding_of
from runtime.queries.conditions import where

_LITERALS = {"literal_binds": True, "include_table": False}


def where_sql(dialect: str) -> Callable[[Model, Entity, Index], str | None]:
    """(model, entity, index) -> the SQL of the index's own condition, None when it has none."""

    def made(model: Model, entity: Entity, index: Index) -> str | None:
        return None if index.where is None else _sql(model, entity, index.where, dialect)

    return made


def _sql(model: Model, entity: Entity, text: str, dialect: str) -> str:
    actor = platform_actor()
    build = Build(model, actor, dialect)
    expression = parse(text, entity, model.entity)
    table = build.table(entity)
    condition = where(build, Joins(build, Source(entity, table, table.table)), expression.root)
    inputs = Inputs(actor, binding_of(model, actor, dt.datetime.now(dt.UTC)), expression.values)
    values = {name: getter(inputs) for name, getter in build.getters.items()}

    def filled(parameter: sa.BindParameter[Any]) -> None:
        parameter.value, parameter.required = values[parameter.key], False

    bound = visitors.cloned_traverse(condition, {}, {"bindparam": filled})
    return str(bound.compile(dialect=dialect_named(dialect), compile_kwargs=_LITERALS))
