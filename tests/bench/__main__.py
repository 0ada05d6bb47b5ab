"""`make bench`: measures ourselves against a hand-written application and against bars, one line per figure."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import load
from tests.bench.figures import Figures
from tests.bench.operations import NAMES
from tests.bench.parts import Options, Run

ROWS, SMALL_ROWS = 100_000, 2_000
DATABASES = ("postgresql", "sqlite")


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    run = Run(options, Figures(judge=not options.small))
    if load.WRK is None and not options.small:
        print(load.MISSING)
    # Imported here, so that --help answers at once.
    from tests.bench import (
        access,
        against_hand,
        change,
        compilation,
        expressions,
        growth,
        loading,
        neighbours,
        processes,
        rules,
        stand,
    )

    if options.wants("compile"):
        compilation.measure(run)
    if options.wants("expressions"):
        expressions.measure(run)
    for database in options.databases:
        opened = stand.postgres if database == "postgresql" else stand.sqlite
        with tempfile.TemporaryDirectory(prefix="metaloom-bench-") as folder, opened(Path(folder)) as place:
            if run.options.wants("operations", "load", "change", "start", "memory", *NAMES):
                filled = against_hand.measure(run, place)
                if database == "postgresql":
                    loading.measure(run, place, filled)
                    change.measure(run, place, filled)
            rules.measure(run, place)
            processes.measure(run, place)
            if database == "postgresql":
                growth.measure(run, place)
                access.measure(run, place)
                neighbours.measure(run, place)
    for name in run.figures.missed:
        print(f"missed: {name}")
    return 1 if run.figures.missed else 0


def _options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help="operations and parts, with commas between them")
    parser.add_argument("--secs", type=float, default=3.0, help="seconds of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, help=f"opportunities ({ROWS})")
    parser.add_argument("--database", choices=DATABASES, help="one of them; both if not given")
    parser.add_argument("--small", action="store_true", help="small counts: see that all works, judge no figure")
    given = parser.parse_args(arguments)
    if not 0.1 <= given.secs <= 60 or not 1 <= given.rounds <= 50:
        parser.error("at most 60 seconds and 50 rounds")
    return Options(
        only=frozenset(filter(None, given.only.split(","))),
        seconds=given.secs,
        rounds=given.rounds,
        rows=given.rows or (SMALL_ROWS if given.small else ROWS),
        databases=(given.database,) if given.database else DATABASES,
        small=given.small,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
