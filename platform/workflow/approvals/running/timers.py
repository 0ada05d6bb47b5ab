"""The timers of tasks and delays: set when a task is asked, gone when it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from metadata.approvals import Human

from ..effects import SetTimer
from ..request import Task, Timer
from .turn import Turn


def start(turn: Turn, task: Task) -> None:
    """Remind and time out a task that has just been asked."""
    node = turn.tree.step(task.node) if turn.tree.knows(task.node) else None
    if not isinstance(node, Human) or node.timeout is None:
        return
    now, limit = turn.world.now, node.timeout
    end = turn.world.after(limit.after, limit.calendar, now)
    if limit.remind is not None:
        _remind(turn, task, limit.remind, limit.calendar, limit.reminders, start=now, n=1, end=end)
    put(turn, Timer("timeout", task.visit, task.id, 1, end, task.rounds))


def again(turn: Turn, timer: Timer, task: Task) -> None:
    """The next reminder after this one. Those that a standstill has missed are not made up for."""
    limit = turn.human(task.node).timeout
    assert limit is not None
    if limit.remind is None:
        return
    end = next((each.at for each in turn.request.timers if each.kind == "timeout" and each.task == task.id), None)
    if end is not None:
        most = limit.reminders
        _remind(turn, task, limit.remind, limit.calendar, most, start=timer.at, n=timer.n + 1, end=end)


def _remind(
    turn: Turn, task: Task, every: str, calendar: str | None, most: int, *, start: datetime, n: int, end: datetime
) -> None:
    at = turn.world.after(every, calendar, start)
    while n <= most and at <= turn.world.now and at > start:
        start, n = at, n + 1
        at = turn.world.after(every, calendar, start)
    if n <= most and start < at < end:
        put(turn, Timer("remind", task.visit, task.id, n, at, task.rounds))


def put(turn: Turn, timer: Timer) -> None:
    others = tuple(each for each in turn.request.timers if each.key != timer.key)
    turn.request = replace(turn.request, timers=(*others, timer))
    turn.effects.append(SetTimer(timer))


def drop(turn: Turn, task: Task) -> None:
    """Nobody is asked any longer."""
    kept = tuple(each for each in turn.request.timers if each.task != task.id)
    if len(kept) != len(turn.request.timers):
        turn.change(timers=kept)
