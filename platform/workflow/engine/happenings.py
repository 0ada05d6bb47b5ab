"""What a run is told: answers to its effects, and what came from outside. One that it does not wait for is stale.

A stale happening changes nothing and gives no effects, so it does no harm to tell the same one twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metadata.model import EMPTY
from workflow.engine.instance import TimerKind
from workflow.engine.reasons import Reason


@dataclass(frozen=True, slots=True)
class Begin:
    """Once, for an instance that has not begun. `chain`: the workflows that led to it, the first one first."""

    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Performed:
    """The effect of a visit is done.

    `result`: of FindMany the ids found, in order; of CreateRecord, OpenTask, SubmitApproval, SendRequest and
    StartWorkflow the id of what it made (record, task, request, job, instance); None of the others.
    """

    visit: int
    result: str | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect of a visit could not be done. Not `final`: it will be tried again, and the run only notes it."""

    visit: int
    reason: Reason
    final: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """The timer of a visit has fired."""

    visit: int
    kind: TimerKind


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened to a record. For every `wait` of the run that is about it.

    `changed`: ids of the fields that differ. The world of this call answers `old.x` and `changed('x')` for the record.
    """

    kind: Literal["updated", "deleted"]
    record: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskOver:
    """The human task of a visit is over."""

    visit: int
    outcome: Literal["done", "dropped"]


@dataclass(frozen=True, slots=True)
class Settled:
    """The approval of a visit is settled; one that was terminated or voided counts as withdrawn."""

    visit: int
    outcome: Literal["approved", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Answered:
    """The request of a visit was answered, or for good not.

    `answer` is what the trace keeps, as JSON data; `status` in it is shown to people.
    """

    visit: int
    ok: bool
    answer: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Came:
    """The message that a visit waits for has come. `answer` is what the trace keeps of it, as JSON data."""

    visit: int
    answer: Mapping[str, Any] = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Ended:
    """The workflow that a visit waits for is over; `ok` when its state is `done` or `stopped`."""

    visit: int
    ok: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody ends the run."""

    reason: Reason


Happening = Begin | Performed | Failed | Due | Happened | TaskOver | Settled | Answered | Came | Ended | Cancel
