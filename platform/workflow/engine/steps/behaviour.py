"""What a kind of step may do when a run comes to it, and what it does unless it says otherwise."""

from __future__ import annotations

from typing import Generic, TypeVar

from metadata.workflows import Step
from workflow.engine.course import Course
from workflow.engine.effects import Answerable
from workflow.engine.happenings import Answered, Came, Due, Ended, Happened, Settled, TaskOver
from workflow.engine.reasons import Reason
from workflow.walking import Token

S = TypeVar("S", bound=Step)
Heard = Due | Happened | TaskOver | Settled | Answered | Came | Ended
Result = str | tuple[str, ...] | None


class Behaviour(Generic[S]):
    """One kind of step. It has no state of its own: everything is in the course."""

    def intend(self, course: Course, token: Token, step: S) -> Answerable | None:
        """The effect that the step begins with; asked again when the effect is to be tried again."""
        return None

    def enter(self, course: Course, token: Token, step: S) -> None:
        """A token has arrived."""
        effect = self.intend(course, token, step)
        if effect is None:
            course.leave(token)
        else:
            course.perform(token, effect)

    def performed(self, course: Course, token: Token, step: S, result: Result) -> None:
        """The effect is done."""
        course.note(token, "performed", **({} if result is None else {"result": result}))
        course.leave(token)

    def failed(self, course: Course, token: Token, step: S, why: Reason) -> None:
        """The effect, or what it has opened, has failed for good."""
        course.fail(token, why)

    def heard(self, course: Course, token: Token, step: S, happening: Heard) -> bool:
        """Something came from outside. False: the step does not wait for that."""
        return False

    def block_over(self, course: Course, token: Token, step: S, block: str) -> None:
        """One of its blocks has been gone through."""
        course.leave(token)
