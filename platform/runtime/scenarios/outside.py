"""The doors of a stage: what would go outside is taken out of the outbox, written down, and answered as is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from metadata.scenarios import Outside
from runtime.deliveries.chain import serve
from runtime.deliveries.delivery import Held, Sent
from runtime.directory import Tenant
from runtime.host import Host
from runtime.settings import Settings

_OK = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that would have been sent."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A request that would have been sent. `body`: JSON data."""

    method: str
    url: str
    body: Any


@dataclass(slots=True)
class Doors:
    """Everything that went out since it was cleared; a message that is tried again counts once."""

    host: Host
    tenant: Tenant
    letters: list[Letter] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    answers: Sequence[Outside] = ()
    _known: set[str] = field(default_factory=set)

    def clear(self) -> None:
        self.letters.clear()
        self.calls.clear()
        self._known.clear()
        self.answers = ()

    def open(self, tenant_id: str, target: str) -> None:
        """Have everything that is due for a target sent: to here."""
        serve(self.host, self.tenant, target, send=self._send)

    def _send(self, settings: Settings, tenant: str, organisation: str, held: Held) -> Sent:
        payload: Mapping[str, Any] = held.payload
        first = held.delivery.id not in self._known
        self._known.add(held.delivery.id)
        if held.delivery.channel == "mail":
            if first:
                self.letters.append(Letter(payload["to"], payload["subject"], payload["text"]))
            return Sent(True)
        if first:
            body = orjson.loads(payload["body"]) if payload["body"] else None
            self.calls.append(Called(payload["method"], payload["url"], body))
        return _answer(self.answers, payload["url"])


def _answer(answers: Sequence[Outside], url: str) -> Sent:
    status = next((each.status for each in answers if url.startswith(each.url)), _OK)
    if status < 400:
        return Sent(True, status=status)
    return Sent(False, status < 500, False, status, f"status_{status}")
