"""Claiming from a pool (公海), giving back, giving to somebody: records change hands, race-safe and remembered.

Also the only module that reads and writes `_pool_claim`, the claims of a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.expressions.binding import today
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.pools import Pool, opened_to, pools_of
from metadata.problems import BadRequest, Forbidden, Invalid, NotFound, Problem, kind
from runtime import assignments
from runtime.portable import Id
from runtime.queries.build import binding_of
from runtime.queries.rules import token_allows
from runtime.records.checking.checks import check
from runtime.records.drafts import Draft, all_problems, draft_of
from runtime.records.locked import lock
from runtime.records.operations import Verdict
from runtime.records.plans import WritePlan, plan_of
from runtime.records.policies import entity_of, may_not, not_found, require
from runtime.records.writing import stays
from runtime.records.writing.rows import write
from runtime.workspace import Workspace

LONGEST_REASON = 500

NO_POOLS = kind(
    "pool_none",
    en="{entity} have no pool that is open to you. Ask an administrator.",
    zh="没有对您开放的{entity}公海，请联系管理员。",
)
TAKEN = kind(
    "pool_taken",
    en="This {entity} is no longer in a pool of yours: somebody else was sooner. Choose another.",
    zh="该{entity}已不在您的公海中，可能已被他人领取。请选择其他记录。",
)
NOT_YOURS = kind(
    "pool_not_yours",
    en="Only records that have an owner and that you may change can be returned to a pool.",
    zh="只能退回有负责人且您有权修改的记录。",
)
TOO_MANY_AT_ONCE = kind(
    "pool_too_many_at_once",
    en="At most {most} can be claimed from {pool} at once. Claim fewer.",
    zh="一次最多可从{pool}领取 {most} 条，请减少数量。",
)
TOO_MANY_A_DAY = kind(
    "pool_too_many_a_day",
    en="At most {most} can be claimed from {pool} a day, and you have claimed {claimed} today. Go on tomorrow.",
    zh="每天最多可从{pool}领取 {most} 条，您今天已领取 {claimed} 条。请明天再领取。",
)
COOLING = kind(
    "pool_cooling",
    en="You had this {entity} until {since}. You may claim it again after {days} days, from {until} on.",
    zh="您在 {since} 之前负责该{entity}，{days} 天后（{until} 起）才能再次领取。",
)
NEEDS_REASON = kind(
    "pool_reason",
    en="Say why, in at most {most} characters.",
    zh="请填写原因，最多 {most} 个字符。",
)
NOT_ADMIN = kind(
    "pool_not_admin",
    en="Only administrators of {pool} may do this. Ask one of them.",
    zh="只有{pool}的管理员可以执行此操作，请联系管理员。",
)
NOT_A_MEMBER = kind(
    "pool_not_a_member",
    en="This person is no member of {pool}. Choose one who is.",
    zh="此人不是{pool}的成员，请选择其成员。",
)
UNKNOWN_POOL = kind(
    "pool_unknown",
    en="There is no pool {name} for {entity}. Choose another one.",
    zh="{entity}没有公海 {name}，请选择其他公海。",
)
UNFIT_POOL = kind(
    "pool_unfit",
    en="No pool takes this {entity}. Name one, or ask an administrator to change the conditions.",
    zh="没有公海可接收该{entity}。请指定公海，或请管理员调整条件。",
)

_CLAIM = sa.table(
    "_pool_claim",
    sa.column("pool", sa.Text()),
    sa.column("user_id", Id()),
    sa.column("day", sa.Date()),
    sa.column("claims", sa.Integer()),
)


def claim(ws: Workspace, entity: Entity | str, ids: Sequence[str]) -> list[Verdict]:
    """Make the actor the owner of records in pools that are open to him; a verdict for each id.

    Of two who claim one record at once, one gets it. Raises Forbidden when no pool is open to him, BadRequest.
    """
    found = entity_of(ws, entity)
    open_ = {each.id: each for each in opened_to(ws.model, found, ws.actor.roles)}
    if not open_ or ws.actor.user is None:
        raise Forbidden(NO_POOLS(entity=found.plural))
    _require_token(ws, found)
    plan = plan_of(ws.model, found, ws.db.dialect)
    drafts, verdicts = _in_pools(ws, plan, ids, open_)
    for pool, mine in _by_pool(drafts, open_):
        if len(mine) > pool.per_call:
            raise BadRequest(TOO_MANY_AT_ONCE("ids", most=pool.per_call, pool=pool.label))
        _refuse_cooling(ws, plan, pool, mine)
        _count(ws, pool, [draft for draft in mine if not draft.problems])
    for draft in drafts:
        draft.sent = {"owner": ws.actor.user, "pool": None}
        draft.kind = "claimed"
    answer = _save(ws, plan, ids, drafts, verdicts)
    for pool, mine in _by_pool((each for each in drafts if not each.problems), open_):
        _counted(ws, pool, len(mine))
    return answer


def give(ws: Workspace, entity: Entity | str, ids: Sequence[str], user: str) -> list[Verdict]:
    """Make somebody the owner of records in pools that the actor administers. Raises Forbidden."""
    found = entity_of(ws, entity)
    mine = {each.id: each for each in _administered(ws, found)}
    if not mine:
        raise Forbidden(NO_POOLS(entity=found.plural))
    _require_token(ws, found)
    plan = plan_of(ws.model, found, ws.db.dialect)
    drafts, verdicts = _in_pools(ws, plan, ids, mine)
    roles = set(assignments.roles_of(ws, user)) if is_uuid(user) else set()
    for draft in drafts:
        if not roles & {*(pool := mine[draft.values["pool"]]).members, *pool.admins}:
            draft.wrong(NOT_A_MEMBER("owner", pool=pool.label))
        draft.sent = {"owner": user, "pool": None}
        draft.kind = "assigned"
    return _save(ws, plan, ids, drafts, verdicts)


def give_back(ws: Workspace, entity: Entity | str, ids: Sequence[str], reason: str, pool: str = "") -> list[Verdict]:
    """Return records to a pool: the one that is named, else the first that takes them. Raises BadRequest, Forbidden."""
    found = entity_of(ws, entity)
    require(ws, found, "update")
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON or "\x00" in said:
        raise BadRequest(NEEDS_REASON("reason", most=LONGEST_REASON))
    named = _named(ws, found, pool) if pool else None
    plan = plan_of(ws.model, found, ws.db.dialect)
    held = lock(ws, plan, [each.lower() for each in ids if is_uuid(each)], "update")
    drafts, verdicts = [], {}
    for id, each in held.items():
        if not each.allowed or each.values.get("owner") is None:
            verdicts[id] = Verdict("refused", id, (NOT_YOURS(entity=found.label),))
            continue
        draft = draft_of(id, each.values)
        draft.sent = {"owner": None} | ({} if named is None else {"pool": named.id})
        draft.kind, draft.reason = "returned", said
        drafts.append(draft)
    return _save(ws, plan, ids, drafts, verdicts)


def move(ws: Workspace, entity: Entity | str, ids: Sequence[str], pool: str) -> list[Verdict]:
    """Put records of pools that the actor administers into another one of his. Raises NotFound, Forbidden."""
    found = entity_of(ws, entity)
    target = _named(ws, found, pool)
    mine = {each.id: each for each in _administered(ws, found)}
    if target.id not in mine and not ws.actor.platform:
        raise Forbidden(NOT_ADMIN(pool=target.label))
    _require_token(ws, found)
    plan = plan_of(ws.model, found, ws.db.dialect)
    drafts, verdicts = _in_pools(ws, plan, ids, mine)
    for draft in drafts:
        draft.sent = {"pool": target.id}
        draft.kind = "moved"
    return _save(ws, plan, ids, drafts, verdicts)


def take_back(ws: Workspace, entity: Entity | str, id: str, reason: str, still: Callable[[], bool]) -> bool:
    """The platform returns a record to the pool that takes it, if it still should, now that nobody else changes it.

    Raises Invalid or Conflict when it cannot be saved so.
    """
    plan = plan_of(ws.model, entity_of(ws, entity), ws.db.dialect)
    held = lock(ws, plan, [id], "update", everything=True).get(id)
    if held is None or held.values.get("owner") is None or not still():
        return False
    draft = draft_of(id, held.values)
    draft.sent = {"owner": None}
    draft.kind, draft.reason = "returned", reason[:LONGEST_REASON]
    draft.confirmed = frozenset({"*"})
    verdict = _save(ws, plan, [id], [draft], {})[0]
    if verdict.problems:
        raise Invalid(list(verdict.problems))
    return True


def require_admin(ws: Workspace, entity: Entity, name: str) -> Pool:
    """A pool of an entity that the actor administers. Raises NotFound, Forbidden."""
    found = _named(ws, entity, name)
    if found.id not in {each.id for each in _administered(ws, entity)}:
        raise Forbidden(NOT_ADMIN(pool=found.label))
    return found


def _require_token(ws: Workspace, entity: Entity) -> None:
    """A pool opens its records to people, not to tokens that may not change them."""
    if not token_allows(ws.model, ws.actor, entity, "update"):
        raise Forbidden(may_not(entity, "update"))


def _administered(ws: Workspace, entity: Entity) -> tuple[Pool, ...]:
    held = set(ws.actor.roles)
    return tuple(each for each in pools_of(ws.model, entity) if ws.actor.platform or held & set(each.admins))


def _named(ws: Workspace, entity: Entity, name: str) -> Pool:
    found = next((each for each in pools_of(ws.model, entity) if name in (each.id, each.key)), None)
    if found is None:
        raise NotFound(UNKNOWN_POOL("pool", name=name[:80], entity=entity.plural))
    return found


def _in_pools(
    ws: Workspace, plan: WritePlan, ids: Sequence[str], pools: Mapping[str, Pool]
) -> tuple[list[Draft], dict[str, Verdict]]:
    """The locked records that lie in one of these pools, and a refusal for each that does not any more."""
    drafts, verdicts = [], {}
    wanted = [each.lower() for each in ids if is_uuid(each)]
    for id, held in lock(ws, plan, wanted, "update", everything=True).items():
        if held.values.get("owner") is None and held.values.get("pool") in pools:
            drafts.append(draft_of(id, held.values))
        elif held.values.get("owner") == ws.actor.user and ws.actor.user is not None:
            verdicts[id] = Verdict("unchanged", id, version=held.values["version"])
        else:
            verdicts[id] = Verdict("refused", id, (TAKEN(entity=plan.entity.label),))
    return drafts, verdicts


def _by_pool(drafts: Iterable[Draft], pools: Mapping[str, Pool]) -> list[tuple[Pool, list[Draft]]]:
    found: dict[str, list[Draft]] = {}
    for draft in drafts:
        found.setdefault((draft.before or {})["pool"], []).append(draft)
    return [(pools[id], mine) for id, mine in found.items()]


def _refuse_cooling(ws: Workspace, plan: WritePlan, pool: Pool, drafts: Sequence[Draft]) -> None:
    """Who lost a record lately does not get it again at once."""
    if pool.cooldown_days is None or not drafts:
        return
    lasts = dt.timedelta(days=pool.cooldown_days)
    since = stays.lost_since(ws, [draft.id for draft in drafts], str(ws.actor.user), ws.now - lasts)
    for draft in drafts:
        lost = since.get(draft.id)
        if lost is not None:
            days: dict[str, Any] = {"since": lost.date(), "until": (lost + lasts).date(), "days": pool.cooldown_days}
            draft.wrong(COOLING(entity=plan.entity.label, **days))


def _count(ws: Workspace, pool: Pool, drafts: Sequence[Draft]) -> None:
    """Refuse what goes beyond the claims of today."""
    if pool.per_day is None or not drafts:
        return
    # The row is ours until this transaction ends, so that claims side by side cannot both be the last one.
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    day = today(binding_of(ws.model, ws.actor, ws.now))
    row = insert(_CLAIM).values(pool=pool.id, user_id=ws.actor.user, day=day, claims=0)
    more = row.on_conflict_do_update(
        index_elements=["pool", "user_id", "day"], set_={"claims": _CLAIM.c.claims + 0}
    ).returning(_CLAIM.c.claims)
    claimed = int(ws.db.execute(more).scalar_one())
    for draft in drafts[max(0, pool.per_day - claimed) :]:
        draft.wrong(TOO_MANY_A_DAY(most=pool.per_day, pool=pool.label, claimed=claimed))


def _counted(ws: Workspace, pool: Pool, claims: int) -> None:
    """Add the claims that came about to those of today."""
    if pool.per_day is None:
        return
    day = today(binding_of(ws.model, ws.actor, ws.now))
    mine = (_CLAIM.c.pool == pool.id, _CLAIM.c.user_id == ws.actor.user, _CLAIM.c.day == day)
    ws.db.execute(sa.update(_CLAIM).where(*mine).values(claims=_CLAIM.c.claims + claims))


def _save(
    ws: Workspace,
    plan: WritePlan,
    ids: Sequence[str],
    drafts: Sequence[Draft],
    verdicts: dict[str, Verdict],
) -> list[Verdict]:
    """Check and write what may be written, and answer for every id in its order."""
    check(ws, plan, [draft for draft in drafts if not draft.problems])
    for draft in drafts:
        if draft.kind == "returned" and not draft.problems and draft.values.get("pool") is None:
            draft.wrong(UNFIT_POOL("pool", entity=plan.entity.label))
    good = [draft for draft in drafts if not all_problems(draft)]
    if good:
        write(ws, plan, good)
    for draft in drafts:
        problems = tuple(all_problems(draft))
        done = "refused" if problems else "updated"
        verdicts[draft.id] = Verdict(done, draft.id, problems, draft.values["version"])  # type: ignore[arg-type]
    gone: Problem = not_found(plan.entity).problems[0]
    return [verdicts.get(each.lower()) or Verdict("refused", each, (gone,)) for each in ids]
