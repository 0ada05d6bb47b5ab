"""A run while it moves: the tokens, what they wait for and the effects so far, within one `advance`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from metadata.problems import Label
from metadata.workflows import Each, Find, Step, Try, Value, With, Workflow
from workflow import walking
from workflow.engine.effects import (
    Answerable,
    CancelRequest,
    CancelWorkflow,
    ClearTimer,
    CloseTask,
    Effect,
    LineKind,
    Note,
    SetTimer,
    WithdrawApproval,
)
from workflow.engine.instance import FINAL, Instance, State, TimerKind, Waiting
from workflow.engine.reasons import NO_MOMENT, TOO_MANY_STEPS, Reason, reason
from workflow.engine.world import World
from workflow.walking import Token, Tree

MOST_STEPS = 1000
"""How many steps one run may enter. It keeps a wrong definition from working for ever."""
TIMERS: tuple[TimerKind, ...] = ("over", "late")


class Over(NamedTuple):
    """The block of that name of a token's step has been gone through."""

    token: Token
    block: str


class Course:
    """The parts of an instance, to be changed. `ready` is a stack: a branch goes as far as it can before the next."""

    def __init__(self, workflow: Workflow, instance: Instance, world: World) -> None:
        self.workflow, self.instance, self.world = workflow, instance, world
        self.tree = Tree(workflow.steps)
        self.walk = instance.walk
        self.waits = dict(instance.waits)
        self.made = dict(instance.made)
        self.steps_done = instance.steps_done
        self.state: State = instance.state
        self.error = instance.error
        self.effects: list[Effect] = []
        self.ready: list[Token | Over] = []

    def result(self) -> tuple[Instance, tuple[Effect, ...]]:
        """The instance as it is now, and what is to be done."""
        state = self.state
        if state not in FINAL:
            state = "running" if any(each.on == "effect" for each in self.waits.values()) else "waiting"
        moved = replace(
            self.instance,
            state=state,
            walk=self.walk,
            waits=MappingProxyType(self.waits),
            made=MappingProxyType(self.made),
            steps_done=self.steps_done,
            error=self.error,
        )
        return moved, tuple(self.effects)

    @property
    def is_over(self) -> bool:
        return self.state in FINAL

    # What stands where

    def step(self, token: Token) -> Step:
        found = self.tree.step(token.step)
        assert isinstance(found, Step)
        return found

    def subject(self, token: Token) -> tuple[str, str | None]:
        """Entity and id of the record that a token's block is about."""
        entity = self.workflow.entity
        for above, block in self.tree.above(token.step):
            match self.tree.step(above), block:
                case (Each(entity=entity), "do") | (Find(entity=entity), "found") | (With(entity=entity), "do"):
                    break
        return entity, self.walk.record(token) or self.instance.record

    def place(self, token: Token) -> str:
        """The steps that lead to a token, for people: `lines > check > new`."""
        above = [id for id, _ in self.tree.above(token.step)]
        return " > ".join([*reversed(above), token.step])

    def value(self, token: Token, value: Value) -> Any:
        """What a field is set to: an expression's value, or the id of a record that the run knows."""
        entity, record = self.subject(token)
        if value.expression is not None:
            return self.world.value(value.expression, entity, record)
        match value.record:
            case None:
                return None
            case "record":
                return record
            case "start":
                return self.instance.record
            case made:
                return self.made.get(made)

    def note(self, token: Token | None, kind: LineKind, **detail: Any) -> None:
        visit, step = (0, "") if token is None else (token.visit, token.step)
        self.effects.append(Note(visit, step, kind, MappingProxyType(detail)))

    # Forward

    def begin(self) -> None:
        """Arrive at the first step; a workflow without any is done."""
        self.note(None, "begun", record=self.instance.record)
        self.walk, token = self.tree.enter(self.walk, None)
        if token is None:
            self.end("done")
        else:
            self._arrived(token)

    def enter(self, token: Token, block: str, record: str | None = None) -> None:
        """Go into a block of a token's step; when there is nothing in it, the step is left."""
        if not self.begin_block(token, block, record):
            self.leave(token)

    def begin_block(self, token: Token, block: str, record: str | None = None) -> bool:
        """Arrive at the first step of a block; false when the block is empty."""
        self.waits[token.visit] = replace(self.waits[token.visit], on="block")
        self.walk, inner = self.tree.enter(self.walk, token, block, record)
        if inner is not None:
            self._arrived(inner)
        return inner is not None

    def leave(self, token: Token) -> None:
        """A step is done: go on to the next, or let the step around it know that its block is over."""
        self.note(token, "left")
        del self.waits[token.visit]
        self.walk, following, parent = self.tree.leave(self.walk, token)
        if following is not None:
            self._arrived(following)
        elif parent is not None:
            self.ready.append(Over(parent, token.block))
        else:
            self.end("done")

    def _arrived(self, token: Token) -> None:
        if self.steps_done == MOST_STEPS:
            problem = TOO_MANY_STEPS(most=MOST_STEPS, chain=self.place(token))
            return self.end("failed", replace(reason(problem), step=token.step, visit=token.visit))
        self.steps_done += 1
        self.waits[token.visit] = Waiting("block")
        self.note(token, "entered", record=self.subject(token)[1])
        self.ready.append(token)

    def begin_at(self, token: Token, step: str) -> None:
        """Arrive at a step, in the block in which a token stood that is no longer there."""
        outside = self.tree.block_of(step) == (None, "")
        place = Token(0, step) if outside else replace(token, step=step)
        self.walk, arrived = walking.arrive(self.walk, place)
        self._arrived(arrived)

    # Waiting

    def perform(self, token: Token, effect: Answerable) -> None:
        """Wait until an effect is answered."""
        self.waits[token.visit] = replace(self.waits[token.visit], on="effect")
        self.effects.append(effect)

    def wait(self, token: Token, waiting: Waiting, **timers: datetime) -> None:
        """Wait for something outside, with these timers."""
        kept = tuple(kind for kind in TIMERS if kind in timers)
        self.waits[token.visit] = replace(waiting, timers=kept)
        for kind in kept:
            self.effects.append(SetTimer(token.visit, token.step, kind, timers[kind]))
        opened = {} if waiting.opened is None else {"opened": waiting.opened}
        times = {kind: timers[kind].isoformat() for kind in kept}
        self.note(token, "waiting", on=waiting.on, **opened, **times)

    def wait_at_most(self, token: Token, waiting: Waiting, timeout: str | None, calendar: str | None) -> None:
        """Wait for something outside, until `late` when there is a timeout."""
        if timeout is None:
            return self.wait(token, waiting)
        late = self.world.after(timeout, calendar, self.world.now)
        if late is None:
            self.waits[token.visit] = waiting
            return self.fail_for(token, timeout)
        self.wait(token, waiting, late=late)

    def resume(self, token: Token, *, fired: TimerKind | None = None, is_over: bool = True, **detail: Any) -> None:
        """Go on after something outside. What was opened is over by that, unless `is_over` is false: it is closed."""
        self._release(token, fired=fired, is_over=is_over)
        self.note(token, "resumed", **detail)

    def _release(self, token: Token, *, fired: TimerKind | None = None, is_over: bool = False) -> None:
        """Void the timers of a token, and close what it has opened."""
        waiting = self.waits[token.visit]
        visit, step = token.visit, token.step
        self.effects.extend(ClearTimer(visit, step, kind) for kind in waiting.timers if kind != fired)
        if waiting.opened is not None and not is_over:
            match waiting.on:
                case "task":
                    self.effects.append(CloseTask(visit, step, waiting.opened))
                case "approval":
                    self.effects.append(WithdrawApproval(visit, step, waiting.opened))
                case "answer":
                    self.effects.append(CancelRequest(visit, step, waiting.opened))
                case "workflow":
                    self.effects.append(CancelWorkflow(visit, step, waiting.opened))
                case "effect" | "timer" | "event" | "message" | "block":
                    pass
        self.waits[token.visit] = Waiting("block")

    # Failures and ends

    def fail(self, token: Token, why: Reason) -> None:
        """A step has failed for good: the nearest `try` around it catches that, else the whole run fails."""
        why = replace(why, step=token.step, visit=token.visit)
        guard = self._guard(token)
        self.cancel_inside(token)
        self.drop(token, "failed", code=why.code, texts=dict(why.texts), final=True)
        if guard is None:
            return self.end("failed", why)
        self.cancel_inside(guard)
        self.note(guard, "decided", block="catch")
        self.enter(guard, "catch")

    def fail_for(self, token: Token, text: str) -> None:
        """A step fails because a text gives no moment."""
        self.fail(token, reason(NO_MOMENT(text=text)))

    def _guard(self, token: Token) -> Token | None:
        while token.parent is not None:
            above = self.walk.at(token.parent)
            assert above is not None
            if token.block == "do" and isinstance(self.step(above), Try):
                return above
            token = above
        return None

    def end(self, state: State, why: Reason | None = None) -> None:
        """The run is over: whatever still stands somewhere is cancelled."""
        self.state, self.error = state, why
        for token in [each for each in self.walk.tokens if each.parent is None]:
            self.cancel_inside(token)
            self.drop(token, "cancelled")
        said: dict[str, Label | str] = {} if why is None else {"code": why.code, "texts": dict(why.texts)}
        self.note(None, "ended", state=state, **said)

    def cancel_inside(self, token: Token) -> None:
        """Cancel all tokens within a composite step, the innermost first."""
        for each in tuple(self.walk.below(token.visit)):
            self.drop(each, "cancelled")

    def drop(self, token: Token, kind: LineKind, **detail: Any) -> None:
        """Take a token away, and close what it has opened. What it only wanted is not due any more, see `is_due`."""
        self.walk = walking.cancel(self.walk, token)
        if token.visit in self.waits:  # Not when it arrived beyond the budget: then it was never entered.
            self._release(token)
            self.note(token, kind, **detail)
            del self.waits[token.visit]
