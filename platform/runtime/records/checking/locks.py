"""Closed records: what an approval has locked is refused on every path, be it changed, deleted or part of something.

Nothing is asked of entities that have no approval. A part is as closed as what it lives with. What only follows from a
change elsewhere (formulas, rollups, a handed-on owner) passes: nobody edits the record by that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from metadata.approvals import approvals_of
from metadata.model import Entity, Model
from metadata.problems import Conflict, Problem, kind
from runtime import record_locks
from runtime.queries.cache import kept
from runtime.record_locks import Lock
from runtime.records.computing.loading import plain_values
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.workspace import Workspace

CONFIRM = "lock"
"""Among the confirmed warnings: an administrator of the approval knows that the record is locked."""

LOCKED = kind(
    "records.locked",
    en="This {entity} is locked: its approval “{approval}” is not over. Wait for it, or have it withdrawn.",
    zh="该{entity}已锁定：审批“{approval}”尚未结束。请等待审批完成，或先撤回审批。",
)
KEPT_LOCKED = kind(
    "records.locked_for_good",
    en="This {entity} is locked since its approval “{approval}” was decided. Have the approval voided first.",
    zh="该{entity}在审批“{approval}”结束后已锁定。如需修改，请先作废该审批。",
)
OVERRIDABLE = kind(
    "records.locked_but",
    en="This {entity} is locked by the approval “{approval}”. You look after it: confirm “lock” to change it all the "
    "same; that will be remembered.",
    zh="该{entity}已被审批“{approval}”锁定。您是该审批的管理员：确认“lock”后仍可修改，此操作会被记录。",
)
CODES = frozenset({LOCKED.code, KEPT_LOCKED.code, OVERRIDABLE.code})


@dataclass(frozen=True, slots=True)
class Step:
    """From a record to what it lives with."""

    link: str
    entity: str
    guarded: bool
    """Whether that entity has approvals."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Where to look for locks of the records of an entity: at themselves, and at those that they live with."""

    own: bool
    above: tuple[Step, ...]


def guard_of(model: Model, entity: Entity) -> Guard | None:
    """None: nothing locks records of the entity."""
    if not model.index.get("approvals"):
        return None
    return kept(model).get(("guard", entity.id), partial(_guard, model, entity))


def _guard_here(ws: Workspace, entity: Entity) -> Guard | None:
    return guard_of(ws.model, entity) if ws.system_version >= record_locks.LOCKS_SINCE else None


def _guard(model: Model, entity: Entity) -> Guard | None:
    own, above = bool(approvals_of(model, entity.id)), list[Step]()
    at: Entity | None = entity
    while at is not None and at.parent is not None and len(above) < 6:
        target = at.fields[at.parent].to
        parent = model.entity(target[0]) if len(target) == 1 else None
        if parent is not None:
            above.append(Step(at.parent, parent.id, bool(approvals_of(model, parent.id))))
        at = parent
    while above and not above[-1].guarded:
        above.pop()
    return Guard(own, tuple(above)) if own or above else None


def check_locks(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell the drafts that they change what is locked. What an administrator confirms, and what is open to the
    approver, passes and is remembered in `draft.passed`."""
    guard = _guard_here(ws, plan.entity)
    if guard is None or not drafts:
        return
    changed = {draft.id: ids for draft in drafts if (ids := _changed(plan, draft))}
    due = [draft for draft in drafts if draft.id in changed]
    if guard.own:
        locks = record_locks.held(ws, plan.entity.id, [draft.id for draft in due if draft.before is not None])
        for draft in due:
            if draft.id in locks:
                _tell(ws, plan.entity, draft, locks[draft.id], changed[draft.id])
    # What is saved together with its record has been asked about with that.
    parts = [draft for draft in due if draft.parent is None]
    if guard.above and parts:
        found = _above(ws, guard, {draft.id: _ends(draft, guard.above[0].link) for draft in parts})
        for draft in parts:
            for lock in found.get(draft.id, ()):
                _tell(ws, plan.entity, draft, lock, frozenset({"*"}))


def refuse_locked(ws: Workspace, entity: Entity, ids: Collection[str]) -> None:
    """Raise Conflict when one of these records is locked, whatever is to become of it."""
    guard = _guard_here(ws, entity)
    if guard is not None and guard.own:
        problems = [_problem(entity, each) for each in record_locks.held(ws, entity.id, ids).values()]
        if problems:
            raise Conflict(problems)


def refuse_moving(ws: Workspace, moved: Iterable[tuple[Entity, Collection[str]]]) -> None:
    """Raise Conflict when records that are locked, or parts of such, would be given another link by a merge."""
    problems: list[Problem] = []
    for entity, ids in moved:
        guard = _guard_here(ws, entity) if ids else None
        if guard is None:
            continue
        if guard.own:
            problems += [_problem(entity, each) for each in record_locks.held(ws, entity.id, ids).values()]
        if guard.above:
            problems += _of_parts(ws, entity, guard, ids, {})
    if problems:
        raise Conflict(problems)


def refuse_returning(ws: Workspace, revived: Mapping[str, Collection[str]]) -> None:
    """Raise Conflict when something that comes back would be part of a locked record. `revived`: ids by entity id."""
    problems: list[Problem] = []
    for entity_id, ids in revived.items():
        entity = ws.model.entity(entity_id)
        guard = None if entity is None or not ids else _guard_here(ws, entity)
        if entity is not None and guard is not None and guard.above:
            problems += _of_parts(ws, entity, guard, ids, {})
    if problems:
        raise Conflict(problems)


def locks_on_going(
    ws: Workspace,
    going: Mapping[str, Collection[str]],
    emptied: Iterable[tuple[Entity, Collection[str]]],
    *,
    parts: bool,
) -> tuple[list[Problem], list[Lock]]:
    """What forbids a deletion, and the locks whose requests end with it.

    `going`: ids by entity id. `emptied`: records that lose a link by it. `parts`: they are the rows of a list whose
    record has been asked about.
    """
    problems: list[Problem] = []
    ending: list[Lock] = []
    for entity_id, ids in going.items():
        entity = ws.model.entity(entity_id)
        guard = None if entity is None else _guard_here(ws, entity)
        if entity is None or guard is None:
            continue
        for lock in record_locks.held(ws, entity_id, ids).values() if guard.own else ():
            if lock.on_delete == "terminate" and lock.state == "running":
                ending.append(lock)
            else:
                problems.append(_problem(entity, lock))
        if guard.above and not parts:
            problems += _of_parts(ws, entity, guard, ids, going)
    for entity, ids in emptied:
        guard = _guard_here(ws, entity)
        if guard is not None and guard.own:
            problems += [_problem(entity, each) for each in record_locks.held(ws, entity.id, ids).values()]
    return problems, ending


def _of_parts(
    ws: Workspace, entity: Entity, guard: Guard, ids: Collection[str], going: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    """Parts go with what they live with; alone only when that is not locked."""
    step = guard.above[0]
    rows = plain_values(ws, entity, {step.link}, ids)
    ends = {row["id"]: {row[step.link]} - {None} - set(going.get(step.entity, ())) for row in rows}
    for locks in _above(ws, guard, {id: found for id, found in ends.items() if found}).values():
        for lock in locks:
            yield _problem(entity, lock)


def _ends(draft: Draft, link: str) -> set[str]:
    """What a part lives with, before the save and after it."""
    ends = {draft.values.get(link), (draft.before or {}).get(link)}
    return {each for each in ends if each is not None}


def _above(ws: Workspace, guard: Guard, ends: Mapping[str, Collection[str]]) -> dict[str, list[Lock]]:
    """The locks of what each part lives with, directly or further up. `ends`: part id -> ids of its records.

    On PostgreSQL those records are taken as by a writer: nobody submits them until this transaction ends.
    """
    found: dict[str, list[Lock]] = {}
    here = {part: set(ids) for part, ids in ends.items()}
    for at, step in enumerate(guard.above):
        entity = ws.model.entity(step.entity)
        wanted = {id for ids in here.values() for id in ids}
        if entity is None or not wanted:
            break
        further = guard.above[at + 1].link if at + 1 < len(guard.above) else None
        rows = plain_values(ws, entity, {further} if further else set(), wanted, lock=ws.write)
        locks = record_locks.held(ws, step.entity, wanted) if step.guarded else {}
        for part, ids in here.items():
            found.setdefault(part, []).extend(locks[id] for id in sorted(ids) if id in locks)
        up = {row["id"]: row[further] for row in rows} if further else {}
        here = {part: {up[id] for id in ids if up.get(id) is not None} for part, ids in here.items()}
    return found


def _changed(plan: WritePlan, draft: Draft) -> frozenset[str]:
    """Ids of the fields to which somebody gives another value; of something new every one of them."""
    if draft.follows:
        return frozenset()
    before = draft.before
    if before is None:
        return frozenset({"*"})
    sent = {id for id in draft.sent if id in plan.table.fields and _differs(draft.values, before, id)}
    lists = {id for id in draft.lists if draft.lists[id][0] != draft.lists[id][1]}
    rows = {
        field.id
        for field in plan.children
        if draft.removed.get(field.id) or any(_is_changed(part) for part in draft.children.get(field.key, ()))
    }
    return frozenset(sent | lists | rows)


def _is_changed(part: Draft) -> bool:
    if part.before is None or any(part.removed.values()) or part.lists:
        return True
    before = part.before
    deeper = any(_is_changed(each) for parts in part.children.values() for each in parts)
    return deeper or any(_differs(part.values, before, id) for id in part.sent if id in before)


def _differs(values: Mapping[str, Any], before: Mapping[str, Any], id: str) -> bool:
    return values.get(id) != before.get(id) or values.get(id + BASE) != before.get(id + BASE)


def _tell(ws: Workspace, entity: Entity, draft: Draft, lock: Lock, changed: frozenset[str]) -> None:
    if draft.request == lock.request:
        return
    open_ = lock.open.get(ws.actor.user or "", ())
    if changed <= set(open_):
        draft.passed[lock.request] = "open"
    elif lock.administered_by(ws) and CONFIRM in draft.confirmed:
        draft.passed[lock.request] = "override"
    else:
        draft.wrong(_problem(entity, lock, overridable=lock.administered_by(ws)))


def _problem(entity: Entity, lock: Lock, *, overridable: bool = False) -> Problem:
    said = OVERRIDABLE if overridable else LOCKED if lock.state == "running" else KEPT_LOCKED
    return said(entity=entity.label, approval=lock.label)
