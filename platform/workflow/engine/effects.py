"""What a run wants done. The engine intends, the runtime performs, in the order in which they are given.

An effect whose `answers` is true is answered with `Performed` or `Failed` for its visit; the run does not go on from
there before. The others are done and forgotten. Performing one may make a later one void: ask `is_due` before each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from metadata.model import EMPTY
from metadata.problems import Label
from metadata.workflows import Person
from workflow.engine.instance import TimerKind

LineKind = Literal[
    "begun", "entered", "decided", "performed", "waiting", "resumed", "failed", "left", "cancelled", "moved", "ended"
]


@dataclass(frozen=True, slots=True)
class _Effect:
    """`visit` and `step`: the arrival that wants it, 0 and empty for the run as a whole."""

    answers: ClassVar[bool] = False

    visit: int
    step: str


@dataclass(frozen=True, slots=True)
class _About(_Effect):
    """An effect about the record of the block that its step stands in. It is answered."""

    answers: ClassVar[bool] = True

    entity: str
    record: str | None


@dataclass(frozen=True, slots=True)
class FindMany(_About):
    """Find the records of `wanted`, sorted, no more than `limit`: answered with their ids.

    `where` is a condition over `wanted`. `by`: id of the field of `wanted` that must link to `record`.
    """

    wanted: str
    where: str | None
    by: str | None
    sort: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class CreateRecord(_About):
    """Create a record of `wanted`: answered with its id. `values`: field id -> value as an expression gave it."""

    wanted: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateRecord(_About):
    """Change the record. `values`: field id -> value as an expression gave it."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteRecord(_About):
    """Move the record to the recycle bin."""


@dataclass(frozen=True, slots=True)
class AssignRecord(_About):
    """Give the record to somebody: by an assignment, or to the first of `to` who is active."""

    assignment: str | None
    to: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class OpenTask(_About):
    """Open a human task: answered with its id; when it is over `TaskOver` is told. `title` has holes."""

    title: Label
    to: tuple[Person, ...]
    due: datetime | None


@dataclass(frozen=True, slots=True)
class CloseTask(_Effect):
    """Nobody waits for this task any more. Does nothing when it is over."""

    task: str


@dataclass(frozen=True, slots=True)
class SubmitApproval(_About):
    """Submit the record: answered with the request's id; when it is settled `Settled` is told.

    `approval`: id; None: the first of the entity whose entry condition holds.
    """

    approval: str | None


@dataclass(frozen=True, slots=True)
class WithdrawApproval(_Effect):
    """Nobody waits for this request any more. Does nothing when it is settled."""

    request: str


@dataclass(frozen=True, slots=True)
class Tell(_About):
    """Tell people, in the application and by mail as `by` says. `subject` and `body` have holes.

    `address`: an e-mail address besides the people.
    """

    to: tuple[Person, ...]
    address: str | None
    by: tuple[Literal["app", "mail"], ...]
    subject: Label
    body: Label


@dataclass(frozen=True, slots=True)
class SendRequest(_About):
    """Queue an HTTP request: answered with the job's id; when it has come back `Answered` is told.

    `body`: key -> value; None: the record as its webhook shape.
    """

    url: str
    method: str
    body: Mapping[str, Any] | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class CancelRequest(_Effect):
    """Nobody waits for this answer any more. Does nothing when it has been sent."""

    job: str


@dataclass(frozen=True, slots=True)
class StartWorkflow(_About):
    """Start a workflow about the record: answered with the instance's id. `awaited`: at its end `Ended` is told."""

    workflow: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class CancelWorkflow(_Effect):
    """Nobody waits for this run any more. Does nothing when it is over."""

    instance: str


@dataclass(frozen=True, slots=True)
class SetTimer(_Effect):
    """Tell `Due` at that moment. Setting the same (visit, kind) again moves it."""

    kind: TimerKind
    at: datetime


@dataclass(frozen=True, slots=True)
class ClearTimer(_Effect):
    """The timer is void, when it is set at all. One that fires all the same does no harm."""

    kind: TimerKind


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trace. `detail` is JSON data; every condition that was asked is in it under `asked`."""

    visit: int
    step: str
    kind: LineKind
    detail: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Note(_Effect):
    """Write a line of the trace."""

    kind: LineKind
    detail: Mapping[str, Any]

    @property
    def line(self) -> Line:
        return Line(self.visit, self.step, self.kind, self.detail)


Answerable = (
    FindMany
    | CreateRecord
    | UpdateRecord
    | DeleteRecord
    | AssignRecord
    | OpenTask
    | SubmitApproval
    | Tell
    | SendRequest
    | StartWorkflow
)
Effect = Answerable | CloseTask | WithdrawApproval | CancelRequest | CancelWorkflow | SetTimer | ClearTimer | Note
