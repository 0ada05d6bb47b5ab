"""The engine: an instance is told what has happened, moves as far as it can, and says what it wants done.

Nothing here raises for a workflow that compiles. What a run does not wait for changes nothing and gives no effects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from metadata.workflows import Workflow
from workflow.engine.course import Course, Over
from workflow.engine.effects import Effect, SetTimer
from workflow.engine.happenings import (
    Answered,
    Begin,
    Came,
    Cancel,
    Due,
    Ended,
    Failed,
    Happened,
    Happening,
    Performed,
    Settled,
    TaskOver,
)
from workflow.engine.instance import Instance, On
from workflow.engine.reasons import TOO_DEEP, UNKNOWN_STEP, reason
from workflow.engine.steps import behaviour_of
from workflow.engine.steps.behaviour import Heard
from workflow.engine.world import World

MOST_DEPTH = 8
"""How many runs may have led to one: what workflows start by what they do would otherwise never end."""


def advance(
    workflow: Workflow, instance: Instance, happening: Happening, world: World
) -> tuple[Instance, tuple[Effect, ...]]:
    """The instance after what has happened, and what it wants done, in order."""
    if instance.is_over:
        return instance, ()
    course = Course(workflow, instance, world)
    gone = next((each for each in instance.walk.tokens if not course.tree.knows(each.step)), None)
    if gone is not None:
        course.end("failed", replace(reason(UNKNOWN_STEP(step=gone.step)), step=gone.step, visit=gone.visit))
    elif not _take(course, happening):
        return instance, ()
    return course.result()


def again(workflow: Workflow, instance: Instance, world: World) -> tuple[Effect, ...]:
    """The effects that have not been answered: after a failure that was not final, or a stop in the middle."""
    course = Course(workflow, instance, world)
    wanting = [each for each in instance.walk.tokens if instance.waits[each.visit].on == "effect"]
    intended = [behaviour_of(step := course.step(token)).intend(course, token, step) for token in wanting]
    return tuple(each for each in intended if each is not None)


def is_due(instance: Instance, effect: Effect) -> bool:
    """Whether an effect is still wanted, now that the ones before it have been performed and answered."""
    waiting = instance.waits.get(effect.visit)
    if effect.answers:
        return waiting is not None and waiting.on == "effect"
    if isinstance(effect, SetTimer):
        return waiting is not None and effect.kind in waiting.timers
    return True


def _take(course: Course, happening: Happening) -> bool:
    """Whether the run has waited for this."""
    match happening:
        case Begin():
            return _begin(course, happening)
        case Cancel(reason=why):
            course.end("cancelled", why)
            return True
        case Performed():
            return _performed(course, happening)
        case Failed():
            return _failed(course, happening)
        case Happened():
            return _happened(course, happening)
        case Due():
            waiting = course.waits.get(happening.visit)
            return waiting is not None and happening.kind in waiting.timers and _heard(course, happening)
        case TaskOver():
            return _waits_on(course, happening.visit, "task") and _heard(course, happening)
        case Settled():
            return _waits_on(course, happening.visit, "approval") and _heard(course, happening)
        case Answered():
            return _waits_on(course, happening.visit, "answer") and _heard(course, happening)
        case Came():
            return _waits_on(course, happening.visit, "message") and _heard(course, happening)
        case Ended():
            return _waits_on(course, happening.visit, "workflow") and _heard(course, happening)
        case _:
            assert_never(happening)


def _waits_on(course: Course, visit: int, on: On) -> bool:
    """What was opened may be over before the run is told that it has been opened."""
    waiting = course.waits.get(visit)
    return waiting is not None and waiting.on in (on, "effect")


def _begin(course: Course, happening: Begin) -> bool:
    if course.walk.visits or course.instance.state != "running":
        return False
    if course.instance.depth > MOST_DEPTH:
        chain = " > ".join([*happening.chain, course.workflow.key])
        course.end("failed", reason(TOO_DEEP(most=MOST_DEPTH, chain=chain)))
        return True
    course.begin()
    go_on(course)
    return True


def _performed(course: Course, happening: Performed) -> bool:
    token = course.walk.at(happening.visit)
    if token is None or course.waits[token.visit].on != "effect":
        return False
    step = course.step(token)
    behaviour_of(step).performed(course, token, step, happening.result)
    go_on(course)
    return True


def _failed(course: Course, happening: Failed) -> bool:
    token = course.walk.at(happening.visit)
    if token is None or course.waits[token.visit].on == "block":
        return False
    why = happening.reason
    if not happening.final:
        course.note(token, "failed", code=why.code, texts=dict(why.texts), final=False)
        return True
    step = course.step(token)
    behaviour_of(step).failed(course, token, step, why)
    go_on(course)
    return True


def _happened(course: Course, happening: Happened) -> bool:
    """Every token that waits for this event of this record; one may cancel another."""
    found = [
        visit
        for visit, each in course.waits.items()
        if each.on == "event" and each.event == happening.kind and each.record == happening.record
    ]
    for visit in found:
        token = course.walk.at(visit)
        if token is not None:
            step = course.step(token)
            behaviour_of(step).heard(course, token, step, happening)
            go_on(course)
    return bool(found)


def _heard(course: Course, happening: Due | TaskOver | Settled | Answered | Came | Ended) -> bool:
    token = course.walk.at(happening.visit)
    if token is None:
        return False
    step = course.step(token)
    heard: Heard = happening
    if not behaviour_of(step).heard(course, token, step, heard):
        return False
    go_on(course)
    return True


def go_on(course: Course) -> None:
    """Move until every token waits. What a later part has cancelled is no longer there when its turn comes."""
    while course.ready:
        item = course.ready.pop()
        token, block = (item.token, item.block) if isinstance(item, Over) else (item, None)
        if course.walk.at(token.visit) is None:
            continue
        step = course.step(token)
        if block is None:
            behaviour_of(step).enter(course, token, step)
        else:
            behaviour_of(step).block_over(course, token, step, block)
