"""What processes cost: a save that one or ten workflows follow, by one that none follows; how fast runs are done; and
what a decision of an approval costs, by a plain update."""

from __future__ import annotations

import statistics
import time

from metadata.documents.package import read_package
from runtime import approvals, jobs, records, tenants
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import AsUser, PlatformActor, open_workspace
from tests import kit
from tests.bench import stand
from tests.bench.figures import Measure
from tests.bench.parts import Run
from tests.bench.sites import ROOT

BARS = {1: 1.2, 10: 2.0}
STEPS = 10
"""Of each run that is done for `workflow_steps`."""
_LEAST = 500
_DECISION = 3.0
_DECIDED = 200
_RUNS, _SMALL_RUNS = 300, 10
_STEPPED, _SMALL_STEPPED = 200, 3
TIMES, RATE = Measure("times"), Measure("rate", "/s", 0)
_VALUES = {"name": "Deal", "amount": "120.50", "count": 3, "note": "x"}
_FIELDS = """
      name: {type: text, max: 120, required: true}
      amount: {type: decimal, scale: 2}
      count: {type: integer}
      note: {type: text}"""


def measure(run: Run, place: stand.Place) -> None:
    if not run.options.wants("processes"):
        return
    small = run.options.small
    with place.open_host() as host:
        layers = [read_package(ROOT / "configs" / "core"), kit.layer(package())]
        tenant = tenants.create(host, f"processes{place.database[:2]}", layers)
        _saves(run, place, host, tenant, _SMALL_RUNS if small else _RUNS)
        _work(host, tenant)
        _steps(run, place, host, tenant, _SMALL_STEPPED if small else _STEPPED)
        _decisions(run, place, host, tenant, _SMALL_RUNS if small else _DECIDED)


def package() -> str:
    """Entities that none, one and ten workflows follow, and one whose runs have many steps."""
    entities = "".join(f"\n  after{each}:\n    title: name\n    fields:{_FIELDS}" for each in (0, *BARS, "steps"))
    follow = "".join(
        f"""
  w{number}x{at}:
    entity: after{number}
    run_as: {{role: admin}}
    triggers: {{made: {{created: {{}}, when: "amount > {at}"}}}}
    steps: {{wait: {{wait: {{span: P30D}}}}}}"""
        for number in BARS
        for at in range(number)
    )
    steps = "".join(f'\n      s{at}: {{update: {{values: {{count: "{at} + amount"}}}}}}' for at in range(STEPS))
    return f"""package: {{code: processes, version: 1.0.0, kind: industry, requires: {{core: '>=0.1'}}}}
entities:{entities}
workflows:{follow}
  stepped:
    entity: aftersteps
    run_as: {{role: admin}}
    triggers: {{made: {{created: {{}}}}}}
    steps:{steps}
approvals:
  asked:
    entity: after0
    entry: "count == 4"
    title: "{{name}}"
    nodes:
      first: {{type: approve, who: {{who: {{by: initiator_picks, most: 1}}}}, empty: admin}}
      second: {{type: approve, who: {{who: {{by: initiator_picks, most: 1}}}}, empty: admin}}
"""


def _saves(run: Run, place: stand.Place, host: Host, tenant: Tenant, runs: int) -> None:
    taken: dict[int, list[float]] = {number: [] for number in (0, *BARS)}
    for at in range(runs + 10):
        for number, held in taken.items():
            begin = time.perf_counter()
            _create(host, tenant, f"after{number}")
            if at >= 10:  # the first make ready what the others use
                held.append(time.perf_counter() - begin)
    plain = statistics.median(taken[0])
    for number, bar in BARS.items():
        given = {"database": place.database, "matching": number, "runs": runs}
        both = {"plain": f"{plain * 1000:.2f}ms", "followed": f"{statistics.median(taken[number]) * 1000:.2f}ms"}
        run.figures.at_most("workflow_start", statistics.median(taken[number]) / plain, bar, TIMES, given, **both)


def _steps(run: Run, place: stand.Place, host: Host, tenant: Tenant, runs: int) -> None:
    """One process does them: on PostgreSQL the other core is the database's."""
    for _ in range(runs):
        _create(host, tenant, "aftersteps")
    begin = time.perf_counter()
    _work(host, tenant)
    rate = runs * STEPS / (time.perf_counter() - begin)
    run.figures.at_least("workflow_steps", rate, _LEAST, RATE, {"database": place.database, "runs": runs})


def _decisions(run: Run, place: stand.Place, host: Host, tenant: Tenant, runs: int) -> None:
    """A decision that has the request go on to the next person, who is told, by an update of one field."""
    asks, first, second = (kit.person(host, tenant, name, roles=("admin",)) for name in ("Asks", "First", "Second"))
    updates: list[float] = []
    decisions: list[float] = []
    for at in range(runs + 10):
        with open_workspace(host, tenant, AsUser(asks), write=True) as ws:
            asked = records.create(ws, "after0", {**_VALUES, "count": 4}).id
            plain = records.create(ws, "after0", _VALUES).id
            request = approvals.submit(ws, "after0", asked, {"first": [first], "second": [second]}).id
        begin = time.perf_counter()
        with open_workspace(host, tenant, AsUser(first), write=True) as ws:
            records.update(ws, "after0", plain, {"note": f"y{at}"})
        between = time.perf_counter()
        with open_workspace(host, tenant, AsUser(first), write=True) as ws:
            approvals.act(ws, request, "approve", {"comment": "Fine"})
        if at >= 10:
            updates.append(between - begin)
            decisions.append(time.perf_counter() - between)
    plain_, decided = statistics.median(updates), statistics.median(decisions)
    both = {"update": f"{plain_ * 1000:.2f}ms", "decision": f"{decided * 1000:.2f}ms"}
    given = {"database": place.database, "runs": runs}
    run.figures.at_most("approval_decision", decided / plain_, _DECISION, TIMES, given, **both)


def _create(host: Host, tenant: Tenant, entity: str) -> None:
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        records.create(ws, entity, _VALUES)


def _work(host: Host, tenant: Tenant) -> None:
    """Do what is due now; what waits for weeks stays."""
    while (due := jobs.drain(host, tenant, 60)) is not None and due <= 0:
        pass
