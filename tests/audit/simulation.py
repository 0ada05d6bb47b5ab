"""A simulation over many events: every table, queue, mail and request is afterwards what it was, and how fast it is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.directory import Tenant
from runtime.host import Host
from runtime.simulating.asking import Asked
from runtime.simulating.report import Report
from runtime.simulating.run import simulate
from tests import kit
from tests.bench.figures import Figures
from tests.replaying import WORLD, changed, checksums, lived, sequences
from tests.services import Services

REFUSING = {"when": "amount > account.limit * 2", "reject": {"message": {"en": "Too much.", "zh": "过多。"}}}
CHANGED = changed(
    entities={"deal": {"rules": {"too_much": REFUSING, "chance_of_stage": {"set": {"chance": "50"}}}}},
    workflows={"big": {"triggers": {"made": {"when": "amount > 10"}}, "steps": {"size": {"if": "amount > 500"}}}},
)
"""A rule that looks at another record, one that sets, and a workflow with another condition and another way."""


def measure(figures: Figures, count: int, seed: int, database: str) -> None:
    """`count`: events at least."""
    with _host(database) as host:
        tenant = kit.tenant(host, WORLD)
        lived(host, tenant, count, seed)
        before, stood = checksums(host, tenant), sequences(host, tenant)
        rung: list[str] = []
        host.bell = rung.append
        begun = time.perf_counter()
        report = _replayed(host, tenant)
        seconds = time.perf_counter() - begun
        after = checksums(host, tenant)
        touched = [name for name in before if before[name] != after.get(name)]
        good = before == after and stood == sequences(host, tenant) and not rung and report.differs
        figures.must(
            "simulation",
            good and report.events >= count,
            database=database,
            events=report.events,
            rate=f"{report.events / seconds:.0f}/s",
            tables=len(before),
            touched=",".join(touched) or 0,
            rung=len(rung),
            differing=sum(sum(each.counts.values()) for each in report.tallies.values()),
            seed=seed,
        )


def _replayed(host: Host, tenant: Tenant) -> Report:
    return simulate(host, tenant, [kit.layer(CHANGED)], Asked())


@contextmanager
def _host(database: str) -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as folder:
        if database == "sqlite":
            with kit.sqlite_host(Path(folder)) as host:
                yield host
            return
        with Services.start() as services:
            assert services.postgres is not None, services.missing
            with kit.postgres_host(services.postgres, Path(folder)) as host:
                yield host
