"""The row rule: which records of an entity an actor may see or change, as SQL and for one record in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.access import Actor, Reach, policy_field
from metadata.expressions.evaluate import Linked
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Model
from metadata.pools import opened_to
from runtime.codecs import json_text
from runtime.queries.build import Build, Inputs, Source, Statement, actor_shape, inputs_of, nobody
from runtime.queries.cache import kept
from runtime.queries.policies import holds, policy
from runtime.queries.shares import SHARED_FOR, is_shared, shared

if TYPE_CHECKING:
    from runtime.workspace import Workspace

_DEEPEST = 6
"""Steps from a record to the one whose rights it has."""


def row_rule(build: Build, source: Source, action: str) -> sa.ColumnElement[bool] | None:
    """The condition that the actor may do this with a row; None when with every row."""
    if not token_allows(build.model, build.actor, source.entity, action):
        return sa.false()
    return _rule(build, source, action, 0)


def _rule(build: Build, source: Source, action: str, depth: int) -> sa.ColumnElement[bool] | None:
    entity = source.entity
    if build.actor.platform:
        return None
    if policy_field(entity) is not None:
        return _via(build, source, action, depth)
    reach = build.rights(entity).reach(action)
    if reach.everything:
        return None
    return union(_arms(build, source, action, reach))


def _arms(build: Build, source: Source, action: str, reach: Reach) -> Iterator[sa.ColumnElement[bool]]:
    """Each way in which a row is reached, narrow ones first."""
    if "own" in reach.scopes:
        yield source.column("owner") == build.parameter(build.uuid, nobody)
    if "subtree" in reach.scopes:
        yield _among(build, source.column("unit"), lambda inputs: list(inputs.actor.subtree))
    elif "unit" in reach.scopes and len(build.actor.units) == 1:
        # Of one unit the rows come in the order of an index; those of several would have to be sorted.
        yield source.column("unit") == build.parameter(build.uuid, lambda inputs: inputs.actor.units[0])
    elif "unit" in reach.scopes:
        yield _among(build, source.column("unit"), lambda inputs: list(inputs.actor.units))
    for text in reach.where:
        yield policy(build, source, text)
    pools = [each.id for each in opened_to(build.model, source.entity, build.actor.roles)] if action == "read" else []
    if pools:
        yield source.column("pool").in_([sa.literal_column(f"'{each}'", sa.Text()) for each in pools])
    if action in SHARED_FOR and not reach.nothing and source.entity.id in build.actor.shared:
        yield shared(build, source, action)
    elif "team" in reach.scopes:
        # Not FALSE: what he may do must not depend on what others have shared with him so far.
        yield sa.literal_column("1") == sa.literal_column("0")


def union(arms: Iterable[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """Any of these; FALSE, which `may_ever` knows, when there is none."""
    found = list(arms)
    if not found:
        return sa.false()
    return found[0] if len(found) == 1 else sa.or_(*found)


def among_ids(build: Build, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The column is one of the ids of the question."""
    return _among(build, column, lambda inputs: list(inputs.ids))


def _among(build: Build, column: sa.ColumnElement[Any], getter: Any) -> sa.ColumnElement[bool]:
    if build.postgres:
        ids = build.parameter(postgresql.ARRAY(build.uuid), getter)
        return column == sa.any_(ids)
    text = build.parameter(sa.Text(), lambda inputs: json_text(getter(inputs)))
    return column.in_(sa.select(sa.func.json_each(text).table_valued("value").c.value))


def _via(build: Build, source: Source, action: str, depth: int) -> sa.ColumnElement[bool] | None:
    """A record that is seen and changed as the one it belongs to."""
    if depth >= _DEEPEST:
        return sa.false()
    link = source.entity.fields[policy_field(source.entity) or ""]
    several = link.type == "any_link"
    found: list[sa.ColumnElement[bool]] = []
    open_to_all = True
    for target in link.to:
        parent = build.aliased(build.entity(target))
        rule = _rule(build, parent, inherited(action), depth + 1)
        open_to_all = open_to_all and rule is None
        if isinstance(rule, sa.sql.elements.False_):
            continue
        named = [source.column(link.id, 1) == sa.literal_column(f"'{target}'", sa.Text())] if several else []
        if rule is None and several:
            found.append(named[0])
        else:
            conditions = [parent.column("id") == source.column(link.id), *named]
            if rule is not None:
                conditions.append(rule)
            found.append(sa.exists(sa.select(1).select_from(parent.origin).where(*conditions)))
    if open_to_all:
        return None
    # Nobody sees a part of what he never sees.
    return union(found)


def inherited(action: str) -> str:
    """What must be allowed on the record that this one belongs to: changing a part changes the whole."""
    return "read" if action == "read" else "update"


def token_allows(model: Model, actor: Actor, entity: Entity, action: str) -> bool:
    """Whether the scopes of the actor's token reach an entity, by its own name or that of what it belongs to."""
    allowed = actor.allowed_scopes
    if allowed is None or actor.platform:
        return True
    verbs = ("read", "write") if action == "read" else ("write",)
    names = _belongs_to(model, entity, 0)
    return any(verb in allowed or any(f"{verb}:{name}" in allowed for name in names) for verb in verbs)


def _belongs_to(model: Model, entity: Entity, depth: int) -> list[str]:
    names = [entity.id]
    link = policy_field(entity)
    if link is not None and depth < _DEEPEST:
        for target in entity.fields[link].to:
            found = model.entity(target)
            if found is not None:
                names += _belongs_to(model, found, depth + 1)
    return names


def may_ever(build: Build, entity: Entity, action: str) -> bool:
    """Whether the actor's roles open any record at all for an action."""
    rule = row_rule(build, build.aliased(entity), action)
    return rule is None or not isinstance(rule, sa.sql.elements.False_)


@dataclass(frozen=True, slots=True)
class RowRule:
    """The rule of one action on the entity's own table. Statements made with it may be kept by `shape`."""

    predicate: sa.ColumnElement[bool]
    params: Mapping[str, object]
    """Values of the predicate's parameters for this actor."""
    shape: object


def rule_of(ws: Workspace, entity: Entity, action: str) -> RowRule:
    """The row rule with its parameters named `rule_0`, `rule_1`, ... and their values apart."""
    shape = ("rule", entity.id, action, ws.db.dialect, actor_shape(ws.actor))

    def make() -> tuple[sa.ColumnElement[bool], tuple[tuple[str, Any], ...]]:
        build = _NamedBuild(ws.model, ws.actor, ws.db.dialect)
        table = build.table(entity)
        rule = row_rule(build, Source(entity, table, table.table), action)
        return sa.true() if rule is None else rule, tuple(build.getters.items())

    predicate, getters = kept(ws.model).get(shape, make)
    inputs = inputs_of(ws)
    return RowRule(predicate, {name: getter(inputs) for name, getter in getters}, shape)


class _NamedBuild(Build):
    """Names its parameters so that they do not meet those of the statement around them."""

    def parameter(self, type_: sa.types.TypeEngine[Any], getter: Any) -> sa.BindParameter[Any]:
        name = f"rule_{len(self.getters)}"
        self.getters[name] = getter
        return sa.bindparam(name, type_=type_)


def visible(ws: Workspace, entity: Entity, action: str) -> sa.ColumnElement[bool]:
    """The row rule on the entity's own table with this actor's values inside: use it once, never keep it."""
    build = _ValuedBuild(ws)
    table = build.table(entity)
    rule = row_rule(build, Source(entity, table, table.table), action)
    return sa.true() if rule is None else rule


class _ValuedBuild(Build):
    """Puts the values of this question into its parameters."""

    def __init__(self, ws: Workspace) -> None:
        super().__init__(ws.model, ws.actor, ws.db.dialect)
        self._inputs = inputs_of(ws)

    def parameter(self, type_: sa.types.TypeEngine[Any], getter: Any) -> sa.BindParameter[Any]:
        return sa.bindparam(None, getter(self._inputs), type_=type_, unique=True)


def check_record(
    ws: Workspace, entity: Entity, action: str, values: Mapping[str, Any], linked: Linked | None = None
) -> bool:
    """The same rule for one record in memory (values by field id), as it is or is about to be.

    `linked`: what its links lead to, loaded for many records at once (see `reaching`).
    """
    actor = ws.actor
    if actor.platform:
        return True
    if not token_allows(ws.model, actor, entity, action):
        return False
    link = policy_field(entity)
    if link is not None:
        return _check_via(ws, entity, action, values.get(link))
    reach = Build(ws.model, actor, ws.db.dialect).rights(entity).reach(action)
    if reach.everything:
        return True
    if entity.owned and _is_near(actor, reach, values.get("owner"), values.get("unit")):
        return True
    if any(holds(ws, entity, text, values, linked) for text in reach.where):
        return True
    if action == "read" and values.get("pool") in {each.id for each in opened_to(ws.model, entity, actor.roles)}:
        return True
    if reach.nothing or action not in SHARED_FOR or entity.id not in actor.shared:
        return False
    return is_shared(ws, entity, action, str(values.get("id")))


def _is_near(actor: Actor, reach: Reach, owner: Any, unit: Any) -> bool:
    return (
        ("own" in reach.scopes and owner is not None and owner == actor.user)
        or ("unit" in reach.scopes and unit is not None and unit in actor.units)
        or ("subtree" in reach.scopes and unit is not None and unit in actor.subtree)
    )


def _check_via(ws: Workspace, entity: Entity, action: str, value: Any) -> bool:
    link = entity.fields[policy_field(entity) or ""]
    target, id = (value.entity, value.id) if isinstance(value, AnyLink) else (link.to[0], value)
    if id is None or target not in link.to:
        return value is None and _open_to_all(ws, entity, action)
    parent = ws.model.entity(target)
    return parent is not None and sees(ws, parent, inherited(action), str(id), gate=False)


def _open_to_all(ws: Workspace, entity: Entity, action: str) -> bool:
    build = Build(ws.model, ws.actor, ws.db.dialect)
    return row_rule(build, build.aliased(entity), action) is None


def sees(ws: Workspace, entity: Entity, action: str, id: str, gate: bool = True, deleted: bool | None = None) -> bool:
    """Whether there is such a record and the actor may do this with it. `deleted` None: in the bin or not."""
    key = ("sees", entity.id, action, gate, deleted, ws.db.dialect, actor_shape(ws.actor))

    def make() -> Statement:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        source = build.aliased(entity)
        rule = row_rule(build, source, action) if gate else _rule(build, source, action, 0)
        wanted = build.parameter(build.uuid, lambda inputs: inputs.ids[0])
        statement: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(source.origin)
        statement = statement.where(source.column("id") == wanted)
        if rule is not None:
            statement = statement.where(rule)
        if deleted is not None:
            statement = statement.where(sa.not_(source.kept()) if deleted else source.kept())
        return build.finish(statement)

    inputs: Inputs = inputs_of(ws)
    inputs.ids = (id,)
    return bool(kept(ws.model).get(key, make).fetch(ws, inputs))
