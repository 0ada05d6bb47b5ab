"""One more field or entity while four clients read: from apply until every process serves it, at two sizes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from metadata.documents.package import read_package
from runtime import schema
from tests.bench import packages, stand
from tests.bench.figures import SECONDS
from tests.bench.load import Address, Load, Request, replay, send
from tests.bench.operations import World, operations
from tests.bench.parts import Run

BAR = 0.3
READERS = 4
_TIMES = 10
"""The second size is so many times the first."""
_SERVED = 30
"""So many good answers in a row, each on a new connection, mean that no process lags behind."""


def measure(run: Run, place: stand.Place, filled: stand.Filled) -> None:
    if not run.options.wants("change"):
        return
    folder = packages.write(place.folder / "changed")
    with stand.serve_ours(place) as site:
        at = Address(site.address.port, filled.headers)
        site.wait(Request("/api/v1/opportunity?limit=1"), filled.headers)
        for size in (1,) if run.options.small else (1, _TIMES):
            if size > 1:
                _multiply(place, filled, size)
            for kind in ("field", "entity"):
                name = f"x_{kind}_{size}"
                (packages.add_field if kind == "field" else packages.add_entity)(folder, name)
                asked = f"opportunity?limit=1&fields={name}" if kind == "field" else f"{name}?limit=1"
                change = _Change(f"add_{kind}", folder, run.options.rows * size, Request(f"/api/v1/{asked}"))
                _measure(run, place, filled, at, change)


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: the package that has it, how many rows there are, and what is answered once it is served."""

    name: str
    folder: Path
    rows: int
    asked: Request


def _measure(run: Run, place: stand.Place, filled: stand.Filled, at: Address, change: _Change) -> None:
    loads: list[Load] = []
    seconds = 0.6 if run.options.small else 4.0
    reading = threading.Thread(target=lambda: loads.append(_read(at, run.options.rows, seconds)))
    with place.open_host() as host:
        plan = schema.plan(host, filled.tenant, read_package(change.folder))
        assert plan.id is not None
        reading.start()
        time.sleep(seconds / 4)
        applying = threading.Thread(target=schema.apply, args=(host, filled.tenant, plan.id))
        begin = time.perf_counter()
        applying.start()
        served = _served(at, change.asked, begin)
        applying.join()
    reading.join()
    (load,) = loads
    run.figures.at_most(
        change.name,
        served if not load.errors else BAR + 1,
        BAR,
        SECONDS,
        {"rows": change.rows, "readers": READERS},
        requests=load.requests,
        failed=load.errors,
        longest=f"{load.longest:.0f}ms",
    )


def _read(at: Address, rows: int, seconds: float) -> Load:
    read = operations(World(rows))[0]
    return replay(at, [read.ours(number) for number in range(200)], READERS, seconds)


def _served(at: Address, asked: Request, begin: float) -> float:
    """The seconds until the first of a row of good answers."""
    first, good = 0.0, 0
    while good < _SERVED:
        status, _ = send(at, asked)
        now = time.perf_counter() - begin
        if status == 200:
            first = first if good else now
            good += 1
        else:
            good = 0
        if now > 30:
            return now
    return first


def _multiply(place: stand.Place, filled: stand.Filled, times: int) -> None:
    """Copies of every opportunity, with ids of their own."""
    home = filled.tenant.place
    with place.connect() as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = 'e_opportunity' AND column_name <> 'id'",
                (home,),
            )
        ]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        table = sql.Identifier(home, "e_opportunity")
        statement = sql.SQL("INSERT INTO {} (id, {}) SELECT gen_random_uuid(), {} FROM {}, generate_series(2, {})")
        try:
            connection.execute(statement.format(table, columns, columns, table, sql.Literal(times)))
        except psycopg.Error as error:
            raise SystemExit(f"the rows could not be multiplied: {error}") from error
    stand.settle(place)
