"""A pool (公海): records that nobody owns, for its members to claim. What the model says of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from metadata.problems import Label

if TYPE_CHECKING:
    from metadata.model import Entity, Model


@dataclass(frozen=True, slots=True)
class Recycle:
    """One reason why a record goes back to its pool: nothing has happened for too long."""

    id: str
    label: Label
    days: int
    """Whole days of the tenant's zone that pass after the latest of `since` and of when its owner got it."""
    since: tuple[str, ...] = ()
    """Paths of the record to dates and moments."""
    when: str | None = None
    """Condition text; None: every record."""
    keep: str | None = None
    """Condition text: these stay with their owner."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Records without an owner that meet `where` lie in the first pool of their entity for which that is so."""

    id: str
    key: str
    label: Label
    entity: str
    where: str | None = None
    """Condition text; None: all records."""
    members: tuple[str, ...] = ()
    """Ids of roles whose people see what lies in it and may claim it."""
    admins: tuple[str, ...] = ()
    """Ids of roles whose people may also give it to somebody, or move it to another pool."""
    per_day: int | None = None
    """How many records one person may claim from it on one day of the tenant's zone."""
    per_call: int = 20
    """How many at once."""
    cooldown_days: int | None = None
    """For how long who has lost a record may not claim it again."""
    hold: int | None = None
    """How many records of the entity a member may own, however he came by them."""
    hold_where: str | None = None
    """Condition text: only these count for `hold`."""
    recycle: tuple[Recycle, ...] = ()
    """Each may send a record back."""
    remind_before_days: int | None = None
    """How many days before that its owner is told."""


def recycled_where(pools: Sequence[Pool], pool: Pool, rule: Recycle, limits: Mapping[str, str]) -> str | None:
    """A condition that holds for every record that a rule may send back to a pool; None: for none.

    `pools`: those of the entity, in their order: a record goes to the first that takes it. `limits`: path of
    `rule.since` -> the text of a moment; what is later there stays.
    """
    parts = ["owner != null"]
    for each in pools[: [each.id for each in pools].index(pool.id)]:
        if each.where is None:
            return None
        parts.append(f"not ({each.where})")
    parts += [f"({text})" for text in (pool.where, rule.when) if text is not None]
    if rule.keep is not None:
        parts.append(f"not ({rule.keep})")
    parts += [f"({path} == null or {path} < '{limit}')" for path, limit in limits.items()]
    return " and ".join(parts)


def pools_of(model: Model, entity: Entity) -> tuple[Pool, ...]:
    """The pools of an entity, in the order in which a record looks for its own."""
    if not entity.pooled:
        return ()
    kept = _KEPT.setdefault(model, {})
    if entity.id not in kept:
        kept[entity.id] = tuple(each for each in model.all("pools") if each.entity == entity.id)
    return kept[entity.id]


def opened_to(model: Model, entity: Entity, roles: Iterable[str]) -> tuple[Pool, ...]:
    """The pools whose records people with these roles see and may claim."""
    held = set(roles)
    return tuple(each for each in pools_of(model, entity) if held & {*each.members, *each.admins})


_KEPT: WeakKeyDictionary[Model, dict[str, tuple[Pool, ...]]] = WeakKeyDictionary()
