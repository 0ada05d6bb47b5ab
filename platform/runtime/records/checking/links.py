"""Link values of a save: the targets exist, the actor sees them, and what they give to the record (unit, currency)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from metadata.access import policy_field
from metadata.model import Field
from metadata.problems import kind
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.records.targets import TargetKey, found_targets, targets_of
from runtime.workspace import Workspace

NO_TARGET = kind(
    "records.no_such_target",
    en="{label} names a record that does not exist, is deleted, or that you may not use here. Choose another.",
    zh="{label}指向的记录不存在、已删除或您无权使用，请另选一条。",
)
NEEDS_PARENT = kind(
    "records.needs_parent",
    en="{label} is needed: who may write this record follows from it.",
    zh="必须填写{label}：该记录的权限由它决定。",
)


class _Use(NamedTuple):
    draft: Draft
    field: Field
    path: str
    key: TargetKey
    id: str


def check_links(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """The targets of the drafts, and that those whose rights are another record's have one."""
    if not ws.actor.platform:
        _require_parents(plan, drafts)
    check_targets(ws, plan, drafts)


def check_targets(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Look up every target that the drafts newly point at, in one statement."""
    uses = list(_uses(plan, drafts))
    if not uses:
        return
    wanted: dict[TargetKey, set[str]] = {}
    for use in uses:
        wanted.setdefault(use.key, set()).add(use.id)
    found = found_targets(ws, wanted, _extras(plan))
    for draft, field, path, key, id in uses:
        if id not in found[key]:
            draft.wrong(NO_TARGET(path, label=field.label))
        elif field.id == "owner":
            draft.learned["unit"] = found[key][id]
        elif field.id == plan.entity.currency_from:
            draft.learned["currency"] = found[key][id]


def _extras(plan: WritePlan) -> dict[str, str]:
    """Field id of the value that the targets of an entity are asked for, by entity id."""
    found = {"user": "unit"} if plan.entity.owned else {}
    link = plan.entity.currency_from
    if link is not None:
        found.update(dict.fromkeys(plan.entity.fields[link].to, "currency"))
    return found


def _uses(plan: WritePlan, drafts: Sequence[Draft]) -> Iterator[_Use]:
    """Field by field, so that what holds for all drafts is worked out once."""
    ruling = policy_field(plan.entity)
    for field in (*plan.links, *plan.any_links):
        id, action = field.id, "update" if field.id == ruling else "read"
        for draft in drafts:
            value = draft.sent.get(id)
            if value is None or (draft.before is not None and value == draft.before.get(id)):
                continue
            entity, target = targets_of(field, value)
            if draft.parent is None or draft.parent.id != target:  # saved together with it, and authorised by it
                yield _Use(draft, field, field.key, (entity, action), target)
    for field in plan.lists:
        for draft in drafts:
            for at, target in enumerate(draft.sent.get(field.id) or ()):
                yield _Use(draft, field, f"{field.key}.{at}", (field.to[0], "read"), target)


def _require_parents(plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """A record whose rights are another's belongs to nobody without that one."""
    ruling = policy_field(plan.entity)
    if ruling is None:
        return
    field = plan.entity.fields[ruling]
    for draft in drafts:
        if draft.values.get(ruling) is None and not field.required:
            draft.wrong(NEEDS_PARENT(field.key, label=field.label))
