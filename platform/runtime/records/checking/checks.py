"""The rule book of a save, in its order: defaults, links, owner, money, required values, rights afterwards.

Every problem of every record is collected; nothing is written before all of them are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metadata.access import Rights, rights
from metadata.fieldtypes.base import TextContext
from metadata.fieldtypes.choices import impossible
from metadata.fieldtypes.defaults import resolve_default
from metadata.model import Field
from metadata.problems import kind
from runtime import files, sealing, vault
from runtime.hooks.checking import check_hooks
from runtime.queries.fields import narrowed, right_in
from runtime.records.checking.children import check_children
from runtime.records.checking.links import check_links, check_targets
from runtime.records.checking.lists import check_lists
from runtime.records.checking.locks import check_locks
from runtime.records.checking.money import settle_money
from runtime.records.checking.pools import settle_pools
from runtime.records.checking.rules import check_rules
from runtime.records.computing.compute import compute
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.records.policies import BEYOND, NOT_TO_GIVE, Judge
from runtime.workspace import Workspace

REQUIRED = kind(
    "records.required",
    en="{label} is needed. Fill it in.",
    zh="必须填写{label}。",
)
IMPOSSIBLE = kind(
    "records.option_impossible",
    en="{label}: {value} is not possible while {other} is {chosen}. Choose one of these or empty it: {options}.",
    zh="{label}：{other}为{chosen}时不能选择{value}。请选择以下之一或清空：{options}。",
)
NEEDS_OTHER = kind(
    "records.option_needs_other",
    en="{label}: {value} depends on {other}, which is empty. Choose {other} first.",
    zh="{label}：{value}取决于{other}，而{other}为空。请先选择{other}。",
)
REQUIRED_UNSEEN = kind(
    "records.required_unseen",
    en="This {entity} needs a value that you may not see. Ask an administrator to make it, or for the right.",
    zh="该{entity}缺少您无权查看的必填值，请联系管理员代为新建或授权。",
)


NOT_NOW = kind(
    "records.may_not_write_now",
    en="As this {entity} is now, you may not change {label}. Leave it out, or ask an administrator for the right.",
    zh="在该{entity}目前的状态下，您不能修改{label}。请不要提交该字段，或联系管理员授权。",
)


def check(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Make of each draft what will be written, and tell it everything that is wrong."""
    _leave_unread(ws, plan, drafts)
    for draft in drafts:
        if draft.before is None:
            _fill(ws, plan, draft)
        draft.values.update(draft.sent)
        for field in (*plan.lists, *plan.children):
            draft.values.pop(field.id, None)
        for field in plan.typed:
            _settle_typed(plan, draft, field)
    check_links(ws, plan, drafts)
    for draft in drafts:
        _settle_owner(ws, plan, draft)
    settle_pools(ws, plan, drafts)
    settle_money(ws, plan, drafts)
    if plan.files:
        files.check(ws, plan, drafts)
    if plan.secrets:
        check_hooks(ws, plan, drafts)
        vault.seal(ws, plan, drafts)
    for field in plan.dependent:
        for draft in drafts:
            _check_dependent(plan, draft, field)
    if plan.children:
        check_children(ws, plan, drafts)
    if plan.encrypted:
        sealing.check(ws, plan, drafts)
    if plan.entity.writers:
        compute(ws, plan, drafts)
    if plan.entity.rules:
        ask_rules(ws, plan, drafts)
    may = rights(ws.model, ws.actor, plan.entity)
    judge = Judge(ws, plan.entity, [each for draft in drafts for each in (draft.before, draft.values) if each])
    for draft in drafts:
        _check_required(plan, draft, may)
        _check_rights(plan, draft, judge)
    if plan.lists:
        check_lists(ws, plan, drafts)
    check_locks(ws, plan, drafts)


def _leave_unread(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """A form that shows nothing of a value sends nothing for it: what somebody may not read he does not empty."""
    conditions = narrowed(ws, plan.entity, "read")
    if not conditions:
        return
    reads = right_in(ws, plan.entity, "read", [draft.before for draft in drafts if draft.before])
    for draft in drafts:
        empty = [id for id in conditions if draft.before and id in draft.sent and draft.sent[id] is None]
        for id in empty:
            if not reads(id, draft.before or {}):
                del draft.sent[id]


def _fill(ws: Workspace, plan: WritePlan, draft: Draft) -> None:
    values, sent = draft.values, draft.sent
    values.update(id=draft.id, created_at=ws.now, created_by=ws.actor.user)
    for id, value in plan.defaults:
        if id not in sent:
            values[id] = value
    for field in plan.words:
        if field.id not in sent:
            timezone = str(ws.model.settings.get("timezone", "UTC"))
            values[field.id] = resolve_default(field, ws.now, timezone, ws.actor.user)
    if plan.entity.owned and "owner" not in sent:
        values["owner"] = ws.actor.user


def _settle_typed(plan: WritePlan, draft: Draft, field: Field) -> None:
    """Put the value and what was typed in their places. The same value, sent in its own form, is typed as it was."""
    if field.id not in draft.sent:
        return
    value, before = draft.values[field.id], draft.before or {}
    typed = getattr(value, "typed", None)
    if value is not None:
        draft.values[field.id] = value = str(value)
        held = before.get(field.id + BASE)
        if value == before.get(field.id) and (
            typed is None or (held is None and typed == plan.types[field.id].show(field, value, TextContext()))
        ):
            typed = held
    draft.values[field.id + BASE] = typed


def _settle_owner(ws: Workspace, plan: WritePlan, draft: Draft) -> None:
    """A record is in the main unit of its owner when the owner is set, unless a unit was sent with it."""
    if not plan.entity.owned or "unit" in draft.sent:
        return
    owner = draft.values.get("owner")
    if draft.before is not None and owner == draft.before.get("owner"):
        return
    if owner is not None and owner == ws.actor.user:
        draft.values["unit"] = ws.actor.main_unit
    elif owner is not None:
        draft.values["unit"] = draft.learned.get("unit")
    elif draft.before is None:
        draft.values["unit"] = None


def check_alone(ws: Workspace, plan: WritePlan, draft: Draft) -> None:
    """Tell a draft of no record in particular what no record could take: missing targets, needed values emptied."""
    draft.values.update(draft.sent)
    check_targets(ws, plan, [draft])
    _check_required(plan, draft, rights(ws.model, ws.actor, plan.entity))


def _check_dependent(plan: WritePlan, draft: Draft, field: Field) -> None:
    """An impossible combination is refused when it is made, whichever of the two fields makes it."""
    values, before = draft.values, draft.before or {}
    other = plan.entity.fields[field.props["depends_on"]]
    if all(values.get(each.id) == before.get(each.id) for each in (field, other)):
        return
    held = values.get(other.id)
    wrong = impossible(field, values.get(field.id), held)
    if wrong:
        chosen = other.option(held) if held is not None else None
        possible = [each.label for each in field.options if not each.retired and (not each.given or held in each.given)]
        shown: dict[str, Any] = {"label": field.label, "value": wrong[0].label, "other": other.label}
        if chosen is None:
            draft.wrong(NEEDS_OTHER(field.key, **shown))
        else:
            draft.wrong(IMPOSSIBLE(field.key, chosen=chosen.label, options=possible or "–", **shown))


def _check_required(plan: WritePlan, draft: Draft, may: Rights) -> None:
    new, values, sent = draft.before is None, draft.values, draft.sent
    for field in plan.required:
        id = field.id
        stored = id in plan.table.fields
        empty = (new or id in sent) and _is_empty(values.get(id) if stored else sent.get(id))
        if empty:
            _ask_for(plan, draft, field, may)


def ask_rules(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell the drafts what the rules of their entity refuse and require."""
    may = rights(ws.model, ws.actor, plan.entity)
    demanded = check_rules(ws, plan, drafts)
    for draft in drafts:
        for id in demanded.get(draft.id, ()):
            _demand(plan, draft, plan.entity.fields[id], may)


def _demand(plan: WritePlan, draft: Draft, field: Field, may: Rights) -> None:
    """What a rule requires of the record as it is now. Of a list only what is sent is known."""
    if field.id in plan.table.fields:
        empty = _is_empty(draft.values.get(field.id))
    else:
        empty = (draft.before is None or field.id in draft.sent) and _is_empty(draft.sent.get(field.id))
    if empty:
        _ask_for(plan, draft, field, may)


def _ask_for(plan: WritePlan, draft: Draft, field: Field, may: Rights) -> None:
    if any(problem.path == field.key for problem in draft.problems):
        return
    if may.may_read(field.id):
        draft.wrong(REQUIRED(field.key, label=field.label))
    else:
        draft.wrong(REQUIRED_UNSEEN(entity=plan.entity.label))


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == () or value == []


def _check_rights(plan: WritePlan, draft: Draft, judge: Judge) -> None:
    for id in judge.narrowed & draft.sent.keys():
        if not judge.may_write(id, draft.before, draft.values):
            field = plan.entity.fields[id]
            draft.wrong(NOT_NOW(field.key, label=field.label, entity=plan.entity.label))
    # What lies in a pool is taken by its members and given by its admins.
    if draft.kind not in ("claimed", "assigned", "moved") and not judge.may_give(draft.sent, draft.before):
        draft.wrong(NOT_TO_GIVE("owner", entity=plan.entity.label))
    if draft.problems or draft.kind in ("returned", "assigned"):
        return  # what is not settled cannot be judged; what goes back to a pool, or to a member, may get out of sight
    if not judge.allows("create" if draft.before is None else "update", draft.values):
        draft.wrong(BEYOND(entity=plan.entity.label))
