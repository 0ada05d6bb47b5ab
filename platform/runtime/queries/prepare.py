"""A `Query` -> a compiled plan, made once for all questions of its shape and kept with the model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.expressions.parser import parse_in
from metadata.expressions.sql import require_sql
from metadata.expressions.tree import Expression
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import BadRequest, Forbidden
from runtime import search
from runtime.queries import nearing
from runtime.queries import query as q
from runtime.queries.build import Build, Inputs, Joins, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.conditions import where
from runtime.queries.names import Listed, entity_of
from runtime.queries.nearing import Nearby
from runtime.queries.order import Phase, SortKey, after, by_position, ordering, sort_keys
from runtime.queries.output import Output, Selection
from runtime.queries.query import Query
from runtime.queries.rules import among_ids, row_rule
from runtime.queries.timed import scope_of
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
    """A condition on the entity, as far as the actor may read the fields that it names. Raises ExpressionInvalid."""
    key = ("expression", entity.id, actor_shape(ws.actor), text)

    def make() -> Expression:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        expression = parse_in(text, entity, replace(scope_of(ws.model), visible=build.may_read))
        require_sql(expression.root)
        return expression

    return kept(ws.model).get(key, make)


def readable_search(ws: Workspace, entity: Entity) -> tuple[str, ...]:
    build = Build(ws.model, ws.actor, ws.db.dialect)
    # Tokens are kept by field, not by what a record is like: only what may be read of every record is looked into.
    return tuple(each for each in entity.search if build.rights(entity).always_read(each))


def plan_of(asked: Asked) -> Plan:
    """What the answer looks like: columns, objects, order."""
    return kept(asked.ws.model).get(("plan", asked.shape), lambda: _Statement(asked).plan())


def page_statement(asked: Asked, phase: Phase, empty: tuple[bool, ...] = ()) -> Statement:
    """The statement of one phase of a page; `empty` says which values of the cursor are."""
    key = ("page", asked.shape, phase, empty)
    return kept(asked.ws.model).get(key, lambda: _Statement(asked).page(phase, empty))


def counted_statement(asked: Asked) -> Statement:
    """The first page, with one column more: the capped count where there is more than the page, else nothing."""
    return kept(asked.ws.model).get(("counted", asked.shape), lambda: _Statement(asked).counted())


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
        return self.build.finish(self._page(phase, empty, self._near()))

    def counted(self) -> Statement:
        # The page is read before its rows are counted, and what stands on one page is not counted at all: CASE takes
        # only the branch that it needs. A table expression that is read twice is kept in the order it was made in.
        near = self._near()
        page = self._page("first", (), near).cte("page")
        rows = sa.select(sa.func.count()).select_from(page).scalar_subquery()
        full = rows >= self.build.parameter(sa.Integer(), lambda inputs: inputs.limit)
        count = sa.case((full, self._capped(near).scalar_subquery()))
        return self.build.finish(sa.select(sa.literal_column("page.*"), count).select_from(page))

    def _page(
        self, phase: Phase, empty: Sequence[bool], near: Nearby | None
    ) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        selection, _, keys, positions = self._select()
        beyond = after(self.build, self.joins, keys, empty, phase)
        order = [] if one_id(self.asked) else ordering(self.build, self.joins, keys, phase)
        limit = self.build.parameter(sa.Integer(), lambda inputs: inputs.limit)

        def rows(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
            statement = sa.select(*selection.selected).select_from(self.joins.origin)
            return statement.where(*conditions, *([] if beyond is None else [beyond])).order_by(*order).limit(limit)

        if near is None:
            return rows(*self._conditions(self.joins, None))
        # One of the two is not run at all: that a condition has no column the database sees beforehand.
        chosen = self._chosen(near, phase, empty, keys, limit)
        few = sa.select(*selection.selected).select_from(self.joins.origin)
        few = few.where(near.complete(), chosen).order_by(*order).limit(limit)
        many = rows(sa.not_(near.complete()), *self._conditions(self.joins, near))
        return sa.union_all(few, many).order_by(*by_position(keys, positions))

    def _chosen(
        self, near: Nearby, phase: Phase, empty: Sequence[bool], keys: Sequence[SortKey], limit: sa.BindParameter[Any]
    ) -> sa.ColumnElement[bool]:
        """On the page, of the few: found without the tables from which only values are shown."""
        root = self.joins.root
        joins = Joins(self.build, root)
        conditions = self._conditions(joins, near, few=True)
        beyond = after(self.build, joins, keys, empty, phase)
        order = ordering(self.build, joins, keys, phase)
        ids = sa.select(root.column("id")).select_from(joins.origin)
        ids = ids.where(*conditions, *([] if beyond is None else [beyond])).order_by(*order).limit(limit)
        return root.column("id") == sa.any_(sa.func.array(ids.correlate(None).scalar_subquery()))

    def count(self, capped: bool) -> Statement:
        near = self._near()
        if capped:
            return self.build.finish(self._capped(near))
        if near is None:
            return self.build.finish(self._every(None))
        few, many = (self._every(near, each).scalar_subquery() for each in (True, False))
        return self.build.finish(sa.select(sa.case((near.complete(), few), else_=many)))

    def _every(self, near: Nearby | None, few: bool = False) -> sa.Select[Any]:
        joins = Joins(self.build, self.joins.root)
        conditions = self._conditions(joins, near, few)
        return sa.select(sa.func.count()).select_from(joins.origin).where(*conditions)

    def _capped(self, near: Nearby | None) -> sa.Select[Any]:
        """How many there are, counted no further than people want to know."""
        if near is None:
            return self._some(None)
        few: sa.ColumnElement[Any] = self._some(near, few=True).scalar_subquery()
        branches = [(near.complete(), few)]
        alone = self.asked.expression is None and not _searches(self.asked)
        if alone and near.exact and nearing.MOST >= q.CAP - 1:
            branches.append((near.overflows(), sa.literal_column(str(q.CAP))))
        return sa.select(sa.case(*branches, else_=self._some(near).scalar_subquery()))

    def _some(self, near: Nearby | None, few: bool = False) -> sa.Select[Any]:
        joins = Joins(self.build, self.joins.root)
        conditions = self._conditions(joins, near, few)
        some: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(joins.origin)
        some = some.where(*conditions).limit(sa.literal_column(str(q.CAP)))
        return sa.select(sa.func.count()).select_from(some.subquery("some"))

    def _near(self) -> Nearby | None:
        return near_of(self.asked, self.build)

    def _conditions(self, joins: Joins, near: Nearby | None, few: bool = False) -> list[sa.ColumnElement[bool]]:
        return conditions_of(self.asked, self.build, joins, near, few)


def one_id(asked: Asked) -> bool:
    """Whether the question names one record, so that nothing is to be ordered."""
    return asked.query.ids is not None and asked.related is None and len(asked.inputs.ids) == 1


def near_of(asked: Asked, build: Build) -> Nearby | None:
    """The other way in which the records may be found, where nothing in the question itself narrows them."""
    if asked.query.deleted or asked.query.ids is not None or asked.related is not None:
        return None
    return nearing.nearby(build, asked.entity, "read")


def _searches(asked: Asked) -> bool:
    return asked.query.q is not None and bool(asked.query.q.strip())


def conditions_of(
    asked: Asked, build: Build, joins: Joins, near: Nearby | None = None, few: bool = False
) -> list[sa.ColumnElement[bool]]:
    """Everything that a record must meet to be in the answer, the row rule first of all.

    `near`: where the records that meet the rule have been looked for; `few`: and all of them have been found.
    """
    root, query = joins.root, asked.query
    found = [sa.not_(root.kept()) if query.deleted else root.kept()]
    if near is not None and few:
        found.append(near.has(root.column("id")))
    rule = None if near is not None and few and near.exact else row_rule(build, root, "read")
    if rule is not None:
        found.append(rule if near is None or few else near.met(root, rule))
    if one_id(asked):
        found.append(root.column("id") == build.parameter(build.uuid, lambda inputs: inputs.ids[0]))
    elif query.ids is not None:
        found.append(among_ids(build, root.column("id")))
    if asked.related is not None:
        found.append(_related(build, root, asked.related))
    if asked.expression is not None:
        found.append(where(build, joins, asked.expression.root))
    if query.q is not None and _searches(asked):
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
