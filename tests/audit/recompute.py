"""Writers of the rows of a few records at the same time: every sum is exact afterwards, on both databases.

And what a row among ten thousand costs: the share of the database in a save that moves three sums.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from runtime import records
from runtime.host import Host
from runtime.records.operations import Operation
from tests import kit
from tests.bench.figures import Figures, Measure
from tests.computing import WORLD
from tests.recomputing import Writers, contended
from tests.services import Services

MILLISECONDS = Measure("time", "ms")
DATABASES = ("sqlite", "postgresql")
MOST_MS = 10.0
SIBLINGS = 10_000


def measure(figures: Figures, seed: int, small: bool) -> None:
    writers = Writers(4, 10, 3, seed) if small else Writers(16, 100, 5, seed)
    with Services.start() as services:
        for database in DATABASES:
            with _host(services, database) as host:
                found = contended(host, writers)
                good = found.writes == writers.writers * writers.writes and found.wrong == 0
                figures.must(
                    "recompute",
                    good,
                    database=database,
                    writes=found.writes,
                    parents=writers.parents,
                    again=found.again,
                    records=found.records,
                    wrong=found.wrong,
                    seed=seed,
                )
                siblings = 500 if small else SIBLINGS
                spent = database_time(host, siblings)
                given = {"database": database, "siblings": siblings, "sums": 3}
                best = MILLISECONDS.text(min(spent))
                figures.at_most("recompute row", median(spent), MOST_MS, MILLISECONDS, given, best=best)


@contextmanager
def _host(services: Services, database: str) -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as folder:
        if database == "sqlite":
            with kit.sqlite_host(Path(folder)) as host:
                yield host
        else:
            assert services.postgres is not None, services.missing
            with kit.postgres_host(services.postgres, Path(folder)) as host:
                yield host


def database_time(host: Host, siblings: int) -> list[float]:
    """Milliseconds in statements of the database of forty changes of one row among its siblings."""
    tenant = kit.tenant(host, WORLD)
    with kit.workspace(host, tenant) as ws:
        deal = records.create(ws, "deal", {"name": "D"}).id
        rows = [Operation("create", {"deal": deal, "quantity": "2", "price": str(at % 300)}) for at in range(siblings)]
        made = records.bulk(ws, "line", rows, all_or_nothing=True)
    found = []
    for at in range(41):
        with kit.workspace(host, tenant) as ws, _timed(ws.db) as spent:
            records.update(ws, "line", made[at].id or "", {"quantity": str(3 + at)})
        found.append(sum(spent) * 1_000)
    return found[1:]  # the first one compiles the statements


@contextmanager
def _timed(db: Any) -> Iterator[list[float]]:
    """The seconds of every statement that runs meanwhile."""
    spent: list[float] = []
    kind, kept = type(db), {}

    def timed(method: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                spent.append(time.perf_counter() - begun)

        return run

    for name in ("fetch", "run", "many", "copy"):
        kept[name] = getattr(kind, name)
        setattr(kind, name, timed(kept[name]))
    try:
        yield spent
    finally:
        for name, method in kept.items():
            setattr(kind, name, method)
