"""Pools (公海): SA-31, B2.2. Claims are race-safe, limits hold on every path, returns need a reason."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from metadata.compiler import compile_layers
from metadata.problems import BadRequest, Forbidden, Invalid, NotFound, PlatformError
from runtime import pools, queries, records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.records import Verdict
from runtime.workspace import AsUser, Workspace, open_workspace
from tests import kit

_COMPANY = """  company:
    label: {en: Company, zh: 公司}
    title: name
    owned: true
"""
_SELLER = "      company: {read: all, create: all, update: own}\n"
_BOSS = """roles:
  boss:
    label: {en: Boss, zh: 主管}
    entities: {company: {read: all, create: all, update: all}, user: {read: all}}
"""
_POOLS = """
pools:
  health:
    label: {en: Health care, zh: 医疗公海}
    entity: company
    where: "industry == 'health'"
    members: {reader: {}}
  open:
    label: {en: Open companies, zh: 公司公海}
    entity: company
    members: {seller: {}}
    admins: {boss: {}}
    claim: {per_day: 3, per_call: 2, cooldown_days: 7}
    hold: {most: 4, where: "size != 0"}
  spare:
    label: {en: Spare, zh: 备用公海}
    entity: company
    where: "size == 999"
    members: {boss: {}}
    admins: {boss: {}}
"""
POOLED = (
    kit.MINI.replace(_COMPANY, f"{_COMPANY}    pooled: true\n")
    .replace(_SELLER, _SELLER.replace("all", "own"))
    .replace("roles:\n", _BOSS, 1)
) + _POOLS


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host, POOLED)


def made(host: Host, tenant: Tenant, count: int, **values: object) -> list[str]:
    """Companies without an owner, made by the platform."""
    with kit.workspace(host, tenant) as ws:
        return [records.create(ws, "company", {"name": f"C{n}", "owner": None, **values}).id for n in range(count)]


def person(host: Host, tenant: Tenant, *roles: str) -> str:
    with kit.workspace(host, tenant, roles=list(roles)) as ws:
        assert ws.actor.user is not None
        return ws.actor.user


def doing(host: Host, tenant: Tenant, user: str, do: Callable[[Workspace], Any], now: dt.datetime | None = None) -> Any:
    with open_workspace(host, tenant, AsUser(user), write=True, now=now) as ws:
        return do(ws)


def lies(ws: Workspace, id: str) -> Any:
    return value(ws, id, "pool")


def value(ws: Workspace, id: str, field: str) -> Any:
    return queries.as_json(queries.find(ws, Query("company", ids=(id,), fields=("id", field))))[0][field]


def verdicts(found: Sequence[Verdict]) -> list[str]:
    return [each.action for each in found]


def codes(found: Sequence[Verdict]) -> list[str]:
    return [problem.code for each in found for problem in each.problems]


def test_sa_31_a_record_without_an_owner_lies_in_the_first_pool_that_takes_it(host: Host, tenant: Tenant) -> None:
    first, second = made(host, tenant, 1)[0], made(host, tenant, 1, industry="health")[0]
    with kit.workspace(host, tenant) as ws:
        assert lies(ws, first) == "open"
        assert lies(ws, second) == "health"


def test_sa_31_members_see_what_lies_in_their_pools_and_nothing_else(host: Host, tenant: Tenant) -> None:
    mine, other = made(host, tenant, 2), made(host, tenant, 1, industry="health")
    rep = person(host, tenant, "seller")
    found = doing(
        host, tenant, rep, lambda ws: {each["id"] for each in queries.as_json(queries.find(ws, Query("company")))}
    )
    assert found == set(mine) and not found & set(other)


def test_sa_31_a_claim_makes_the_actor_the_owner_and_takes_the_record_out(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 1)
    rep, late = person(host, tenant, "seller"), person(host, tenant, "seller")
    assert verdicts(doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids))) == ["updated"]
    again = doing(host, tenant, late, lambda ws: pools.claim(ws, "company", ids))
    assert verdicts(again) == ["refused"] and codes(again) == ["pool_taken"]
    with kit.workspace(host, tenant) as ws:
        assert (value(ws, ids[0], "owner"), lies(ws, ids[0])) == (rep, None)


def test_sa_31_of_many_who_claim_at_once_one_gets_the_record(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 1)
    people = [person(host, tenant, "seller") for _ in range(6)]
    outcome: list[str] = []
    start = threading.Barrier(len(people))

    def one(user: str) -> None:
        start.wait()
        outcome.extend(verdicts(doing(host, tenant, user, lambda ws: pools.claim(ws, "company", ids))))

    threads = [threading.Thread(target=one, args=(each,)) for each in people]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcome) == ["refused"] * 5 + ["updated"]


def test_b2_2_claims_of_a_day_and_of_a_call_are_limited_even_side_by_side(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 8, size=0)
    rep = person(host, tenant, "seller")
    with pytest.raises(BadRequest, match="At most 2"):
        doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids[:3]))
    outcome: list[str] = []

    def one(some: list[str]) -> None:
        outcome.extend(verdicts(doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", some))))

    threads = [threading.Thread(target=one, args=(ids[at : at + 2],)) for at in (0, 2, 4, 6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcome) == ["refused"] * 5 + ["updated"] * 3
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    left = [each for each in ids if _pool(host, tenant, each) == "open"]
    assert verdicts(doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", left[:1]), tomorrow)) == ["updated"]


def _make(name: str, ws: Workspace) -> None:
    records.create(ws, "company", {"name": name})


def _pool(host: Host, tenant: Tenant, id: str) -> object:
    with kit.workspace(host, tenant) as ws:
        return lies(ws, id)


def test_b2_2_a_return_needs_a_reason_and_who_returned_waits(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 1)
    rep = person(host, tenant, "seller")
    doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids))
    with pytest.raises(BadRequest):
        doing(host, tenant, rep, lambda ws: pools.give_back(ws, "company", ids, "  "))
    assert verdicts(doing(host, tenant, rep, lambda ws: pools.give_back(ws, "company", ids, "no budget"))) == [
        "updated"
    ]
    assert _pool(host, tenant, ids[0]) == "open"
    soon = doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids))
    assert codes(soon) == ["pool_cooling"]
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=8)
    assert verdicts(doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids), later)) == ["updated"]


def test_b2_2_what_a_member_holds_is_limited_on_every_path(host: Host, tenant: Tenant) -> None:
    rep, boss = person(host, tenant, "seller"), person(host, tenant, "boss")
    for n in range(4):
        doing(host, tenant, rep, partial(_make, f"Mine {n}"))
    doing(host, tenant, rep, lambda ws: records.create(ws, "company", {"name": "Does not count", "size": 0}))
    with pytest.raises(Invalid) as refused:
        doing(host, tenant, rep, lambda ws: records.create(ws, "company", {"name": "Too many"}))
    assert [each.code for each in refused.value.problems] == ["records.holds_enough"]
    ids = made(host, tenant, 1)
    assert codes(doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids))) == ["records.holds_enough"]
    assert codes(doing(host, tenant, boss, lambda ws: pools.give(ws, "company", ids, rep))) == ["records.holds_enough"]
    with pytest.raises(Invalid):
        doing(host, tenant, boss, lambda ws: records.update(ws, "company", ids[0], {"owner": rep}))
    # The boss is no member: he holds what he likes.
    for n in range(6):
        doing(host, tenant, boss, partial(_make, f"Boss {n}"))


def test_b2_2_administrators_give_and_move_and_nobody_writes_the_pool_by_hand(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 2)
    rep, boss = person(host, tenant, "seller"), person(host, tenant, "boss")
    with pytest.raises(Forbidden):
        doing(host, tenant, rep, lambda ws: pools.give(ws, "company", ids, rep))
    with pytest.raises(Forbidden):
        doing(host, tenant, rep, lambda ws: pools.move(ws, "company", ids, "spare"))
    with pytest.raises(NotFound):
        doing(host, tenant, boss, lambda ws: pools.move(ws, "company", ids, "nowhere"))
    assert verdicts(doing(host, tenant, boss, lambda ws: pools.move(ws, "company", ids[:1], "spare"))) == ["updated"]
    assert _pool(host, tenant, ids[0]) == "spare"
    assert verdicts(doing(host, tenant, boss, lambda ws: pools.give(ws, "company", ids[1:], rep))) == ["updated"]
    with pytest.raises(PlatformError) as refused:
        doing(host, tenant, boss, lambda ws: records.update(ws, "company", ids[0], {"pool": "open"}))
    assert [each.code for each in refused.value.problems] == ["records.kept_by_platform"]


def test_b2_2_the_history_says_who_claimed_and_returned(host: Host, tenant: Tenant) -> None:
    ids = made(host, tenant, 1)
    rep = person(host, tenant, "seller")
    doing(host, tenant, rep, lambda ws: pools.claim(ws, "company", ids))
    doing(host, tenant, rep, lambda ws: pools.give_back(ws, "company", ids, "moved away"))
    with kit.workspace(host, tenant) as ws:
        kinds = [each["kind"] for each in queries.history(ws, "company", ids[0])["data"]]
    assert [each.rsplit(".", 1)[-1] for each in kinds][:2] == ["returned", "claimed"]


def test_pools_are_checked_with_place_and_remedy() -> None:
    wrong = POOLED.replace("    pooled: true\n", "").replace("members: {reader: {}}", "members: {nobody: {}}")
    wrong = wrong.replace("size == 999", "owner == $user")
    with pytest.raises(PlatformError) as refused:
        compile_layers(kit.layers(wrong))
    found = {each.code for each in refused.value.problems}
    assert {"pool_entity_not_pooled", "reference_unknown", "pool_condition"} <= found
