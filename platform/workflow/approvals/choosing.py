"""Who decides at a node: its candidates after leavers, proxies, the initiator's own part and what was approved before.

The order of the policies is fixed: candidates in their order, who is active, standing proxies, nobody twice, the
initiator, who has approved before, nobody left, too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol

from metadata.approvals import Approval, Human

LONGEST_CHAIN = 3
"""How many proxies may stand behind one another."""

Why = Literal["candidate", "manager", "unit_head", "climbed", "spare", "admin"]
"""How somebody came to decide: he was asked for, he stands in for the initiator, or for nobody."""

Reason = Literal[
    "inactive", "proxy_cycle", "proxy_chain", "proxy_is_initiator", "duplicate", "initiator", "empty", "too_many"
]


@dataclass(frozen=True, slots=True)
class Proxy:
    """Somebody decides for somebody else, from `start` to before `end`."""

    principal: str
    proxy: str
    start: datetime
    end: datetime
    both: bool = False
    """Whether the principal may still decide himself; else the task goes to the proxy."""
    approvals: frozenset[str] = frozenset()
    """Ids of approvals; with `entities` empty too: every one."""
    entities: frozenset[str] = frozenset()

    def holds(self, approval: Approval, now: datetime) -> bool:
        everywhere = not self.approvals and not self.entities
        about = everywhere or approval.id in self.approvals or approval.entity in self.entities
        return about and self.start <= now < self.end


class People(Protocol):
    """What is known of people. Everybody is named by the id of a user."""

    def active(self, user: str) -> bool: ...
    def managers(self, user: str) -> Sequence[str]:
        """The managers above a user, the direct one first."""

    def heads(self, user: str) -> Sequence[str]:
        """The heads of a user's unit and of the units around it, the nearest first."""

    def admins(self, approval: Approval) -> Sequence[str]:
        """Who looks after an approval."""

    def spare(self, node: Human) -> Sequence[str]:
        """Whom `empty_users` of a node gives."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What has happened in the request before the node is reached."""

    initiator: str
    now: datetime
    proxies: Sequence[Proxy] = ()
    earlier: Sequence[Set[str]] = ()
    """Who approved at each node with people that the run has come through, the nearest last."""
    after_return: bool = False
    """Whether the request was returned: who approved before the return is asked again."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One voter of a node."""

    user: str
    behalf_of: str | None = None
    """The principal of whose task he is the proxy, or the initiator or leaver in whose place he stands."""
    why: Why = "candidate"
    deputy: str | None = None
    """A standing proxy who may decide this task as well, for `user`."""
    approved: bool = False
    """He has approved before, so his task counts as approved at once."""


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody who was left out, or a policy that came into play (then without a user)."""

    reason: Reason
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What comes of a node's candidates.

    `people`: they decide. `approve`: nobody needs to be asked, because all of `people` have approved before or because
    the policy for nobody says so. `reject`: the policy for nobody says so. `admin`: one of `people` decides, who look
    after the approval; there may be none.
    """

    outcome: Literal["people", "approve", "reject", "admin"]
    people: tuple[Chosen, ...] = ()
    notes: tuple[Left, ...] = ()


def choose(
    approval: Approval, node: Human, candidates: Sequence[str] | None, situation: Situation, people: People
) -> Choice:
    """Who decides at a node. `candidates` are users in order; None: one of the sources makes the node empty."""
    return _Choosing(approval, node, situation, people).choose(candidates)


@dataclass(slots=True)
class _Choosing:
    approval: Approval
    node: Human
    situation: Situation
    people: People
    notes: list[Left] = field(default_factory=list)

    @property
    def separated(self) -> bool:
        return self.node.id in self.approval.separated

    def choose(self, candidates: Sequence[str] | None) -> Choice:
        asked = candidates or ()
        chosen = self._own_part(self._once(self._represented(self._active(asked, "candidate"))))
        if not chosen:
            return self._nobody(asked)
        return self._decide(self._approved_before(chosen))

    def _active(self, users: Sequence[str], why: Why) -> Iterator[Chosen]:
        for user in users:
            if self.people.active(user):
                yield Chosen(user, why=why)
            else:
                self._note("inactive", user)

    def _represented(self, chosen: Iterator[Chosen]) -> Iterator[Chosen]:
        """With their standing proxies; an administrator where proxies lead in a circle or too far."""
        for each in chosen:
            found = self._follow(each)
            if found is not None:
                yield found
                continue
            for admin in self._admins()[:1]:
                yield Chosen(admin, behalf_of=each.user, why="admin")

    def _follow(self, chosen: Chosen) -> Chosen | None:
        here, met = chosen, {chosen.user}
        while (rule := self._proxy(here.user)) is not None:
            if rule.proxy in met:
                self._note("proxy_cycle", chosen.user)
                return None
            if len(met) > LONGEST_CHAIN:
                self._note("proxy_chain", chosen.user)
                return None
            if rule.both:
                return replace(here, deputy=rule.proxy)
            met.add(rule.proxy)
            here = replace(here, user=rule.proxy, behalf_of=chosen.user)
        return here

    def _proxy(self, user: str) -> Proxy | None:
        """The rule that is in force for a user. One for an inactive proxy is none: the principal keeps the task."""
        for rule in self.situation.proxies:
            if rule.principal != user or not rule.holds(self.approval, self.situation.now):
                continue
            if self.separated and rule.proxy == self.situation.initiator:
                self._note("proxy_is_initiator", user)
            elif self.people.active(rule.proxy):
                return rule
        return None

    def _once(self, chosen: Iterator[Chosen]) -> list[Chosen]:
        kept: dict[str, Chosen] = {}
        for each in chosen:
            if each.user in kept:
                self._note("duplicate", each.user)
            else:
                kept[each.user] = each
        return [replace(each, deputy=None) if each.deputy in kept else each for each in kept.values()]

    def _own_part(self, chosen: list[Chosen]) -> list[Chosen]:
        """What the node says of an initiator who is among its approvers."""
        initiator = self.situation.initiator
        if self.node.self_ != "allow" or self.separated:
            # Whoever may not decide himself may not do so as somebody's deputy either.
            chosen = [replace(each, deputy=None) if each.deputy == initiator else each for each in chosen]
        place = next((at for at, each in enumerate(chosen) if each.user == initiator), None)
        if place is None or (self.node.self_ == "allow" and not self.separated):
            return chosen
        self._note("initiator", initiator)
        others = [*chosen[:place], *self._instead(), *chosen[place + 1 :]]
        return self._once(iter(others))

    def _instead(self) -> list[Chosen]:
        initiator = self.situation.initiator
        if self.node.self_ == "to_manager":
            return self._stand_in(self.people.managers(initiator), "manager", initiator)
        if self.node.self_ == "to_unit_head":
            return self._stand_in(self.people.heads(initiator), "unit_head", initiator)
        return []

    def _stand_in(self, above: Sequence[str], why: Why, whom: str) -> list[Chosen]:
        """The first of some superiors who can decide, or his proxy; never the initiator."""
        initiator = self.situation.initiator
        for user in above:
            if user == initiator or not self.people.active(user):
                continue
            found = self._follow(Chosen(user, why=why))
            if found is not None and found.user != initiator:
                deputy = None if found.deputy == initiator else found.deputy
                return [replace(found, deputy=deputy, behalf_of=found.behalf_of or whom)]
        return []

    def _approved_before(self, chosen: list[Chosen]) -> list[Chosen]:
        before = self._approvers()
        return [replace(each, approved=each.user in before) for each in chosen]

    def _approvers(self) -> Set[str]:
        """Whose earlier approval counts here. It is no substitute for work, a signature or a comment."""
        node, earlier = self.node, self.situation.earlier
        asks_more = node.handle or node.sign or "approve" in node.comment_on
        if self.situation.after_return or self.separated or asks_more or not earlier:
            return frozenset()
        match self.approval.same_approver:
            case "adjacent":
                return earlier[-1]
            case "once":
                return frozenset().union(*earlier)
            case _:
                return frozenset()

    def _decide(self, chosen: list[Chosen]) -> Choice:
        if len(chosen) > self.node.cap:
            self._note("too_many")
            return self._admin()
        outcome: Literal["approve", "people"] = "approve" if all(each.approved for each in chosen) else "people"
        return Choice(outcome, tuple(chosen), tuple(self.notes))

    def _nobody(self, asked: Sequence[str]) -> Choice:
        self._note("empty")
        match self.node.empty:
            case "approve" if not self.separated:
                return Choice("approve", notes=tuple(self.notes))
            case "reject":
                return Choice("reject", notes=tuple(self.notes))
            case "climb":
                found = self._once(self._climbed(asked))
            case "users":
                spare = self._represented(self._active(self.people.spare(self.node), "spare"))
                found = self._without_initiator(self._once(spare))
            case _:
                found = []
        return self._decide(self._approved_before(found)) if found else self._admin()

    def _climbed(self, asked: Sequence[str]) -> Iterator[Chosen]:
        """For each who was asked for and cannot decide, or else for the initiator: who can, above him."""
        for user in asked or (self.situation.initiator,):
            yield from self._stand_in(self.people.managers(user), "climbed", user)

    def _without_initiator(self, chosen: list[Chosen]) -> list[Chosen]:
        if self.node.self_ == "allow" and not self.separated:
            return chosen
        initiator = self.situation.initiator
        others = [each for each in chosen if each.user != initiator]
        return [replace(each, deputy=None) if each.deputy == initiator else each for each in others]

    def _admin(self) -> Choice:
        chosen = tuple(Chosen(user, why="admin") for user in self._admins())
        return Choice("admin", chosen, tuple(self.notes))

    def _admins(self) -> list[str]:
        """Active administrators; the initiator only when there is nobody else, and nothing forbids it."""
        found = [user for user in dict.fromkeys(self.people.admins(self.approval)) if self.people.active(user)]
        others = [user for user in found if user != self.situation.initiator]
        return others if others or self.separated else found

    def _note(self, reason: Reason, user: str | None = None) -> None:
        note = Left(reason, user)
        if note not in self.notes:
            self.notes.append(note)


def climb(managers: Sequence[str], level: int, how: Literal["next_up", "skip", "empty"]) -> tuple[str, ...] | None:
    """The manager `level` steps up a chain that begins with the direct one.

    When the chain is shorter: the highest there is (`next_up`), nobody (`skip`), or None: the node is empty (`empty`).
    """
    if len(managers) >= level:
        return (managers[level - 1],)
    return _missing(managers[-1:], how)


def climb_up_to(
    managers: Sequence[str],
    level: int | None,
    reached: Callable[[str], bool] | None,
    how: Literal["next_up", "skip", "empty"],
) -> tuple[str, ...] | None:
    """Managers one above the other: up to the first whom `reached` accepts, else `level` of them, else all.

    When the chain ends before that: as in `climb`, `next_up` giving all there are.
    """
    if reached is not None:
        end = next((at + 1 for at, user in enumerate(managers) if reached(user)), None)
    else:
        end = level or len(managers)
    if end is not None and len(managers) >= end:
        return tuple(managers[:end])
    return _missing(managers, how)


def _missing(instead: Sequence[str], how: Literal["next_up", "skip", "empty"]) -> tuple[str, ...] | None:
    match how:
        case "next_up":
            return tuple(instead)
        case "skip":
            return ()
        case _:
            return None


def unite(sources: Sequence[Sequence[str] | None]) -> tuple[str, ...] | None:
    """The candidates of several sources in order; None when one of them makes the node empty."""
    united: list[str] = []
    for each in sources:
        if each is None:
            return None
        united += each
    return tuple(united)


def managers_above(user: str, manager: Callable[[str], str | None]) -> tuple[str, ...]:
    """A user's managers up to the top, the direct one first. A circle ends where it closes."""
    chain: list[str] = []
    here = manager(user)
    while here is not None and here != user and here not in chain:
        chain.append(here)
        here = manager(here)
    return tuple(chain)
