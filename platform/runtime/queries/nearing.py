"""Records that a row rule lets through, found from the far end of its paths: what makes a list of few records fast.

A rule over links is asked of one record after the other in the order of the list. That ends soon where many records
meet it, and reads everything where few do. So the records are looked for the other way round first: the far records
that meet the condition, what links to them, and so on, each step over an index and none of them for long. Whether all
were found is known when it has run; the statement goes on in one way or the other (see `nearby`). PostgreSQL only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.access import Reach, policy_field
from metadata.expressions.binding import bound
from metadata.expressions.tree import (
    Compare,
    Constant,
    In,
    InUnit,
    Logic,
    Node,
)
from metadata.model import Entity, Field
from metadata.policies import condition_of
from metadata.pools import opened_to
from runtime.queries import shares
from runtime.queries.build import Build, Inputs, Source, nobody
from runtime.queries.columns import of_asker
from runtime.queries.ends import at_its_end, field_of, flat, is_present, is_strict
from runtime.queries.policies import seen_by_platform

MOST = 10_000
"""Ids that a step gives at most: so many are quickly sorted, and one in so many is quickly found in a walk."""

_DEEPEST = 6
"""As in `rules`: steps from a record to the one whose rights it has."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of records, by a chain of steps; none of them, when there are more than `MOST` at a step, is complete."""

    steps: tuple[sa.CTE, ...]
    exact: bool
    """Every one meets the rule; else the rule has to be asked of them as well."""
    link: str = "id"
    kind: str | None = None
    """Of an any_link: the entity that is meant."""
    targets: sa.FromClause | None = None
    """A record is found when its link leads to one of these. Without: by its own id."""

    @property
    def ids(self) -> sa.CTE:
        return self.steps[-1]

    def reaches(self, source: Source) -> sa.ColumnElement[bool]:
        """The same asked of a row, looking at its link alone."""
        targets = self.ids if self.targets is None else self.targets
        found = source.column(self.link).in_(sa.select(targets.c.id))
        if self.kind is None:
            return found
        return sa.and_(source.column(self.link, 1) == sa.literal_column(f"'{self.kind}'", sa.Text()), found)


@dataclass(frozen=True, slots=True)
class Nearby:
    """The union of all ways in which a record is reached. Whatever meets the rule is in it, if it is complete."""

    found: tuple[Found, ...]
    exact: bool

    def complete(self) -> sa.ColumnElement[bool]:
        """Whether no step was cut off. Asked step by step: what follows one that was is not looked for."""
        return _none_cut_off(step for each in self.found for step in each.steps)

    def met(self, source: Source, rule: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """The rule for rows that are read one after the other: what the links lead to is looked up only once."""
        if not self.exact:
            return rule
        before = [step for each in self.found for step in (each.steps if each.targets is None else each.steps[:-1])]
        reached = sa.or_(*(each.reaches(source) for each in self.found))
        return sa.case((_none_cut_off(before), reached), else_=rule)

    def overflows(self) -> sa.ColumnElement[bool]:
        """Whether there are more than `MOST` for certain, where they are exact."""
        return sa.or_(*(_many(each.ids) for each in self.found))

    def has(self, id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """The id is among them. An array, so that the key's index serves it whatever the statistics say."""
        every = [sa.select(each.ids.c.id) for each in self.found]
        chosen = every[0] if len(every) == 1 else sa.union_all(*every)
        return id == sa.any_(sa.func.array(chosen.scalar_subquery()))


def _none_cut_off(steps: Iterable[sa.CTE]) -> sa.ColumnElement[bool]:
    cut_off = [(_many(step), sa.false()) for step in {step.name: step for step in steps}.values()]
    return sa.case(*cut_off, else_=sa.true()) if cut_off else sa.true()


def _many(step: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.select(sa.func.count()).select_from(step).scalar_subquery() > sa.literal_column(str(MOST))


def nearby(build: Build, entity: Entity, action: str) -> Nearby | None:
    """The living records that a rule over links lets through; None where nothing is gained by it."""
    if not build.postgres or build.actor.platform:
        return None
    found = _Search(build, action).reached(entity, action, 0)
    if found is None or not any(len(each.steps) > 1 for each in found):
        return None  # a rule on the record itself: an index serves it
    return Nearby(tuple(found), all(each.exact for each in found))


class _Search:
    """Makes the steps of one statement."""

    def __init__(self, build: Build, action: str) -> None:
        self.build, self.action = build, action
        self._steps = 0

    def reached(self, entity: Entity, action: str, depth: int) -> list[Found] | None:
        """What reaches the records of an entity; None when one of the ways has no narrow end."""
        from runtime.queries.rules import inherited

        link = policy_field(entity)
        if link is None:
            reach = self.build.rights(entity).reach(action)
            return None if reach.everything else _all(self._arms(entity, action, reach))
        if depth >= _DEEPEST or not _is_indexed(entity, link):
            return None
        found: list[Found] = []
        for target in entity.fields[link].to:
            parents = self.reached(self.build.entity(target), inherited(action), depth + 1)
            if parents is None:
                return None
            found += [self._linking(each, entity, entity.fields[link], target) for each in parents]
        return found

    def _arms(self, entity: Entity, action: str, reach: Reach) -> Iterator[list[Found] | None]:
        if "own" in reach.scopes:
            yield self._seek(entity, "owner", self.one(nobody))
        if "subtree" in reach.scopes:
            yield self._seek(entity, "unit", self.several(lambda inputs: sorted(inputs.actor.subtree)))
        elif "unit" in reach.scopes:
            yield self._seek(entity, "unit", self.several(lambda inputs: list(inputs.actor.units)))
        for text in reach.where:
            expression = condition_of(self.build.model, entity, text)
            yield _Ends(self, expression.values).of(entity, expression.root)
        if action == "read" and opened_to(self.build.model, entity, self.build.actor.roles):
            yield None  # no index, and as a rule not few
        if action in shares.SHARED_FOR and not reach.nothing and entity.id in self.build.actor.shared:
            shared = shares.records(self.build, entity, action).distinct().subquery(self.name())
            # Not exact: some may be in the bin.
            yield [Found((self.step(sa.select(shared.c.record.label("id"))),), exact=False)]

    def _seek(self, entity: Entity, field: str, targets: sa.FromClause) -> list[Found] | None:
        if not _is_indexed(entity, field):
            return None
        return [Found((self.linking(targets, entity, field),), True, field, None, targets)]

    def _linking(self, found: Found, entity: Entity, link: Field, target: str) -> Found:
        kind = target if link.type == "any_link" else None
        step = self.linking(found.ids, entity, link.id, kind)
        return Found((*found.steps, step), found.exact, link.id, kind, found.ids)

    def linking(
        self,
        targets: sa.FromClause,
        entity: Entity,
        link: str,
        kind: str | None = None,
        *more: Callable[[Source], sa.ColumnElement[bool]],
    ) -> sa.CTE:
        """The living records that link to some ids."""
        source = self.build.aliased(entity)
        id = source.column("id")
        wanted: sa.ColumnElement[Any] = sa.literal_column(f"{targets.name}.id", self.build.uuid)  # type: ignore[attr-defined]
        conditions = [source.column(link) == wanted, source.kept(), *(each(source) for each in more)]
        if kind is not None:
            conditions.append(source.column(link, 1) == sa.literal_column(f"'{kind}'", sa.Text()))
        # In the order of the link's index, which leaves the planner nothing else to use.
        chosen: sa.Select[Any] = sa.select(id.label("id")).select_from(source.origin).where(*conditions)
        each = chosen.order_by(id).limit(sa.literal_column(str(MOST + 1))).lateral(self.name())
        return self.step(sa.select(each.c.id).select_from(targets.join(each, sa.true())))

    def step(self, chosen: sa.Select[Any]) -> sa.CTE:
        """Ids that are looked for once, and no more of them than can be used."""
        return chosen.limit(sa.literal_column(str(MOST + 1))).cte(self.name()).prefix_with("MATERIALIZED")

    def name(self) -> str:
        self._steps += 1
        return f"near{self._steps}"

    def one(self, getter: Callable[[Inputs], Any]) -> sa.FromClause:
        return sa.select(self.build.parameter(self.build.uuid, getter).label("id")).subquery(self.name())

    def several(self, getter: Callable[[Inputs], Any]) -> sa.FromClause:
        ids = self.build.parameter(postgresql.ARRAY(self.build.uuid), getter)
        return sa.select(sa.func.unnest(ids).label("id")).subquery(self.name())


class _Ends:
    """Where one condition begins."""

    def __init__(self, search: _Search, values: Sequence[object]) -> None:
        self.search, self.values = search, values

    def of(self, entity: Entity, node: Node) -> list[Found] | None:
        match node:
            case Logic(op="or", parts=parts):
                return _all(self.of(entity, part) for part in parts)
            case Logic(parts=parts):
                return self._together(entity, list(flat(parts)))
        return self._together(entity, [node])

    def _together(self, entity: Entity, parts: Sequence[Node]) -> list[Found] | None:
        """Conditions that are all met. Those at the end of one path narrow it; the others are asked later."""
        at: dict[tuple[tuple[str, str, str], ...], list[Node]] = {}
        for part in parts:
            ref = field_of(part)
            if ref is not None:
                at.setdefault(ref.links, []).append(part)
        # What stands on the record itself PostgreSQL finds by itself: a path is what it needs help with.
        for links in sorted(at, key=len, reverse=True):
            if any(is_strict(each) for each in at[links]):
                found = self._path(links, at[links]) if links else self._here(entity, at[links])
                if found is not None:
                    exact = found.exact and len(at[links]) == len(parts)
                    return [replace(found, exact=exact)]
        for part in parts:
            if isinstance(part, Logic) and (several := self.of(entity, part)) is not None:
                return [replace(each, exact=each.exact and len(parts) == 1) for each in several]
        return None

    def _path(self, links: Sequence[tuple[str, str, str]], parts: Sequence[Node]) -> Found | None:
        build, search = self.search.build, self.search
        if not all(_is_indexed(build.entity(holder), link) for holder, link, _ in links):
            return None
        far, asked = build.entity(links[-1][2]), [at_its_end(each) for each in parts]

        def met(source: Source) -> sa.ColumnElement[bool]:
            return sa.and_(*(seen_by_platform(build, source, each, self.values) for each in asked))

        sought = self._sought(far, asked)
        if sought is not None:
            steps = [search.linking(sought[1], far, sought[0], None, met)]
        else:
            source = build.aliased(far)
            chosen = sa.select(source.column("id").label("id")).select_from(source.origin)
            steps = [search.step(chosen.where(source.kept(), met(source)))]
        for holder, link, _ in reversed(links):
            steps.append(search.linking(steps[-1], build.entity(holder), link))
        return Found(tuple(steps), True, links[0][1], None, steps[-2])

    def _here(self, entity: Entity, parts: Sequence[Node]) -> Found | None:
        sought = self._sought(entity, parts)
        if sought is None:
            return None
        step = self.search.linking(sought[1], entity, sought[0])
        return Found((step,), len(parts) == 1, sought[0], None, sought[1])

    def _sought(self, entity: Entity, parts: Sequence[Node]) -> tuple[str, sa.FromClause] | None:
        """An indexed link to ids that the condition names, and these."""
        for part in parts:
            ref = field_of(part)
            if ref is None or ref.type not in _LINKS or not _is_indexed(entity, ref.field):
                continue
            match part:
                case Compare(op="==", right=Constant() as one) if one.kind != "null":
                    # Empty equals empty, and no index of a link holds the empty ones.
                    if not of_asker(one) or any(is_present(each, ref) for each in parts):
                        return ref.field, self.search.one(self._bound(one))
                case In(items=items):
                    return ref.field, self.search.several(self._every(items))
                case InUnit():
                    return ref.field, self.search.several(lambda inputs: sorted(inputs.binding.units))
        return None

    def _bound(self, constant: Constant) -> Callable[[Inputs], Any]:
        return lambda inputs: bound(constant, self.values, inputs.binding)

    def _every(self, items: Sequence[Constant]) -> Callable[[Inputs], Any]:
        def ids(inputs: Inputs) -> list[str]:
            found = (bound(each, self.values, inputs.binding) for each in items)
            return sorted({str(each) for each in found if each is not None})

        return ids


_LINKS = ("link", "user", "unit")


def _all(ways: Iterable[list[Found] | None]) -> list[Found] | None:
    found: list[Found] = []
    for each in ways:
        if each is None:
            return None
        found += each
    return found


def _is_indexed(entity: Entity, field: str) -> bool:
    return any(each.fields[0] == field and not each.where for each in entity.indexes)
