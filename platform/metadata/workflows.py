"""What a workflow says, as the model has it: what starts it, and its steps as blocks within blocks.

Steps stand in blocks, and a composite step holds blocks of its own, so every workflow is a tree and draws itself as
one. Texts of expressions are about the record of the block that they stand in: the workflow's own record, or the one
that `each` or `find` has come to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from metadata.model import EMPTY
from metadata.problems import Label

if TYPE_CHECKING:
    from metadata.model import Model

Steps = tuple["Step", ...]
"""A block: done one after another."""

TriggerKind = Literal["created", "updated", "deleted", "date", "schedule", "button", "webhook", "message", "called"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of another system: which, and the value in it that says what it is about."""

    name: str
    """Name of the incoming webhook by which it comes."""
    at: str
    """Path in the body: `invoice.number`."""
    field: str | None = None
    """Of a trigger: id of the field of the record that holds the same."""
    match: str | None = None
    """Of a wait: text of an expression over the record of the block that has the same value."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One reason to start. `when` is the text of a condition over the record that must hold; None: always."""

    id: str
    kind: TriggerKind
    when: str | None = None
    label: Label = dataclasses.field(default_factory=lambda: EMPTY)
    """Of a button."""
    field: str | None = None
    """`date`: id of the date or datetime field that is reached; it starts once for each value of each record."""
    offset: str | None = None
    """`date`: an ISO 8601 duration after the field's moment, negative before it: `-P3D`."""
    at: str | None = None
    """`date` over a date field: the time of day in the tenant's zone, `09:00` if not given."""
    cron: str | None = None
    """`schedule`: five fields of cron, in `zone`."""
    zone: str | None = None
    """`schedule`: an IANA zone; the tenant's if not given."""
    roles: tuple[str, ...] = ()
    """`button`: ids of the roles that may press it; none: whoever may update the record."""
    values: Mapping[str, str] = dataclasses.field(default_factory=lambda: EMPTY)
    """`webhook`: field id -> path in the body that came, for the record that it creates (`customer.name`)."""
    message: Message | None = None
    """`message`: what is taken; it starts for the records whose `field` has the value that came."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is set to: a text of an expression, or a record that the run knows."""

    expression: str | None = None
    record: str | None = None
    """`record`: the record of the block; `start`: the record that the run is about; else the id of a `create` step."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: the first of these that gives somebody who is active."""

    expression: str | None = None
    """A path to a user, over the record of the block: `owner`, `account.owner`."""
    role: str | None = None
    manager_of: str | None = None
    """A path to a user whose manager is meant."""
    initiator: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Its id is unique in the whole workflow."""

    kind: ClassVar[str]
    replay: ClassVar[Literal["safe", "keyed", "never"]] = "safe"
    """Whether it may be done again after a failure: `keyed` only with the same key at the other side."""

    id: str
    label: Label

    @property
    def blocks(self) -> Mapping[str, Steps]:
        """Name -> the blocks within it."""
        return EMPTY


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a choice."""

    id: str
    when: str
    steps: Steps
    label: Label = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Choice(Step):
    """`if` and `switch`: the first case whose condition holds, else `otherwise`."""

    kind = "choice"
    cases: tuple[Case, ...] = ()
    otherwise: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {**{case.id: case.steps for case in self.cases}, "else": self.otherwise}


@dataclass(frozen=True, slots=True)
class Parallel(Step):
    """All branches at once; goes on when `all` are over, or `any` of them: then the others are cancelled."""

    kind = "parallel"
    branches: Mapping[str, Steps] = dataclasses.field(default_factory=lambda: EMPTY)
    join: Literal["all", "any"] = "all"

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return self.branches


@dataclass(frozen=True, slots=True)
class Each(Step):
    """`for_each`: the steps for each record that is found, one after another."""

    kind = "each"
    entity: str = ""
    where: str | None = None
    """A condition over `entity`."""
    by: str | None = None
    """Id of a field of `entity` that links to the record of the block, so that only its own are found."""
    sort: tuple[str, ...] = ()
    limit: int = 200
    steps: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"do": self.steps}


@dataclass(frozen=True, slots=True)
class Find(Step):
    """The first record found becomes the record of `found`; without one `none` is done."""

    kind = "find"
    entity: str = ""
    where: str | None = None
    by: str | None = None
    sort: tuple[str, ...] = ()
    found: Steps = ()
    none: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"found": self.found, "none": self.none}


@dataclass(frozen=True, slots=True)
class With(Step):
    """The record at the end of a path over links becomes the record of `do`; where there is none, `none` is done."""

    kind = "with"
    path: str = ""
    """Ids of links of the record of the block, dotted: `account.parent`."""
    entity: str = ""
    """Id of the entity to which they lead."""
    steps: Steps = ()
    none: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"do": self.steps, "none": self.none}


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Until a span is over, a moment is reached, something happens to the record or a message about it comes; `late`
    after the timeout."""

    kind = "wait"
    span: str | None = None
    """ISO 8601 duration."""
    until: str | None = None
    """Text of an expression with a date or datetime."""
    calendar: str | None = None
    """Id of the calendar in which `span` and `timeout` count; None: the clock."""
    event: Literal["updated", "deleted"] | None = None
    when: str | None = None
    """Condition that must hold after the event."""
    message: Message | None = None
    timeout: str | None = None
    late: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"late": self.late}


@dataclass(frozen=True, slots=True)
class HumanTask(Step):
    """A core `task` for somebody; goes on when it is done (`done`) or dropped (`dropped`), or or `late`."""

    kind = "task"
    title: Label = dataclasses.field(default_factory=lambda: EMPTY)
    """With holes, see `expressions.holes`."""
    to: tuple[Person, ...] = ()
    due: str | None = None
    """ISO 8601 duration from now on."""
    calendar: str | None = None
    done: Steps = ()
    dropped: Steps = ()
    timeout: str | None = None
    late: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"done": self.done, "dropped": self.dropped, "late": self.late}


@dataclass(frozen=True, slots=True)
class Ask(Step):
    """`approval`: submits the record of the block to an approval, and goes on when it is settled."""

    kind = "approval"
    approval: str | None = None
    """Id; None: the first of the entity whose entry condition holds."""
    approved: Steps = ()
    rejected: Steps = ()
    withdrawn: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"approved": self.approved, "rejected": self.rejected, "withdrawn": self.withdrawn}


@dataclass(frozen=True, slots=True)
class Create(Step):
    kind = "create"
    entity: str = ""
    values: Mapping[str, Value] = dataclasses.field(default_factory=lambda: EMPTY)
    """Field id -> its value."""


@dataclass(frozen=True, slots=True)
class Update(Step):
    """Changes the record of the block."""

    kind = "update"
    values: Mapping[str, Value] = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Delete(Step):
    """Moves the record of the block to the recycle bin."""

    kind = "delete"


@dataclass(frozen=True, slots=True)
class Assign(Step):
    """Gives the record of the block to somebody: by an assignment (section `assignments`), or by name."""

    kind = "assign"
    assignment: str | None = None
    to: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Send(Step):
    """Tells people in the application and by mail, as `by` says."""

    kind = "send"
    replay = "keyed"
    to: tuple[Person, ...] = ()
    address: str | None = None
    """Text of an expression with an e-mail address, for somebody without an account."""
    by: tuple[Literal["app", "mail"], ...] = ("app",)
    subject: Label = dataclasses.field(default_factory=lambda: EMPTY)
    body: Label = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class CallHttp(Step):
    """`call`: a request through the egress door, as a job of its own; goes on with the answer."""

    kind = "call"
    replay = "keyed"
    url: str = ""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: Mapping[str, Value] = dataclasses.field(default_factory=lambda: EMPTY)
    """Key of the JSON body -> its value. Empty: the record as its webhook shape."""
    secret: str | None = None
    """Name of the tenant's secret with which the body is signed."""
    ok: Steps = ()
    failed: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"ok": self.ok, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class Run(Step):
    """`run`: another workflow about the record of the block; waits for its end unless `wait` is false."""

    kind = "run"
    workflow: str = ""
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Try(Step):
    """`try`: when a step in `steps` fails for good, `catch` is done, and the run goes on."""

    kind = "try"
    steps: Steps = ()
    catch: Steps = ()

    @property
    def blocks(self) -> Mapping[str, Steps]:
        return {"do": self.steps, "catch": self.catch}


@dataclass(frozen=True, slots=True)
class Stop(Step):
    """Ends the whole run."""

    kind = "stop"
    failed: bool = False
    reason: Label = dataclasses.field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow, about records of one entity."""

    id: str
    key: str
    label: Label
    entity: str
    triggers: tuple[Trigger, ...] = ()
    steps: Steps = ()
    active: bool = True
    priority: int = 100
    """Of those that one event starts, the smaller begin first."""
    run_as: str = "initiator"
    """`initiator`, or the id of a role whose rights the run has: a named grant."""
    on_import: bool = False
    """Whether records of an import start it."""
    once: bool = False
    """Whether a record has at most one running instance at a time."""

    def every(self) -> Iterator[Step]:
        """All steps, in the order in which they are written."""
        yield from walk(self.steps)

    def placed(self) -> Iterator[tuple[Step, str]]:
        """The same, each with the id of the entity whose record its block is about."""
        yield from _placed(self.steps, self.entity)


def walk(steps: Steps) -> Iterator[Step]:
    """These steps and all within them."""
    for step in steps:
        yield step
        for block in step.blocks.values():
            yield from walk(block)


def about(step: Step, block: str, entity: str) -> str:
    """Id of the entity whose records a block within a step is about; `entity`: what the step itself is about."""
    match step, block:
        case (Each(entity=found), "do") | (Find(entity=found), "found") | (With(entity=found), "do"):
            return found
    return entity


def _placed(steps: Steps, entity: str) -> Iterator[tuple[Step, str]]:
    for step in steps:
        yield step, entity
        for name, block in step.blocks.items():
            yield from _placed(block, about(step, name, entity))


def workflows_of(model: Model, entity: str) -> tuple[Workflow, ...]:
    """The workflows about an entity, in the order in which they begin."""
    return tuple(sorted((each for each in model.all("workflows") if each.entity == entity), key=lambda w: w.priority))
