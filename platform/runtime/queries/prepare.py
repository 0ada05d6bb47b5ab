"""A `Query` -> a compiled plan, made once for all questions of its shape and kept with the model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.expressions.parser import parse
from metadata.expressions.tree import Expression
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import BadRequest, Forbidden
from runtime import search
from runtime.queries import query as q
from runtime.queries.build import Build, Inputs, Joins, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.conditions import where
from runtime.queries.names import Listed, entity_of
from runtime.queries.order import Phase, SortKey, after, ordering, sort_keys
from runtime.queries.output import Output, Selection
from runtime.queries.query import Query
from runtime.queries.rules import among_ids, row_rule
from runtime.tables import table_of

if TYPE_CHECKING:
    from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question of one shape is answered, but for its phases: see `page_statement`."""

    output: Output
    keys: tuple[SortKey, ...]
    positions: tuple[int, ...]
    """Where the sort values stand in a row."""


@dataclass(slots=True)
class Asked:
    """One question, understood: what its statements are made and kept by."""

    ws: Workspace
    entity: Entity
    query: Query
    expression: Expression | None
    readable: tuple[str, ...]
    """The fields that `q` looks into."""
    frequent: frozenset[str]
    """Tokens of `q` that stand in very many records."""
    related: Listed | None
    shape: Hashable
    inputs: Inputs


def ask(ws: Workspace, query: Query, related: Listed | None = None, related_to: str | None = None) -> Asked:
    """Understand a question and check it. Raises BadRequest, Forbidden, ExpressionInvalid."""
    entity = entity_of(ws.model, query.entity)
    _require_readable(ws, entity)
    inputs = inputs_of(ws)
    expression = None
    if query.where is not None and query.where.strip():
        expression = expression_of(ws, entity, query.where)
        inputs.values = expression.values
    if query.ids is not None:
        if len(query.ids) > q.MAX_IDS:
            raise BadRequest(q.too_many("ids", what="ids", limit=q.MAX_IDS))
        inputs.ids = [each.lower() for each in query.ids if is_uuid(each)]
    if related_to is not None:
        inputs.ids = (related_to,)
    readable: tuple[str, ...] = ()
    frequent: frozenset[str] = frozenset()
    searched: Hashable = None
    if query.q is not None and query.q.strip():
        readable = readable_search(ws, entity)
        inputs.q = search.query_params(readable, query.q, ws.db.dialect)
        frequent = search.frequent(ws.db, table_of(ws.model, entity, ws.db.dialect), readable, query.q)
        searched = (search.query_shape(query.q, ws.db.dialect, frequent), True)
    shape = (
        ws.db.dialect,
        entity.id,
        actor_shape(ws.actor),
        expression.shape if expression is not None else None,
        searched,
        query.sort,
        query.fields,
        query.deleted,
        query.ids is not None and (len(inputs.ids) == 1 or "several"),
        None if related is None else (related.key, related.link.id, related.link.entity, related.entity.id),
    )
    return Asked(ws, entity, query, expression, readable, frequent, related, shape, inputs)


def _require_readable(ws: Workspace, entity: Entity) -> None:
    key = ("readable", entity.id, actor_shape(ws.actor), ws.db.dialect)

    def make() -> bool:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        table = build.table(entity)
        return not isinstance(row_rule(build, Source(entity, table, table.table), "read"), sa.sql.elements.False_)

    if not kept(ws.model).get(key, make):
        raise Forbidden(q.not_readable(entity.key, entity=entity.plural))


def expression_of(ws: Workspace, entity: Entity, text: str) -> Expression:
    """A condition on the entity, as far as the actor may read the fields that it names."""
    key = ("expression", entity.id, actor_shape(ws.actor), text)

    def make() -> Expression:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        return parse(text, entity, ws.model.entity, build.may_read)

    return kept(ws.model).get(key, make)


def readable_search(ws: Workspace, entity: Entity) -> tuple[str, ...]:
    build = Build(ws.model, ws.actor, ws.db.dialect)
    return tuple(each for each in entity.search if build.rights(entity).may_read(each))


def plan_of(asked: Asked) -> Plan:
    """What the answer looks like: columns, objects, order."""
    return kept(asked.ws.model).get(("plan", asked.shape), lambda: _Statement(asked).plan())


def page_statement(asked: Asked, phase: Phase, empty: tuple[bool, ...] = ()) -> Statement:
    """The statement of one phase of a page; `empty` says which values of the cursor are."""
    key = ("page", asked.shape, phase, empty)
    return kept(asked.ws.model).get(key, lambda: _Statement(asked).page(phase, empty))


def count_statement(asked: Asked, capped: bool) -> Statement:
    key = ("count", asked.shape, capped)
    return kept(asked.ws.model).get(key, lambda: _Statement(asked).count(capped))


class _Statement:
    """Makes one statement of a question."""

    def __init__(self, asked: Asked) -> None:
        self.asked, ws = asked, asked.ws
        self.build = Build(ws.model, ws.actor, ws.db.dialect)
        table = self.build.table(asked.entity)
        # The entity's own table keeps its name: search speaks of its columns.
        self.joins = Joins(self.build, Source(asked.entity, table, table.table))
        self.base_currency = str(ws.model.settings.get("currency", ""))

    def _select(self) -> tuple[Selection, Output, tuple[SortKey, ...], tuple[int, ...]]:
        selection = Selection(self.build, self.joins, self.base_currency)
        output = selection.output(self.asked.entity, self.asked.query.fields)
        keys = sort_keys(self.build, self.asked.entity, self.asked.query.sort)
        positions = tuple(selection.add(key.links, key.field, key.part) for key in keys)
        return selection, output, keys, positions

    def plan(self) -> Plan:
        _, output, keys, positions = self._select()
        return Plan(output, keys, positions)

    def page(self, phase: Phase, empty: Sequence[bool]) -> Statement:
        selection, _, keys, _ = self._select()
        conditions = self._conditions()
        beyond = after(self.build, self.joins, keys, empty, phase)
        if beyond is not None:
            conditions.append(beyond)
        order = [] if one_id(self.asked) else ordering(self.build, self.joins, keys, phase)
        limit = self.build.parameter(sa.Integer(), lambda inputs: inputs.limit)
        statement = sa.select(*selection.selected).select_from(self.joins.origin)
        return self.build.finish(statement.where(*conditions).order_by(*order).limit(limit))

    def count(self, capped: bool) -> Statement:
        conditions = self._conditions()
        if not capped:
            statement = sa.select(sa.func.count()).select_from(self.joins.origin).where(*conditions)
            return self.build.finish(statement)
        some: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(self.joins.origin)
        some = some.where(*conditions).limit(sa.literal_column(str(q.CAP)))
        return self.build.finish(sa.select(sa.func.count()).select_from(some.subquery("some")))

    def _conditions(self) -> list[sa.ColumnElement[bool]]:
        return conditions_of(self.asked, self.build, self.joins)


def one_id(asked: Asked) -> bool:
    """Whether the question names one record, so that nothing is to be ordered."""
    return asked.query.ids is not None and asked.related is None and len(asked.inputs.ids) == 1


def conditions_of(asked: Asked, build: Build, joins: Joins) -> list[sa.ColumnElement[bool]]:
    """Everything that a record must meet to be in the answer, the row rule first of all."""
    root, query = joins.root, asked.query
    found = [sa.not_(root.kept()) if query.deleted else root.kept()]
    rule = row_rule(build, root, "read")
    if rule is not None:
        found.append(rule)
    if one_id(asked):
        found.append(root.column("id") == build.parameter(build.uuid, lambda inputs: inputs.ids[0]))
    elif query.ids is not None:
        found.append(among_ids(build, root.column("id")))
    if asked.related is not None:
        found.append(_related(build, root, asked.related))
    if asked.expression is not None:
        found.append(where(build, joins, asked.expression.root))
    if query.q is not None and query.q.strip():
        found.append(search.predicate(root.table, asked.entity, asked.readable, query.q, build.dialect, asked.frequent))
    return found


def _related(build: Build, root: Source, listed: Listed) -> sa.ColumnElement[bool]:
    """The record is in the list of another one, whose id is the question's."""
    wanted = build.parameter(build.uuid, lambda inputs: inputs.ids[0])
    if listed.through is None or listed.far is None:
        return root.column(listed.link.id) == wanted
    through = build.aliased(listed.through)
    pairs = sa.select(through.column(listed.far.id)).select_from(through.origin)
    pairs = pairs.where(through.column(listed.link.id) == wanted, through.kept())
    return root.column("id").in_(pairs)
