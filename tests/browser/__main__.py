"""A part of `make audit`: people's tasks and every page in a real Chromium, one line per figure."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Figures
from tests.browser import everywhere, tasks, weights
from tests.browser.person import MISSING, chromium, program
from tests.browser.site import demo

PARTS = ("tasks", "pages", "weights")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.browser", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, with commas between them: {', '.join(PARTS)}")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    figures = Figures(judge=not given.small, word="audit")
    complete = measure(figures, given, given.only.split(",") if given.only else PARTS)
    for name in figures.missed:
        print(f"missed: {name}")
    return 0 if complete and not figures.missed else 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", default="", help="only the tasks whose name holds one of these words")
    parser.add_argument("--page", default="", help="only the pages whose name holds one of these words")
    parser.add_argument("--rows", type=int, default=100_000, help="opportunities behind the weights")
    parser.add_argument("--pictures", type=Path, help="a folder for screenshots of pages and of the ends of tasks")
    parser.add_argument("--small", action="store_true", help="fewer combinations; timings are not judged")


def measure(figures: Figures, given: argparse.Namespace, wanted: Sequence[str]) -> bool:
    """Whether there is a browser to try it with."""
    if (path := program()) is None:
        print(MISSING)
        return False
    with chromium(path) as browser:
        if "tasks" in wanted or "pages" in wanted:
            with tempfile.TemporaryDirectory(prefix="metaloom-walk-") as folder, demo(Path(folder)) as site:
                if "tasks" in wanted:
                    tasks.measure(figures, browser, site, given.task, given.pictures, given.small)
                if "pages" in wanted:
                    everywhere.measure(figures, browser, site, given.page, given.pictures, given.small)
        if "weights" in wanted:
            weights.measure(figures, browser, 2_000 if given.small else given.rows)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
