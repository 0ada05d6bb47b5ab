"""What a transition writes into its record: through the rules of every save, past the lock that is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime import files
from runtime.approvals.keeping.listing import as_platform
from runtime.approvals.world.world import RecordWorld, platform_readers
from runtime.records.checking.checks import check
from runtime.records.checking.children import child_plan
from runtime.records.checking.links import check_targets
from runtime.records.checking.values import read
from runtime.records.computing.recipes import DoesNotFit
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import KEPT, WritePlan
from runtime.records.save import refuse
from runtime.records.writing.rows import write
from runtime.workspace import Workspace

_Check = Callable[[Workspace, WritePlan, Sequence[Draft]], None]
Changed = Mapping[str, tuple[Any, Any]]
"""Field id -> before and after, as events keep values."""


def set_values(ws: Workspace, plan: WritePlan, request: str, world: RecordWorld, texts: Mapping[str, str]) -> Draft:
    """Save what `set` says. Raises Invalid with everything that the rules of the record say against it."""
    sent: dict[str, Any] = {}
    for id, text in texts.items():
        field = plan.entity.fields.get(id)
        if field is not None:
            try:
                sent[id] = world.asker.value_of(field, text)
            except DoesNotFit:
                sent[id] = None
    return _save(ws, plan, request, world, sent, ())


def write_values(ws: Workspace, plan: WritePlan, request: str, world: RecordWorld, values: Mapping[str, Any]) -> Draft:
    """Save what an approver sends. Raises Invalid."""
    return _save(ws, plan, request, world, {}, [values])


def _save(ws: Workspace, plan: WritePlan, request: str, world: RecordWorld, sent: dict[str, Any], raw: Any) -> Draft:
    mine = as_platform(ws)
    draft = draft_of(world.draft.id, world.draft.values)
    draft.request = request
    draft.sent = sent
    for each in raw:
        read(plan, platform_readers(ws, plan), each, draft)
    if raw:
        _check_named(ws, plan, [draft], check_targets)
        refuse(draft)
    check(mine, plan, [draft])
    if raw:
        _check_named(ws, plan, [draft], files.check)
    refuse(draft)
    write(mine, plan, [draft])
    return draft


def _check_named(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], asks: _Check) -> None:
    """His node lets an approver fill in a field, not name records that he does not see, nor files of somebody else."""
    asks(ws, plan, drafts)
    for field in plan.children:
        parts = [part for draft in drafts for part in draft.children.get(field.key, ())]
        if parts:
            _check_named(ws, child_plan(ws, field)[0], parts, asks)


def changed(plan: WritePlan, draft: Draft) -> Changed:
    """What a save has changed, as events keep it, of the fields that a snapshot holds."""
    sealed = {field for field, _ in plan.encrypted} | {each.id for each in plan.secrets} | KEPT
    before = draft.before or {}
    told = (id for id in plan.table.fields if id not in sealed)
    found = {id: (plan.keeps[id](before), plan.keeps[id](draft.values)) for id in told}
    return {id: values for id, values in found.items() if values[0] != values[1]}
