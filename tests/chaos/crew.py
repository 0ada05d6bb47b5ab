"""The processes under fire, and what kills them: the web, the workers, the database, Redis."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from tests.bench.sites import ROOT, Site, family, serve
from tests.bench.stand import Place

APPLICATION = "tests.chaos.launched:app"
_WORKERS = (sys.executable, "-m", "tests.chaos.launched", "workers")


class Workers:
    """The command `worker` with two RQ workers below it, each of which forks a work-horse for a ring."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment, self._log = {**os.environ, **environment}, log
        self._lock = threading.Lock()
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(
                _WORKERS,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def keep_running(self) -> bool:
        """Begin the supervisor again if it has ended; whether it had."""
        with self._lock:
            if self._process.poll() is None:
                return False
            self._process = self._begin()
            return True

    def victims(self) -> dict[str, list[int]]:
        """The supervisor, its RQ workers and their work-horses, as far as there are any."""
        members: list[int] = []
        horses: list[int] = []
        for pid in family(self._process.pid)[1:]:
            (members if _parent(pid) == self._process.pid else horses).append(pid)
        return {"supervisor": [self._process.pid], "worker": members, "horse": horses}

    def stop(self, patience: float = 90.0) -> float:
        """Have them end in peace; the seconds that it took."""
        with self._lock:
            if self._process.poll() is not None:
                return 0.0
            begin, all_of_them = time.monotonic(), family(self._process.pid)
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=patience)
            for pid in all_of_them:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            return time.monotonic() - begin


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@contextlib.contextmanager
def workers(environment: Mapping[str, str], log: Path) -> Iterator[Workers]:
    crew = Workers(environment, log)
    try:
        yield crew
    finally:
        crew.stop()


@dataclass
class Crew:
    """Everything that can be killed, and how often it was."""

    place: Place
    redis_url: str
    site: Site
    workers: Workers
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    @classmethod
    @contextlib.contextmanager
    def at_work(
        cls, place: Place, redis_url: str, environment: Mapping[str, str], chance: random.Random
    ) -> Iterator[Crew]:
        with (
            serve(APPLICATION, environment, place.folder / "web.log") as site,
            workers(environment, place.folder / "workers.log") as crew,
        ):
            yield cls(place, redis_url, site, crew, chance)

    def kill(self, what: str) -> bool:
        """kill -9 of one `web`, `supervisor`, `worker` or `horse`; False when there is none just now."""
        found = self.site.workers if what == "web" else self.workers.victims()[what]
        if not found:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.chance.choice(found), signal.SIGKILL)
            self.done[what] += 1
        return True

    def flush(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.redis_url) as connection:
            connection.flushall()
            self.done["flush"] += 1
        return True

    def kill_redis(self) -> bool:
        """kill -9 of Redis, and all that it knew with it; another begins."""
        assert self.place.services is not None
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.redis_url) as connection:
            found = connection.info("server")
            os.kill(int(found["process_id"]), signal.SIGKILL)
            self.place.services.start_again("Redis")
            self.done["redis"] += 1
        return True

    def crash(self) -> bool:
        """The database stops at once, by turns as `pg_ctl stop -m immediate` does and by kill -9, and begins again."""
        assert self.place.services is not None
        with contextlib.suppress(psycopg.Error):
            with self.place.connect(autocommit=True) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
            assert row is not None
            postmaster = int(Path(row[0], "postmaster.pid").read_text().split()[0])
            if self.done["crash"] % 2:
                for pid in reversed(family(postmaster)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                os.kill(postmaster, signal.SIGQUIT)
            self.place.services.start_again("PostgreSQL")
            self.done["crash"] += 1
            self._answers_again()
        return True

    def _answers_again(self) -> None:
        begin = time.monotonic()
        while time.monotonic() - begin < 60:
            with contextlib.suppress(psycopg.Error), self.place.connect():
                return
            time.sleep(0.05)
        raise TimeoutError("the database did not begin again")
