"""Lists of other records inside an answer (children, links, what links here): one statement each for a whole page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import policy_field
from runtime.queries import query as q
from runtime.queries.build import Build, Joins, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.order import ordering, sort_keys
from runtime.queries.output import ListRequest, Output, Selection
from runtime.queries.rules import among_ids, row_rule

if TYPE_CHECKING:
    from runtime.workspace import Workspace


def fetch_lists(
    ws: Workspace, requests: Sequence[ListRequest], ids: Sequence[str], deleted: bool
) -> dict[str, dict[str, list[Any]]]:
    """For each list its records by the id of the record that has them: ids, or objects with the fields asked for."""
    return {each.listed.key: _fetch(ws, each, ids, deleted) for each in requests}


def _fetch(ws: Workspace, request: ListRequest, ids: Sequence[str], deleted: bool) -> dict[str, list[Any]]:
    if not ids:
        return {}
    listed = request.listed
    shape = (listed.key, listed.entity.id, listed.link.entity, listed.link.id, request.names, deleted)
    key = ("list", shape, ws.db.dialect, actor_shape(ws.actor))
    statement, output = kept(ws.model).get(key, lambda: _make(ws, request, deleted))
    inputs = inputs_of(ws)
    inputs.ids = ids
    inputs.limit = q.LIST_CAP_OF_ONE if len(ids) == 1 else q.LIST_CAP
    rows = statement.fetch(ws, inputs)
    if output is not None:
        rows = output.opened(ws, rows)
    found: dict[str, list[Any]] = {}
    for row in rows:
        # The owner's id and the rank come last.
        found.setdefault(row[-2], []).append(row[0] if output is None else output.shape.make(row))
    return found


def _make(ws: Workspace, request: ListRequest, deleted: bool) -> tuple[Statement, Output | None]:
    listed = request.listed
    build = Build(ws.model, ws.actor, ws.db.dialect)
    root = build.aliased(listed.entity)
    joins = Joins(build, root)
    selection = Selection(build, joins, str(ws.model.settings.get("currency", "")))
    whole = listed.field is not None and listed.field.type == "children"
    names = request.names
    output = selection.output(listed.entity, names) if names is not None or whole else None
    keys = sort_keys(build, listed.entity, ())
    order = ordering(build, joins, keys, "first")
    owner, origin, conditions = _owned(build, joins, request, deleted)
    rank = sa.func.row_number().over(partition_by=owner, order_by=order)
    inner = sa.select(*selection.selected, owner.label("of"), rank.label("rank")).select_from(origin)
    ranked = inner.where(*conditions).subquery("ranked")
    limit = build.parameter(sa.Integer(), lambda inputs: inputs.limit)
    statement = sa.select(*ranked.c).where(ranked.c.rank <= limit).order_by(ranked.c.of, ranked.c.rank)
    return build.finish(statement), output


def _owned(
    build: Build, joins: Joins, request: ListRequest, deleted: bool
) -> tuple[sa.ColumnElement[Any], sa.FromClause, list[sa.ColumnElement[bool]]]:
    """The id of the record that has the list, the tables, and which records are in it."""
    listed, root = request.listed, joins.root
    conditions: list[sa.ColumnElement[bool]] = []
    # What lives with a deleted record was deleted with it.
    in_bin = deleted and listed.field is not None and listed.field.type == "children"
    conditions.append(sa.not_(root.kept()) if in_bin else root.kept())
    rule = None if _seen_with_owner(root, request) else row_rule(build, root, "read")
    if rule is not None:
        conditions.append(rule)
    if listed.through is None or listed.far is None:
        owner = root.column(listed.link.id)
        return owner, joins.origin, [*conditions, among_ids(build, owner)]
    through = build.aliased(listed.through)
    owner = through.column(listed.link.id)
    on = through.column(listed.far.id) == root.column("id")
    if not deleted:
        conditions.append(through.kept())
    return owner, joins.origin.join(through.origin, on), [*conditions, among_ids(build, owner)]


def _seen_with_owner(root: Source, request: ListRequest) -> bool:
    """Records that have the rights of the very record whose list this is, which the actor sees."""
    listed = request.listed
    return listed.through is None and policy_field(root.entity) == listed.link.id and listed.link.type == "link"
