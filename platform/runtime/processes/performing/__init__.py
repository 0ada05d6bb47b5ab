"""Performs what a run wants done: one function for each kind of effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metadata.problems import Invalid, kind
from runtime.approvals.asking import for_runs
from runtime.processes.performing import outside, people, records, runs, tasks, telling, timers
from runtime.processes.performing.moving import Moving
from workflow import engine
from workflow.engine import Effect

CANNOT = kind(
    "run.cannot_perform",
    en="This installation cannot do what the step asks ({what}). Ask an administrator.",
    zh="本系统无法执行该步骤要求的操作（{what}），请联系管理员。",
)

Result = str | tuple[str, ...] | None
Perform = Callable[[Moving, Any], Result]

PERFORMERS: dict[type, Perform] = {
    engine.FindMany: records.find,
    engine.CreateRecord: records.create,
    engine.UpdateRecord: records.update,
    engine.DeleteRecord: records.delete,
    engine.AssignRecord: people.assign,
    engine.OpenTask: tasks.open_task,
    engine.CloseTask: tasks.close_task,
    engine.SubmitApproval: for_runs.submit_for_run,
    engine.WithdrawApproval: for_runs.withdraw_for_run,
    engine.Tell: telling.tell,
    engine.SendRequest: outside.request,
    engine.CancelRequest: outside.cancel,
    engine.StartWorkflow: runs.start,
    engine.CancelWorkflow: runs.cancel,
    engine.SetTimer: timers.set_timer,
    engine.ClearTimer: timers.clear_timer,
}
"""Kind of effect -> who performs it."""


def perform(moving: Moving, effect: Effect) -> Result:
    """Do what is wanted; what the engine is answered with. Raises PlatformError when it cannot be done."""
    found = PERFORMERS.get(type(effect))
    if found is None:
        raise Invalid(CANNOT(what=type(effect).__name__))
    return found(moving, effect)
