"""What a verb asks the platform to do, in order and in the transaction that stores the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metadata.model import EMPTY

from .request import State, Task, Timer

Moment = Literal["submitted", "approved", "rejected", "withdrawn", "returned", "terminated", "voided", "node"]


@dataclass(frozen=True, slots=True)
class OpenTasks:
    """These people are asked now: the tasks are new and pending, or pending again."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class CloseTasks:
    """These tasks were open and are over."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class SetFields:
    """Change the record: field id -> text of its value, as `Approval.actions` and nodes of kind `set` have it."""

    values: Mapping[str, str]
    moment: Moment
    visit: int | None = None


@dataclass(frozen=True, slots=True)
class WriteFields:
    """An approver's own changes: field id -> value as JSON, to be validated like any save; refuse the verb if not."""

    values: Mapping[str, Any]
    task: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Nobody changes the record but open fields by a current approver."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """The record is free again."""


Occasion = Literal[
    "asked",
    "remind",
    "overdue",
    "urged",
    "escalated",
    "no_approver",
    "returned",
    "approved",
    "rejected",
    "withdrawn",
    "terminated",
    "voided",
    "taken_back",
    "mentioned",
]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell people. Those of `OpenTasks` are told by that; `task` says about which task this is."""

    occasion: Occasion
    people: tuple[str, ...]
    task: str | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Come back with `TimerDue(timer.key)` at `timer.at`. A timer need not be taken away: a stale one does nothing."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Copied:
    """抄送: these people may read the snapshot of this request from now on, and are told."""

    people: tuple[str, ...]
    visit: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The request is over, with this state."""

    state: State


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail. The platform adds time, channel and address."""

    verb: str
    """`submit`, `approve`, ..., as the verbs are called; `write` for an approver's changes. What happens by itself:
    `arrive`, `branch`, `route`, `copy`, `skip`, `auto_approve`, `auto_reject`, `remind`, `expire`, `reroute`, `end`."""
    actor: str | None = None
    """None: the platform."""
    behalf: str | None = None
    visit: int | None = None
    node: str | None = None
    task: str | None = None
    before: str = ""
    """State of the task, or of the request when there is no task, before and after."""
    after: str = ""
    comment: str = ""
    people: tuple[str, ...] = ()
    """Whom it concerns: signers added, the new assignee, the people copied."""
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=lambda: EMPTY)
    """Field id -> value before and after, of those that an approver changed."""
    detail: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What else explains it, as JSON: where it was returned to, which ways were taken, why it was automatic."""


Effect = OpenTasks | CloseTasks | SetFields | WriteFields | Lock | Unlock | Notify | SetTimer | Copied | Ended | Entry
