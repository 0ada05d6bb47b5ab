"""Steps that hold others and decide which of them come next, and the one that ends everything."""

from __future__ import annotations

from dataclasses import replace

from metadata.workflows import Choice, Each, Find, Parallel, Stop, Try, With, walk
from workflow.engine.course import Course
from workflow.engine.effects import FindMany
from workflow.engine.reasons import STOPPED, Reason, reason
from workflow.engine.steps.behaviour import Behaviour, Result
from workflow.walking import Token


class ChoiceStep(Behaviour[Choice]):
    """Conditions are asked in their order, and none after the first that holds."""

    def enter(self, course: Course, token: Token, step: Choice) -> None:
        entity, record = course.subject(token)
        asked: list[dict[str, object]] = []
        block = "else"
        for case in step.cases:
            holds = course.world.holds(case.when, entity, record)
            asked.append({"case": case.id, "when": case.when, "entity": entity, "record": record, "holds": holds})
            if holds:
                block = case.id
                break
        course.note(token, "decided", asked=asked, block=block)
        course.enter(token, block)


class ParallelStep(Behaviour[Parallel]):
    """All branches have arrived before the first of them goes on, so that `any` has something to cancel."""

    def enter(self, course: Course, token: Token, step: Parallel) -> None:
        empty = [not steps for steps in step.branches.values()]
        if all(empty) or (step.join == "any" and any(empty)):
            return course.leave(token)
        here = len(course.ready)
        for branch in step.branches:
            if not course.is_over:
                course.begin_block(token, branch)
        course.ready[here:] = reversed(course.ready[here:])

    def block_over(self, course: Course, token: Token, step: Parallel, block: str) -> None:
        inside = course.walk.children(token.visit)
        if inside and step.join == "all":
            return
        course.note(token, "decided", block=block, join=step.join)
        course.cancel_inside(token)
        course.leave(token)


def _find(course: Course, token: Token, step: Each | Find, limit: int) -> FindMany:
    entity, record = course.subject(token)
    return FindMany(token.visit, token.step, entity, record, step.entity, step.where, step.by, step.sort, limit)


def _ids(result: Result) -> tuple[str, ...]:
    match result:
        case None:
            return ()
        case str():
            return (result,)
        case _:
            return result


class EachStep(Behaviour[Each]):
    """What is found is settled at the beginning; records that come later are not among it."""

    def intend(self, course: Course, token: Token, step: Each) -> FindMany:
        return _find(course, token, step, step.limit)

    def performed(self, course: Course, token: Token, step: Each, result: Result) -> None:
        found = _ids(result)[: step.limit]
        course.note(token, "performed", found=len(found))
        course.waits[token.visit] = replace(course.waits[token.visit], rest=found if step.steps else ())
        self.block_over(course, token, step, "do")

    def block_over(self, course: Course, token: Token, step: Each, block: str) -> None:
        rest = course.waits[token.visit].rest
        if not rest:
            return course.leave(token)
        # What the round before has made is not of this record.
        for inner in walk(step.steps):
            course.made.pop(inner.id, None)
        course.waits[token.visit] = replace(course.waits[token.visit], rest=rest[1:])
        course.begin_block(token, "do", rest[0])


class FindStep(Behaviour[Find]):
    def intend(self, course: Course, token: Token, step: Find) -> FindMany:
        return _find(course, token, step, 1)

    def performed(self, course: Course, token: Token, step: Find, result: Result) -> None:
        found = _ids(result)[:1]
        course.note(token, "performed", found=len(found))
        if found:
            course.enter(token, "found", found[0])
        else:
            course.enter(token, "none")


class WithStep(Behaviour[With]):
    """The record is looked up when the step is reached; a link that changes later leads the run nowhere else."""

    def enter(self, course: Course, token: Token, step: With) -> None:
        found = course.world.value(step.path, *course.subject(token))
        course.note(token, "decided", block="none" if found is None else "do")
        if found is None:
            course.enter(token, "none")
        else:
            course.enter(token, "do", str(found))


class TryStep(Behaviour[Try]):
    """A failure inside is caught by the course itself, see `Course.fail`."""

    def enter(self, course: Course, token: Token, step: Try) -> None:
        course.enter(token, "do")


class StopStep(Behaviour[Stop]):
    """Whoever stops a run means the whole of it: no `try` catches that."""

    def enter(self, course: Course, token: Token, step: Stop) -> None:
        said = Reason(STOPPED.code, dict(step.reason)) if step.reason else reason(STOPPED())
        course.drop(token, "left")
        course.end("failed" if step.failed else "stopped", replace(said, step=token.step, visit=token.visit))
