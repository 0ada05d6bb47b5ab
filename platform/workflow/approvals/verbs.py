"""What people and the clock do to a request. `actor` is the id of a user. See `acting.act` for what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metadata.model import EMPTY


@dataclass(frozen=True, slots=True)
class Submit:
    """A draft starts to run."""

    actor: str
    snapshot: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Field id -> value as JSON: kept, and shown to the approvers."""
    deciding: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What the route is decided by (any names, values as JSON): compared when it is submitted again."""
    picks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """Node id -> whom the initiator picks for it."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """同意. `changes`: field id -> value as JSON, of those that the node lets its approver write."""

    actor: str
    task: str
    comment: str = ""
    signature: str | None = None
    changes: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    picks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """Node id -> whom this approver picks for it."""


@dataclass(frozen=True, slots=True)
class Reject:
    """拒绝."""

    actor: str
    task: str
    comment: str = ""
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """退回. `to`: `initiator`, `previous`, or the id of a node that was passed."""

    actor: str
    task: str
    to: str = "initiator"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class AddSigner:
    """加签: before (前加签), after (后加签) or alongside (并加签) this task."""

    actor: str
    task: str
    how: Literal["before", "after", "alongside"]
    people: tuple[str, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RemoveSigner:
    """减签. `task` is that of the signer, or of the helper of a delegation."""

    actor: str
    task: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """转交: another person decides instead. Needs a comment."""

    actor: str
    task: str
    to: str
    comment: str


@dataclass(frozen=True, slots=True)
class Delegate:
    """委派: a helper gives an opinion, then the task comes back."""

    actor: str
    task: str
    to: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """撤回申请, by the initiator or an administrator of the approval."""

    actor: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """撤回审批: an approver undoes his own decision. `task` is the one that he decided."""

    actor: str
    task: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Void:
    """作废 of an approved request. No actor: a reverse approval was granted."""

    actor: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Urge:
    """催办. No task: everybody who is asked."""

    actor: str
    task: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """评论. Who may see the request is the caller's matter. `mentions`: ids of users."""

    actor: str
    text: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The time of a timer has come. One that is no longer set changes nothing."""

    key: str
    """`Timer.key`."""


@dataclass(frozen=True, slots=True)
class Reassign:
    """An administrator gives a task to another person."""

    actor: str
    task: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Jump:
    """An administrator lets the request go on at another node."""

    actor: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """An administrator ends the request. No actor: the platform does, as when its record is deleted."""

    actor: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Resubmit:
    """The initiator sends a returned request again."""

    actor: str
    snapshot: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    deciding: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    picks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """A person has left or was disabled: each of his open tasks finds another person. No actor: the platform."""

    user: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Represent:
    """Bring a person's open tasks in line with his standing proxies as they are now: to a proxy, or back to him."""

    user: str
    actor: str


Verb = (
    Submit
    | Approve
    | Reject
    | Return
    | AddSigner
    | RemoveSigner
    | Transfer
    | Delegate
    | Withdraw
    | TakeBack
    | Void
    | Urge
    | Comment
    | TimerDue
    | Reassign
    | Jump
    | Terminate
    | Resubmit
    | Leave
    | Represent
)
