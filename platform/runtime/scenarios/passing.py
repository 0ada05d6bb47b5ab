"""Time on a stage: all that is due is done, and the clock goes from one thing that falls due to the next."""

from __future__ import annotations

import datetime as dt

from metadata.problems import PlatformError, kind
from runtime import feed
from runtime.jobs import table, tidy
from runtime.jobs.drain import drain
from runtime.scenarios.stage import Stage

ENDLESS = kind(
    "scenario.endless",
    en="After {most} rounds there is still work that is due at once. Look for workflows that start each other.",
    zh="执行 {most} 轮后仍有立即到期的任务。请检查是否有相互触发的工作流。",
)
TOO_LONG = kind(
    "scenario.too_much_due",
    en="More than {most} things fall due in this time. Wait for a shorter time.",
    zh="这段时间内到期的事项超过 {most} 个，请缩短等待时间。",
)
_ROUNDS = 500
_STOPS = 20_000
_SECONDS = 30.0


def work(stage: Stage) -> None:
    """Do all that is due now. Raises PlatformError when that has no end."""
    for _ in range(_ROUNDS):
        due = drain(stage.host, stage.tenant, _SECONDS)
        if due is None or due > 0:
            return
    raise PlatformError(ENDLESS(most=_ROUNDS))


def pass_until(stage: Stage, moment: dt.datetime) -> None:
    """Do all that falls due up to a moment, each at its time. Raises PlatformError when it is too much."""
    seen = -1
    for _ in range(_STOPS):
        seen = _look_ahead(stage, moment, seen)
        due = _next_due(stage)
        if due is not None and due <= stage.clock.moment:
            work(stage)
        elif stage.clock.moment >= moment:
            return
        else:
            stage.clock.moment = min(moment, due or moment)
    raise PlatformError(TOO_LONG(most=_STOPS))


def _look_ahead(stage: Stage, moment: dt.datetime, seen: int) -> int:
    """Have jobs made for the dates that come until then, unless nothing was written since; what was written last."""
    with stage.acting(None, channel="job") as ws:
        last = feed.last_position(ws)
        if last != seen:
            tidy.look_ahead(ws, max(moment - stage.clock.moment, dt.timedelta()))
    return last


def _next_due(stage: Stage) -> dt.datetime | None:
    with stage.acting(None, write=False) as ws:
        seconds = table.next_due(ws)
    return None if seconds is None else stage.clock.moment + dt.timedelta(seconds=seconds)
