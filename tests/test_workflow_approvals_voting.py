"""What several people decide together: one table, one function."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest

from metadata.approvals import Mode
from workflow.approvals.voting import Decision, Vote, outcome

_STATES: dict[str, Decision] = {"a": "approved", "r": "rejected", ".": "pending"}


def votes(text: str, weights: tuple[int, ...] = (), veto: frozenset[int] = frozenset()) -> list[Vote]:
    return [Vote(_STATES[each], weights[at] if weights else 1, at in veto) for at, each in enumerate(text)]


@pytest.mark.parametrize(
    ("mode", "cast", "expected"),
    [
        (Mode("sequential"), "a..", "pending"),
        (Mode("sequential"), "aa.", "pending"),
        (Mode("sequential"), "aaa", "approved"),
        (Mode("sequential"), "ar.", "rejected"),
        (Mode("all"), "aa.", "pending"),
        (Mode("all"), "aaa", "approved"),
        (Mode("all"), "r..", "rejected"),
        (Mode("all", wait_all=True), "r..", "pending"),
        (Mode("all", wait_all=True), "ra.", "pending"),
        (Mode("all", wait_all=True), "raa", "rejected"),
        (Mode("all", wait_all=True), "aaa", "approved"),
        (Mode("any"), "...", "pending"),
        (Mode("any"), ".a.", "approved"),
        (Mode("any"), "r..", "rejected"),
        (Mode("any", any_reject="all"), "rr.", "pending"),
        (Mode("any", any_reject="all"), "rra", "approved"),
        (Mode("any", any_reject="all"), "rrr", "rejected"),
        (Mode("ratio", 60), "aa...", "pending"),
        (Mode("ratio", 60), "aaa..", "approved"),
        (Mode("ratio", 60), "rr...", "pending"),
        (Mode("ratio", 60), "rrr..", "rejected"),
        (Mode("ratio", 60), "rr..", "rejected"),
        (Mode("ratio", 60), "r...", "pending"),
        (Mode("ratio", 60), "raa.", "pending"),
        (Mode("ratio", 60), "raaa", "approved"),
        (Mode("ratio", 50), "ar", "approved"),
        (Mode("random"), ".", "pending"),
        (Mode("random"), "a", "approved"),
        (Mode("random"), "r", "rejected"),
    ],
)  # fmt: skip
def test_table(mode: Mode, cast: str, expected: Decision) -> None:
    assert outcome(mode, votes(cast)) == expected


def test_ratio_60_of_5_needs_3() -> None:
    mode = Mode("ratio", 60)
    assert [outcome(mode, votes("a" * n + "." * (5 - n))) for n in range(4)] == ["pending"] * 3 + ["approved"]


def test_ratio_unreachable_ends_early() -> None:
    """Two rejections of four at 60 %: two approvals would be only 50 %."""
    assert outcome(Mode("ratio", 60), votes("r...")) == "pending"
    assert outcome(Mode("ratio", 60), votes("rr..")) == "rejected"


def test_a_ratio_counts_approvals_and_not_decisions() -> None:
    assert outcome(Mode("ratio", 60), votes("ara..")) == "pending"


def test_weighted_needs_the_sum_of_weights() -> None:
    mode = Mode("weighted", 5)
    assert outcome(mode, votes("a..", (3, 2, 1))) == "pending"
    assert outcome(mode, votes("aa.", (3, 2, 1))) == "approved"
    assert outcome(mode, votes("r..", (3, 2, 1))) == "rejected"
    assert outcome(mode, votes("..r", (3, 2, 1))) == "pending"


def test_weighted_veto() -> None:
    """All weights but one are enough, unless the one who says no has a veto."""
    mode = Mode("weighted", 2)
    assert outcome(mode, votes("r..", (1, 1, 1))) == "pending"
    assert outcome(mode, votes("r..", (1, 1, 1), frozenset({0}))) == "rejected"
    assert outcome(mode, votes("aar", (1, 1, 1), frozenset({2}))) == "rejected"


def test_a_threshold_above_all_weights_asks_for_everybody() -> None:
    assert outcome(Mode("weighted", 9), votes("a.", (1, 1))) == "pending"
    assert outcome(Mode("weighted", 9), votes("aa", (1, 1))) == "approved"


Kind = Literal["sequential", "all", "any", "ratio", "weighted", "random"]
KINDS: tuple[Kind, ...] = ("sequential", "all", "any", "ratio", "weighted", "random")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("any_reject", ["first", "all"])
@pytest.mark.parametrize("wait_all", [False, True])
def test_with_one_voter_the_mode_does_not_matter(
    kind: Kind, any_reject: Literal["first", "all"], wait_all: bool
) -> None:
    mode = Mode(kind, 60, any_reject, wait_all)
    assert [outcome(mode, votes(each)) for each in (".", "a", "r")] == ["pending", "approved", "rejected"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_least", [0, 1, 34, 50, 60, 100])
def test_full_votes_decide_and_a_decision_is_never_undone_by_a_further_vote(kind: Kind, at_least: int) -> None:
    ways: tuple[Literal["first", "all"], ...] = ("first", "all")
    for any_reject, wait_all, weights in product(ways, (False, True), ((1, 1, 1, 1), (5, 1, 2, 9))):
        mode = Mode(kind, at_least, any_reject, wait_all)
        for cast in map("".join, product("ar.", repeat=4)):
            now = outcome(mode, votes(cast, weights))
            assert now != "pending" or "." in cast, (mode, cast)
            assert now != "approved" or "a" in cast, (mode, cast)
            if now == "pending":
                continue
            early = kind == "any" and any_reject == "first"
            for at in [at for at, each in enumerate(cast) if each == "."]:
                for more in "ar":
                    then = outcome(mode, votes(cast[:at] + more + cast[at + 1 :], weights))
                    # Where the first decides, a second never comes.
                    assert then == now or early, (mode, cast, more)
