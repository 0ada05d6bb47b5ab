"""What the engine asks about the record, the people and the clock. The runtime answers from rows, tests from dicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from metadata.approvals import Approval, Who

from .choosing import Proxy
from .request import Request


class World(Protocol):
    """What is so at one moment. Users are named by their ids; asking changes nothing."""

    @property
    def now(self) -> datetime: ...

    def holds(self, text: str) -> bool:
        """Whether a condition holds of the record."""

    def setting(self, values: Mapping[str, str]) -> World:
        """The world after the record's fields were set (field id -> text of the value): what the runtime will do when
        it performs `SetFields`, so that conditions further on see it."""

    def writing(self, values: Mapping[str, object]) -> World:
        """The same for what an approver sends (field id -> value as JSON), see `WriteFields`."""

    def candidates(self, who: Who, request: Request, assignee: str | None) -> Sequence[str] | None:
        """The users whom one source gives, in order, as `choosing.climb` and its neighbours say; None: it makes the
        node empty. `assignee`: of the task that escalates. Never asked for `initiator`, picks by people and matrices,
        which the engine knows itself.
        """

    def active(self, user: str) -> bool: ...

    def managers(self, user: str) -> Sequence[str]:
        """The managers above a user, the direct one first."""

    def heads(self, user: str) -> Sequence[str]:
        """The heads of a user's unit and of the units around it, the nearest first."""

    def admins(self, approval: Approval) -> Sequence[str]:
        """Who looks after an approval: they may reassign, jump, terminate and void."""

    def roles(self, user: str) -> Collection[str]:
        """Ids of the roles that a user holds."""

    def name(self, user: str) -> str:
        """How a user is called in a message."""

    def proxies(self) -> Sequence[Proxy]: ...

    def after(self, span: str, calendar: str | None, start: datetime) -> datetime:
        """When an ISO 8601 duration from `start` is over, in business time of a calendar or by the clock."""

    def new_id(self) -> str:
        """An id that nothing has, for a task."""
