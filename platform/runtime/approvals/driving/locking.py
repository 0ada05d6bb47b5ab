"""What becomes of a request when its record is written or deleted under lock: it is remembered, or it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.approvals.driving import saving
from runtime.approvals.driving.drive import drive
from runtime.approvals.keeping import requests as store
from runtime.approvals.keeping import trail
from runtime.record_locks import Lock
from runtime.records.drafts import Draft
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace
from workflow.approvals.effects import Entry
from workflow.approvals.verbs import Terminate

_DELETED = "deleted"


def remember_edits(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell the trails of requests what was changed although it is locked, and by which right; snapshots follow."""
    for draft in drafts:
        for request, why in draft.passed.items():
            told = saving.changed(plan, draft)
            after: dict[str, Any] = {id: values[1] for id, values in told.items()}
            found = store.find(ws, request)
            own = found is not None and (found.entity, found.record) == (plan.entity.id, draft.id)
            # What was approved stays what was approved: a later change of what mattered asks for a new approval.
            if found is not None and own and found.running and after:
                store.keep_snapshot(ws, request, after)
            detail = {"why": why} if own else {"why": why, "entity": plan.entity.id, "record": draft.id}
            entry = Entry("edit", actor=ws.actor.user, fields=told if own else {}, detail=detail)
            trail.append(ws, request, [entry])


def end_with_records(ws: Workspace, locks: Sequence[Lock]) -> None:
    """Terminate the requests of records that are deleted."""
    for each in locks:
        drive(ws, each.request, Terminate(None, _DELETED))
