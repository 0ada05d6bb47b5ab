"""What must be true of any workflow, whatever happens to it in whatever order."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.model import EMPTY
from metadata.workflows import (
    Ask,
    CallHttp,
    Case,
    Choice,
    Create,
    Each,
    Find,
    HumanTask,
    Message,
    Parallel,
    Run,
    Step,
    Steps,
    Stop,
    Try,
    Update,
    Value,
    Wait,
    With,
    Workflow,
)
from tests.stepping import NO, START, Answers, made_of
from workflow.engine import (
    FINAL,
    MOST_STEPS,
    Answered,
    Begin,
    Came,
    Cancel,
    CancelRequest,
    CancelWorkflow,
    ClearTimer,
    CloseTask,
    Due,
    Effect,
    Ended,
    Failed,
    FindMany,
    Happened,
    Happening,
    Instance,
    Note,
    Performed,
    SetTimer,
    Settled,
    TaskOver,
    WithdrawApproval,
    advance,
    again,
    dumped,
    is_due,
    loaded,
    new_instance,
)

MOST_HAPPENINGS = 20 * MOST_STEPS
CLOSERS = (CloseTask, WithdrawApproval, CancelRequest, CancelWorkflow)
CONDITIONS = ("yes", "no", "empty", "sometimes")

# Any workflow


MESSAGE = Message("paid", "no", match="to")


class Grower:
    """Grows a workflow from a source of chance, with ids of its own for each step."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.ids = (f"s{number}" for number in count())
        self.left = 120

    def block(self, depth: int) -> Steps:
        size = self.chance.choice((0, 1, 2, 2, 3)) if depth >= 0 else 0
        return tuple(self.step(depth) for _ in range(size) if self.left > 0)

    def step(self, depth: int) -> Step:
        self.left -= 1
        kinds = [*self.leaves, *self.composites] if depth > 0 else self.leaves
        grow: Callable[[Grower, str, int], Step] = self.chance.choice(kinds)
        return grow(self, next(self.ids), depth - 1)

    def choice(self, id: str, depth: int) -> Step:
        names = [f"c{number}" for number in range(self.chance.randint(0, 2))]
        cases = tuple(Case(name, self.chance.choice(CONDITIONS), self.block(depth)) for name in names)
        return Choice(id, EMPTY, cases=cases, otherwise=self.block(depth))

    def parallel(self, id: str, depth: int) -> Step:
        branches = {f"b{number}": self.block(depth) for number in range(self.chance.randint(0, 3))}
        return Parallel(id, EMPTY, branches=branches, join="any" if self.chance.random() < 0.5 else "all")

    def each(self, id: str, depth: int) -> Step:
        return Each(id, EMPTY, entity="line", limit=self.chance.randint(1, 3), steps=self.block(depth))

    def find(self, id: str, depth: int) -> Step:
        return Find(id, EMPTY, entity="account", found=self.block(depth), none=self.block(depth))

    def linked(self, id: str, depth: int) -> Step:
        path = self.chance.choice(("to", "nothing"))
        return With(id, EMPTY, path=path, entity="account", steps=self.block(depth), none=self.block(depth))

    def guard(self, id: str, depth: int) -> Step:
        return Try(id, EMPTY, steps=self.block(depth), catch=self.block(depth))

    def task(self, id: str, depth: int) -> Step:
        timeout = self.chance.choice((None, "PT5H"))
        done, dropped, late = (self.block(depth) for _ in range(3))
        return HumanTask(id, EMPTY, timeout=timeout, done=done, dropped=dropped, late=late)

    def ask(self, id: str, depth: int) -> Step:
        return Ask(id, EMPTY, approved=self.block(depth), rejected=self.block(depth))

    def call(self, id: str, depth: int) -> Step:
        return CallHttp(id, EMPTY, ok=self.block(depth), failed=self.block(depth))

    def wait(self, id: str, depth: int) -> Step:
        late = self.block(depth)
        return self.chance.choice(
            (
                Wait(id, EMPTY, span=self.chance.choice(("PT0H", "PT1H", "PT2H", "PT3H", "P9999Y"))),
                Wait(id, EMPTY, until=self.chance.choice(("soon", "soon", "past", "nothing"))),
                Wait(
                    id, EMPTY, event="updated", when=self.chance.choice((None, *CONDITIONS)), timeout="PT1H", late=late
                ),
                Wait(id, EMPTY, event="updated", timeout=self.chance.choice((None, "PT1H")), late=late),
                Wait(id, EMPTY, message=MESSAGE, timeout=self.chance.choice((None, "PT1H")), late=late),
            )
        )

    def create(self, id: str, depth: int) -> Step:
        return Create(id, EMPTY, entity="note")

    def update(self, id: str, depth: int) -> Step:
        return Update(id, EMPTY, values={"x": Value("sometimes"), "y": Value(record="record")})

    def run(self, id: str, depth: int) -> Step:
        return Run(id, EMPTY, workflow="other", wait=self.chance.random() < 0.85)

    def stop(self, id: str, depth: int) -> Step:
        return (
            Stop(id, EMPTY, failed=self.chance.random() < 0.5) if self.chance.random() < 0.1 else self.update(id, depth)
        )

    leaves = (task, ask, call, wait, create, update, update, run, stop)
    composites = (choice, parallel, parallel, each, each, find, linked, guard, guard)


def grown(chance: random.Random) -> Workflow:
    grower = Grower(chance)
    return made_of(*(step for _ in range(3) for step in grower.block(3)))


class Fickle(Answers):
    """`sometimes` differs by record, and everything is the same when it is asked again."""

    def value(self, text: str, entity: str, record: str | None) -> object:
        if text == "sometimes":
            return sum((record or "").encode()) % 2 == 0
        if text == "to":
            return f"to {record}"
        return {"yes": True, "no": False, "soon": START.replace(hour=12), "past": START.replace(hour=1)}.get(text)


# Any order of happenings


@dataclass
class Ledger:
    """What is outside: timers that are set and things that are open, as the performed effects left them."""

    timers: set[tuple[int, str]] = field(default_factory=set)
    opened: dict[int, str] = field(default_factory=dict)
    lines: list[tuple[str, int, bool]] = field(default_factory=list)

    def take(self, effect: Effect) -> None:
        match effect:
            case SetTimer():
                self.timers.add((effect.visit, effect.kind))
            case ClearTimer():
                self.timers.discard((effect.visit, effect.kind))
            case CloseTask() | WithdrawApproval() | CancelRequest() | CancelWorkflow():
                del self.opened[effect.visit]
            case Note():
                self.lines.append((effect.kind, effect.visit, bool(effect.detail.get("final", True))))
                assert json.loads(json.dumps(dict(effect.detail))) == dict(effect.detail)
            case _:
                pass


class Player:
    """Plays a workflow to its end, with happenings by chance."""

    def __init__(self, chance: random.Random, workflow: Workflow) -> None:
        self.chance, self.workflow = chance, workflow
        self.world = Fickle()
        self.instance = new_instance("i", workflow, release=1, record="r1")
        self.queue: list[Effect] = []
        self.ledger = Ledger()
        self.told: list[Happening] = []
        self.seen: list[tuple[Effect, ...]] = []

    def play(self) -> None:
        self.tell(Begin())
        while self.instance.state not in FINAL:
            assert len(self.told) < MOST_HAPPENINGS
            if self.queue:
                self.perform(self.queue.pop(0))
            else:
                self.tell(self.something())
            self.check()
        while self.queue:
            effect = self.queue.pop(0)
            if is_due(self.instance, effect):
                self.ledger.take(effect)

    def tell(self, happening: Happening) -> None:
        self.told.append(happening)
        self.instance, effects = advance(self.workflow, self.instance, happening, self.world)
        self.seen.append(effects)
        self.queue.extend(effects)

    def perform(self, effect: Effect) -> None:
        if not is_due(self.instance, effect):
            return
        self.ledger.take(effect)
        if not effect.answers:
            return
        luck = self.chance.random()
        if luck < 0.05:
            self.tell(Failed(effect.visit, NO, final=False))
        if luck < 0.03:
            self.tell(Failed(effect.visit, NO))
        elif isinstance(effect, FindMany):
            self.tell(Performed(effect.visit, tuple(f"r{self.chance.randint(2, 99)}" for _ in range(int(luck * 5)))))
        else:
            self.tell(Performed(effect.visit, f"id{effect.visit}"))
            waiting = self.instance.waits.get(effect.visit)
            if waiting is not None and waiting.opened is not None:
                self.ledger.opened[effect.visit] = waiting.opened

    def something(self) -> Happening:
        """What one of the tokens waits for; now and then the end."""
        if self.chance.random() < 0.005:
            return Cancel(NO)
        visit, waiting = self.chance.choice([each for each in self.instance.waits.items() if each[1].on != "block"])
        if waiting.timers and (waiting.on == "timer" or self.chance.random() < 0.3):
            self.ledger.timers.remove((visit, waiting.timers[0]))
            self.world.now = max(self.world.now, START.replace(hour=12))
            return Due(visit, waiting.timers[0])
        if waiting.on == "event":
            # When nothing else can happen to a wait whose condition never holds, somebody ends the run.
            hopeless = self.chance.random() < 0.02
            return Cancel(NO) if hopeless else Happened("updated", waiting.record or "")
        self.ledger.opened.pop(visit, None)
        match waiting.on:
            case "message":
                return Came(visit, {"message": "m"})
            case "task":
                return TaskOver(visit, self.chance.choice(("done", "dropped")))
            case "approval":
                return Settled(visit, self.chance.choice(("approved", "rejected", "withdrawn")))
            case "answer":
                return Answered(visit, self.chance.random() < 0.85)
            case _:
                return Ended(visit, self.chance.random() < 0.85)

    def check(self) -> None:
        """What must be true between any two happenings."""
        waits = self.instance.waits
        assert {each.visit for each in self.instance.walk.tokens} == waits.keys()
        if self.instance.state not in FINAL:
            running = any(each.on == "effect" for each in waits.values())
            assert self.instance.state == ("running" if running else "waiting")
            assert any(each.on != "block" for each in waits.values()), "nothing could ever happen"
        wanted = sorted((each.visit, type(each)) for each in self.queue if each.answers and is_due(self.instance, each))
        assert sorted((each.visit, type(each)) for each in again(self.workflow, self.instance, self.world)) == wanted
        if not self.queue:
            assert self.ledger.timers == {(visit, kind) for visit, each in waits.items() for kind in each.timers}
            assert self.ledger.opened == {v: each.opened for v, each in waits.items() if each.opened is not None}


def played(seed: int) -> Player:
    chance = random.Random(seed)
    player = Player(chance, grown(chance))
    player.play()
    return player


SEEDS = st.integers(min_value=0, max_value=2**32)
MANY = settings(max_examples=150, deadline=None)


@MANY
@given(SEEDS)
def test_every_run_ends_within_its_budget_and_leaves_nothing_behind(seed: int) -> None:
    player = played(seed)
    assert player.instance.state in FINAL
    assert player.instance.walk.tokens == () and not player.instance.waits
    assert player.instance.steps_done <= MOST_STEPS
    assert player.ledger.timers == set() and player.ledger.opened == {}
    assert not again(player.workflow, player.instance, player.world)


@MANY
@given(SEEDS)
def test_every_arrival_ends_exactly_once(seed: int) -> None:
    lines = played(seed).ledger.lines
    entered = Counter(visit for kind, visit, _ in lines if kind == "entered")
    ended = Counter(
        visit for kind, visit, final in lines if kind in ("left", "cancelled") or (kind == "failed" and final)
    )
    assert set(entered.values()) <= {1}
    assert ended == entered
    assert [kind for kind, visit, _ in lines if visit == 0] == ["begun", "ended"]


@MANY
@given(SEEDS)
def test_saving_and_restoring_between_any_two_happenings_changes_nothing(seed: int) -> None:
    player = played(seed)
    world = Fickle()
    instance = new_instance("i", player.workflow, release=1, record="r1")
    for happening, expected in zip(player.told, player.seen, strict=True):
        if isinstance(happening, Due):
            world.now = START.replace(hour=12)
        instance, effects = advance(player.workflow, through_json(instance), happening, world)
        assert effects == expected
    assert instance == through_json(instance) == player.instance


def through_json(instance: Instance) -> Instance:
    restored = loaded(json.loads(json.dumps(dumped(instance))))
    assert restored == instance
    return restored


@MANY
@given(SEEDS)
def test_what_was_told_once_is_stale_when_it_is_told_again(seed: int) -> None:
    """Only what may come any number of times is not: an event, a failure to be tried again, a timer set anew."""
    player = played(seed)
    world = Fickle(now=START.replace(hour=12))
    instance = new_instance("i", player.workflow, release=1, record="r1")
    for happening in player.told:
        instance, _ = advance(player.workflow, instance, happening, world)
        if not may_come_again(instance, happening):
            assert advance(player.workflow, instance, happening, world) == (instance, ())


def may_come_again(instance: Instance, happening: Happening) -> bool:
    match happening:
        case Happened():
            return True
        case Failed():
            return not happening.final
        case Due() if happening.visit in instance.waits:
            return happening.kind in instance.waits[happening.visit].timers
    return False


def test_the_workflows_that_are_grown_come_to_every_end_and_every_kind_of_line() -> None:
    """Otherwise what the tests above find means little."""
    players = [played(seed) for seed in range(300)]
    assert {each.instance.state for each in players} == FINAL
    kinds = {kind for each in players for kind, _, _ in each.ledger.lines}
    assert kinds == {
        "begun",
        "entered",
        "decided",
        "performed",
        "waiting",
        "resumed",
        "failed",
        "left",
        "cancelled",
        "ended",
    }
    effects = {type(effect) for each in players for effects in each.seen for effect in effects}
    assert effects.issuperset(CLOSERS)
    assert max(len(each.told) for each in players) > 50
    assert max(each.instance.steps_done for each in players) > 50
