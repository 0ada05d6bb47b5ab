"""Workers that tests start as processes of their own and kill, and the jobs that they do there.

    python -m tests.working runner     the in-process runner, until it is killed
    python -m tests.working serve      the supervisor of RQ workers
    python -m tests.working rq         one RQ worker (started by the supervisor)

Settings come from the environment, as with the real ones.
"""

from __future__ import annotations

import os
import random
import sys
import time

from runtime import records
from runtime.host import Host
from runtime.jobs import table
from runtime.jobs.kinds import KINDS
from runtime.jobs.runner import Runner
from runtime.jobs.work import Done, Kind, More, Outcome, Step
from runtime.settings import Settings

LEASE = 1.5


def effects(step: Step) -> Outcome:
    """Write one record for each part of the job, one part a step, taking its time between."""
    part = int(step.job.progress.get("part", 0))
    records.create(step.ws, "company", {"name": f"{step.job.payload['name']}-{part}"})
    time.sleep(random.uniform(0.0, step.job.payload.get("pause", 0.02)))
    if part + 1 < step.job.payload["parts"]:
        return More({"part": part + 1})
    return Done({"parts": part + 1})


def broken(step: Step) -> Outcome:
    """Writes something, then fails: nothing of it may stay."""
    records.create(step.ws, "company", {"name": "never"})
    raise RuntimeError("broken on purpose")


def deadly(step: Step) -> Outcome:
    """Kills its worker."""
    os._exit(9)


def register() -> None:
    """Make the jobs of this file known in this process."""
    KINDS["effects"] = Kind("tests.working:effects", attempts=20)
    KINDS["broken"] = Kind("tests.working:broken", attempts=3)
    KINDS["deadly"] = Kind("tests.working:deadly", attempts=3)


def main(role: str) -> None:
    register()
    table.LEASE = LEASE
    settings = Settings.from_environment()
    if role == "runner":
        with Runner.start(Host.open(settings), poll=0.1):
            time.sleep(3_600)
        return
    from runtime.jobs import redis

    if role == "serve":
        redis.serve(settings, processes=2, poll=0.2, work=(sys.executable, "-m", "tests.working", "rq"))
    else:
        redis.work(str(settings.redis_url))


if __name__ == "__main__":
    main(sys.argv[1])
