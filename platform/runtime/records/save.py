"""Creating and changing one record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from metadata.access import rights
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.money import Money
from metadata.problems import Conflict, Forbidden, Invalid, Problem, kind
from runtime.queries.fields import right_in
from runtime.queries.merged import absent
from runtime.records.checking.checks import check, check_alone
from runtime.records.checking.locks import CODES as LOCKED
from runtime.records.checking.values import read, readers_of
from runtime.records.drafts import Draft, all_problems, draft_of, new_draft
from runtime.records.locked import Held, lock
from runtime.records.plans import WritePlan, plan_of
from runtime.records.policies import BEYOND, entity_of, may_not, not_found, require
from runtime.records.record import Record, hidden_links
from runtime.records.writing.rows import write
from runtime.workspace import Workspace

STALE = kind(
    "records.stale",
    en="Somebody has changed this {entity} since you looked: it is at version {current}, you have version {given}. "
    "Look at the differences, then save again with version {current}.",
    zh="在您查看之后，该{entity}已被他人修改：当前版本为 {current}，您的版本为 {given}。"
    "请核对差异后以版本 {current} 再次保存。",
)


def create(ws: Workspace, entity: Entity | str, raw: Mapping[str, Any], confirm: Collection[str] = ()) -> Record:
    """A new record out of values by today's names. Raises Invalid with every problem, Forbidden, Conflict.

    `confirm`: names of the rules whose warnings do not stop the save; `*` for all.
    """
    plan = writing(ws, entity, "create")
    draft = new_draft()
    draft.confirmed = frozenset(confirm)
    read(plan, readers_of(ws, plan), raw, draft)
    check(ws, plan, [draft])
    refuse(draft)
    write(ws, plan, [draft])
    return record_of(plan, draft)


def update(
    ws: Workspace,
    entity: Entity | str,
    id: str,
    raw: Mapping[str, Any],
    version: int | None = None,
    confirm: Collection[str] = (),
) -> Record:
    """Change what is sent of a record. Without any difference nothing is written.

    `version` is what the caller saw, `confirm` as for a new record. Raises NotFound, Forbidden, Conflict (409 with
    the differences), Invalid.
    """
    plan = writing(ws, entity, "update")
    held = held_or_refuse(ws, plan, id, "update")
    draft = draft_of(held.values["id"], held.values)
    draft.confirmed = frozenset(confirm)
    read(plan, readers_of(ws, plan), raw, draft)
    require_version(ws, plan, draft, version)
    check(ws, plan, [draft])
    refuse(draft)
    write(ws, plan, [draft])
    return record_of(plan, draft)


def require_values(ws: Workspace, entity: Entity | str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same values by field id, when some record could take them: to be asked before the records are chosen.

    Raises Invalid with every unknown name, bad value and missing target; Forbidden.
    """
    plan = writing(ws, entity, "update")
    draft = draft_of("", {})
    readers = readers_of(ws, plan)
    read(plan, readers, raw, draft)
    check_alone(ws, plan, draft)
    refuse(draft)
    return {readers[name][0].id: value for name, value in raw.items()}


def writing(ws: Workspace, entity: Entity | str, action: str) -> WritePlan:
    """The write plan of an entity of which the actor may do this with some record at least."""
    found = entity_of(ws, entity)
    require(ws, found, action)
    return plan_of(ws.model, found, ws.db.dialect)


def held_or_refuse(ws: Workspace, plan: WritePlan, id: str, action: str) -> Held:
    """The locked row.

    Raises NotFound for one that the actor does not see, Gone for a merged one, Forbidden for one that he only sees.
    """
    deleting = action == "delete"
    found = lock(ws, plan, [id.lower()], action, deleting=deleting) if is_uuid(id) else {}
    if not found:
        raise absent(ws, plan.entity, id, not_found(plan.entity))
    held = found[id.lower()]
    if not held.allowed:
        raise Forbidden(may_not(plan.entity, action))
    return held


def refuse(draft: Draft) -> None:
    """Raise what is wrong with a draft, all of it at once."""
    problems = all_problems(draft)
    if any(each.code in LOCKED for each in problems):
        raise Conflict(problems)
    if problems:
        raise (Forbidden if any(each.code == BEYOND.code for each in problems) else Invalid)(problems)


def record_of(plan: WritePlan, draft: Draft) -> Record:
    return Record(plan.entity, draft.id, draft.values["version"], draft.values)


def require_version(ws: Workspace, plan: WritePlan, draft: Draft, version: int | None) -> None:
    """Raise Conflict when the caller saw another version than there is."""
    current = draft.values["version"]
    if version is not None and version != current:
        raise Conflict(stale(ws, plan, draft, version))


def stale(ws: Workspace, plan: WritePlan, draft: Draft, version: int) -> Problem:
    """The conflict with both sides of each sent field that differs, as far as the actor may read it."""
    may = rights(ws.model, ws.actor, plan.entity)
    before = draft.before or {}
    yours = {**before, **draft.sent}
    reads = right_in(ws, plan.entity, "read")
    known = [id for id in draft.sent if may.may_read(id) and id in plan.table.fields and reads(id, before)]
    shown = [plan.entity.fields[id] for id in known]
    hidden = hidden_links(ws, plan, before, shown)
    difference = {}
    for field in shown:
        mine, theirs = plan.dumps[field.id](_plain(yours)), plan.dumps[field.id](before)
        if mine != theirs:
            difference[field.key] = {"yours": mine, "theirs": {"hidden": True} if field.id in hidden else theirs}
    return STALE(
        "version", entity=plan.entity.label, current=before.get("version"), given=version, difference=difference
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Sent money as the plain amounts that a record holds."""
    return {key: value.amount if isinstance(value, Money) else value for key, value in values.items()}
