"""Who decides at a node: one table for each policy, in the order in which they come into play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metadata.approvals import Approval, Human
from workflow.approvals.choosing import (
    Choice,
    Left,
    Proxy,
    Situation,
    choose,
    climb,
    climb_up_to,
    managers_above,
    unite,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Company:
    """ann's manager is bob, his is cyd, hers is dan; ann's unit is led by eve, the one around it by fay."""

    gone: frozenset[str] = frozenset()
    above: Mapping[str, str] = field(default_factory=lambda: {"ann": "bob", "bob": "cyd", "cyd": "dan"})
    led: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"ann": ("eve", "fay"), "eve": ("eve", "fay")})
    looked_after: Sequence[str] = ("adm",)
    others: Sequence[str] = ("gus", "hal")

    def active(self, user: str) -> bool:
        return user not in self.gone

    def managers(self, user: str) -> Sequence[str]:
        return managers_above(user, self.above.get)

    def heads(self, user: str) -> Sequence[str]:
        return self.led.get(user, ())

    def admins(self, approval: Approval) -> Sequence[str]:
        return self.looked_after

    def spare(self, node: Human) -> Sequence[str]:
        return self.others


def proxy(principal: str, to: str, **more: Any) -> Proxy:
    return Proxy(principal, to, **{"start": NOW - DAY, "end": NOW + DAY, **more})


def chosen(
    asked: Sequence[str] | None,
    company: Company | None = None,
    node: Mapping[str, Any] | None = None,
    approval: Mapping[str, Any] | None = None,
    initiator: str = "ann",
    **situation: Any,
) -> Choice:
    definition = Approval("discount", "discount", {}, "quote", **(approval or {}))
    human = Human("mgr", {}, **(node or {}))
    return choose(definition, human, asked, Situation(initiator, NOW, **situation), company or Company())


def users(choice: Choice) -> list[str]:
    return [each.user for each in choice.people]


def test_candidates_keep_their_order() -> None:
    choice = chosen(["zoe", "bob", "cyd"])
    assert (choice.outcome, users(choice), choice.notes) == ("people", ["zoe", "bob", "cyd"], ())


def test_leavers_are_dropped_before_their_proxies_are_asked() -> None:
    choice = chosen(["zoe", "bob"], Company(gone=frozenset({"zoe"})), proxies=[proxy("zoe", "kim")])
    assert users(choice) == ["bob"]
    assert choice.notes == (Left("inactive", "zoe"),)


@pytest.mark.parametrize(
    ("policy", "expected", "outcome"),
    [
        ("allow", ["zoe", "ann", "kim"], "people"),
        ("skip", ["zoe", "kim"], "people"),
        ("to_manager", ["zoe", "bob", "kim"], "people"),
        ("to_unit_head", ["zoe", "eve", "kim"], "people"),
    ],
)
def test_initiator_is_approver(policy: str, expected: list[str], outcome: str) -> None:
    choice = chosen(["zoe", "ann", "kim"], node={"self_": policy})
    assert (choice.outcome, users(choice)) == (outcome, expected)
    assert (Left("initiator", "ann") in choice.notes) == (policy != "allow")


@pytest.mark.parametrize(
    ("policy", "company", "expected"),
    [
        ("to_manager", Company(gone=frozenset({"bob"})), ["cyd"]),
        ("to_manager", Company(above={}), ["adm"]),
        ("to_manager", Company(above={"ann": "bob", "bob": "ann"}), ["bob"]),
        ("to_unit_head", Company(led={"ann": ("ann", "fay")}), ["fay"]),
        ("to_unit_head", Company(led={"ann": ("ann",)}), ["adm"]),
        ("skip", Company(), ["adm"]),
    ],
)
def test_who_stands_in_for_an_initiator_is_never_himself(policy: str, company: Company, expected: list[str]) -> None:
    choice = chosen(["ann"], company, node={"self_": policy})
    assert users(choice) == expected


def test_who_stands_in_for_an_initiator_does_not_vote_twice() -> None:
    choice = chosen(["bob", "ann"], node={"self_": "to_manager"})
    assert users(choice) == ["bob"]


def test_a_stand_in_who_is_away_has_his_proxy_asked_and_it_is_told_for_whom() -> None:
    choice = chosen(["ann"], node={"self_": "to_manager"}, proxies=[proxy("bob", "kim")])
    assert [(each.user, each.behalf_of, each.why) for each in choice.people] == [("kim", "bob", "manager")]
    plain = chosen(["ann"], node={"self_": "to_manager"})
    assert [(each.user, each.behalf_of) for each in plain.people] == [("bob", "ann")]


@pytest.mark.parametrize(
    ("same", "node", "approved"),
    [
        ("none", {}, []),
        ("adjacent", {}, ["cyd"]),
        ("once", {}, ["bob", "cyd"]),
        ("once", {"handle": True}, []),
        ("once", {"sign": True}, []),
        ("once", {"comment_on": ("approve",)}, []),
        ("once", {"comment_on": ("reject",)}, ["bob", "cyd"]),
    ],
)
def test_dup_adjacent_vs_once(same: str, node: Mapping[str, Any], approved: list[str]) -> None:
    choice = chosen(
        ["zoe", "bob", "cyd"], node=node, approval={"same_approver": same}, earlier=[{"bob"}, {"cyd", "hal"}]
    )
    assert choice.outcome == "people"
    assert users(choice) == ["zoe", "bob", "cyd"]
    assert [each.user for each in choice.people if each.approved] == approved


def test_a_node_whose_approvers_have_all_approved_before_passes_although_its_policy_for_nobody_is_another() -> None:
    choice = chosen(
        ["bob", "cyd"], node={"empty": "reject"}, approval={"same_approver": "adjacent"}, earlier=[{"bob", "cyd"}]
    )
    assert (choice.outcome, users(choice)) == ("approve", ["bob", "cyd"])


def test_dup_not_after_return() -> None:
    earlier = [{"bob"}]
    assert chosen(["bob"], earlier=earlier).outcome == "approve"
    choice = chosen(["bob"], earlier=earlier, after_return=True)
    assert (choice.outcome, [each.approved for each in choice.people]) == ("people", [False])


def test_dup_not_on_separated_nodes() -> None:
    choice = chosen(["bob"], approval={"separated": ("mgr",), "same_approver": "once"}, earlier=[{"bob"}])
    assert (choice.outcome, [each.approved for each in choice.people]) == ("people", [False])


@pytest.mark.parametrize(
    ("policy", "outcome", "expected"),
    [
        ("climb", "people", ["bob"]),
        ("approve", "approve", []),
        ("reject", "reject", []),
        ("users", "people", ["gus", "hal"]),
        ("admin", "admin", ["adm"]),
    ],
)
def test_empty(policy: str, outcome: str, expected: list[str]) -> None:
    nothing: tuple[tuple[str, ...] | None, ...] = ((), None)
    for asked in nothing:
        choice = chosen(asked, node={"empty": policy})
        assert (choice.outcome, users(choice)) == (outcome, expected)
        assert choice.notes == (Left("empty"),)


def test_an_empty_node_climbs_from_those_who_left() -> None:
    company = Company(gone=frozenset({"bob", "cyd"}))
    choice = chosen(["bob"], company, node={"empty": "climb"})
    assert [(each.user, each.behalf_of, each.why) for each in choice.people] == [("dan", "bob", "climbed")]
    two = chosen(["bob", "cyd"], company, node={"empty": "climb"})
    assert users(two) == ["dan"]


@pytest.mark.parametrize(
    ("company", "node"),
    [
        (Company(above={}), {"empty": "climb"}),
        (Company(above={"zoe": "ann"}, gone=frozenset({"zoe"})), {"empty": "climb"}),
        (Company(others=()), {"empty": "users"}),
        (Company(others=("ann",)), {"empty": "users", "self_": "skip"}),
    ],
)
def test_who_finds_nobody_at_last_asks_the_administrators(company: Company, node: Mapping[str, Any]) -> None:
    choice = chosen(["zoe"] if "zoe" in company.gone else [], company, node=node)
    assert (choice.outcome, users(choice)) == ("admin", ["adm"])


def test_an_initiator_who_is_administrator_comes_last_and_never_on_a_separated_node() -> None:
    assert users(chosen([], Company(looked_after=("ann", "adm")))) == ["adm"]
    assert users(chosen([], Company(looked_after=("ann",)))) == ["ann"]
    separated = chosen([], Company(looked_after=("ann",)), approval={"separated": ("mgr",)})
    assert (separated.outcome, separated.people) == ("admin", ())


@pytest.mark.parametrize("policy", ["allow", "skip"])
def test_the_initiator_never_decides_on_a_separated_node(policy: str) -> None:
    choice = chosen(["ann", "zoe"], node={"self_": policy}, approval={"separated": ("mgr",)})
    assert users(choice) == ["zoe"]
    assert chosen([], node={"empty": "approve"}, approval={"separated": ("mgr",)}).outcome == "admin"


def test_proxy_window_and_cycle() -> None:
    table: list[tuple[list[Proxy], list[tuple[str, str | None]]]] = [
        ([proxy("bob", "kim")], [("kim", "bob")]),
        ([proxy("bob", "kim", start=NOW)], [("kim", "bob")]),
        ([proxy("bob", "kim", start=NOW + DAY)], [("bob", None)]),
        ([proxy("bob", "kim", end=NOW)], [("bob", None)]),
        ([proxy("bob", "kim", approvals=frozenset({"other"}))], [("bob", None)]),
        ([proxy("bob", "kim", approvals=frozenset({"discount"}))], [("kim", "bob")]),
        ([proxy("bob", "kim", entities=frozenset({"quote"}))], [("kim", "bob")]),
        ([proxy("bob", "kim", entities=frozenset({"lead"}))], [("bob", None)]),
        ([proxy("bob", "k1"), proxy("k1", "k2"), proxy("k2", "k3")], [("k3", "bob")]),
        ([proxy("bob", "k1"), proxy("k1", "k2"), proxy("k2", "k3"), proxy("k3", "k4")], [("adm", "bob")]),
        ([proxy("bob", "kim"), proxy("kim", "bob")], [("adm", "bob")]),
        ([proxy("bob", "bob")], [("adm", "bob")]),
    ]
    for proxies, expected in table:
        choice = chosen(["bob"], proxies=proxies)
        assert [(each.user, each.behalf_of) for each in choice.people] == expected, proxies


def test_an_inactive_proxy_leaves_the_task_with_its_principal() -> None:
    assert users(chosen(["bob"], Company(gone=frozenset({"kim"})), proxies=[proxy("bob", "kim")])) == ["bob"]


def test_a_circle_of_proxies_takes_only_its_own_task_to_the_administrators() -> None:
    choice = chosen(["zoe", "bob"], proxies=[proxy("bob", "kim"), proxy("kim", "bob")])
    assert (choice.outcome, users(choice)) == ("people", ["zoe", "adm"])
    assert Left("proxy_cycle", "bob") in choice.notes


def test_a_proxy_beside_his_principal_is_a_deputy_with_one_vote_between_them() -> None:
    choice = chosen(["bob"], proxies=[proxy("bob", "kim", both=True)])
    assert [(each.user, each.deputy, each.behalf_of) for each in choice.people] == [("bob", "kim", None)]
    both_vote = chosen(["bob", "kim"], proxies=[proxy("bob", "kim", both=True)])
    assert [(each.user, each.deputy) for each in both_vote.people] == [("bob", None), ("kim", None)]


@pytest.mark.parametrize("both", [False, True])
def test_an_initiator_is_no_proxy_on_a_separated_node(both: bool) -> None:
    proxies = [proxy("bob", "ann", both=both)]
    choice = chosen(["bob"], node={"self_": "skip"}, approval={"separated": ("mgr",)}, proxies=proxies)
    assert [(each.user, each.deputy) for each in choice.people] == [("bob", None)]
    assert choice.notes == (Left("proxy_is_initiator", "bob"),)


def test_an_initiator_who_is_the_proxy_elsewhere_is_treated_as_approver() -> None:
    proxies = [proxy("zoe", "ann")]
    assert users(chosen(["zoe"], proxies=proxies)) == ["ann"]
    assert users(chosen(["zoe"], node={"self_": "to_manager"}, proxies=proxies)) == ["bob"]
    deputy = [proxy("zoe", "ann", both=True)]
    assert [each.deputy for each in chosen(["zoe"], node={"self_": "skip"}, proxies=deputy).people] == [None]
    assert [each.deputy for each in chosen(["zoe"], proxies=deputy).people] == ["ann"]


def test_a_stand_in_whose_proxy_is_the_initiator_is_passed_over() -> None:
    choice = chosen(["ann"], node={"self_": "to_manager"}, proxies=[proxy("bob", "ann")])
    assert users(choice) == ["cyd"]


def test_nobody_votes_twice_at_a_node() -> None:
    choice = chosen(["bob", "zoe", "bob", "kim"], proxies=[proxy("zoe", "kim")])
    assert [(each.user, each.behalf_of) for each in choice.people] == [("bob", None), ("kim", "zoe")]
    assert set(choice.notes) == {Left("duplicate", "bob"), Left("duplicate", "kim")}


def test_more_people_than_a_node_may_have_are_an_error_for_the_administrators() -> None:
    asked = [f"u{at}" for at in range(4)]
    assert users(chosen(asked, node={"cap": 4})) == asked
    choice = chosen(asked, node={"cap": 3})
    assert (choice.outcome, users(choice), choice.notes) == ("admin", ["adm"], (Left("too_many"),))


@pytest.mark.parametrize(
    ("managers", "level", "how", "expected"),
    [
        (["bob", "cyd"], 1, "next_up", ("bob",)),
        (["bob", "cyd"], 2, "empty", ("cyd",)),
        (["bob", "cyd"], 3, "next_up", ("cyd",)),
        (["bob", "cyd"], 3, "skip", ()),
        (["bob", "cyd"], 3, "empty", None),
        ([], 1, "next_up", ()),
        ([], 1, "skip", ()),
        ([], 1, "empty", None),
    ],
)
def test_manager_level_missing_climb(
    managers: list[str], level: int, how: Any, expected: tuple[str, ...] | None
) -> None:
    assert climb(managers, level, how) == expected


@pytest.mark.parametrize(
    ("level", "reached", "how", "expected"),
    [
        (2, None, "next_up", ("bob", "cyd")),
        (5, None, "next_up", ("bob", "cyd", "dan")),
        (5, None, "skip", ()),
        (5, None, "empty", None),
        (0, None, "empty", ("bob", "cyd", "dan")),
        (1, "cyd", "empty", ("bob", "cyd")),
        (1, "nobody", "next_up", ("bob", "cyd", "dan")),
        (1, "nobody", "empty", None),
    ],
)
def test_managers_one_above_the_other(
    level: int, reached: str | None, how: Any, expected: tuple[str, ...] | None
) -> None:
    accepts = None if reached is None else reached.__eq__
    assert climb_up_to(["bob", "cyd", "dan"], level, accepts, how) == expected


def test_a_source_that_makes_the_node_empty_does_so_whatever_the_others_give() -> None:
    assert unite([("bob",), ("cyd", "bob")]) == ("bob", "cyd", "bob")
    assert unite([("bob",), None]) is None
    assert chosen(unite([("bob",), None]), node={"empty": "reject"}).outcome == "reject"


def test_a_circle_of_managers_ends_where_it_closes() -> None:
    circle = {"ann": "bob", "bob": "cyd", "cyd": "bob"}
    assert managers_above("ann", circle.get) == ("bob", "cyd")
    assert managers_above("bob", circle.get) == ("cyd",)
