"""What a scenario (场景测试) says, as the model has it: what is given, what is done, and what is then expected.

Values are JSON data by field id; where a field leads to a record they hold the key by which the scenario knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metadata.model import EMPTY
from metadata.problems import Label

START = "2026-03-02T09:00"
"""When a scenario begins that says nothing of it: a Monday."""

ActKind = Literal[
    "create",
    "update",
    "delete",
    "restore",
    "find",
    "press",
    "submit",
    "decide",
    "assign",
    "claim",
    "give_back",
    "receive",
    "wait",
]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody given. `roles`: ids; `values`: of his record of `user`."""

    key: str
    roles: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Given:
    """A record given. `at`: local time at which it was made; None: when the scenario begins."""

    key: str
    entity: str
    values: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """How another system answers requests whose address begins with `url`."""

    key: str
    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done. Which of the others are given depends on `does`, see the grammar."""

    does: ActKind
    record: str | None = None
    """Key of a record."""
    entity: str | None = None
    """Id of an entity; of the record's own where one is named."""
    values: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    where: str | None = None
    name: str | None = None
    """`press`: name of the button; `submit`, `assign`, `give_back`: id of the approval, the assignment, the pool;
    `decide`: the verb."""
    comment: str = ""
    """Also the reason of `give_back`."""
    to: str | None = None
    """`decide`: key of a person, or id of a node."""
    of: str | None = None
    """`decide`: key of the person whose task is meant."""
    people: tuple[str, ...] = ()
    how: str | None = None
    picks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """Node id -> keys of people."""
    confirm: bool = False
    body: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """`receive`: what another system sends."""
    span: str | None = None
    until: str | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A task, notification or mail that is expected. Without `count` at least one must fit."""

    key: str
    to: str | None = None
    """Key of a person, or of a mail an address."""
    subject: Label | None = None
    contains: Label | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request to another system that is expected."""

    key: str
    url: str | None = None
    method: str | None = None
    body: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many records of an entity meet a condition."""

    key: str
    entity: str
    count: int
    where: str | None = None


@dataclass(frozen=True, slots=True)
class RunOf:
    """Runs of a workflow (id) that are expected."""

    workflow: str
    record: str | None = None
    state: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the approval of a record is expected to stand."""

    record: str
    state: str | None = None
    approval: str | None = None
    """Id."""
    waiting: tuple[str, ...] | None = None
    """Keys of exactly those whose turn it is."""
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition over a record."""

    record: str
    condition: str


@dataclass(frozen=True, slots=True)
class Expect:
    """Everything that is expected after a step."""

    records: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    """Key of a record -> field id -> value."""
    holds: tuple[Holds, ...] = ()
    deleted: tuple[str, ...] = ()
    visible: Mapping[str, Mapping[str, bool]] = field(default_factory=lambda: EMPTY)
    """Key of a person -> key of a record."""
    counts: tuple[Count, ...] = ()
    tasks: tuple[Message, ...] = ()
    notifications: tuple[Message, ...] = ()
    mails: tuple[Message, ...] = ()
    calls: tuple[Request, ...] = ()
    runs: tuple[RunOf, ...] = ()
    approvals: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Without `act` it only expects."""

    id: str
    key: str
    label: Label
    act: Act | None = None
    by: str | None = None
    """Key of the person who acts; None: the platform."""
    refused: str | None = None
    """It must be refused: id of a rule, or code of a problem."""
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One test of the description."""

    id: str
    key: str
    label: Label
    steps: tuple[Step, ...]
    now: str = START
    """Local time in the tenant's zone."""
    people: tuple[Person, ...] = ()
    records: tuple[Given, ...] = ()
    outside: tuple[Outside, ...] = ()
    entities: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Key of every record and person -> id of its entity."""
