"""Steps that wait for something outside: time, events, people, other systems, other runs."""

from __future__ import annotations

from datetime import datetime

from metadata.workflows import Ask, CallHttp, HumanTask, Message, Run, Wait
from workflow.engine.course import Course
from workflow.engine.effects import OpenTask, SendRequest, StartWorkflow, SubmitApproval
from workflow.engine.happenings import Answered, Came, Due, Ended, Happened, Settled, TaskOver
from workflow.engine.instance import On, Waiting
from workflow.engine.reasons import CALL_FAILED, NO_MATCH, RUN_FAILED, Reason, reason
from workflow.engine.steps.behaviour import Behaviour, Heard, Result
from workflow.matching import told_value
from workflow.walking import Token


class WaitStep(Behaviour[Wait]):
    def enter(self, course: Course, token: Token, step: Wait) -> None:
        if step.message is not None:
            return self._message(course, token, step, step.message)
        if step.event is None:
            return self._until(course, token, step, self._moment(course, token, step))
        entity, record = course.subject(token)
        waiting = Waiting("event", event=step.event, entity=entity, record=record)
        course.wait_at_most(token, waiting, step.timeout, step.calendar)

    def _message(self, course: Course, token: Token, step: Wait, message: Message) -> None:
        entity, record = course.subject(token)
        key = told_value(course.world.value(message.match or "", entity, record))
        if key is None:
            return course.fail(token, reason(NO_MATCH(text=message.match or "")))
        waiting = Waiting("message", entity=entity, record=record, key=key)
        course.wait_at_most(token, waiting, step.timeout, step.calendar)

    def _moment(self, course: Course, token: Token, step: Wait) -> datetime | None:
        if step.until is not None:
            return course.world.moment(step.until, *course.subject(token))
        return course.world.after(step.span or "P0D", step.calendar, course.world.now)

    def _until(self, course: Course, token: Token, step: Wait, moment: datetime | None) -> None:
        if moment is None:
            course.fail_for(token, step.until or step.span or "")
        elif moment <= course.world.now:
            course.leave(token)
        else:
            course.wait(token, Waiting("timer"), over=moment)

    def heard(self, course: Course, token: Token, step: Wait, happening: Heard) -> bool:
        match happening:
            case Due(kind="over"):
                self._over(course, token, step)
            case Due(kind="late"):
                course.resume(token, fired="late", by="timeout")
                course.enter(token, "late")
            case Happened():
                self._happened(course, token, step, happening)
            case Came(answer=answer):
                course.resume(token, by="message", answer=dict(answer))
                course.leave(token)
            case _:
                return False
        return True

    def _over(self, course: Course, token: Token, step: Wait) -> None:
        """The date of a record may have moved since the timer was set: what counts is the date that it has now."""
        course.resume(token, fired="over", by="timer")
        if step.until is None:
            course.leave(token)
        else:
            self._until(course, token, step, self._moment(course, token, step))

    def _happened(self, course: Course, token: Token, step: Wait, happening: Happened) -> None:
        if step.when is not None:
            entity, record = course.subject(token)
            holds = course.world.holds(step.when, entity, record)
            asked = {"when": step.when, "entity": entity, "record": record, "holds": holds}
            course.note(token, "decided", asked=[asked], event=happening.kind, changed=list(happening.changed))
            if not holds:
                return
        course.resume(token, by=happening.kind, changed=list(happening.changed))
        course.leave(token)


class TaskStep(Behaviour[HumanTask]):
    def intend(self, course: Course, token: Token, step: HumanTask) -> OpenTask:
        due = None if step.due is None else course.world.after(step.due, step.calendar, course.world.now)
        return OpenTask(token.visit, token.step, *course.subject(token), step.title, step.to, due)

    def performed(self, course: Course, token: Token, step: HumanTask, result: Result) -> None:
        course.wait_at_most(token, _opened("task", result), step.timeout, step.calendar)

    def heard(self, course: Course, token: Token, step: HumanTask, happening: Heard) -> bool:
        match happening:
            case TaskOver(outcome=outcome):
                course.resume(token, by="task", outcome=outcome)
                course.enter(token, outcome)
            case Due(kind="late"):
                course.resume(token, fired="late", is_over=False, by="timeout")
                course.enter(token, "late")
            case _:
                return False
        return True


class ApprovalStep(Behaviour[Ask]):
    def intend(self, course: Course, token: Token, step: Ask) -> SubmitApproval:
        return SubmitApproval(token.visit, token.step, *course.subject(token), step.approval)

    def performed(self, course: Course, token: Token, step: Ask, result: Result) -> None:
        course.wait(token, _opened("approval", result))

    def heard(self, course: Course, token: Token, step: Ask, happening: Heard) -> bool:
        if not isinstance(happening, Settled):
            return False
        course.resume(token, by="approval", outcome=happening.outcome)
        course.enter(token, happening.outcome)
        return True


class CallStep(Behaviour[CallHttp]):
    """Without a block for it, a call that did not go well is a failure of the step."""

    def intend(self, course: Course, token: Token, step: CallHttp) -> SendRequest:
        body = {key: course.value(token, value) for key, value in step.body.items()} or None
        return SendRequest(token.visit, token.step, *course.subject(token), step.url, step.method, body, step.secret)

    def performed(self, course: Course, token: Token, step: CallHttp, result: Result) -> None:
        course.wait(token, _opened("answer", result))

    def failed(self, course: Course, token: Token, step: CallHttp, why: Reason) -> None:
        if not step.failed:
            return course.fail(token, why)
        course.resume(token, by="answer", ok=False, code=why.code, texts=dict(why.texts))
        course.enter(token, "failed")

    def heard(self, course: Course, token: Token, step: CallHttp, happening: Heard) -> bool:
        if not isinstance(happening, Answered):
            return False
        course.resume(token, by="answer", ok=happening.ok, answer=dict(happening.answer))
        if happening.ok:
            course.enter(token, "ok")
        elif step.failed:
            course.enter(token, "failed")
        else:
            course.fail(token, reason(CALL_FAILED(status=happening.answer.get("status", "-"))))
        return True


class RunStep(Behaviour[Run]):
    """One that is not waited for is on its own once it is started."""

    def intend(self, course: Course, token: Token, step: Run) -> StartWorkflow:
        return StartWorkflow(token.visit, token.step, *course.subject(token), step.workflow, step.wait)

    def performed(self, course: Course, token: Token, step: Run, result: Result) -> None:
        if step.wait:
            course.wait(token, _opened("workflow", result))
        else:
            super().performed(course, token, step, result)

    def heard(self, course: Course, token: Token, step: Run, happening: Heard) -> bool:
        if not isinstance(happening, Ended) or not step.wait:
            return False
        course.resume(token, by="workflow", ok=happening.ok)
        if happening.ok:
            course.leave(token)
        else:
            course.fail(token, reason(RUN_FAILED(workflow=step.workflow)))
        return True


def _opened(on: On, result: Result) -> Waiting:
    return Waiting(on, opened=result if isinstance(result, str) else None)
