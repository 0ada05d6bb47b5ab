"""What an approval says, as the model has it: when a record needs one, its nodes as blocks within blocks, its policies.

The words and defaults are those of the field: DingTalk's and Feishu's designers, Flowable's delegation, Salesforce's
approval processes. Where they disagree the choice is a property here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from metadata.model import EMPTY
from metadata.problems import Label
from metadata.rules import scope_of_rules

if TYPE_CHECKING:
    from metadata.expressions.names import Scope
    from metadata.model import Model

Nodes = tuple["Node", ...]

WhoBy = Literal[
    "user",
    "role",
    "unit_head",
    "manager_of",
    "managers_up_to",
    "initiator",
    "initiator_picks",
    "approver_picks",
    "field",
    "matrix",
    "expression",
]


@dataclass(frozen=True, slots=True)
class Who:
    """One source of approvers; those of a node are united in order."""

    by: WhoBy
    of: str = "initiator"
    """`initiator`, `assignee` (of an escalation), or a path of the record to a user or unit."""
    level: int = 1
    """How many steps up. `managers_up_to` without a role: 0 is to the top."""
    climb: Literal["next_up", "skip", "empty"] = "next_up"
    """What a missing level gives: the highest there is, nobody from this source, or an empty node."""
    role: str | None = None
    """Id of a role: whose holders, or up to whom."""
    within: Literal["tenant", "initiator_unit", "record_unit"] = "tenant"
    user: str | None = None
    """E-mail address of a user."""
    path: str | None = None
    """Path of the record to a user, a list of users, or a unit (its head)."""
    expression: str | None = None
    """Text whose value is a user."""
    matrix: str | None = None
    """Key of a matrix of the approval."""
    most: int = 1
    """Of a choice by a person."""
    least: int = 1
    among: tuple[str, ...] = ()
    """Of a choice by a person: ids of the roles to choose from; none: everybody."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """The first row whose condition holds says who."""

    id: str
    when: str | None
    who: tuple[Who, ...]


@dataclass(frozen=True, slots=True)
class Mode:
    """How many of a node's voters decide."""

    kind: Literal["sequential", "all", "any", "ratio", "weighted", "random"] = "all"
    at_least: int = 100
    """`ratio`: percent of approvals; `weighted`: sum of the weights."""
    any_reject: Literal["first", "all"] = "first"
    """`any`: whether the first rejection ends the node, or only that of everybody."""
    wait_all: bool = False
    """`all`: whether everybody decides although one has rejected."""
    weights: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    """`weighted`: id of a role -> the weight of its holders; 1 for others."""
    veto: tuple[str, ...] = ()
    """Ids of roles of whom one rejection ends the node."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """What happens when nobody decides. Durations are ISO 8601, in a calendar of business time or by the clock."""

    after: str
    calendar: str | None = None
    remind: str | None = None
    """Interval of reminders before `after`."""
    reminders: int = 3
    then: Literal["remind", "escalate", "approve", "reject", "transfer"] = "remind"
    to: tuple[Who, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One node. Its id is unique in the whole approval."""

    kind: ClassVar[str]
    id: str
    label: Label

    @property
    def blocks(self) -> Mapping[str, Nodes]:
        return EMPTY


@dataclass(frozen=True, slots=True)
class Human(Node):
    """`approve` (审批), or `handle` (办理), which cannot be rejected."""

    kind = "human"
    handle: bool = False
    who: tuple[Who, ...] = ()
    mode: Mode = field(default_factory=Mode)
    empty: Literal["climb", "approve", "reject", "users", "admin"] = "admin"
    empty_users: tuple[Who, ...] = ()
    self_: Literal["allow", "skip", "to_manager", "to_unit_head"] = "allow"
    """What is done when the initiator is among the approvers."""
    reject: Literal["end", "return"] = "end"
    return_to: tuple[str, ...] = ("initiator", "any_passed")
    """`initiator`, `previous`, `any_passed`, or ids of nodes."""
    comment_on: tuple[Literal["approve", "reject", "return"], ...] = ()
    sign: bool = False
    bulk: bool = False
    fields: Mapping[str, Literal["read", "write", "hidden"]] = field(default_factory=lambda: EMPTY)
    timeout: Timeout | None = None
    cap: int = 25


@dataclass(frozen=True, slots=True)
class Copy(Node):
    """`cc` (抄送): tells people, who may read this request's snapshot; never blocks."""

    kind = "cc"
    who: tuple[Who, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a branch."""

    id: str
    when: str
    nodes: Nodes
    label: Label = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """Exclusive: the first way whose condition holds; `inclusive`: all of them at once. Else `otherwise`."""

    kind = "branch"
    ways: tuple[Way, ...] = ()
    otherwise: Nodes = ()
    inclusive: bool = False

    @property
    def blocks(self) -> Mapping[str, Nodes]:
        return {**{way.id: way.nodes for way in self.ways}, "else": self.otherwise}


@dataclass(frozen=True, slots=True)
class Together(Node):
    """`parallel`: all branches at once; joins when all have ended. A rejection in one rejects the request."""

    kind = "parallel"
    branches: Mapping[str, Nodes] = field(default_factory=lambda: EMPTY)

    @property
    def blocks(self) -> Mapping[str, Nodes]:
        return self.branches


@dataclass(frozen=True, slots=True)
class Route(Node):
    """Goes on at another node of the same block or of one around it, while its condition holds."""

    kind = "route"
    to: str = ""
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Delay(Node):
    kind = "delay"
    span: str = ""
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class SetFields(Node):
    """`set`: changes the record, in the transaction of the transition."""

    kind = "set"
    values: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Field id -> text of its value."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval of one entity. A record takes the first whose entry condition it meets."""

    id: str
    key: str
    label: Label
    entity: str
    nodes: Nodes = ()
    entry: str | None = None
    priority: int = 100
    active: bool = True
    title: Label = field(default_factory=lambda: EMPTY)
    """With holes, see `expressions.holes`."""
    summary: tuple[str, ...] = ()
    """Ids of fields: what a phone and a mail show."""
    submitters: tuple[str, ...] = ()
    """Ids of roles; none: whoever may update the record."""
    withdraw: Literal["before_first_action", "while_running", "admin_only"] = "before_first_action"
    resubmit: Literal["restart", "direct"] = "restart"
    """After a return: from the first node, or straight to the node that returned it, unless a field that decides the
    route has changed."""
    same_approver: Literal["none", "adjacent", "once"] = "adjacent"
    """`dup_approver` (同一人去重): whether who has approved before need not do so again."""
    open_fields: tuple[str, ...] = ()
    """Ids of fields that the current approver may change although the record is locked."""
    keep_lock: frozenset[Literal["approved", "rejected"]] = frozenset()
    """After which ends the record stays locked."""
    separated: tuple[str, ...] = ()
    """`sod`: ids of nodes where no rule lets the initiator decide, himself or by proxy."""
    material: tuple[str, ...] = ()
    """Ids of fields whose change after approval asks for a new approval."""
    admins: tuple[str, ...] = ()
    """Ids of roles who may reassign, jump and terminate, and get what has no approver."""
    on_delete: Literal["refuse", "terminate"] = "refuse"
    mail: bool = False
    """Whether whoever is asked gets a mail with a link to decide by."""
    matrices: Mapping[str, tuple[MatrixRow, ...]] = field(default_factory=lambda: EMPTY)
    actions: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: EMPTY)
    """What each transition (`submitted`, `approved`, `rejected`, `withdrawn`, `returned`, `terminated`, `voided`)
    sets: field id -> text of its value."""

    def every(self) -> Iterator[Node]:
        yield from walk(self.nodes)


def walk(nodes: Nodes) -> Iterator[Node]:
    """These nodes and all within them."""
    for node in nodes:
        yield node
        for block in node.blocks.values():
            yield from walk(block)


def approvals_of(model: Model, entity: str) -> tuple[Approval, ...]:
    """The approvals of an entity, in the order in which a record looks for its own."""
    return tuple(sorted((each for each in model.all("approvals") if each.entity == entity), key=lambda a: a.priority))


def conditions_of(approval: Approval) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every condition that decides whether an approval is needed and which way it goes: where it stands, its text."""
    if approval.entry is not None:
        yield ("entry",), approval.entry
    for key, rows in approval.matrices.items():
        yield from ((("matrices", key, row.id, "when"), row.when) for row in rows if row.when is not None)
    for node in approval.every():
        if isinstance(node, Branch):
            yield from ((("nodes", node.id, "ways", way.id, "when"), way.when) for way in node.ways)
        elif isinstance(node, Route) and node.when is not None:
            yield ("nodes", node.id, "when"), node.when


def deciding_fields(approval: Approval, model: Model) -> frozenset[str]:
    """Ids of the record's own fields that decide the route: read by the entry, a branch, a route or a matrix.

    What such a condition reads of another record counts as the link to it, or the list that it is in.
    """
    from metadata.expressions.parser import parse_in

    entity = model.entity(approval.entity)
    if entity is None:
        return frozenset()
    scope = scope_of_approvals(model)
    read = (parse_in(text, entity, scope).reads() for _, text in conditions_of(approval))
    return frozenset(field for found in read for owner, field in found if owner == entity.id)


def scope_of_approvals(model: Model) -> Scope:
    """What the texts of an approval may name. Values may look at `$user`, who acts; conditions never do.

    Encrypted fields are closed to them, since a request keeps what it has looked at.
    """
    return replace(scope_of_rules(model), changes=False, encrypted=False)
