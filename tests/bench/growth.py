"""Whether a tenant of 500 entities is served as fast as one of 10 with the same records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tests.bench import packages, stand
from tests.bench.comparison import Side, compare
from tests.bench.figures import RATIO
from tests.bench.load import Address, Request
from tests.bench.operations import World, operations
from tests.bench.parts import Run

BAR = 0.95
OPERATIONS = ("read", "list", "create")
ENTITIES, SMALL = (10, 500), (2, 12)
_ROWS = 20_000
_LEAST_ROUNDS = 7
"""The bar is near one, so that a single odd round must not decide."""


def measure(run: Run, place: stand.Place) -> None:
    if not run.options.wants("growth"):
        return
    rows = min(run.options.rows, _ROWS)
    few, many = SMALL if run.options.small else ENTITIES
    with place.open_host() as host:
        filled = [
            stand.create_tenant(
                place, host, f"with{number}", packages.write(place.folder / f"with{number}", number), rows
            )
            for number in (few, many)
        ]
    stand.settle(place)
    rounds = run.options.rounds if run.options.small else max(run.options.rounds, _LEAST_ROUNDS)
    with stand.serve_ours(place) as site:
        for operation in operations(World(rows)):
            if operation.name not in OPERATIONS:
                continue
            requests = [operation.ours(number) for number in range(operation.distinct)]
            sides = []
            for each in filled:
                prefixed = _prefixed(requests, each.tenant.name)
                site.wait(prefixed[0] if not operation.writes else _prefixed_read(each.tenant.name), each.headers)
                sides.append(Side(site, Address(site.address.port, each.headers), prefixed))
            found = compare(sides[1], sides[0], 1, run.options.seconds, rounds)
            run.figures.at_least(
                f"growth_{operation.name}",
                found.ratio if not found.errors else 0,
                BAR,
                RATIO,
                {"clients": 1},
                **{f"with{few}": f"{found.second:.0f}/s", f"with{many}": f"{found.first:.0f}/s"},
                errors=found.errors or None,
            )


def _prefixed_read(tenant: str) -> Request:
    return Request(f"/t/{tenant}/api/v1/opportunity?limit=1")


def _prefixed(requests: Iterable[Request], tenant: str) -> list[Request]:
    return [replace(each, path=f"/t/{tenant}{each.path}") for each in requests]
