"""`make audit`: everything that is proved by trying it many times, one line per figure; `--only` names some parts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.bench.figures import Figures
from tests.browser import __main__ as browser

PARTS = (*browser.PARTS, "differential", "injections", "tenants", "recompute", "permissions", "worlds", "simulation")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.audit", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, with commas between them: {', '.join(PARTS)}")
    parser.add_argument("--count", type=int, help="expressions, payloads of `injections`, worlds of rights, events")
    parser.add_argument("--seed", type=int, default=42, help="what the random parts begin with")
    parser.add_argument(
        "--database", default="sqlite", choices=("sqlite", "postgresql"), help="of `tenants`, rights, `simulation`"
    )
    browser.add_arguments(parser)
    given = parser.parse_args(arguments)
    wanted = given.only.split(",") if given.only else PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    figures = Figures(judge=not given.small, word="audit")
    complete = browser.measure(figures, given, wanted) if set(wanted) & set(browser.PARTS) else True
    if "differential" in wanted:
        from tests.audit import differential

        differential.measure(figures, given.count or (150 if given.small else 20_000), given.seed)
    if "injections" in wanted:
        from tests.audit import injections

        injections.measure(figures, given.count or (60 if given.small else None), given.seed)
    if "tenants" in wanted:
        from tests.audit import tenants

        tenants.measure(figures, given.database, given.seed, given.small)
    if "recompute" in wanted:
        from tests.audit import recompute

        recompute.measure(figures, given.seed, given.small)
    if "permissions" in wanted:
        from tests.audit import permissions

        permissions.measure_worlds(figures, given.count or (5 if given.small else 300), given.seed, given.database)
    if "worlds" in wanted:
        from tests.audit import permissions

        permissions.measure_pairs(figures, given.count or (5 if given.small else 200), given.seed, given.database)
    if "simulation" in wanted:
        from tests.audit import simulation

        simulation.measure(figures, given.count or (400 if given.small else 100_000), given.seed, given.database)
    for name in figures.missed:
        print(f"missed: {name}")
    return 0 if complete and not figures.missed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
