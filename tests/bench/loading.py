"""How many rows of a file become records in a second: new ones, and known ones by key; links found by title."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.jobs.drain import drain
from runtime.transfer import importing
from runtime.transfer.options import Options
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests.bench import records, stand
from tests.bench.figures import ROWS
from tests.bench.parts import Run

INSERT, UPSERT = 8_000, 3_000
_ROWS, _SMALL = 20_000, 1_000
_HEADERS = (
    "name,account,stage,amount,probability,close_date,engaged_at,source,next_step,description,quantity,discount,score,"
    "hot,email,website,region,contact_name,external_number,tags"
).split(",")


def measure(run: Run, place: stand.Place, filled: stand.Filled) -> None:
    if not run.options.wants("load"):
        return
    rows = _SMALL if run.options.small else _ROWS
    names = [str(each["name"]) for each in records.accounts("")]
    first, second = place.folder / "insert.csv", place.folder / "upsert.csv"
    _write(first, (_line(number, names[number % len(names)], "new") for number in range(rows)))
    # Half of them are known, with another account; the others are new.
    half = range(rows // 2, rows + rows // 2)
    _write(second, (_line(number, names[(number + 1) % len(names)], "again") for number in half))
    with place.open_host() as host:
        found = _seconds(host, filled, first, Options(mode="insert", background=True), created=rows, updated=0)
        run.figures.at_least("load_insert", rows / found, INSERT, ROWS, {"rows": rows})
        options = Options(mode="upsert", by=("external_number",), background=True)
        found = _seconds(host, filled, second, options, created=rows // 2, updated=rows - rows // 2)
        run.figures.at_least("load_upsert", rows / found, UPSERT, ROWS, {"rows": rows})


def _seconds(host: Host, filled: stand.Filled, file: Path, options: Options, created: int, updated: int) -> float:
    """From the file to the end of its job, as `metaloom load` does it. Every row must have become what it should."""
    begin = time.perf_counter()
    report = importing.load(host, filled.tenant, AsUser(filled.user), "opportunity", file, options)
    assert report.job is not None
    while True:
        drain(host, filled.tenant, 1.0)
        with open_workspace(host, filled.tenant, PlatformActor()) as ws:
            job = jobs.get(ws, report.job)
        if job.state not in ("queued", "running"):
            break
    seconds = time.perf_counter() - begin
    totals: dict[str, Any] = dict((job.result or {}).get("totals", {}))
    if (job.state, totals.get("created"), totals.get("updated")) != ("done", created, updated):
        sys.exit(f"the load ended as {job.state} with {totals} {job.error or ''}")
    return seconds


def _write(file: Path, lines: Iterator[list[str]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output)
        writer.writerow(_HEADERS)
        writer.writerows(lines)


def _line(number: int, account: str, word: str) -> list[str]:
    stage = records.STAGES[number % len(records.STAGES)]
    return [
        f"File {records.word(number)} {records.characters(number)} {number}",
        account,
        stage,
        f"{number % 90_000}.50",
        str(number % 101),
        f"2027-{number % 12 + 1:02}-{number % 28 + 1:02}",
        f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T08:30:00Z",
        records.SOURCES[number % len(records.SOURCES)],
        f"Call {word} on day {number % 300}",
        f"Wants {number} pieces, and a visit before the summer.",
        str(number % 1_000),
        f"{number % 30}.25",
        str(number % 1_001),
        "true" if number % 5 == 0 else "false",
        f"{records.word(number)}.{number}@example.com",
        f"https://www.example.com/{number}",
        records.CITIES[number % len(records.CITIES)],
        records.word(number + 2).title(),
        f"F-{number:07}",
        f"new, {records.SOURCES[number % len(records.SOURCES)]}",
    ]
