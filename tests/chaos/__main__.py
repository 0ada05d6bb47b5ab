"""`make chaos`: the whole system under fire; what was acknowledged must be there, once, with all that follows from it.

make chaos                                    3,000 writes, 36 kills, 12 flushes, 6 crashes, then the ten faults
make chaos ARGS="--seed 7 --jobs 300 --kills 10 --flushes 3 --crashes 2"
make chaos ARGS="--fault lease_not_fenced"    the system with one mistake put into it: must be found, exit code 1
make chaos ARGS="--faults"                    all ten of them
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figures import Figures
from tests.chaos.faults import FAULTS

if TYPE_CHECKING:
    from tests.bench.stand import Place

_TRIES = 3
"""Rounds, each with a seed of its own, in which a mistake has to show: most need a death at the right moment."""


def main(arguments: Sequence[str]) -> int:
    given = _options(arguments)
    for name in ("TEST_DATABASE_URL", "TEST_REDIS_URL"):
        os.environ.pop(name, None)  # what is killed here must be nobody else's
    from tests.bench import stand

    figures = Figures(word="chaos")
    with tempfile.TemporaryDirectory(prefix="metaloom-chaos-") as folder, stand.postgres(Path(folder)) as place:
        assert place.services is not None
        if place.services.redis is None:
            sys.exit("; ".join(place.services.missing.values()))
        if given.fault:
            _one_fault(place, figures, given)
        else:
            if not given.faults:
                _storm(place, figures, given)
            if given.faults or not given.only:
                _every_fault(place, figures, given)
    for name in dict.fromkeys(figures.missed):
        print(f"missed: {name}")
    return 1 if figures.missed else 0


def _storm(place: Place, figures: Figures, given: argparse.Namespace) -> None:
    from tests.chaos import telling
    from tests.chaos.round import Plan, play
    from tests.chaos.storm import Wanted
    from tests.chaos.trouble import Trouble

    trouble = Trouble(web=0.0003, worker=0.0005, fails=0.01, stops=0.0005, lease=given.lease)
    wanted = Wanted(given.kills, given.flushes, given.crashes)
    patience = 30.0 + 10 * given.lease if given.lease else 180.0
    plan = Plan("storm", given.seed, given.jobs, wanted, trouble, seconds=given.secs, patience=patience, hiccups=0.005)
    telling.tell(figures, plan, play(place, plan))


def _one_fault(place: Place, figures: Figures, given: argparse.Namespace) -> None:
    from tests.chaos import telling
    from tests.chaos.round import play

    plan = telling.fault_plan(given.fault, given.seed, 0)
    telling.tell(figures, plan, play(place, plan))


def _every_fault(place: Place, figures: Figures, given: argparse.Namespace) -> None:
    from tests.chaos import telling
    from tests.chaos.round import play

    plan = telling.fault_plan("", given.seed, 0)
    sound = play(place, plan)
    writes = len(sound.log.acknowledged)
    figures.must("control", not sound.verdict.wrong and writes >= plan.writes, writes=writes, seed=given.seed)
    caught = 0
    wanted = list(FAULTS) if given.faults in ("", "all") else given.faults.split(",")
    for fault in wanted:
        for attempt in range(_TRIES):
            outcome = play(place, telling.fault_plan(fault, given.seed, attempt))
            if shown := telling.shows(fault, outcome):
                caught += 1
                break
        by = ",".join(each.replace(" ", "_") for each in outcome.verdict.wrong)
        figures.must("fault", shown, mistake=fault, rounds=attempt + 1, found=by or "nothing")
    figures.must("faults", caught == len(wanted), caught=caught, of=len(wanted), seed=given.seed)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--jobs", type=int, default=3_000, help="acknowledged writes, each of which is a job or more")
    parser.add_argument("--secs", type=float, default=1_800.0, help="the most that clients go on")
    parser.add_argument("--kills", type=int, default=36, help="kill -9 of web, supervisor, worker, work-horse")
    parser.add_argument("--flushes", type=int, default=12, help="of Redis; every third is a kill -9 of it")
    parser.add_argument("--crashes", type=int, default=6, help="of the database")
    parser.add_argument("--lease", type=float, default=0.0, help="seconds of leases; 0: the product's own")
    parser.add_argument("--only", action="store_true", help="the storm without the seeded faults")
    parser.add_argument("--faults", nargs="?", const="all", default="", help="nothing but the seeded faults, or some")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="one round with this mistake in the system")
    given = parser.parse_args(arguments)
    if not 1 <= given.jobs <= 100_000 or given.kills + given.flushes + given.crashes > given.jobs:
        parser.error("1 to 100,000 jobs, and no more blows than jobs")
    if given.faults not in ("", "all") and (unknown := set(given.faults.split(",")) - FAULTS.keys()):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
