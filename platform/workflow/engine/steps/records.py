"""Steps that change records or tell people: one effect, and on."""

from __future__ import annotations

from metadata.workflows import Assign, Create, Delete, Send, Update
from workflow.engine.course import Course
from workflow.engine.effects import AssignRecord, CreateRecord, DeleteRecord, Tell, UpdateRecord
from workflow.engine.steps.behaviour import Behaviour, Result
from workflow.walking import Token


class CreateStep(Behaviour[Create]):
    """Steps after it may name the record that it made."""

    def intend(self, course: Course, token: Token, step: Create) -> CreateRecord:
        values = {field: course.value(token, value) for field, value in step.values.items()}
        return CreateRecord(token.visit, token.step, *course.subject(token), step.entity, values)

    def performed(self, course: Course, token: Token, step: Create, result: Result) -> None:
        if isinstance(result, str):
            course.made[step.id] = result
        super().performed(course, token, step, result)


class UpdateStep(Behaviour[Update]):
    def intend(self, course: Course, token: Token, step: Update) -> UpdateRecord:
        values = {field: course.value(token, value) for field, value in step.values.items()}
        return UpdateRecord(token.visit, token.step, *course.subject(token), values)


class DeleteStep(Behaviour[Delete]):
    def intend(self, course: Course, token: Token, step: Delete) -> DeleteRecord:
        return DeleteRecord(token.visit, token.step, *course.subject(token))


class AssignStep(Behaviour[Assign]):
    def intend(self, course: Course, token: Token, step: Assign) -> AssignRecord:
        return AssignRecord(token.visit, token.step, *course.subject(token), step.assignment, step.to)


class SendStep(Behaviour[Send]):
    """A text for one person by name is an expression; it has its value before it is told."""

    def intend(self, course: Course, token: Token, step: Send) -> Tell:
        entity, record = course.subject(token)
        address = None if step.address is None else course.world.value(step.address, entity, record)
        return Tell(
            token.visit,
            token.step,
            entity,
            record,
            step.to,
            None if address is None else str(address),
            step.by,
            step.subject,
            step.body,
        )
