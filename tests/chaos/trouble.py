"""What goes wrong inside a process under fire: it dies at a commit, is stopped for longer than its lease, or fails in
the middle of a job. Set up by `launched`, told what to do by the environment; the product knows nothing of it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

PREFIX = "CHAOS_"


@dataclass(frozen=True, slots=True)
class Trouble:
    """How likely what is. All zero and empty: the product as it is."""

    seed: int = 0
    folder: str = ""
    """Where deaths are noted; nothing happens any more once it holds a file `quiet`."""
    fault: str = ""
    web: float = 0.0
    """That a web process dies at a commit."""
    worker: float = 0.0
    """That a worker does."""
    fails: float = 0.0
    """That a step of a job raises, before or after its work."""
    stops: float = 0.0
    """That a process which begins a step is stopped until its lease has run out; of imports ten times that."""
    lease: float = 0.0
    """Seconds of leases; 0: those of the product. With them all other waits for the dead are shorter."""

    def environment(self) -> dict[str, str]:
        return {f"{PREFIX}{each.name.upper()}": str(getattr(self, each.name)) for each in fields(self)}


def from_environment() -> Trouble:
    kinds: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "str": str}
    given = {each.name: os.environ.get(f"{PREFIX}{each.name.upper()}") for each in fields(Trouble)}
    told = {each.name: kinds[str(each.type)](value) for each in fields(Trouble) if (value := given[each.name])}
    return Trouble(**told)


class _Chance:
    """Random numbers of each process; a forked one has its own."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble, self._process = trouble, 0
        self._random = random.Random()

    def hits(self, likely: float) -> bool:
        if self._process != os.getpid():
            self._process = os.getpid()
            self._random = random.Random(f"{self._trouble.seed}:{self._process}")
        if not likely or self._random.random() >= likely:
            return False
        return not Path(self._trouble.folder, "quiet").exists()


def set_up(trouble: Trouble, role: str) -> None:
    """`role`: web or worker."""
    chance = _Chance(trouble)
    if trouble.lease:
        _hurry(trouble.lease)
    _die_at_commits(trouble, role, chance)
    if role == "worker":
        _break_steps(trouble, chance)


def _hurry(lease: float) -> None:
    outbox: Any = import_module("runtime.deliveries.table")
    from runtime.jobs import redis, table

    table.LEASE = outbox.LEASE = lease
    outbox._NET = max(1, round(lease / 2))
    outbox.PAUSES = (1,) * len(outbox.PAUSES)
    redis._RING_LASTS = 3


def note(trouble: Trouble, what: str) -> None:
    with Path(trouble.folder, "deaths").open("a") as file:
        file.write(f"{what}\n")


def _die_at_commits(trouble: Trouble, role: str, chance: _Chance) -> None:
    postgres: Any = import_module("runtime.database.postgres")
    real, likely = postgres.send, trouble.web if role == "web" else trouble.worker

    def send(raw: Any, text: bytes) -> Any:
        if text != b"COMMIT":
            return real(raw, text)
        if chance.hits(likely / 2):
            _die(trouble, role)
        result = real(raw, text)
        if chance.hits(likely / 2):
            _die(trouble, role)
        return result

    postgres.send = send


def _die(trouble: Trouble, role: str) -> None:
    note(trouble, role)
    os.kill(os.getpid(), signal.SIGKILL)


class Failed(Exception):
    """A step of a job failed for no reason that anybody knows."""


def _break_steps(trouble: Trouble, chance: _Chance) -> None:
    from runtime.jobs import table

    drain: Any = import_module("runtime.jobs.drain")

    real, wanted = drain.handler, table.wanted

    def handler(name: str) -> Any:
        call = real(name)

        def broken(*arguments: Any) -> Any:
            if chance.hits(trouble.fails / 2):
                raise Failed
            result = call(*arguments)
            if chance.hits(trouble.fails / 2):
                raise Failed
            return result

        return broken

    def stopping(ws: Any, job: Any) -> bool:
        is_wanted = wanted(ws, job)
        if chance.hits(trouble.stops * (10 if job.kind == "import" else 1)):
            _stop(trouble, table.LEASE)
        return is_wanted

    drain.handler = handler
    table.wanted = stopping


def _stop(trouble: Trouble, lease: float) -> None:
    """Stop this process until somebody else has surely taken its job over."""
    me = os.getpid()
    command = ["/bin/sh", "-c", f"sleep {lease + 6}; kill -CONT {me}"]
    subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    note(trouble, "stopped")
    os.kill(me, signal.SIGSTOP)
