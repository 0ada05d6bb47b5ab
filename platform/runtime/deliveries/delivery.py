"""What a delivery is: something for a system or a person outside, from the transaction that wants it to its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Channel = Literal["http", "mail"]
State = Literal["queued", "sending", "done", "failed", "dead"]
"""`failed`: refused for good. `dead`: tried often enough. A person may have either sent again."""

STATES: tuple[State, ...] = ("queued", "sending", "done", "failed", "dead")
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 18_000, 36_000)
"""Seconds between one try and the next; more or less by a fifth, so that not all come back at once."""
PATIENT = len(PAUSES) + 1
"""Tries of what nobody waits for: the last one is 19 hours after the first."""
AWAITED = 6
"""Tries of what a workflow's run waits for: the last one is 45 minutes after the first."""
LEASE = 45.0
"""Seconds after which a sender that has not told how it ended is taken for dead. Longer than any one sending."""
OLDEST = dt.timedelta(days=3)
"""What could not be sent by then, its target being away, is dead."""
MAIL = "mail"
"""The target of all mail: the one server that takes it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox. `key` is the same for the same thing, however often it is wanted or sent."""

    id: str
    key: str
    channel: Channel
    target: str
    """Host and port that it goes to: what shares a target waits for each other."""
    about: str
    """What people are told of it: method and host, or the host of a mail address. Never more of an address."""
    origin: str | None
    """Id of the webhook that it is of."""
    state: State
    attempt: int
    attempts: int
    next_at: dt.datetime
    status: int | None
    """Of the last answer."""
    error: str | None
    """A code of the last failure."""
    then: Mapping[str, Any] | None
    """Who waits for its end: `{instance, visit}`."""
    epoch: int
    created_at: dt.datetime
    finished_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sent:
    """How one try ended. `final`: trying again is useless. `away`: the target's fault, not the message's."""

    ok: bool
    final: bool = False
    away: bool = False
    status: int | None = None
    error: str | None = None
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that this process is to send, with what it is. `secret`: by which it is signed."""

    delivery: Delivery
    payload: Mapping[str, Any]
    secret: str | None = None
