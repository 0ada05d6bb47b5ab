"""Who is given a record, on both databases: rules in their order, turns, limits, the fallback, the explanation."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from typing import Any

import pytest

from metadata.problems import Forbidden, NotFound
from runtime import assigning, records
from runtime.assigning import pointers
from runtime.directory import Tenant
from runtime.host import Host
from tests import kit
from tests.doors import site
from tests.processing import got, made, runs, work, world

GIVE = """
give: {entity: deal, triggers: {made: {created: {}}}, run_as: {role: seller}, steps: {g: {assign: {assignment: deals}}}}
"""
SELLERS = {"team": {"role": "seller"}}


def company(host: Host, *rules: tuple[str, dict[str, Any]], workflows: str = "", **more: Any) -> Tenant:
    body = {"entity": "deal", "rules": dict(rules), "fallback": {"role": "boss"}, **more}
    return kit.tenant(host, world(workflows, assignments={"deals": body}))


def people(host: Host, tenant: Tenant, count: int, *roles: str) -> list[str]:
    return sorted(kit.person(host, tenant, f"Person {n}", roles=roles or ["seller"]) for n in range(count))


def give(host: Host, tenant: Tenant, deal: str) -> str | None:
    with kit.workspace(host, tenant) as ws:
        return assigning.assign(ws, "deal", deal, "deals")


def given(host: Host, tenant: Tenant, count: int, **values: Any) -> list[str | None]:
    """To whom so many new deals go, one after another."""
    return [give(host, tenant, made(host, tenant, "deal", name=f"D{n}", owner=None, **values)) for n in range(count)]


def owner(host: Host, tenant: Tenant, deal: str) -> str | None:
    found: str | None = got(host, tenant, "deal", deal)["owner"]
    return found


def set_active(host: Host, tenant: Tenant, user: str, active: bool) -> None:
    with kit.workspace(host, tenant) as ws:
        records.update(ws, "user", user, {"active": active})


def test_b2_3_records_go_round_and_pass_over_who_has_left(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}))
    a, b, c = people(host, tenant, 3)
    assert given(host, tenant, 4) == [a, b, c, a]
    set_active(host, tenant, b, False)
    assert given(host, tenant, 3) == [c, a, c]
    set_active(host, tenant, b, True)
    assert given(host, tenant, 2) == [a, b]


def test_b2_3_a_workflow_gives_a_record_by_an_assignment(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}), workflows=GIVE)
    a, b = people(host, tenant, 2)
    deals = [made(host, tenant, "deal", name=f"D{n}", owner=None) for n in range(4)]
    work(host, tenant)
    assert Counter(owner(host, tenant, each) for each in deals) == {a: 2, b: 2}
    assert {each.state for each in runs(host, tenant)} == {"done"}


def test_b2_3_who_is_on_leave_gets_nothing(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}))
    a, b = people(host, tenant, 2)
    with kit.workspace(host, tenant) as ws:
        away = {
            "from": (ws.now - dt.timedelta(days=1)).isoformat(),
            "until": (ws.now + dt.timedelta(days=1)).isoformat(),
        }
        records.create(ws, "proxy", {"reason": "Leave", "principal": a, "proxy": b, **away})
    assert given(host, tenant, 2) == [b, b]


def test_b2_3_the_least_load_counts_only_what_is_open(host: Host) -> None:
    rule = {"strategy": "least_load", "candidates": SELLERS}
    tenant = company(host, ("all", rule), open="stage == 'open'")
    a, b = people(host, tenant, 2)
    for stage in ("won", "won", "won"):
        made(host, tenant, "deal", name=stage, stage=stage, owner=b)
    made(host, tenant, "deal", name="busy", owner=a)
    assert given(host, tenant, 1) == [b]
    assert given(host, tenant, 4) == [a, b, a, b]  # equal: who waits longest


def test_b2_3_a_rule_that_finds_nobody_gives_way_to_the_next_and_the_last_is_the_fallback(host: Host) -> None:
    tenant = company(
        host,
        ("keep", {"strategy": "sticky", "path": "account.owner"}),
        ("big", {"strategy": "round_robin", "when": "amount > 100", "candidates": {"x": {"role": "looker"}}}),
        ("rest", {"strategy": "round_robin", "candidates": SELLERS, "full": 1}),
    )
    boss = people(host, tenant, 1, "boss")[0]
    seller, looker = people(host, tenant, 1)[0], people(host, tenant, 1, "looker")[0]
    account = made(host, tenant, "account", name="A", owner=boss)
    assert given(host, tenant, 1, account=account, amount="500") == [boss]
    assert given(host, tenant, 1, amount="500") == [looker]
    assert given(host, tenant, 2, amount="5") == [seller, boss]
    set_active(host, tenant, looker, False)
    assert given(host, tenant, 1, amount="500") == [boss]


def test_b2_3_the_first_territory_whose_condition_holds_has_turns_of_its_own(host: Host) -> None:
    territories = {
        "large": {"when": "amount > 100", "candidates": {"b": {"role": "boss"}}},
        "any": {"when": "amount > 10", "candidates": {"s": {"unit": "north"}, "m": {"user": "Mia@example.com"}}},
    }
    tenant = company(host, ("where", {"strategy": "territory", "territories": territories}))
    boss = people(host, tenant, 1, "boss")[0]
    with kit.workspace(host, tenant) as ws:
        unit = records.create(ws, "unit", {"name": "North", "code": "north"}).id
        other = records.create(ws, "unit", {"name": "South", "code": "south"}).id
    north, _ = kit.person(host, tenant, unit=unit), kit.person(host, tenant, unit=other)
    with kit.workspace(host, tenant) as ws:
        mia = records.create(ws, "user", {"name": "Mia", "email": "mia@example.com"}).id
    two = sorted([north, mia])
    assert given(host, tenant, 1, amount="500") == [boss]
    assert given(host, tenant, 3, amount="50") == [two[0], two[1], two[0]]
    assert given(host, tenant, 1, amount="1") == [boss]  # no territory: the fallback


def test_b2_3_shares_and_capacity(host: Host) -> None:
    weights = {"a": {"role": "seller", "weight": 2}, "b": {"role": "looker"}}
    tenant = company(
        host,
        (
            "cap",
            {"strategy": "capacity", "when": "amount > 10", "candidates": {"s": {"role": "seller", "per_30_days": 60}}},
        ),
        ("shares", {"strategy": "weighted", "when": "amount <= 10", "candidates": weights}),
    )
    boss, seller = people(host, tenant, 1, "boss")[0], people(host, tenant, 1)[0]
    looker = people(host, tenant, 1, "looker")[0]
    assert given(host, tenant, 3, amount="50") == [seller, seller, boss]
    assert Counter(given(host, tenant, 6, amount="5")) == {seller: 4, looker: 2}


def test_b2_3_who_cannot_be_the_owner_is_passed_over_and_the_record_goes_to_somebody_else(host: Host) -> None:
    """A pool lets its members own so many only: that is decided by the save."""
    description = world(
        assignments={
            "deals": {
                "entity": "deal",
                "rules": {"all": {"strategy": "round_robin", "candidates": SELLERS}},
                "fallback": {"role": "boss"},
            }
        },
        pools={"open": {"entity": "deal", "members": {"seller": {}}, "hold": {"most": 1}}},
    ).replace("  deal:\n    title: name\n", "  deal:\n    pooled: true\n    title: name\n")
    tenant = kit.tenant(host, description)
    a, b = people(host, tenant, 2)
    boss = people(host, tenant, 1, "boss")[0]
    assert given(host, tenant, 4) == [a, b, boss, boss]


def test_b2_3_nobody_at_all_leaves_the_record_as_it_is(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}), workflows=GIVE)
    deal = made(host, tenant, "deal", name="D", owner=None)
    assert give(host, tenant, deal) is None
    work(host, tenant)
    assert owner(host, tenant, deal) is None
    (run,) = runs(host, tenant)
    assert run.state == "failed" and run.error is not None and run.error["code"] == "run.nobody"


def test_who_may_not_change_a_record_cannot_have_it_given(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}))
    people(host, tenant, 1)
    deal = made(host, tenant, "deal", name="D", owner=None)
    with kit.workspace(host, tenant, roles=[]) as ws, pytest.raises(Forbidden):
        assigning.assign(ws, "deal", deal, "deals")
    with kit.workspace(host, tenant) as ws, pytest.raises(NotFound):
        assigning.assign(ws, "deal", deal, "nothing")
    with kit.workspace(host, tenant) as ws, pytest.raises(NotFound):
        assigning.assign(ws, "account", deal, "deals")


def side_by_side(host: Host, tenant: Tenant, deals: list[str], workers: int) -> list[str | None]:
    found: list[str | None] = []
    failures: list[BaseException] = []

    def one(some: list[str]) -> None:
        try:
            found.extend(give(host, tenant, each) for each in some)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(deals[n::workers],)) for n in range(workers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    return found


def test_b2_3_fifty_at_once_are_spread_evenly(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "round_robin", "candidates": SELLERS}))
    team = people(host, tenant, 5)
    deals = [made(host, tenant, "deal", name=f"D{n}", owner=None) for n in range(50)]
    found = side_by_side(host, tenant, deals, 10)
    assert Counter(found) == dict.fromkeys(team, 10)
    assert Counter(owner(host, tenant, each) for each in deals) == dict.fromkeys(team, 10)


def test_b4_4_nobody_gets_more_than_he_can_hold_when_twenty_arrive_at_once(host: Host) -> None:
    rule = {"strategy": "least_load", "candidates": SELLERS, "full": 3}
    tenant = company(host, ("all", rule), open="stage == 'open'")
    team, boss = people(host, tenant, 4), people(host, tenant, 1, "boss")[0]
    deals = [made(host, tenant, "deal", name=f"D{n}", owner=None) for n in range(20)]
    found = side_by_side(host, tenant, deals, 10)
    assert Counter(found) == {**dict.fromkeys(team, 3), boss: 8}


def test_the_cost_of_a_decision_does_not_grow_with_the_people(host: Host) -> None:
    rule = {"strategy": "least_load", "candidates": SELLERS}
    counts = []
    for size in (2, 12):
        tenant = company(host, ("all", rule))
        people(host, tenant, size)
        first, deal = (made(host, tenant, "deal", name="D", owner=None) for _ in range(2))
        give(host, tenant, first)
        with kit.workspace(host, tenant) as ws:
            before = ws.db.count
            assigning.assign(ws, "deal", deal, "deals")
            counts.append(ws.db.count - before)
    assert counts[0] == counts[1] < 40


# -- the explanation


def test_why_somebody_got_it_is_told_to_who_may_read_it(host: Host) -> None:
    tenant = company(
        host,
        ("large", {"strategy": "round_robin", "when": "amount > 100", "candidates": {"x": {"role": "looker"}}}),
        ("rest", {"label": "The rest", "strategy": "round_robin", "candidates": SELLERS}),
    )
    a, b = people(host, tenant, 2)
    set_active(host, tenant, a, False)
    deal = made(host, tenant, "deal", name="D", amount="5", owner=None)
    give(host, tenant, deal)
    with kit.workspace(host, tenant, user=b) as ws:
        (told,) = assigning.explained(ws, "deal", deal)
    assert told["owner"]["id"] == b and told["owner"]["name"].startswith("Person ")
    assert told["rule"] == {"key": "rest", "label": {"*": "The rest"}} and not told["fallback"]
    large, rest = told["tried"]
    assert (large["rule"]["key"], large["matched"], large["people"]) == ("large", False, [])
    assert [(each["user"]["id"], each["skipped"]) for each in rest["people"]] == [(b, None), (a, "inactive")]
    with kit.workspace(host, tenant, roles=[]) as ws, pytest.raises(NotFound):
        assigning.explained(ws, "deal", deal)


def test_the_explanation_is_blank_where_its_reader_sees_too_little(host: Host) -> None:
    rule = {"strategy": "round_robin", "when": "account.secret == 'quux'", "candidates": SELLERS}
    tenant = company(host, ("hush", rule))
    people(host, tenant, 2)
    account = made(host, tenant, "account", name="A", secret="quux")
    deal = made(host, tenant, "deal", name="D", account=account, owner=None)
    give(host, tenant, deal)
    with kit.workspace(host, tenant, roles=["seller"]) as ws:
        (told,) = assigning.explained(ws, "deal", deal)
    assert told["rule"] == {"hidden": True} and told["tried"] == [{"rule": {"hidden": True}}]
    assert "hush" not in repr(told)
    with kit.workspace(host, tenant, roles=["boss"]) as ws:
        (told,) = assigning.explained(ws, "deal", deal)
    assert told["rule"]["key"] == "hush"


def test_turns_are_remembered_by_rule(host: Host) -> None:
    tenant = company(host, ("all", {"strategy": "weighted", "candidates": SELLERS}))
    a, b = people(host, tenant, 2)
    assert given(host, tenant, 3) == [a, b, a]
    with kit.workspace(host, tenant) as ws:
        ((rule, pointer),) = pointers.of(ws, "deal", "deals").items()
    assert rule == "all" and pointer.last == a and list(pointer.used) == [a]


def test_the_interface_tells_it(host: Host) -> None:
    rule = {"label": "The rest", "strategy": "round_robin", "candidates": SELLERS}
    body = {"deals": {"entity": "deal", "rules": {"rest": rule}, "fallback": {"role": "boss"}}}
    here = site(host, world(assignments=body))
    rep, away = here.person("seller", name="Ada"), here.person("seller", name="Bo")
    deal = made(host, here.tenant, "deal", name="D", owner=None)
    set_active(host, here.tenant, away.id, False)
    give(host, here.tenant, deal)
    answer = here.api(person=rep).get(f"/deal/{deal}/assignments")
    assert answer.status_code == 200
    (told,) = answer.get_json()["data"]
    assert (told["owner"], told["rule"]) == ({"id": rep.id, "name": "Ada"}, {"key": "rest", "label": "The rest"})
    (asked,) = told["tried"]
    reasons = {each["user"]["name"]: each.get("message") for each in asked["people"]}
    assert reasons == {"Ada": None, "Bo": "No longer active"}
    assert here.api(person=rep).get(f"/deal/{rep.id}/assignments").status_code == 404
