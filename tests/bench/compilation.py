"""How long a description of 500 entities takes to compile: all of it, and with one document changed."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from metadata.compiler import compile_layers
from metadata.documents.package import Layer, read_package
from tests.bench import packages
from tests.bench.figures import SECONDS
from tests.bench.parts import Run
from tests.bench.sites import ROOT

ENTITIES, SMALL = 500, 30
WHOLE, ONE = 3.0, 0.3


def measure(run: Run) -> None:
    entities = SMALL if run.options.small else ENTITIES
    core = read_package(ROOT / "configs" / "core")
    with tempfile.TemporaryDirectory(prefix="metaloom-bench-") as name:
        folder = packages.write(Path(name, "bench"), entities)
        whole = _seconds(core, folder)
        run.figures.at_most("compile", whole, WHOLE, SECONDS, {"entities": entities})
        edited = []
        for number in range(5):
            packages.add_field(folder, f"extra_{number}")
            edited.append(_seconds(core, folder))
    one = sorted(edited)[len(edited) // 2]
    run.figures.at_most("compile_changed", one, ONE, SECONDS, {"entities": entities})


def _seconds(core: Layer, folder: Path) -> float:
    """Without the reading of the files, which a release has in its rows."""
    package = read_package(folder)
    begin = time.perf_counter()
    compile_layers([core, package])
    return time.perf_counter() - begin
