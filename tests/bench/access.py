"""What rights on rows cost at many records: each scope, and a rule over two links, however much of them is visible."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from metadata.documents.package import read_package
from runtime import accounts, assignments, queries, records, tenants
from runtime.host import Host
from runtime.queries import Query
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests.bench import stand
from tests.bench.figures import Measure
from tests.bench.parts import Run
from tests.bench.sites import ROOT

TIMES_BAR, P95_BAR = 2.0, 50.0
ROWS, SMALL_ROWS = 1_000_000, 20_000
SHARES = (0.02, 0.2, 1.5, 12.0, 100.0)
"""Per cent of the records that somebody sees."""
SCOPES = ("own", "unit", "subtree")
_RUNS, _SMALL_RUNS = 60, 5
MILLISECONDS = Measure("p95", "ms", 1)
TIMES = Measure("times")


@dataclass(frozen=True, slots=True)
class _Group:
    """The people who see one share of the records: by owning them, by their unit, by the region of the account."""

    share: float
    records: int
    unit: str
    owner: str
    region: str


def measure(run: Run, place: stand.Place) -> None:
    if not run.options.wants("access"):
        return
    rows, runs = (SMALL_ROWS, _SMALL_RUNS) if run.options.small else (ROWS, _RUNS)
    rest = 100 - sum(SHARES[:-1])
    with place.open_host() as host:
        for shares in ((*SHARES[:-1], rest), SHARES[-1:]):
            _measure(run, place, host, shares, rows, runs)


def _measure(run: Run, place: stand.Place, host: Host, shares: Sequence[float], rows: int, runs: int) -> None:
    """A tenant whose records are divided into these shares."""
    layers = [read_package(ROOT / "configs" / "core"), read_package(Path(__file__).parent / "rights")]
    tenant = tenants.create(host, f"rights{len(shares)}", layers)
    groups = _people(host, tenant, shares, rows)
    _fill(place, tenant.place, groups)
    stand.settle(place)
    whole = _times(host, tenant, _person(host, tenant, "everything"), rows, runs)
    run.figures.tell("access_all", rows=rows, p50=f"{statistics.median(whole):.1f}ms", p95=f"{_p95(whole):.1f}ms")
    for group in groups:
        if group.share not in SHARES:
            continue  # the rest, that nobody asks for
        for scope in SCOPES:
            who = group.owner if scope == "own" else _person(host, tenant, f"by_{scope}", unit=group.unit)
            _judge(run, host, tenant, who, (scope, group, rows, runs), whole)
        ruled = _person(host, tenant, "by_rule", title=group.region)
        _judge(run, host, tenant, ruled, ("rule", group, rows, runs), whole)


def _judge(run: Run, host: Host, tenant: Any, who: str, what: tuple[str, _Group, int, int], whole: list[float]) -> None:
    scope, group, rows, runs = what
    found = _times(host, tenant, who, group.records, runs)
    given = {"visible": f"{group.share:g}%", "rows": rows, "runs": runs}
    run.figures.at_most(f"access_{scope}", _p95(found), P95_BAR, MILLISECONDS, given)
    if scope != "rule":
        times = statistics.median(found) / statistics.median(whole)
        run.figures.at_most(f"access_{scope}_times", times, TIMES_BAR, TIMES, given)


def _times(host: Host, tenant: Any, user: str, visible: int, runs: int) -> list[float]:
    """Milliseconds of a first page of 50 in the default order, statements prepared before."""
    found = []
    for at in range(runs + 3):
        with open_workspace(host, tenant, AsUser(user)) as ws:
            begin = time.perf_counter()
            page = queries.find(ws, Query("deal", fields=("name", "account.name", "close_date"), limit=50))
            spent = 1_000 * (time.perf_counter() - begin)
            assert len(queries.as_json(page)) == min(50, visible), (user, visible)
        if at >= 3:
            found.append(spent)
    return found


def _p95(found: Sequence[float]) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * 0.95))]


def _people(host: Host, tenant: Any, shares: Sequence[float], rows: int) -> list[_Group]:
    """A unit, an owner and a region for each share."""
    groups: list[_Group] = []
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        top = records.create(ws, "unit", {"name": "Top"}).id
    for share in shares:
        region = f"{share:g} %"
        with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
            unit = records.create(ws, "unit", {"name": region, "parent": top}).id
            records.create(ws, "region", {"name": region})
        owner = _person(host, tenant, "by_own", unit=unit)
        groups.append(_Group(share, max(1, round(rows * share / 100)), unit, owner, region))
    return groups


def _person(host: Host, tenant: Any, role: str, **values: str) -> str:
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        name = f"{role}{time.perf_counter_ns()}"
        user = accounts.create_user(ws, name, {"name": name, **values}, secrets.token_urlsafe(16))
        assignments.set_roles(ws, user, [role])
        return user


def _fill(place: stand.Place, home: str, groups: Sequence[_Group]) -> None:
    """The records of each group, their dates scattered over two years."""
    try:
        with place.connect() as connection:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(home)))
            for at, group in enumerate(groups):
                connection.execute(_ACCOUNTS, {"region": group.region, "at": at})
                connection.execute(_DEALS, {"at": at, "unit": group.unit, "owner": group.owner, "rows": group.records})
    except psycopg.Error as error:
        raise SystemExit(f"the records could not be made: {error}") from error


_ACCOUNTS = """
INSERT INTO e_account (id, version, created_at, updated_at, f_name, f_region)
SELECT gen_random_uuid(), 1, now(), now(), 'Account ' || %(at)s || '-' || n,
       (SELECT id FROM e_region WHERE f_name = %(region)s)
FROM generate_series(1, 200) AS n
"""
_DEALS = """
INSERT INTO e_deal
    (id, version, created_at, updated_at, f_name, owner, unit, f_score, f_close_date, f_account)
SELECT gen_random_uuid(), 1, now(), now(), 'Deal ' || n, %(owner)s, %(unit)s, n %% 100,
       DATE '2026-01-01' + (n::bigint * 7919 %% 720)::int, a.id
FROM generate_series(1, %(rows)s) AS n
JOIN (SELECT id, row_number() OVER () - 1 AS k FROM e_account WHERE f_name LIKE 'Account ' || %(at)s || '-%%') a
  ON a.k = n %% 200
"""
