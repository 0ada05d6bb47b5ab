"""Where a record without an owner lies, and how many records a member of a pool may own: part of every save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.access import platform_actor
from metadata.expressions.evaluate import evaluate
from metadata.expressions.parser import parse
from metadata.expressions.tree import Expression
from metadata.model import Entity, Model
from metadata.pools import Pool, pools_of
from metadata.problems import kind
from runtime.account_tables import ROLE_ASSIGNMENT
from runtime.portable import Id, Moment
from runtime.queries.build import Build, Inputs, Joins, Source, binding_of
from runtime.queries.cache import kept
from runtime.queries.conditions import Condition, where
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace

HOLDS_ENOUGH = kind(
    "records.holds_enough",
    en="{owner} may own at most {most} {entity} and would own {held}. Return some to the pool first.",
    zh="{owner}最多可持有 {most} 条{entity}，此操作后将持有 {held} 条。请先将部分退回公海。",
)

_HOLDER = sa.table(
    "_pool_holder", sa.column("entity", sa.Text()), sa.column("user_id", Id()), sa.column("looked", Moment())
)


def settle_pools(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """A record that loses its owner, or is made without one, lies in a pool from then on; an owner takes it out."""
    if not plan.entity.pooled:
        return
    binding = binding_of(ws.model, platform_actor(), ws.now)
    for draft in drafts:
        owner, before = draft.values.get("owner"), draft.before
        if owner is not None:
            draft.values["pool"] = None
        elif "pool" not in draft.sent and (before is None or before.get("owner") is not None):
            fits = (
                pool
                for pool in pools_of(ws.model, plan.entity)
                if (told := condition_of(ws.model, plan.entity, pool.where)) is None
                or evaluate(told, draft.values, binding)
            )
            found = next(fits, None)
            draft.values["pool"] = None if found is None else found.id
    _check_holders(ws, plan, drafts)


def condition_of(model: Model, entity: Entity, text: str | None) -> Expression | None:
    """A pool's condition, checked once for a model."""
    if text is None:
        return None
    return kept(model).get(("pool", entity.id, text), lambda: parse(text, entity, model.entity))


def _check_holders(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Nobody comes to own more than a pool of his allows: by claim, gift, import or making them himself."""
    limited = [each for each in pools_of(ws.model, plan.entity) if each.hold is not None]
    coming: dict[str, list[Draft]] = {}
    for draft in drafts if limited else ():
        owner = draft.values.get("owner")
        if owner is not None and (draft.before is None or draft.before.get("owner") != owner):
            coming.setdefault(owner, []).append(draft)
    if not coming:
        return
    if ws.write:  # a form that only asks what would be takes no place in the line
        _stand_in_line(ws, plan.entity, sorted(coming))
    roles = _roles(ws, list(coming))
    for pool in limited:
        mine = [user for user in coming if roles.get(user, set()) & set(pool.members)]
        held = owned(ws, plan, condition_of(ws.model, plan.entity, pool.hold_where), mine)
        for user in mine:
            told = condition_of(ws.model, plan.entity, pool.hold_where)
            binding = binding_of(ws.model, platform_actor(), ws.now)
            counted = [each for each in coming[user] if told is None or evaluate(told, each.values, binding)]
            for at, draft in enumerate(counted, held.get(user, 0) + 1):
                if at > (pool.hold or 0):
                    _refuse(ws, plan, pool, draft, user, at)


def _refuse(ws: Workspace, plan: WritePlan, pool: Pool, draft: Draft, user: str, held: int) -> None:
    people = ws.model.entity("user")
    source = None if people is None else Source(people, *_table(ws, people))
    name: Any = user
    if source is not None and people is not None:
        found = sa.select(source.column(people.title)).where(source.column("id") == user)
        name = ws.db.execute(found).scalar() or user
    draft.wrong(HOLDS_ENOUGH("owner", owner=name, most=pool.hold, entity=plan.entity.plural, held=held))


def _table(ws: Workspace, entity: Entity) -> tuple[Any, Any]:
    table = Build(ws.model, platform_actor(), ws.db.dialect).table(entity)
    return table, table.table


def _stand_in_line(ws: Workspace, entity: Entity, users: Sequence[str]) -> None:
    """Who gives somebody a record waits for others who do: the count holds until this transaction ends."""
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    for user in users:
        row = insert(_HOLDER).values(entity=entity.id, user_id=user, looked=ws.now)
        ws.db.execute(row.on_conflict_do_update(index_elements=["entity", "user_id"], set_={"looked": ws.now}))


def _roles(ws: Workspace, users: Sequence[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    held = sa.select(ROLE_ASSIGNMENT.c.user_id, ROLE_ASSIGNMENT.c.role_id).where(ROLE_ASSIGNMENT.c.user_id.in_(users))
    rows: Any = ws.db.execute(held)
    for user, role in rows:
        found.setdefault(str(user), set()).add(role)
    return found


def owned(ws: Workspace, plan: WritePlan, told: Expression | None, users: Sequence[str]) -> Mapping[str, int]:
    """How many living records that meet a condition each of these people owns now."""
    if not users:
        return {}
    actor = platform_actor()
    build = Build(ws.model, actor, ws.db.dialect)
    source = Source(plan.entity, plan.table, plan.table.table)
    joins = Joins(build, source)
    conditions: list[Condition] = [source.column("owner").in_(users), plan.table.table.c[DELETED_AT].is_(None)]
    if told is not None:
        conditions.append(where(build, joins, told.root))
    counted = sa.select(source.column("owner"), sa.func.count()).select_from(joins.origin).where(*conditions)
    inputs = Inputs(actor, binding_of(ws.model, actor, ws.now), () if told is None else told.values)
    values = {name: getter(inputs) for name, getter in build.getters.items()}
    rows: Any = ws.db.execute(counted.group_by(source.column("owner")), values)
    return {str(user): count for user, count in rows}
