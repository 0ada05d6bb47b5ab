"""One approval request as it stands: its tasks, where it has been and where it is. Values only; see `acting.act`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from metadata.model import EMPTY
from workflow.walking import Walk

State = Literal["draft", "running", "approved", "rejected", "withdrawn", "terminated", "voided"]
"""`draft → running → approved | rejected | withdrawn | terminated`, and `approved → voided`."""

TaskState = Literal[
    "waiting",
    "pending",
    "approving",
    "approved",
    "rejected",
    "returned",
    "transferred",
    "cancelled",
    "skipped",
    "expired",
]
"""`waiting`: not its turn, or signers before it or a helper are asked. `pending`: its assignee is asked. `approving`:
its assignee has approved, signers after it are asked. The others are over and never change."""

OPEN: frozenset[TaskState] = frozenset({"waiting", "pending", "approving"})

TaskKind = Literal["vote", "before", "after", "alongside", "delegate", "initiator"]
"""`vote` and `alongside` count in the node's mode. `before` and `after` bear on their parent's vote. `delegate` gives
its parent an opinion. `initiator`: to mend a returned request and send it again."""

Reason = Literal[
    "",
    "decided",
    "signer",
    "returned",
    "rejected",
    "withdrawn",
    "terminated",
    "jumped",
    "taken_back",
    "removed",
    "transferred",
    "timeout",
    "reassigned",
    "duplicate",
    "left",
    "proxy",
]
"""Why a task ended as it did when it was not simply decided: `decided`, others had decided the node before;
`signer`, an added signer rejected; `timeout`, nobody decided in time; `duplicate`, he has approved before; `left`, he
is no longer active; `proxy`, a standing proxy has it, or his principal has it back."""

INITIATOR = "$initiator"
"""The node of a returned request: its initiator mends it. No node of a definition can have this id."""


@dataclass(frozen=True, slots=True)
class Task:
    """One question to one person."""

    id: str
    visit: int
    """Number of the visit of the node."""
    node: str
    """Id of the node, or `INITIATOR`."""
    assignee: str
    """Id of the user who is asked."""
    state: TaskState
    order: int = 0
    """Place among those of the visit: a sequence asks them in this order."""
    kind: TaskKind = "vote"
    parent: str | None = None
    """Id of the task that `before`, `after` and `delegate` bear on, and of the one beside which `alongside` was put."""
    added_by: str | None = None
    """Id of the user who added this signer or asked this helper."""
    original_assignee: str | None = None
    """Who was asked first, when the task was transferred, reassigned or escalated."""
    behalf: str | None = None
    """For whom the assignee decides, by a standing proxy or in somebody's place: `assignee` for `behalf`."""
    deputy: str | None = None
    """A standing proxy who may decide this task as well, for the assignee."""
    weight: int = 1
    veto: bool = False
    again: str | None = None
    """Id of the task that this one opens again, after its decision was taken back; that one no longer counts."""
    opened_at: datetime | None = None
    """When it last became pending."""
    rounds: int = 0
    """How often it has become pending: it does so again after signers before it, and after a helper."""
    urged_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    """Who decided; None: nobody, it ended by itself."""
    comment: str = ""
    signature: str | None = None
    """Id of the file."""
    reason: Reason = ""

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival at a node. A node that is passed twice has two."""

    number: int
    node: str
    parent: int | None = None
    """Number of the visit of the composite node that this one stands in."""
    block: str = ""
    state: Literal["open", "passed", "rejected", "returned", "cancelled"] = "open"
    undone: bool = False
    """The request has gone back to before it: it no longer counts as passed."""
    entered_at: datetime | None = None
    left_at: datetime | None = None
    outcome: str = ""
    """Which policy has a say in a node with people: `empty_approve`, `empty_reject`, `admin` (one of those who look
    after the approval decides), `duplicate` (all have approved before)."""
    ways: tuple[str, ...] = ()
    """Of a branch: the names of its blocks that were taken."""
    copied: tuple[str, ...] = ()
    """Of a cc: whom it told."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A time at which something is due. It is gone once it has been handled, so it is handled once."""

    kind: Literal["remind", "timeout", "delay"]
    visit: int
    task: str | None
    n: int
    at: datetime
    round: int = 0
    """`Task.rounds`."""

    @property
    def key(self) -> str:
        """Unique within the request."""
        return f"{self.kind}:{self.visit}:{self.task or ''}:{self.round}:{self.n}"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to people about one record. It stays with the definition of its release."""

    id: str
    approval: str
    """Id of the definition."""
    release: int
    entity: str
    record: str
    initiator: str
    """Id of the user."""
    state: State = "draft"
    walk: Walk = field(default_factory=Walk)
    tasks: tuple[Task, ...] = ()
    visits: tuple[Visit, ...] = ()
    timers: tuple[Timer, ...] = ()
    snapshot: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Field id -> value as JSON, when it was submitted last; what approvers change is changed here too."""
    deciding: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What the route was decided by, when it was submitted last: see `deciding.texts`."""
    picks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """Node id -> the people whom the initiator or an approver has picked for it."""
    version: int = 0
    """Grows with every verb: two drivers at once are told apart by it."""
    returned_from: str | None = None
    """Id of the node that returned it to its initiator, while he mends it."""
    after_return: bool = False
    """It has been returned before: nobody is skipped for having approved already."""
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    """Why it was terminated or voided."""

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def returned(self) -> bool:
        """Whether its initiator has to mend it."""
        return self.running and any(each.kind == "initiator" and each.open for each in self.tasks)

    def task(self, id: str) -> Task | None:
        return next((each for each in self.tasks if each.id == id), None)

    def visit(self, number: int) -> Visit:
        return next(each for each in self.visits if each.number == number)

    def pending(self) -> tuple[Task, ...]:
        """The tasks that somebody is asked to decide now."""
        return tuple(each for each in self.tasks if each.state == "pending")

    def within(self, visit: int) -> tuple[Task, ...]:
        """All tasks of a visit, in the order in which they were made."""
        return tuple(each for each in self.tasks if each.visit == visit)


def with_task(request: Request, task: Task) -> Request:
    """The task put in the place of the one with its id, or at the end."""
    if request.task(task.id) is None:
        return replace(request, tasks=(*request.tasks, task))
    return replace(request, tasks=tuple(task if each.id == task.id else each for each in request.tasks))


def with_visit(request: Request, visit: Visit) -> Request:
    """The visit put in the place of the one with its number, or at the end."""
    if all(each.number != visit.number for each in request.visits):
        return replace(request, visits=(*request.visits, visit))
    return replace(request, visits=tuple(visit if each.number == visit.number else each for each in request.visits))


def changed_tasks(before: Request, after: Request) -> tuple[Task, ...]:
    """The tasks of `after` that are new or differ: what a list of tasks has to write."""
    known = {each.id: each for each in before.tasks}
    return tuple(each for each in after.tasks if known.get(each.id) != each)
