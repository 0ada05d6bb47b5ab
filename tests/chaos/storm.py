"""What hits the system while it works: kills, flushes and crashes, as often as is wanted, in an order drawn by seed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.crew import Crew

KILLED = ("web", "horse", "worker", "supervisor")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How often what happens."""

    kills: int = 0
    flushes: int = 0
    crashes: int = 0

    def drawn(self, chance: random.Random) -> list[str]:
        """One name for each time. Of the processes the horses and the web are hit most."""
        kinds = [("web", "horse", "worker", "horse", "web", "supervisor")[at % 6] for at in range(self.kills)]
        flushes = ["redis" if at % 3 == 2 else "flush" for at in range(self.flushes)]
        blows = kinds + flushes + ["crash"] * self.crashes
        chance.shuffle(blows)
        return blows


@dataclass
class Storm:
    """Strikes as the work goes on: the n-th blow when that part of it is done, so that all of it is under fire."""

    crew: Crew
    blows: list[str]
    progress: Callable[[], float]
    """How much of the work is done, 0 to 1."""
    stopped: threading.Event

    def begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._strike, daemon=True)
        thread.start()
        return thread

    def _strike(self) -> None:
        at = 0
        while not self.stopped.wait(0.1):
            self.crew.workers.keep_running()
            if at < len(self.blows) and self.progress() >= (at + 0.5) / (len(self.blows) + 1):
                self._one(self.blows[at])
                at += 1
            elif at >= len(self.blows) and self.progress() >= 1:
                return

    def _one(self, blow: str) -> None:
        does: Mapping[str, Callable[[], bool]] = {
            "flush": self.crew.flush,
            "redis": self.crew.kill_redis,
            "crash": self.crew.crash,
        }
        until = time.monotonic() + 5
        while not (does[blow]() if blow in does else self.crew.kill(blow)) and time.monotonic() < until:
            time.sleep(0.02)  # just now there is no work-horse: there will be one
