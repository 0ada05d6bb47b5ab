"""Our application against the hand-written one, operation by operation, on one database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.bench import packages, stand
from tests.bench.comparison import Comparison, Side, compare
from tests.bench.figures import MEMORY, RATIO, ROWS, SECONDS
from tests.bench.load import Address, Request
from tests.bench.operations import NAMES, PAGE, Operation, World, operations, wide_page
from tests.bench.parts import Run
from tests.bench.sites import Site

START, MOST_MEMORY = 2.0, 180
SQLITE = 0.6
"""On SQLite this is the bar of everything that has one on PostgreSQL."""
_CURSORS = 40
_WALK = 200


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both applications over the same records, warm and checked."""

    place: stand.Place
    world: World
    ours: Site
    hand: Site
    ours_at: Address
    hand_at: Address


def measure(run: Run, place: stand.Place) -> stand.Filled:
    """Fill the tables, compare the applications; the tenant, with what was written meanwhile."""
    with place.open_host() as host:
        package = packages.write(place.folder / "package")
        filled = stand.create_tenant(place, host, "bench", package, run.options.rows)
    if run.options.wants("operations", "start", "memory", *NAMES):
        with _serving(run, place, filled) as pair:
            for operation in operations(pair.world):
                if run.options.wants(operation.name, "operations"):
                    _check(run, pair, operation)
                    for clients in operation.clients:
                        _compare(run, pair, operation, clients)
    return filled


@contextmanager
def _serving(run: Run, place: stand.Place, filled: stand.Filled) -> Iterator[_Pair]:
    """Start both applications and find the way to the deep page."""
    environment = stand.copy_by_hand(place, filled)
    with stand.serve_ours(place) as ours, stand.serve_by_hand(place, environment) as hand:
        first = operations(World(run.options.rows))[0]
        seconds = ours.wait(first.ours(0), filled.headers)
        hand.wait(first.hand(0), filled.headers)
        at, hand_at = Address(ours.address.port, filled.headers), Address(hand.address.port, filled.headers)
        if run.options.wants("start", "memory"):
            _tell_footprint(run, place, ours, hand, seconds)
        world = World(run.options.rows)
        if run.options.wants("deep_page", "operations"):
            world = replace(world, cursors=_walk(at, world))
        yield _Pair(place, world, ours, hand, at, hand_at)


def _tell_footprint(run: Run, place: stand.Place, ours: Site, hand: Site, seconds: float) -> None:
    given = {"database": place.database}
    run.figures.at_most("start", seconds, START, SECONDS, given)
    run.figures.at_most("memory", ours.memory(), MOST_MEMORY, MEMORY, given, hand=MEMORY.text(hand.memory()))


def _walk(at: Address, world: World) -> tuple[str, ...]:
    """Page through our list to the depth, and from there one page at a time."""
    after, passed = None, 0
    while passed < world.depth:
        limit = min(_WALK, world.depth - passed)
        after = stand.answer(at, wide_page(after, limit))["next"]
        passed += limit
    assert after is not None
    cursors = [after]
    for _ in range(_CURSORS):
        after = stand.answer(at, wide_page(cursors[-1], PAGE))["next"]
        if after is None:
            break
        cursors.append(after)
    return tuple(cursors)


def _check(run: Run, pair: _Pair, operation: Operation) -> None:
    """Both sides answer the same to the same question."""
    for number in range(min(3, operation.distinct)):
        ours = stand.answer(pair.ours_at, operation.ours(number))
        hand = stand.answer(pair.hand_at, operation.hand(number))
        if said := operation.same(ours, hand):
            run.figures.must(f"{operation.name}_equal", False, database=pair.place.database, difference=repr(said))
            return
    run.figures.must(f"{operation.name}_equal", True, database=pair.place.database)


def _compare(run: Run, pair: _Pair, operation: Operation, clients: int) -> None:
    ours: list[Request] = [operation.ours(number) for number in range(operation.distinct)]
    hand: list[Request] = [operation.hand(number) for number in range(operation.distinct)]
    found = compare(
        Side(pair.ours, pair.ours_at, ours),
        Side(pair.hand, pair.hand_at, hand),
        clients,
        run.options.seconds,
        run.options.rounds,
    )
    _tell(run, pair, operation, clients, found)


def _tell(run: Run, pair: _Pair, operation: Operation, clients: int, found: Comparison) -> None:
    postgres = pair.place.database == "postgresql"
    name = operation.name if postgres else f"sqlite_{operation.name}"
    bar = operation.bar if postgres else min(operation.bar, SQLITE)
    rows = operation.per_request
    run.figures.at_least(
        name,
        found.ratio if not found.errors else 0,
        bar,
        RATIO,
        {"clients": clients},
        ours=f"{found.first * rows:.0f}/s",
        hand=f"{found.second * rows:.0f}/s",
        errors=found.errors or None,
    )
    run.figures.tell(
        f"{name}_detail",
        clients=clients,
        ours_p50=f"{found.first_p50:.1f}ms",
        hand_p50=f"{found.second_p50:.1f}ms",
        ours_cpu=f"{found.first_cpu:.2f}ms",
        hand_cpu=f"{found.second_cpu:.2f}ms",
    )
    if operation.least and postgres:
        rate = found.first * rows
        run.figures.at_least(f"{name}_rate", rate, operation.least, ROWS, {"clients": clients})
