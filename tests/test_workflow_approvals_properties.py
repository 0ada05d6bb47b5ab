"""What holds for every approval, tried with random definitions and random verbs from seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, Literal

import pytest

from metadata.approvals import Approval, Branch, Copy, Delay, Human, Mode, Node, Route, SetFields, Together, Way
from tests.approving import ADMIN, Village, timeout, users
from workflow.approvals import verbs
from workflow.approvals.acting import act, return_targets
from workflow.approvals.choosing import Proxy
from workflow.approvals.effects import Effect
from workflow.approvals.previewing import path, preview
from workflow.approvals.refusals import Refused
from workflow.approvals.request import INITIATOR, OPEN, Request, Task
from workflow.approvals.storing import dumped, loaded

STORIES = 40
"""Requests of one part of a test."""

PEOPLE = tuple(f"p{n}" for n in range(8))
GONE = "p7"
CONDITIONS = ("a > 5", "b > 5", "a > b", "True", "False")


# --- random definitions ---


@dataclass
class Draw:
    """Random definitions. Ids are counted, so each is unique."""

    random: Random
    same_approver: Literal["none", "adjacent", "once"] = "none"
    last: int = 0

    def id(self) -> str:
        self.last += 1
        return f"n{self.last}"

    def block(self, depth: int, least: int = 0) -> tuple[Node, ...]:
        found = [self.node(depth) for _ in range(self.random.randint(least, 3))]
        if len(found) == 3 and self.random.random() < 0.2:
            found.insert(1, Route(self.id(), {}, found[2].id, self.random.choice(CONDITIONS)))
        return tuple(found)

    def node(self, depth: int) -> Node:
        kinds: list[Callable[[int], Node]] = [*[self.human] * 6, self.small]
        if depth < 2:
            kinds += [self.branch, self.together, self.human]
        return self.random.choice(kinds)(depth)

    def human(self, depth: int) -> Node:
        r = self.random
        names = r.sample(PEOPLE, r.choice((0, 1, 1, 2, 2, 3, 4)))
        then = r.choice(("remind", "escalate", "approve", "reject", "transfer"))
        limit = timeout("P1D", then, to=users(r.choice(PEOPLE)), remind=r.choice((None, "PT8H")))
        return Human(
            self.id(),
            {},
            handle=r.random() < 0.1,
            who=users(*names),
            mode=self.mode(),
            empty=r.choice(("approve", "admin", "climb", "admin")),
            reject=r.choice(("end", "return", "return")),
            return_to=r.choice((("initiator", "any_passed"), ("previous",), ("any_passed",), ())),
            timeout=limit if r.random() < 0.3 else None,
        )

    def mode(self) -> Mode:
        r = self.random
        kind: Any = r.choice(("sequential", "all", "all", "any", "ratio", "weighted", "random"))
        return Mode(
            kind,
            at_least=r.randint(1, 6) if kind == "weighted" else r.choice((34, 50, 60, 100)),
            any_reject=r.choice(("first", "all")),
            wait_all=r.random() < 0.3,
            weights={"heavy": 3} if kind == "weighted" else {},
            veto=("heavy",) if r.random() < 0.2 else (),
        )

    def small(self, depth: int) -> Node:
        kind = self.random.randrange(3)
        if kind == 0:
            return Copy(self.id(), {}, users(self.random.choice(PEOPLE)))
        return Delay(self.id(), {}, "PT4H") if kind == 1 else SetFields(self.id(), {}, {"c": "a + 1"})

    def branch(self, depth: int) -> Node:
        ways = tuple(
            Way(f"w{n}", self.random.choice(CONDITIONS), self.block(depth + 1))
            for n in range(self.random.randint(1, 3))
        )
        return Branch(self.id(), {}, ways, self.block(depth + 1), self.random.random() < 0.3)

    def together(self, depth: int) -> Node:
        names = ("x", "y", "z")[: self.random.randint(2, 3)]
        return Together(self.id(), {}, {name: self.block(depth + 1) for name in names})

    def approval(self) -> Approval:
        return Approval(
            "any",
            "any",
            {},
            "quote",
            self.block(0, 1),
            withdraw=self.random.choice(("before_first_action", "while_running")),
            resubmit=self.random.choice(("restart", "direct")),
            same_approver=self.same_approver,
        )


# --- random verbs ---


def any_verb(r: Random, definition: Approval, request: Request, world: Village, kinds: Sequence[str]) -> verbs.Verb:
    """A verb that may or may not be allowed; most are by whoever is asked."""
    pending = request.pending()
    tasks = pending if pending and r.random() < 0.85 else request.tasks or pending
    if not tasks:
        return verbs.Submit("ida") if not request.visits else verbs.Comment("ida", "?")
    task = r.choice(tasks)
    actor = task.assignee if r.random() < 0.95 else r.choice((*PEOPLE, "ida", ADMIN))
    other = r.choice((*PEOPLE, "q1", "q2", "q3", "ida"))
    if task.kind == "initiator" and task.open:
        return verbs.Resubmit("ida", deciding={"a": r.randint(0, 3)}) if r.random() < 0.9 else verbs.Withdraw("ida")
    match r.choice(kinds):
        case "approve":
            return verbs.Approve(actor, task.id, "ok")
        case "reject":
            return verbs.Reject(actor, task.id, "no")
        case "return":
            nodes = [each.id for each in definition.every()]
            likely = return_targets(definition, request, task.id, world) if request.running else ()
            to = r.choice((*likely, *likely, "initiator", "previous", r.choice(nodes)))
            return verbs.Return(actor, task.id, "initiator" if to == INITIATOR else to, "back")
        case "add":
            people = tuple(r.sample((*PEOPLE, "q1", "q2", "q3"), r.randint(1, 2)))
            how: Any = r.choice(("before", "after", "alongside"))
            return verbs.AddSigner(actor, task.id, how, people)
        case "remove":
            added = [each for each in request.tasks if each.added_by is not None]
            one = r.choice(added) if added else task
            return verbs.RemoveSigner(one.added_by or actor, one.id)
        case "transfer":
            return verbs.Transfer(actor, task.id, other, "yours")
        case "delegate":
            return verbs.Delegate(actor, task.id, other)
        case "take_back":
            decided = [each for each in request.tasks if each.decided_by is not None]
            one = r.choice(decided) if decided else task
            return verbs.TakeBack(one.decided_by or actor, one.id)
        case "timer":
            due = [each for each in request.timers if each.at <= world.now]
            return verbs.TimerDue(r.choice(due).key if due else "timeout:1:t1:1:1")
        case "reassign":
            return verbs.Reassign(ADMIN, r.choice(request.tasks).id, other, "because")
        case "jump":
            return verbs.Jump(ADMIN, r.choice([each.id for each in definition.every()]), "because")
        case "represent":
            return verbs.Represent(actor, actor)
        case "leave":
            return verbs.Leave(r.choice(PEOPLE))
        case "urge":
            return verbs.Urge("ida")
        case "end":
            return r.choice((verbs.Withdraw("ida"), verbs.Terminate(ADMIN, "stop"), verbs.Void(ADMIN, "void")))
        case _:
            return verbs.Comment(actor, "hm", ("ida",))


ORDINARY = (
    *("approve",) * 7,
    *("reject", "return", "add", "add", "remove", "transfer", "delegate", "take_back", "take_back"),
    *("timer", "timer", "reassign", "urge", "comment"),
)
EVERYTHING = (*ORDINARY, *("jump", "leave", "end", "represent", "represent"))


def village(r: Random) -> Village:
    managers = {each: (r.choice(PEOPLE[:3]),) for each in PEOPLE}
    return Village(
        {"a": r.randint(0, 9), "b": r.randint(0, 9), "c": 0},
        managers_of={**managers, "ida": ("p0",)},
        holders={"heavy": tuple(r.sample(PEOPLE, 3))},
        gone=frozenset({GONE}),
    )


def proxies(r: Random, world: Village) -> tuple[Proxy, ...]:
    """Some people are represented by others from now on, or nobody any longer; circles and leavers among them."""
    ends = world.now + timedelta(days=r.randint(0, 3))
    pairs = [r.sample(PEOPLE, 2) for _ in range(r.randint(0, 3))]
    return tuple(Proxy(one, other, world.now, ends, r.random() < 0.3) for one, other in pairs)


Outcome = tuple[Request, tuple[Effect, ...]] | Refused
Seen = Callable[[Request, verbs.Verb, Request], None]


def attempt(definition: Approval, request: Request, verb: verbs.Verb, world: Village) -> Outcome:
    try:
        return act(definition, request, verb, world)
    except Refused as caught:
        return caught


def story(seed: int, kinds: Sequence[str], seen: Seen, length: int = 60) -> tuple[Approval, Request, Village]:
    """One request from its draft on, with `seen` called after each verb that was allowed."""
    r = Random(seed)
    definition, world = Draw(r, "none" if kinds is ORDINARY else "once").approval(), village(r)
    request = Request("r1", "any", 1, "quote", "q1", "ida")
    for step in range(length):
        verb = verbs.Submit("ida", deciding={"a": 1}) if step == 0 else any_verb(r, definition, request, world, kinds)
        stored = json.dumps(dumped(request))
        twin = replace(world, ids=deepcopy(world.ids))
        result = attempt(definition, request, verb, world)
        again = attempt(definition, loaded(json.loads(stored)), verb, twin)
        assert json.dumps(dumped(request)) == stored, "what was given is never changed"
        if isinstance(result, Refused):
            assert isinstance(again, Refused) and again.problems == result.problems
            assert result.problems[0].message("en") and result.problems[0].message("zh")
            continue
        assert again == result, "a stored request goes on as the one that it was"
        sound(result[0])
        unchanged(request, result[0])
        seen(request, verb, result[0])
        request = result[0]
        world = world.later(hours=r.choice((0, 0, 1, 9, 30)))
        if kinds is EVERYTHING and r.random() < 0.2:
            world = replace(world, standing=proxies(r, world))
        if not request.running and kinds is ORDINARY:
            break
    return definition, request, world


def unchanged(before: Request, after: Request) -> None:
    """Tasks that are over never change, and nothing is forgotten."""
    now = {each.id: each for each in after.tasks}
    for task in before.tasks:
        assert task.id in now
        if not task.open:
            assert now[task.id] == task
    assert {each.number for each in before.visits} <= {each.number for each in after.visits}
    assert after.version == before.version + (after != before)


def sound(request: Request) -> None:
    """Where a request stands, its visits, its tasks and its timers agree."""
    standing = {each.visit for each in request.walk.tokens}
    numbers = [each.number for each in request.visits]
    assert len(numbers) == len(set(numbers)) and len({each.id for each in request.tasks}) == len(request.tasks)
    tasks = [each for each in request.tasks if each.open]
    if not request.running:
        assert not tasks and not standing and not request.timers
    for visit in request.visits:
        if visit.node != INITIATOR:
            assert (visit.state == "open") == (visit.number in standing), visit
    for task in tasks:
        assert task.kind == "initiator" or task.visit in standing, task
    pending = {each.id: each for each in tasks if each.state == "pending"}
    for timer in request.timers:
        assert timer.visit in standing and (timer.task is None or pending[timer.task].rounds == timer.round)
    there = [(each.visit, each.assignee) for each in tasks]
    assert len(there) == len(set(there)), "nobody is asked twice in a node"
    if request.running:
        assert pending or any(each.kind == "delay" for each in request.timers), "somebody can always go on"
    for task in tasks:
        bearing = [each for each in tasks if each.parent == task.id and each.kind in ("before", "after", "delegate")]
        if task.state == "approving":
            assert any(each.kind == "after" for each in bearing)
        if any(each.kind in ("before", "delegate") for each in bearing):
            assert task.state == "waiting"


# --- the oracle: what an approval needs, worked out from what was done, not from what the engine says of it ---


@dataclass
class Ledger:
    """Who was to vote at each visit, and what each has really said."""

    definition: Approval
    world: Village
    slots: dict[int, list[str]] = field(default_factory=dict)
    """Visit -> ids of the tasks that have to vote now."""
    said: dict[str, str] = field(default_factory=dict)
    signers: dict[str, list[str]] = field(default_factory=dict)
    """Task -> those of its signers who have to approve too."""
    weight: dict[str, int] = field(default_factory=dict)
    veto: set[str] = field(default_factory=set)

    def take(self, before: Request, verb: verbs.Verb, after: Request) -> None:
        old = {each.id for each in before.tasks}
        new = [each for each in after.tasks if each.id not in old]
        made = [each for each in new if each.visit <= before.walk.visits and after.visit(each.visit) in after.visits]
        match verb:
            case verbs.Approve(task=id) | verbs.Reject(task=id):
                self.said[id] = "approve" if isinstance(verb, verbs.Approve) else "reject"
            case verbs.AddSigner(task=id, how=how):
                self._signed(before, id, how, [each for each in new if each.added_by == verb.actor])
            case verbs.RemoveSigner(task=id):
                for found in (*self.slots.values(), *self.signers.values()):
                    if id in found:
                        found.remove(id)
            case verbs.Transfer(task=id) | verbs.Reassign(task=id):
                self._replace(id, made[0])
            case verbs.TakeBack(task=id):
                self.said.pop(id, None)
                for each in made:
                    if each.again is not None:
                        self._replace(each.again, each)
            case verbs.TimerDue(key=key):
                self._timer(before, key, made, after)
        self._arrived(before, after)

    def _signed(self, before: Request, id: str, how: str, added: list[Task]) -> None:
        if how != "alongside":
            self.signers.setdefault(id, []).extend(each.id for each in added)
            return
        beside = next(each for each in before.tasks if each.id == id)
        places = self.slots[beside.visit] if id in self.slots[beside.visit] else self._place(id)
        places.extend(each.id for each in added)

    def _place(self, id: str) -> list[str]:
        return next(each for each in self.signers.values() if id in each)

    def _replace(self, id: str, new: Task) -> None:
        for found in (*self.slots.values(), *self.signers.values()):
            if id in found:
                found[found.index(id)] = new.id
        self.signers[new.id] = self.signers.pop(id, [])

    def _timer(self, before: Request, key: str, made: list[Task], after: Request) -> None:
        timer = next((each for each in before.timers if each.key == key), None)
        if timer is None or timer.kind != "timeout":
            return
        task = next(each for each in before.tasks if each.id == timer.task)
        if task.kind == "delegate":
            return
        limit = self._human(task.node).timeout
        assert limit is not None
        if limit.then == "approve":
            self.said[task.id] = "approve"
        elif made and limit.then != "remind" and next(t for t in after.tasks if t.id == task.id).state == "expired":
            self._replace(task.id, made[0])

    def _human(self, id: str) -> Human:
        return next(each for each in self.definition.every() if each.id == id and isinstance(each, Human))

    def _arrived(self, before: Request, after: Request) -> None:
        known = {each.number for each in before.visits}
        humans = {each.id: each for each in self.definition.every() if isinstance(each, Human)}
        for visit in after.visits:
            if visit.number in known or visit.node not in humans:
                continue
            node = humans[visit.node]
            expected = [each.user for each in node.who if each.user != GONE]
            first = [each for each in after.tasks if each.visit == visit.number]
            if expected and node.mode.kind == "random":
                assert len(first) == 1 and first[0].assignee in expected
            elif expected:
                assert [each.assignee for each in first] == expected
            elif node.empty == "approve":
                assert not first
            else:
                assert first, "nobody is there, so somebody else is asked"
            self.slots[visit.number] = [each.id for each in first]

    def approved(self, id: str) -> bool:
        """Whether a task was approved with all its signers. Who waits for a removed signer still decides himself."""
        return self.said.get(id) == "approve" and all(self.approved(each) for each in self.signers.get(id, ()))

    def enough(self, request: Request, visit: int, node: Human) -> bool:
        slots = self.slots[visit]
        if not slots:
            return node.empty == "approve" and not [each for each in node.who if each.user != GONE]
        yes = [id for id in slots if self.approved(id)]
        if request.visit(visit).outcome == "admin":
            return bool(yes)
        match node.mode.kind:
            case "any":
                return bool(yes)
            case "ratio":
                return len(yes) / len(slots) >= node.mode.at_least / 100
            case "weighted":
                weights = {id: 3 if self._heavy(request, id) else 1 for id in slots}
                return sum(weights[id] for id in yes) >= min(node.mode.at_least, sum(weights.values()))
            case _:
                return len(yes) == len(slots)

    def _heavy(self, request: Request, id: str) -> bool:
        assignee = next(each.assignee for each in request.tasks if each.id == id)
        return assignee in self.world.holders["heavy"]

    def complete(self, request: Request, nodes: Sequence[Node], parent: int | None, block: str) -> None:
        """Every node of a block that the record has to pass was passed last with enough approvals."""
        at = 0
        while at < len(nodes):
            node, at = nodes[at], at + 1
            here = [each for each in request.visits if (each.node, each.parent, each.block) == (node.id, parent, block)]
            assert here, f"{node.id} was left out"
            last = here[-1]
            assert last.state == "passed" and not last.undone, last
            match node:
                case Human():
                    assert self.enough(request, last.number, node), f"{node.id} was passed without enough approvals"
                case Branch():
                    for way in self._ways(node):
                        self.complete(request, node.blocks[way], last.number, way)
                case Together():
                    for name, inner in node.branches.items():
                        self.complete(request, inner, last.number, name)
                case Route(to=to, when=when) if self.world.holds(when or "True"):
                    at = next(n for n, each in enumerate(nodes) if each.id == to)

    def _ways(self, node: Branch) -> list[str]:
        holding = [way.id for way in node.ways if self.world.holds(way.when)]
        return (holding if node.inclusive else holding[:1]) or ["else"]


@pytest.mark.parametrize("part", range(6))
def test_no_request_is_approved_without_the_decisions_that_it_needs(part: int) -> None:
    approved = 0
    for seed in range(part * STORIES, part * STORIES + STORIES):
        r = Random(seed)
        definition, world = Draw(r).approval(), village(r)
        ledger = Ledger(definition, world)
        _, request, _ = story(seed, ORDINARY, ledger.take)
        if request.state == "approved":
            approved += 1
            ledger.complete(request, definition.nodes, None, "")
    assert approved > 10


def test_the_oracle_sees_a_missing_decision() -> None:
    """Where one approval is struck from the ledger of a request that needs all of them, the oracle objects."""
    objected = 0
    for seed in range(60):
        r = Random(seed)
        definition, world = Draw(r).approval(), village(r)
        ledger = Ledger(definition, world)
        _, request, _ = story(seed, ORDINARY, ledger.take)
        passed = [each.number for each in request.visits if each.state == "passed" and not each.undone]
        slots = [ledger.slots[each][0] for each in passed if len(ledger.slots.get(each, ())) == 1]
        if request.state == "approved" and slots:
            ledger.said.pop(slots[0], None)
            with pytest.raises(AssertionError, match="enough"):
                ledger.complete(request, definition.nodes, None, "")
            objected += 1
    assert objected > 5


@pytest.mark.parametrize("part", range(3))
def test_every_verb_leaves_a_sound_request(part: int) -> None:
    """`story` proves after each verb: what is over never changes, what is refused changes nothing, what is stored and
    read again goes on the same way, and everything agrees."""
    happened: set[str] = set()

    def seen(before: Request, verb: verbs.Verb, after: Request) -> None:
        happened.add(type(verb).__name__)

    for seed in range(10_000 + part * STORIES, 10_000 + part * STORIES + STORIES):
        story(seed, EVERYTHING, seen)
    assert len(happened) >= 18, happened


def test_a_preview_is_what_the_run_comes_to() -> None:
    for seed in range(150):
        r = Random(seed)
        definition, world = Draw(r, "adjacent").approval(), village(r)
        request = Request("r1", "any", 1, "quote", "q1", "ida")
        expected = preview(definition, world, request)
        request, _ = act(definition, request, verbs.Submit("ida"), world)
        while request.running:
            pending = request.pending()
            if pending:
                verb: verbs.Verb = verbs.Approve(pending[0].assignee, pending[0].id)
            else:
                world = world.later(hours=4)
                verb = verbs.TimerDue(next(each.key for each in request.timers if each.kind == "delay"))
            request, _ = act(definition, request, verb, world)
        assert path(definition, request) == expected, seed


def test_a_request_that_goes_round_many_times_keeps_all_its_histories() -> None:
    definition = Approval(
        "any",
        "any",
        {},
        "quote",
        (Human("n1", {}, who=users("p1")), Human("n2", {}, who=users("p2"))),
        same_approver="none",
    )
    request, world = Request("r1", "any", 1, "quote", "q1", "ida"), Village()
    request, _ = act(definition, request, verbs.Submit("ida"), world)
    for _ in range(100):
        request, _ = act(definition, request, verbs.Approve("p1", request.pending()[0].id), world)
        request, _ = act(definition, request, verbs.Return("p2", request.pending()[0].id, "n1"), world)
    assert len(request.visits) == 201 and loaded(dumped(request)) == request
    assert sum(each.state in OPEN for each in request.tasks) == 1
