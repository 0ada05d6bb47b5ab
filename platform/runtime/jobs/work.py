"""What a job is: its row as a value, what its handler is given, and what a handler may answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metadata.model import EMPTY
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import AsUser, Identify, PlatformActor, Workspace

State = Literal["queued", "running", "done", "failed", "cancelled", "dead"]
"""`failed`: trying again is useless, its input must change. `dead`: tried often enough, a person may retry it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A row of work to be done. `attempt` counts the claims and is the fence: a late worker holds an older one."""

    id: str
    kind: str
    key: str | None
    state: State
    run_at: dt.datetime
    attempt: int
    max_attempts: int
    payload: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    created_by: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    cancel: bool

    @property
    def identity(self) -> Identify:
        """Who acts in it: whoever wanted it, with no more than the rights of the token that it was wanted by."""
        if self.created_by is None:
            return PlatformActor()
        token = self.payload.get("token", EMPTY)
        scopes = token.get("scopes")
        return AsUser(self.created_by, token.get("role"), None if scopes is None else frozenset(scopes))


@dataclass(frozen=True, slots=True)
class Done:
    """The job is finished, in the transaction of its effect."""

    result: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class More:
    """This part is done and kept; call again with this progress."""

    progress: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stuck:
    """What was done is kept, but it goes no further: the job is dead, and a person may have it taken up again."""

    error: Mapping[str, Any]


Outcome = Done | More | Stuck


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a handler: one transaction, which its outcome is part of. `job.progress` says where it stands."""

    ws: Workspace
    job: Job
    tell: Callable[[Mapping[str, Any]], None]
    """Show progress to people while a long step runs; it is not where the job is taken up again."""


Handler = Callable[[Step], Outcome]
"""Does one part of a job inside the transaction that it is given."""

OutsideHandler = Callable[[Host, Tenant, Job], Outcome]
"""Does one part of a job with transactions of its own, or none; it may be called again although it was done."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How jobs of one kind are done. `handler` is `module:function`, imported when the first such job runs."""

    handler: str
    outside: bool = False
    """The handler is an `OutsideHandler`."""
    channel: str = "job"
    """Channel of the workspaces, and so of the events."""
    attempts: int = 5
    """Failures in a row, with no progress between them, after which the job is dead."""
    longest: float = 600.0
    """Seconds that one step may take before its lease is no longer renewed."""
    given_up: str | None = None
    """`module:function`, called with a workspace, the job and its error when the job is failed or dead."""
