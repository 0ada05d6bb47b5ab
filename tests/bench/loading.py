"""How many rows of a file become records in a second: new ones, and known ones by key; links found by title."""

from __future__ import annotations

import csv
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg import sql

from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.jobs.drain import drain
from runtime.jobs.work import Job
from runtime.transfer import importing
from runtime.transfer.options import Options
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests.bench import floor, records, stand
from tests.bench.figures import RATIO, ROWS, Measure
from tests.bench.load import Address, replay
from tests.bench.operations import World, operations
from tests.bench.parts import Run

INSERT, UPSERT = 8_000, 3_000
OF_FLOOR, OF_HAND = 0.45, 1.0
"""Against PostgreSQL alone with the same rows, and against the bulk of the hand-written application."""
PROCESSOR = 150
"""Microseconds that our own process may compute for a new row: what stays the same on a machine that others use too."""
_MICROSECONDS = Measure("processor", "us", 0)
_ROWS, _SMALL = 20_000, 1_000
_PAUSE = 0.02
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
        before = time.process_time()
        found = _seconds(place, host, filled, first, Options(mode="insert", background=True), created=rows, updated=0)
        used = (time.process_time() - before) / rows * 1e6
        run.figures.at_most("load_processor", used, PROCESSOR, _MICROSECONDS, {"rows": rows})
        insert = rows / found
        run.figures.at_least("load_insert", insert, INSERT, ROWS, {"rows": rows})
        options = Options(mode="upsert", by=("external_number",), background=True)
        found = _seconds(place, host, filled, second, options, created=rows // 2, updated=rows - rows // 2)
        run.figures.at_least("load_upsert", rows / found, UPSERT, ROWS, {"rows": rows})
    alone = floor.rows_per_second(place, filled, rows)
    bare, hand = f"{alone:.0f}/s", _by_hand(run, place, filled)
    run.figures.at_least("load_of_floor", insert / alone, OF_FLOOR, RATIO, {"rows": rows}, postgresql_alone=bare)
    run.figures.at_least("load_of_hand", insert / hand, OF_HAND, RATIO, {"rows": rows}, hand=f"{hand:.0f}/s")


def _by_hand(run: Run, place: stand.Place, filled: stand.Filled) -> float:
    """Rows per second of the hand-written application's bulk, one request after the other."""
    bulk = next(each for each in operations(World(run.options.rows)) if each.name == "bulk")
    requests = [bulk.hand(number) for number in range(bulk.distinct)]
    with stand.serve_by_hand(place, stand.copy_by_hand(place, filled)) as hand:
        hand.wait(requests[0], filled.headers)
        found = replay(Address(hand.address.port, filled.headers), requests, 1, run.options.seconds)
    return 0.0 if found.errors else found.rate * bulk.per_request


def _seconds(
    place: stand.Place, host: Host, filled: stand.Filled, file: Path, options: Options, created: int, updated: int
) -> float:
    """From the file to the end of its job, as `metaloom load` does it. Every row must have become what it should.

    What the worker does behind it (the feed's positions, the planner's statistics) is not waited for.
    """
    begin = time.perf_counter()
    report = importing.load(host, filled.tenant, AsUser(filled.user), "opportunity", file, options)
    assert report.job is not None
    worker = threading.Thread(target=_work, args=(host, filled, report.job))
    worker.start()
    over = sql.SQL("SELECT 1 FROM {} WHERE id = %s AND finished_at IS NOT NULL")
    with place.connect(autocommit=True) as connection:
        asked = over.format(sql.Identifier(filled.tenant.place, "_job"))
        while worker.is_alive() and connection.execute(asked, (report.job,)).fetchone() is None:
            time.sleep(_PAUSE)
    seconds = time.perf_counter() - begin
    worker.join()
    job = _job(host, filled, report.job)
    totals: dict[str, Any] = dict((job.result or {}).get("totals", {}))
    if (job.state, totals.get("created"), totals.get("updated")) != ("done", created, updated):
        sys.exit(f"the load ended as {job.state} with {totals} {job.error or ''}")
    return seconds


def _work(host: Host, filled: stand.Filled, id: str) -> None:
    while not _job(host, filled, id).finished_at:
        drain(host, filled.tenant)


def _job(host: Host, filled: stand.Filled, id: str) -> Job:
    with open_workspace(host, filled.tenant, PlatformActor()) as ws:
        return jobs.get(ws, id)


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
