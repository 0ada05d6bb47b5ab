"""Approvals that a release no longer describes: their requests end, and what they have locked is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata.changes import Change
from metadata.problems import NotFound
from runtime import record_locks
from runtime.approvals.driving.drive import drive
from runtime.approvals.keeping import requests as store
from runtime.jobs.table import enqueue_keyed
from runtime.jobs.work import Done, More, Outcome, Step
from runtime.record_locks import LOCKS_SINCE
from runtime.workspace import Workspace
from workflow.approvals.verbs import Terminate

_AT_ONCE = 50
REMOVED = "removed"
"""Why a request was ended whose approval is described no longer."""


def counted(ws: Workspace, changes: Iterable[Change]) -> Mapping[str, int]:
    """How many running requests end with each approval that is removed, by its id; of a plan's changes."""
    if ws.system_version < LOCKS_SINCE:
        return {}
    gone = [each.id for each in changes if _is_removal(each)]
    found = {id: store.count_running(ws, id) for id in gone}
    return {id: count for id, count in found.items() if count}


def _is_removal(change: Change) -> bool:
    return change.section == "approvals" and change.kind == "removed" and change.path.count(".") == 1


def queue(ws: Workspace, changes: Iterable[Change]) -> None:
    """Have requests end whose approval a release has removed."""
    gone = sorted({each.id for each in changes if _is_removal(each)})
    if gone and ws.system_version >= LOCKS_SINCE:
        enqueue_keyed(ws, "approval_removed", [(f"approval-removed:{ws.release}", {"approvals": gone}, ws.now)])


def step(step: Step) -> Outcome:
    """Some requests at a time. An approval that is back meanwhile keeps what is left of them."""
    ws = step.ws
    gone = [each for each in step.job.payload["approvals"] if ws.model.get("approvals", each) is None]
    done = int(step.job.progress.get("ended", 0))
    found = store.running_under(ws, gone, limit=_AT_ONCE)
    ended = sum(_end(ws, each) for each in found)
    if ended == _AT_ONCE:
        return More({"ended": done + ended})
    record_locks.release_all(ws, store.of_approvals(gone))
    return Done({"ended": done + ended})


def _end(ws: Workspace, request: str) -> bool:
    """Whether it could be ended: not where the kind of record is described no longer either."""
    try:
        drive(ws, request, Terminate(None, REMOVED))
    except NotFound:
        return False
    return True
