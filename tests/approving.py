"""A world of dicts for the pure approval engine, and short ways to write definitions and drive requests."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metadata.approvals import (
    Approval,
    Branch,
    Copy,
    Delay,
    Human,
    Mode,
    Node,
    Route,
    SetFields,
    Timeout,
    Together,
    Way,
    Who,
)
from metadata.problems import LANGUAGES, Problem
from workflow.approvals.acting import act
from workflow.approvals.choosing import Proxy, climb, climb_up_to
from workflow.approvals.effects import Effect, Entry
from workflow.approvals.refusals import Refused
from workflow.approvals.request import Request, Task
from workflow.approvals.storing import dumped
from workflow.approvals.verbs import Approve, Reject, Submit, TimerDue, Verb

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
ADMIN = "root"

_SPANS = {"PT4H": 4, "PT2H": 2, "PT8H": 8, "PT1H": 1, "P1D": 24, "P3D": 72}


@dataclass(slots=True)
class Ids:
    """New ids, counted."""

    last: int = 0

    def __call__(self) -> str:
        self.last += 1
        return f"t{self.last}"


@dataclass(frozen=True)
class Village:
    """A `World`. Conditions and values are Python expressions over the record, so that tests read plainly."""

    record: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = START
    managers_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heads_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    standing: tuple[Proxy, ...] = ()
    keepers: tuple[str, ...] = (ADMIN,)
    holidays: frozenset[str] = frozenset()
    """Dates on which business time (any calendar) stands still."""
    ids: Ids = field(default_factory=Ids)

    def holds(self, text: str) -> bool:
        return bool(eval(text, {"__builtins__": {}}, dict(self.record)))

    def setting(self, values: Mapping[str, str]) -> Village:
        return self.with_(**{id: eval(text, {"__builtins__": {}}, dict(self.record)) for id, text in values.items()})

    def writing(self, values: Mapping[str, object]) -> Village:
        return self.with_(**values)

    def with_(self, **values: Any) -> Village:
        return replace(self, record={**self.record, **values})

    def later(self, **span: float) -> Village:
        return replace(self, now=self.now + timedelta(**span))

    def candidates(self, who: Who, request: Request, assignee: str | None) -> Sequence[str] | None:
        of = {"initiator": request.initiator, "assignee": assignee}.get(who.of) or self.record.get(who.of)
        match who.by:
            case "user":
                return (who.user or "",)
            case "role":
                return self.holders.get(who.role or "", ())
            case "field" | "expression":
                found = self.record.get(who.path or who.expression or "")
                return () if found is None else (found,) if isinstance(found, str) else tuple(found)
            case "manager_of":
                return climb(self.managers(str(of)), who.level, who.climb)
            case "managers_up_to":
                return climb_up_to(self.managers(str(of)), who.level, None, who.climb)
            case "unit_head":
                return self.heads(str(of))[: who.level]
            case _:
                raise AssertionError(f"the engine asks the world for {who.by}")

    def active(self, user: str) -> bool:
        return user not in self.gone

    def managers(self, user: str) -> Sequence[str]:
        return self.managers_of.get(user, ())

    def heads(self, user: str) -> Sequence[str]:
        return self.heads_of.get(user, ())

    def admins(self, approval: Approval) -> Sequence[str]:
        return self.keepers

    def roles(self, user: str) -> Collection[str]:
        return [role for role, users in self.holders.items() if user in users]

    def name(self, user: str) -> str:
        return user.capitalize()

    def proxies(self) -> Sequence[Proxy]:
        return self.standing

    def after(self, span: str, calendar: str | None, start: datetime) -> datetime:
        """Business time here: every hour of a day that is no holiday."""
        at = start
        for _ in range(_SPANS[span]):
            at += timedelta(hours=1)
            while calendar is not None and at.date().isoformat() in self.holidays:
                at += timedelta(days=1)
        return at

    def new_id(self) -> str:
        return self.ids()


def users(*names: str) -> tuple[Who, ...]:
    return tuple(Who("user", user=each) for each in names)


def node(id: str, *names: str, mode: Mode | str = "all", **more: Any) -> Human:
    """A node whose approvers are these users."""
    mode = mode if isinstance(mode, Mode) else Mode(kind=mode)  # type: ignore[arg-type]
    return Human(id, {"en": id}, **{"who": users(*names), "mode": mode, **more})


def approval(*nodes: Node, **more: Any) -> Approval:
    return Approval("discount", "discount", {"en": "Discount"}, "quote", nodes, **{"same_approver": "none", **more})


def timeout(after: str, then: str, **more: Any) -> Timeout:
    return Timeout(after=after, then=then, **more)  # type: ignore[arg-type]


@dataclass
class Run:
    """A request with its definition and its world, driven by verbs one after the other."""

    approval: Approval
    world: Village = field(default_factory=Village)
    initiator: str = "ida"
    request: Request = None  # type: ignore[assignment]
    effects: tuple[Effect, ...] = ()
    """Of the last verb."""
    trail: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.request = Request("r1", self.approval.id, 3, self.approval.entity, "q1", self.initiator)

    def do(self, verb: Verb) -> Run:
        self.request, self.effects = act(self.approval, self.request, verb, self.world)
        self.trail += [each for each in self.effects if isinstance(each, Entry)]
        return self

    def submit(self, **more: Any) -> Run:
        return self.do(Submit(self.initiator, **more))

    def approve(self, *people: str, comment: str = "") -> Run:
        for user in people:
            self.do(Approve(user, self.open(user).id, comment))
        return self

    def reject(self, user: str, comment: str = "") -> Run:
        return self.do(Reject(user, self.open(user).id, comment))

    def later(self, **span: float) -> Run:
        self.world = self.world.later(**span)
        return self

    def fire(self) -> Run:
        """Let all timers that are due by now go off, the earliest first."""
        while due := sorted((each for each in self.request.timers if each.at <= self.world.now), key=lambda t: t.at):
            self.do(TimerDue(due[0].key))
        return self

    def open(self, user: str) -> Task:
        """The open task of a user."""
        found = [each for each in self.request.tasks if each.open and user in (each.assignee, each.deputy)]
        assert len(found) == 1, f"{user} has {len(found)} open tasks"
        return found[0]

    def last(self, user: str) -> Task:
        return [each for each in self.request.tasks if each.assignee == user][-1]

    def states(self) -> dict[str, str]:
        """The state of the last task of everybody."""
        return {each.assignee: each.state for each in self.request.tasks}

    @property
    def asked(self) -> list[str]:
        return [each.assignee for each in self.request.pending()]

    @property
    def state(self) -> str:
        return self.request.state

    def found(self, kind: type[Effect]) -> list[Any]:
        return [each for each in self.effects if isinstance(each, kind)]


def run(*nodes: Node, world: Village | None = None, **more: Any) -> Run:
    """A submitted request of an approval with these nodes."""
    return Run(approval(*nodes, **more), world or Village()).submit()


def refused(here: Run, verb: Verb, kind: type[Refused], code: str) -> Problem:
    """The problem for which a verb is refused, after it was proved to have changed nothing."""
    before = json.dumps(dumped(here.request))
    with pytest.raises(kind) as caught:
        here.do(verb)
    assert json.dumps(dumped(here.request)) == before
    (problem,) = caught.value.problems
    assert problem.code == code
    for lang in LANGUAGES:
        assert problem.message(lang)
    return problem


def branch(amount: int, *, inclusive: bool = False) -> Run:
    """Submitted with an amount: one way of two, or several at once."""
    ways = (
        Way("big", "amount >= 100", (node("dir", "dan"),)),
        Way("huge", "amount >= 1000", (node("ceo", "cleo"),)),
    )
    split = Branch("split", {}, ways, (node("clerk", "kim"),), inclusive)
    return run(split, node("last", "liz"), world=Village({"amount": amount}))


def both(**more: Any) -> Run:
    """Submitted and at two branches at the same time."""
    branches = {"x": (node("x1", "xav"), node("x2", "xia")), "y": (node("y1", "yan"),)}
    return run(node("first", "fay"), Together("par", {}, branches), node("last", "liz"), **more).approve("fay")


def long_way(amount: int) -> Run:
    """A draft whose way has a node of every kind."""
    chosen = Branch(
        "split",
        {},
        (Way("big", "amount >= 100", (node("dir", "dan", "dot", mode="any"), Route("skip", {}, "last", "urgent"))),),
        (Delay("pause", {}, "P1D"), node("clerk", "kim", mode="random")),
    )
    par = Together("par", {}, {"x": (node("x1", "xav"), SetFields("mark", {}, {"amount": "5"})), "y": (node("y1"),)})
    nodes = (
        node("mgr", who=(Who("manager_of"),)),
        chosen,
        par,
        Branch("after", {}, (Way("w", "amount == 5", (node("small", "sue", "max", mode="sequential"),)),)),
        node("last", "liz", who=users("liz")),
        Copy("cc", {}, users("c1")),
    )
    world = Village({"amount": amount, "urgent": False}, managers_of={"ida": ("max",)})
    return Run(approval(*nodes, same_approver="once"), world)
