"""What rules and formulas cost a save: creating a record with twenty rules and five formulas by one with none."""

from __future__ import annotations

import statistics
import time

from metadata.documents.package import read_package
from runtime import records, tenants
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import PlatformActor, open_workspace
from tests import kit
from tests.bench import stand
from tests.bench.figures import Measure
from tests.bench.parts import Run
from tests.bench.sites import ROOT

BAR = 1.5
RULES, FORMULAS = 20, 5
_RUNS, _SMALL_RUNS = 300, 10
TIMES = Measure("times")
_FIELDS = """
      name: {type: text, max: 120, required: true}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: decimal, scale: 2}
      share: {type: percent}
      count: {type: integer}
      closes: {type: date}
      reason: {type: text}
      rival: {type: text}
      note: {type: text}"""
_FORMULAS = (
    "amount * share / 100",
    "amount * count",
    "f0 + f1",
    "stage == 'won' ? amount : 0",
    "round(coalesce(f2, 0) / 3, 2)",
)
_SHAPES = (
    "when: \"stage == 'lost' and reason == null\", reject: {{field: reason, message: Why {at}?}}",
    "when: \"amount < {at} - 30\", reject: {{field: amount, message: '{{amount}} is too small'}}",
    "when: \"closes < $today and stage == 'won'\", require: {{note: {{}}}}",
    "when: \"stage != 'lost' and count > {at}\", hide: {{rival: {{clear: true}}}}",
    'when: "f0 > 100{at} and share > 0", reject: {{field: share, warn: true, message: Sure?}}',
)
_VALUES = {"name": "Deal", "amount": "120.50", "share": "20", "count": 3, "closes": "2099-01-01", "note": "x"}


def measure(run: Run, place: stand.Place) -> None:
    if not run.options.wants("rules"):
        return
    runs = _SMALL_RUNS if run.options.small else _RUNS
    with place.open_host() as host:
        layers = [read_package(ROOT / "configs" / "core"), kit.layer(package())]
        tenant = tenants.create(host, f"rules{place.database[:2]}", layers)
        both: dict[str, list[float]] = {"plain": [], "ruled": []}
        for at in range(runs + 10):
            for entity, held in both.items():
                taken = _create(host, tenant, entity)
                if at >= 10:  # the first make ready what the others use
                    held.append(taken)
    plain, ruled = (statistics.median(held) for held in both.values())
    given = {"database": place.database, "rules": RULES, "formulas": FORMULAS, "runs": runs}
    run.figures.at_most(
        "rules_cost", ruled / plain, BAR, TIMES, given, plain=f"{plain * 1000:.2f}ms", ruled=f"{ruled * 1000:.2f}ms"
    )


def package() -> str:
    """Two entities with as many columns: one with plain fields, one with formulas and rules."""
    plain = "".join(f"\n      f{at}: {{type: decimal, scale: 4}}" for at in range(FORMULAS))
    formulas = "".join(
        f'\n      f{at}: {{type: formula, as: decimal, scale: 4, value: "{each}"}}' for at, each in enumerate(_FORMULAS)
    )
    rules = "".join(f"\n      r{at}: {{{_SHAPES[at % len(_SHAPES)].format(at=at)}}}" for at in range(RULES))
    return f"""package: {{code: ruled, version: 1.0.0, kind: industry, requires: {{core: '>=0.1'}}}}
entities:
  plain:
    title: name
    fields:{_FIELDS}{plain}
  ruled:
    title: name
    fields:{_FIELDS}{formulas}
    rules:{rules}
"""


def _create(host: Host, tenant: Tenant, entity: str) -> float:
    """One save, from the beginning of its transaction to the end."""
    begin = time.perf_counter()
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        records.create(ws, entity, _VALUES)
    return time.perf_counter() - begin
