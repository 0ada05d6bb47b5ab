"""The lines that a round prints, and what the rounds with seeded faults are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.bench.figures import Figures
from tests.chaos.round import Outcome, Plan
from tests.chaos.storm import Wanted
from tests.chaos.trouble import Trouble

_PROMISES: Mapping[str, tuple[str, ...]] = {
    "lost": ("lost",),
    "doubled": ("doubled", "invented"),
    "outside": ("without a known key", "under two keys", "said to be sent", "given up"),
    "answers": ("answered differently", "refused"),
    "stuck": ("stuck", "locked"),
}
"""Figure -> what must not be found for it."""

_SMALL = Plan(
    "fault",
    0,
    90,
    Wanted(kills=2, flushes=1),
    Trouble(web=0.01, worker=0.01, fails=0.04, stops=0.003, lease=2.0),
    imports=0.06,
    outside=0.4,
    seconds=180.0,
    patience=60.0,
    hiccups=0.0,
)
_ESPECIALLY: Mapping[str, Trouble] = {
    "lease_not_fenced": Trouble(web=0.0, worker=0.0, fails=0.0, stops=0.06, lease=2.0),
    "retry_without_dedup": Trouble(web=0.0, worker=0.0, fails=0.0, stops=0.06, lease=2.0),
    "doorbell_without_looking": Trouble(lease=2.0),
    "outbox_without_key": Trouble(lease=2.0),
    "ack_before_commit": Trouble(web=0.06, lease=2.0),
}
"""Trouble that shows a fault in few writes: those that need no deaths are not slowed down by them."""
_LONGEST_END = 90.0
"""Seconds that workers may take to end on SIGTERM: they finish what they are doing, and begin nothing."""
_QUICK = frozenset({"doorbell_without_looking", "outbox_without_key", "idempotency_key_not_stored"})


_BY_LOSS = frozenset(
    {"job_done_before_effects", "timer_deleted_before_firing", "error_swallowed_as_done", "ack_before_commit"}
)
_BY_SURPLUS = frozenset({"doubled", "invented", "answered differently", "without a known key", "under two keys"})


def shows(fault: str, outcome: Outcome) -> bool:
    """Whether a round has found its mistake. What is late because the machine is slow proves nothing."""
    found = outcome.verdict.wrong.keys()
    if fault == "doorbell_without_looking":
        return "stuck" in found
    if fault in _BY_LOSS:
        return "lost" in found and "jobs" not in outcome.left
    return bool(found & _BY_SURPLUS)


def fault_plan(fault: str, seed: int, attempt: int) -> Plan:
    """A small round with this mistake in the system; without one the same round must find nothing."""
    trouble = replace(_ESPECIALLY.get(fault, _SMALL.trouble), fault=fault)
    writes = 40 if fault in _QUICK else _SMALL.writes
    name = f"fault{''.join(each[:1] for each in fault.split('_'))}{attempt}"
    imports = 0.2 if trouble.stops > 0.05 else _SMALL.imports
    outside = 0.8 if fault.startswith("timer") else _SMALL.outside
    plan = replace(_SMALL, name=name, seed=seed + attempt, trouble=trouble, writes=writes)
    return replace(plan, imports=imports, outside=outside)


def tell(figures: Figures, plan: Plan, outcome: Outcome) -> None:
    log, verdict, done = outcome.log, outcome.verdict, outcome.done
    kinds = {kind: len(log.of(kind)) for kind in ("order", "big", "note", "import", "approval")}
    counted = verdict.counted
    figures.must(
        "acknowledged",
        len(log.acknowledged) >= plan.writes,
        writes=len(log.acknowledged),
        wanted=plan.writes,
        **kinds,
        jobs=counted["jobs"],
        effects=counted["effects"],
        seconds=f"{outcome.seconds:.0f}",
        seed=plan.seed,
    )
    killed = {
        each: done[each] for each in ("web", "supervisor", "worker", "horse", "at_commit_web", "at_commit_worker")
    }
    figures.must(
        "blows",
        sum(killed.values()) >= plan.storm.kills
        and done["flush"] + done["redis"] >= plan.storm.flushes
        and done["crash"] >= plan.storm.crashes,
        kills=sum(killed.values()),
        **killed,
        flushes=done["flush"] + done["redis"],
        redis_killed=done["redis"],
        crashes=done["crash"],
        stopped=done["at_commit_stopped"],
        tried_again=log.broken,
        unkind=log.unkind,
        longest_gap=f"{max(log.gaps, default=0.0):.1f}s",
    )
    facts: dict[str, dict[str, object]] = {
        "outside": {"deliveries": counted["deliveries"], "heard": counted["heard"], "repeated": counted["repeated"]},
        "answers": {"repeated": log.repeated},
        "stuck": {"quiet_after": f"{outcome.quiet:.0f}s", "approvals": counted["approvals"]},
    }
    for name, wrong in _PROMISES.items():
        found = {each.replace(" ", "_"): counted[each] for each in wrong}
        figures.must(name, not any(found.values()), **found, **facts.get(name, {}))
    figures.must("ended", outcome.drained < _LONGEST_END, seconds=f"{outcome.drained:.1f}s", bar=f"{_LONGEST_END:.0f}s")
    for what, some in verdict.wrong.items():
        for each in some:
            print(f"  {what}: {each}")
