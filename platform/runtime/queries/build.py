"""What one statement is built with: the model, the actor's rights, its parameters, and the tables that it joins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata import access
from metadata.access import Actor, Rights
from metadata.calendars import Calendars
from metadata.expressions.binding import NOBODY, Binding
from metadata.fieldtypes.base import ColumnSpec
from metadata.model import Entity, Field, Model, Right
from runtime.codecs import column_type
from runtime.prepared import Prepared, prepare
from runtime.tables import DELETED_AT, EntityTable, table_of

if TYPE_CHECKING:
    from runtime.workspace import Workspace


@dataclass(slots=True)
class Inputs:
    """The values of one question, from which the parameters of its statements are taken."""

    actor: Actor
    binding: Binding
    values: Sequence[object] = ()
    """Of the slots of `where`."""
    cursor: Sequence[Any] = ()
    q: Mapping[str, object] = field(default_factory=dict)
    ids: Sequence[str] = ()
    limit: int = 0

    def of(self, values: Sequence[object]) -> Inputs:
        """The same question for the slots of another expression."""
        return Inputs(self.actor, self.binding, values)


Getter = Callable[[Inputs], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement and where its parameters come from."""

    prepared: Prepared
    getters: tuple[tuple[str, Getter], ...]

    def fetch(self, ws: Workspace, inputs: Inputs) -> Sequence[tuple[Any, ...]]:
        values = {name: getter(inputs) for name, getter in self.getters}
        if inputs.q:
            values.update(inputs.q)
        return self.prepared.fetch(ws.db, values)


def actor_shape(actor: Actor) -> Hashable:
    """Actors of one shape share compiled statements: who they are goes in as parameters."""
    return actor.platform, actor.roles, actor.allowed_scopes, actor.shared, len(actor.units) == 1


def inputs_of(ws: Workspace) -> Inputs:
    return Inputs(ws.actor, binding_of(ws.model, ws.actor, ws.now))


def binding_of(model: Model, actor: Actor, now: dt.datetime) -> Binding:
    return Binding(
        now,
        str(model.settings.get("timezone", "UTC")),
        actor.user,
        attributes=actor.attributes,
        roles=frozenset(actor.roles),
        units=actor.subtree,
        calendars=Calendars(model),
    )


class Build:
    """One statement under construction."""

    def __init__(self, model: Model, actor: Actor, dialect: str) -> None:
        self.model, self.actor, self.dialect = model, actor, dialect
        self.postgres = dialect == "postgresql"
        self.uuid = column_type(ColumnSpec("uuid"), dialect)
        self.getters: dict[str, Getter] = {}
        self._aliases = 0
        self._rights: dict[str, Rights] = {}

    def parameter(self, type_: sa.types.TypeEngine[Any], getter: Getter) -> sa.BindParameter[Any]:
        name = f"p{len(self.getters)}"
        self.getters[name] = getter
        return sa.bindparam(name, type_=type_)

    def rights(self, entity: Entity) -> Rights:
        """What the actor's roles allow, whatever the token: see `rules.token_allows`."""
        if entity.id not in self._rights:
            actor = replace(self.actor, allowed_scopes=None)
            self._rights[entity.id] = access.rights(self.model, actor, entity)
        return self._rights[entity.id]

    def may_read(self, entity: Entity, field: Field) -> bool:
        """Whether a field may be mentioned: what is narrowed to some rows is empty in the others."""
        return self.rights(entity).may_read(field.id)

    def may_see(self, entity: Entity, field: Field) -> bool:
        """Whether it is shown at all, be it masked."""
        return self.rights(entity).may_see(field.id)

    def table(self, entity: Entity) -> EntityTable:
        return table_of(self.model, entity, self.dialect)

    def entity(self, id: str) -> Entity:
        found = self.model.entity(id)
        if found is None:
            raise LookupError(id)
        return found

    def aliased(self, entity: Entity) -> Source:
        self._aliases += 1
        table = self.table(entity)
        # An alias of the table itself would copy each of its columns.
        return Source(entity, table, sa.table(table.table.name).alias(f"t{self._aliases}"), build=self)

    def finish(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> Statement:
        return Statement(prepare(statement, self.dialect), tuple(self.getters.items()))


@dataclass(frozen=True, slots=True)
class Source:
    """A table in FROM: the entity's own, or an alias of it."""

    entity: Entity
    table: EntityTable
    origin: sa.FromClause
    build: Build | None = field(default=None, kw_only=True)
    """Of the statement: what is computed when it is read adds to it."""

    def column(self, field_id: str, part: int = 0) -> sa.ColumnElement[Any]:
        """A column of a field: `part` 1 is the base amount of money, or the entity id of an any_link."""
        return self._value(field_id, part)

    def kept(self) -> sa.ColumnElement[bool]:
        """Not in the recycle bin."""
        return self._column(self.table.table.c[DELETED_AT]).is_(None)

    def _value(self, field_id: str, part: int) -> sa.ColumnElement[Any]:
        if field_id in self.table.fields:
            return self._column(self.table.fields[field_id].columns[part])
        from runtime.queries import timed

        assert self.build is not None
        return timed.column(self.build, self, self.entity.fields[field_id], part)

    def _column(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        if self.origin is self.table.table:
            return column
        # Physical names are made of ids: nothing in them needs quotes.
        return sa.literal_column(f"{self.origin.name}.{column.name}", column.type)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Guarded(Source):
    """The same as the actor may see it: a value to which he has no right in a row is not there."""

    build: Build = field(kw_only=True)

    def column(self, field_id: str, part: int = 0) -> sa.ColumnElement[Any]:
        return self._while(field_id, part, "read")

    def masked(self, field_id: str) -> sa.ColumnElement[Any]:
        """The value where he may know at least that there is one: never to be compared or given as it is."""
        return self._while(field_id, 0, "masked")

    def _while(self, field_id: str, part: int, right: Right) -> sa.ColumnElement[Any]:
        found = self._value(field_id, part)
        texts = self.build.rights(self.entity).when(field_id, right)
        if texts is None:
            return found
        from runtime.queries.policies import policy

        return sa.case((sa.or_(*(policy(self.build, self, text) for text in texts)), found))


class Joins:
    """The tables of one statement: its own and, for each dotted path, the linked one where the actor may see it.

    `root` is the table as it is, for the row rule; what is selected, compared and sorted comes from `at`.
    """

    def __init__(self, build: Build, root: Source) -> None:
        self.build, self.root = build, root
        self._joined: dict[tuple[str, ...], Source] = {(): self._seen(root)}
        self._from: sa.FromClause = root.origin

    def _seen(self, source: Source) -> Source:
        narrowed = self.build.rights(source.entity).narrowed
        seen = Guarded if narrowed else Source
        return seen(source.entity, source.table, source.origin, build=self.build)

    def at(self, path: Sequence[str]) -> Source:
        """The source reached over links (field ids). Invisible and deleted records are not there."""
        key = tuple(path)
        if key not in self._joined:
            from runtime.queries.rules import row_rule

            before = self.at(key[:-1])
            link = before.entity.fields[key[-1]]
            source = self.build.aliased(self.build.entity(link.to[0]))
            on = [source.column("id") == before.column(link.id), source.kept()]
            rule = row_rule(self.build, source, "read")
            if rule is not None:
                on.append(rule)
            self._from = self._from.outerjoin(source.origin, sa.and_(*on))
            self._joined[key] = self._seen(source)
        return self._joined[key]

    @property
    def origin(self) -> sa.FromClause:
        return self._from


def nobody(inputs: Inputs) -> str:
    return inputs.actor.user or NOBODY
