"""What the voters of a node have decided together. One function; approvals, rejections and pending are counted here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from metadata.approvals import Mode

Decision = Literal["approved", "rejected", "pending"]


@dataclass(frozen=True, slots=True)
class Vote:
    """Where one voter stands."""

    decision: Decision
    weight: int = 1
    veto: bool = False


def outcome(mode: Mode, votes: Sequence[Vote]) -> Decision:
    """What these votes decide, `pending` while it is open. Nobody to vote: approved, since nothing is left to ask.

    `ratio` and `weighted` end as soon as enough approve, or as soon as enough no longer can. A threshold above all
    weights together asks for all of them; nothing is approved without an approval.
    """
    if not votes:
        return "approved"
    if any(each.veto and each.decision == "rejected" for each in votes):
        return "rejected"
    n = len(votes)
    a = sum(each.decision == "approved" for each in votes)
    r = sum(each.decision == "rejected" for each in votes)
    match mode.kind:
        case "all" if mode.wait_all:
            return _decide(approved=a == n, rejected=a + r == n)
        case "all" | "sequential" | "random":
            return _decide(approved=a == n, rejected=r > 0)
        case "any":
            return _decide(approved=a > 0, rejected=r > 0 if mode.any_reject == "first" else r == n)
        case "ratio":
            needed = mode.at_least * n
            return _decide(approved=a > 0 and 100 * a >= needed, rejected=r == n or 100 * (n - r) < needed)
        case "weighted":
            gained = sum(each.weight for each in votes if each.decision == "approved")
            possible = sum(each.weight for each in votes if each.decision != "rejected")
            needed = min(mode.at_least, sum(each.weight for each in votes))
            return _decide(approved=a > 0 and gained >= needed, rejected=r == n or possible < needed)
        case _:
            assert_never(mode.kind)


def _decide(*, approved: bool, rejected: bool) -> Decision:
    return "approved" if approved else "rejected" if rejected else "pending"
